"""Artifact folders: whole or absent, checked on opening."""

import json
import os
import shutil
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from builds import Made

from mma_core import artifact, folders
from mma_core.artifact import Artifact
from mma_core.errors import ArtifactError

pytest_plugins = ("engine_fixtures",)

FILES = ("model.onnx", "config.json", "tokenizer.json", "tokenizer_config.json", "recipe.json")


@pytest.fixture
def folder(made: Made, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return shutil.copytree(made("bert").folder, tmp_path / "copy")


def test_layout_and_manifest(made: Made) -> None:
    found = made("bert")
    assert {path.name for path in found.folder.iterdir()} == set(FILES)
    assert found.manifest["files"].keys() == set(FILES) - {"recipe.json"}
    wanted = {
        "recipe", "command", "teacher", "teacher_sha256", "versions", "data", "seed", "created", "parameters", "engine",
        "agreement", "files", "seconds", "max_pieces",
    }  # fmt: skip
    assert wanted <= found.manifest.keys()
    assert found.manifest["recipe"] == "onnx"
    assert found.manifest["engine"] == "onnxruntime"
    assert found.model == found.folder / "model.onnx"
    assert found.config["id2label"]["1"] == "B-PER"
    settings = json.loads((found.folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    assert settings["pad_token"] == "[PAD]"
    assert settings["model_max_length"] == found.manifest["max_pieces"]
    pieces = (found.folder / "tokenizer.json").read_text(encoding="utf-8")
    assert len(pieces) < 1.05 * len(json.dumps(json.loads(pieces), ensure_ascii=False, separators=(",", ":")))
    assert found.size_bytes == sum((found.folder / name).stat().st_size for name in FILES)


def test_who_opens_it_elsewhere_is_told_the_longest_text_that_fits(made: Made) -> None:
    found = made("xlm-roberta")  # whose first position is not 0
    settings = json.loads((found.folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    assert settings["model_max_length"] == found.manifest["max_pieces"] < found.config["max_position_embeddings"]


def test_opens_again(folder: Path, made: Made) -> None:
    found = artifact.open_folder(folder)
    assert (found.folder, found.manifest) == (folder, made("bert").manifest)


@pytest.mark.parametrize("file", FILES[:-1])
@pytest.mark.parametrize("damage", ["flip", "cut", "delete"])
def test_damaged_files_are_named(folder: Path, file: str, damage: str) -> None:
    path = folder / file
    content = bytearray(path.read_bytes())
    if damage == "delete":
        path.unlink()
    else:
        content[len(content) // 2] ^= 1
        path.write_bytes(content if damage == "flip" else content[:-1])
    with pytest.raises(ArtifactError, match=f"{file} is missing or damaged; delete .* and build it again"):
        artifact.open_folder(folder)


@pytest.mark.parametrize("manifest", [None, "", "{", "[]", "7", "{}", '{"format": 1}', '{"format": 1, "files": 3}'])
def test_foreign_folders_are_refused(folder: Path, manifest: str | None) -> None:
    path = folder / "recipe.json"
    path.unlink() if manifest is None else path.write_text(manifest, encoding="utf-8")
    with pytest.raises(ArtifactError, match="is no artifact of this project"):
        artifact.open_folder(folder)


def test_another_format_is_refused(folder: Path, made: Made) -> None:
    (folder / "recipe.json").write_text(json.dumps({**made("bert").manifest, "format": 99}), encoding="utf-8")
    with pytest.raises(ArtifactError, match="has format 99, expected 1; build it again"):
        artifact.open_folder(folder)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="is no artifact"):
        artifact.open_folder(tmp_path / "nothing")


def write(folder: Path, made: Made, examine: Callable[[Artifact], dict[str, Any]]) -> Artifact:
    import onnx

    whole = made("bert")
    return artifact.write(
        folder,
        graph=onnx.load(whole.model),
        tokenizer=tiny.tokenizer("bert"),
        config=whole.config,
        manifest={"engine": "onnxruntime", "recipe": "onnx", "max_pieces": 128},
        examine=examine,
    )


def test_the_folder_appears_when_it_is_whole(tmp_path: Path, made: Made) -> None:
    folder = tmp_path / "new" / "folder"

    def examine(partial: Artifact) -> dict[str, Any]:
        assert not folder.exists()
        assert partial.model.exists()
        return {"agreement": {"de": 100.0}}

    written = write(folder, made, examine)
    assert written.manifest["agreement"] == {"de": 100.0}
    assert artifact.open_folder(folder).manifest == written.manifest
    assert list(folder.parent.iterdir()) == [folder]


def test_a_failed_write_leaves_what_was_there(tmp_path: Path, made: Made) -> None:
    folder = tmp_path / "folder"
    first = write(folder, made, lambda _: {"agreement": {"de": 1.0}})

    def fail(_made: Artifact) -> dict[str, Any]:
        raise RuntimeError("no engine")

    with pytest.raises(RuntimeError, match="no engine"):
        write(folder, made, fail)
    assert artifact.open_folder(folder).manifest == first.manifest
    assert list(tmp_path.iterdir()) == [folder]
    second = write(folder, made, lambda _: {"agreement": {"de": 2.0}})
    assert artifact.open_folder(folder).manifest == second.manifest
    assert second.manifest != first.manifest


def onnx_graph(made: Made) -> Any:
    import onnx

    return onnx.load(made("bert").model)


def test_large_weights_stand_beside_the_graph(tmp_path: Path, made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    monkeypatch.setattr(artifact, "LARGE", 4000)
    graph = onnx_graph(made)
    before = [(tensor.name, tensor.raw_data) for tensor in graph.graph.initializer]
    with monkeypatch.context() as patch:
        patch.setattr("onnx.load", lambda _path: graph)
        written = write(tmp_path / "folder", made, lambda _: {})
    assert [(tensor.name, tensor.raw_data) for tensor in graph.graph.initializer] == before
    assert not any(tensor.data_location or tensor.external_data for tensor in graph.graph.initializer)
    large = [tensor for tensor in graph.graph.initializer if len(tensor.raw_data) >= 4000]
    assert large
    data = tmp_path / "folder" / "model.onnx_data"
    assert "model.onnx_data" in written.manifest["files"]
    assert data.stat().st_size >= sum(len(tensor.raw_data) for tensor in large)
    assert written.model.stat().st_size < made("bert").model.stat().st_size
    ids = np.array([[2, 9, 30, 3]])
    inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    ours, theirs = (
        onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(["logits", "tags"], inputs)
        for path in (written.model, made("bert").model)
    )
    assert all((one == other).all() for one, other in zip(ours, theirs, strict=True))
    content = bytearray(data.read_bytes())
    content[-1] ^= 1
    data.write_bytes(content)
    with pytest.raises(ArtifactError, match=r"model\.onnx_data is missing or damaged"):
        artifact.open_folder(tmp_path / "folder")


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Names of the files whose bytes are read, in a cache of its own."""
    seen: list[str] = []
    real = artifact._sha256

    def watched(path: Path) -> str:
        seen.append(path.name)
        return real(path)

    monkeypatch.setenv("MMA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(artifact, "_sha256", watched)
    return seen


def test_files_that_were_checked_are_not_read_again(folder: Path, readings: list[str]) -> None:
    time.sleep(2 * artifact.SETTLED_NS / 1e9)
    first = artifact.open_folder(folder)
    assert sorted(readings) == sorted(FILES[:-1])
    assert artifact.open_folder(folder).manifest == first.manifest
    assert len(readings) == len(FILES) - 1
    moved = folder.with_name("moved")
    shutil.copytree(folder, moved)
    artifact.open_folder(moved)
    assert len(readings) == 2 * (len(FILES) - 1), "a copy is checked anew"


def test_a_checked_file_that_was_written_to_is_read_again(folder: Path, readings: list[str]) -> None:
    time.sleep(2 * artifact.SETTLED_NS / 1e9)
    artifact.open_folder(folder)
    path, readings[:] = folder / "model.onnx", []
    state = path.stat()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    with pytest.raises(ArtifactError, match=r"model\.onnx is missing or damaged"):
        artifact.open_folder(folder)
    assert readings == ["model.onnx"]


def test_a_file_of_this_instant_is_not_taken_for_settled(folder: Path, readings: list[str]) -> None:
    for path in folder.iterdir():
        path.touch()
    for _ in range(2):
        artifact.open_folder(folder)
    assert len(readings) == 2 * (len(FILES) - 1)


@pytest.mark.parametrize("content", ["", "[7", "[7]", '{"model.onnx": []}'])
def test_a_damaged_note_says_nothing(folder: Path, readings: list[str], content: str) -> None:
    time.sleep(2 * artifact.SETTLED_NS / 1e9)
    artifact.open_folder(folder)
    (note,) = (folders.cache_root() / "verified").iterdir()
    note.write_text(content, encoding="utf-8")
    artifact.open_folder(folder)
    assert len(readings) == 2 * (len(FILES) - 1)


def test_a_cache_that_cannot_be_written_to_costs_only_time(folder: Path, readings: list[str]) -> None:
    time.sleep(2 * artifact.SETTLED_NS / 1e9)
    folders.cache_root().write_text("no folder", encoding="utf-8")
    for _ in range(2):
        artifact.open_folder(folder)
    assert len(readings) == 2 * (len(FILES) - 1)


def test_leftovers_of_killed_builders_are_cleared(tmp_path: Path, made: Made) -> None:
    folder = tmp_path / "folder"
    left = tmp_path / f".folder.{os.getpid() + 1}.partial"
    left.mkdir()
    (left / "model.onnx").write_bytes(b"half")
    other = tmp_path / ".folder2.1.partial"
    other.mkdir()
    write(folder, made, lambda _: {})
    assert sorted(tmp_path.iterdir()) == [other, folder]


def test_zip_holds_the_folder(tmp_path: Path, made: Made) -> None:
    whole = made("bert")
    packed = whole.zip_to(tmp_path / "artifact.zip")
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == [whole.folder.name]
    assert artifact.open_folder(tmp_path / "out" / whole.folder.name).manifest == whole.manifest
