"""What is trusted, and that nothing else gets near a library."""

import json
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import pytest

from mma_core import sources
from mma_core.errors import ArtifactError


@pytest.fixture
def folder(tiny_teacher: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy to spoil."""
    return shutil.copytree(tiny_teacher("bert"), tmp_path / "teacher")


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Addresses that somebody tried to reach."""
    tried: list[object] = []

    def refuse(*address: object, **_settings: object) -> None:
        tried.append(address)
        raise OSError("no network in tests")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return tried


def change(folder: Path, **values: Any) -> None:
    path = folder / "config.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**content, **values}), encoding="utf-8")


def test_a_good_folder_is_found(folder: Path) -> None:
    found = sources.locate(str(folder))
    assert (found.name, found.folder) == (str(folder), folder)
    assert len(found.sha256) == 64


@pytest.mark.parametrize("file", [*sources.FILES, "tokenizer_config.json"])
def test_hash_follows_the_content_of_each_file(folder: Path, file: str) -> None:
    before = sources.locate(str(folder)).sha256
    path = folder / file
    path.write_bytes(path.read_bytes() + b"\n")
    assert sources.locate(str(folder)).sha256 != before


def test_hash_does_not_follow_the_place(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "elsewhere")
    assert sources.locate(str(copy)).sha256 == sources.locate(str(folder)).sha256


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"model_type": "gpt2"}, "accepted: bert, xlm-roberta"),
        ({"model_type": None}, "accepted: bert"),
        ({"model_type": ["bert"]}, "accepted: bert"),
        ({"auto_map": {"AutoModel": "evil.Model"}}, "code of its own"),
        ({"auto_map": {}}, "code of its own"),
        ({"architectures": ["BertForMaskedLM"]}, "no token classifier; fine-tune"),
        ({"architectures": None}, "no token classifier"),
        ({"architectures": 5}, "no token classifier"),
        ({"id2label": {"0": "LABEL_0", "1": "LABEL_1"}}, "names no entity types"),
        ({"id2label": {}}, "names no entity types"),
        ({"id2label": None}, "names no entity types"),
        ({"id2label": ["O", "B-PER"]}, "names no entity types"),
        ({"id2label": {"1": "O", "2": "B-PER"}}, "accepted: 0, 1, 2"),
        ({"id2label": {"zero": "O", "one": "B-PER"}}, "accepted: 0, 1, 2"),
    ],
)
def test_foreign_configurations_are_refused(folder: Path, values: dict[str, Any], reason: str) -> None:
    change(folder, **values)
    with pytest.raises(ArtifactError, match=reason):
        sources.locate(str(folder))


@pytest.mark.parametrize("content", ["{", "[]", '"bert"'])
def test_configuration_that_is_no_object(folder: Path, content: str) -> None:
    (folder / "config.json").write_text(content, encoding="utf-8")
    with pytest.raises(ArtifactError, match=r"config\.json is not"):
        sources.locate(str(folder))


@pytest.mark.parametrize("file", sources.FILES)
def test_missing_files_are_named(folder: Path, file: str) -> None:
    (folder / file).unlink()
    with pytest.raises(ArtifactError, match=f"lacks {file}; a checkpoint folder needs"):
        sources.locate(str(folder))


def test_pickles_are_refused(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ArtifactError, match=r"pickled weights only; save the model again as model\.safetensors"):
        sources.locate(str(folder))


def test_too_big_a_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_BYTES", (folder / "model.safetensors").stat().st_size - 1)
    with pytest.raises(ArtifactError, match="GB of weights; at most"):
        sources.locate(str(folder))


@pytest.mark.parametrize(
    "name", ["", "nobody/nothing", "no such/thing at all", "/no/such/folder", "~no-such-user/x", "\0"]
)
def test_unknown_names_without_a_network(name: str, attempts: list[object]) -> None:
    with pytest.raises(ArtifactError, match=r"is no folder.*built-in name") as caught:
        sources.locate(name)
    assert "\n" not in str(caught.value)
    assert attempts == []


def hub(monkeypatch: pytest.MonkeyPatch, sizes: dict[str, int], folder: Path) -> list[Any]:
    """A hub that has one model; returns what was asked of it."""
    asked: list[Any] = []
    siblings = [SimpleNamespace(rfilename=name, size=size) for name, size in sizes.items()]

    class Api:
        def model_info(self, name: str, **_settings: object) -> SimpleNamespace:
            return SimpleNamespace(siblings=siblings)

    def snapshot(name: str, *, allow_patterns: list[str]) -> str:
        asked.append((name, allow_patterns))
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    return asked


def test_only_known_files_are_downloaded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"model.safetensors": 10, "pytorch_model.bin": 10 * sources.MAX_BYTES, "modeling_evil.py": 1}
    asked = hub(monkeypatch, sizes, folder)
    assert sources.locate("someone/model").folder == folder
    assert asked == [("someone/model", [*sources.FILES, *sources.OPTIONAL])]


def test_size_is_checked_before_the_download(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = hub(monkeypatch, {"model.safetensors": sources.MAX_BYTES, "config.json": 1}, folder)
    with pytest.raises(ArtifactError, match=r"someone/model is 4\.3 GB; at most"):
        sources.locate("someone/model")
    assert asked == []


def test_what_was_downloaded_is_checked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    change(folder, auto_map={"AutoModel": "evil.Model"})
    hub(monkeypatch, {"model.safetensors": 10}, folder)
    with pytest.raises(ArtifactError, match="code of its own"):
        sources.locate("someone/model")


@pytest.mark.parametrize(
    ("said", "shown"), [("[Errno 111] refused\nmore", r": \[Errno 111\] refused$"), ("", ": Lost$")]
)
def test_a_hub_that_cannot_be_reached_is_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, said: str, shown: str
) -> None:
    class Lost(Exception):
        """What a transport raises, which is no error of the hub's library."""

    def fail(*_arguments: object, **_settings: object) -> None:
        raise Lost(said)

    hub(monkeypatch, {"model.safetensors": 10}, folder)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(ArtifactError, match=r"and the hub did not give it" + shown) as caught:
        sources.locate("someone/model")
    assert "\n" not in str(caught.value)
