"""An artifact: the folder that a build leaves on disk, which opens without this project.

`model.onnx` and its large weights in `model.onnx_data` (or `openvino_model.xml` and `.bin`), `config.json`,
`tokenizer.json`, `tokenizer_config.json` and the manifest `recipe.json`. It is written into a temporary sibling and
renamed, so a folder is whole or absent.
"""

import contextlib
import hashlib
import json
import os
import shutil
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .answers import answering
from .errors import ArtifactError
from .folders import cache_root

MANIFEST = "recipe.json"
MODELS = {"onnxruntime": "model.onnx", "openvino": "openvino_model.xml"}
FORMAT = 1
SETTLED_NS = 100_000_000
LARGE, PAGE = 1 << 20, 4096
_SPECIALS = {"pad_token": "pad_token_id", "bos_token": "bos_token_id", "eos_token": "eos_token_id"}


@dataclass(frozen=True)
class Artifact:
    """A whole artifact folder and its manifest; the folder alone is its identity."""

    folder: Path
    manifest: dict[str, Any] = field(compare=False)

    @property
    def model(self) -> Path:
        """The graph's file."""
        return self.folder / MODELS[self.manifest["engine"]]

    @property
    def config(self) -> dict[str, Any]:
        """The contents of `config.json`."""
        return json.loads((self.folder / "config.json").read_text(encoding="utf-8"))

    @property
    def size_bytes(self) -> int:
        """Bytes of all files."""
        return sum(path.stat().st_size for path in self.folder.iterdir() if path.is_file())

    def zip_to(self, path: Path) -> Path:
        """Pack the folder into one zip file, stored under its own name."""
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for file in sorted(self.folder.iterdir()):
                archive.write(file, f"{self.folder.name}/{file.name}")
        return path


@contextmanager
def transaction(folder: Path) -> Iterator[Path]:
    """Hand out a temporary sibling of `folder`, and rename it into place if the block ends well.

    The sibling is this process's own: a builder that outlived its killed parent cannot meddle with the next one's.
    """
    discard_partial(folder)
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    partial.mkdir(parents=True)
    try:
        yield partial
        for path in partial.iterdir():
            with path.open("rb") as file:
                os.fsync(file.fileno())
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def discard_partial(folder: Path) -> None:
    """Delete what killed builders of `folder` left."""
    for partial in folder.parent.glob(f".{folder.name}.*.partial"):
        shutil.rmtree(partial, ignore_errors=True)


def write(
    folder: Path,
    *,
    graph: Any,
    tokenizer: Any,
    config: dict[str, Any],
    manifest: dict[str, Any],
    examine: Callable[[Artifact], dict[str, Any]],
) -> Artifact:
    """Write an artifact folder, atomically.

    Args:
        folder: where it shall stand.
        graph: an `onnx.ModelProto`, or an `openvino.Model` where the manifest's engine is openvino.
        tokenizer: the `tokenizers.Tokenizer`.
        config: contents of `config.json`.
        manifest: what is known of the build, `engine` and `max_pieces` at least; format and file hashes are added.
        examine: called with the artifact before it gets its name; what it returns is added to the manifest.
    """
    with transaction(folder) as partial:
        _write_graph(graph, partial / MODELS[manifest["engine"]], manifest["engine"])
        tokenizer.save(str(partial / "tokenizer.json"), pretty=False)
        _write_json(partial / "config.json", config)
        _write_json(partial / "tokenizer_config.json", _tokenizer_config(tokenizer, config, manifest["max_pieces"]))
        whole = {"format": FORMAT, **manifest, "files": {p.name: _sha256(p) for p in sorted(partial.iterdir())}}
        whole |= examine(Artifact(partial, whole))
        _write_json(partial / MANIFEST, whole)
    return Artifact(folder, whole)


def open_folder(folder: Path) -> Artifact:
    """Open an artifact and check that every file is what the build wrote.

    Raises:
        ArtifactError: it is missing, of another format, or damaged.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        known, files = manifest["format"] == FORMAT, dict(manifest["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{folder} is no artifact of this project ({MANIFEST}: {error}); build it again") from error
    if not known:
        raise ArtifactError(f"{folder} has format {manifest['format']}, expected {FORMAT}; build it again")
    damaged = _damaged(folder, files)
    if damaged is not None:
        raise ArtifactError(f"{damaged} is missing or damaged; delete {folder} and build it again")
    return Artifact(folder, manifest)


def _damaged(folder: Path, files: dict[str, str]) -> Path | None:
    """The first file that is not what the build wrote.

    Reading all bytes takes longer than tagging a text. So a file that had the right hash is noted in the cache with
    its size, inode and times, and is read again only when one of these is another; a program that writes to a file
    cannot keep the time of the inode's last change.
    """
    note = cache_root() / "verified" / f"{hashlib.sha256(bytes(folder.resolve())).hexdigest()[:24]}.json"
    known = _read_note(note)
    seen: dict[str, list[Any]] = {}
    for name, digest in files.items():
        path = folder / name
        if not path.is_file():
            return path
        state = [digest, *_state(path)]
        if known.get(name) != state and _sha256(path) != digest:
            return path
        seen[name] = state
    if seen != known and all(state == [files[name], *_state(folder / name)] for name, state in seen.items()):
        _write_note(note, seen)
    return None


def _state(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return found.st_size, found.st_dev, found.st_ino, found.st_mtime_ns, found.st_ctime_ns


def _read_note(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _write_note(path: Path, seen: dict[str, list[Any]]) -> None:
    newest = max((state[-1] for state in seen.values()), default=0)
    if time.time_ns() - newest < SETTLED_NS:
        return  # it could still be written to within the clock's last tick
    partial = path.with_suffix(f".{os.getpid()}.partial")
    with contextlib.suppress(OSError):  # a cache that cannot be written to costs only time
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(seen), encoding="utf-8")
        partial.replace(path)


def _write_graph(graph: Any, path: Path, engine: str) -> None:
    with answering(graph, engine) as whole:
        if engine == "openvino":
            import openvino

            openvino.save_model(whole, path, compress_to_fp16=True)
        else:
            with _large_tensors_beside(whole.graph, path.with_name(path.name + "_data")):
                path.write_bytes(whole.SerializeToString())


@contextmanager
def _large_tensors_beside(graph: Any, path: Path) -> Iterator[None]:
    """Move large weights to a file of their own within the block, as ONNX's external data.

    ONNX Runtime maps that file into memory, so only the rows that are looked up in a table are ever read, and
    processes share them.
    """
    moved = [tensor for tensor in graph.initializer if len(tensor.raw_data) >= LARGE]
    contents = [tensor.raw_data for tensor in moved]
    try:
        if moved:
            _move(moved, path)
        yield
    finally:
        for tensor, content in zip(moved, contents, strict=True):
            tensor.ClearField("external_data")
            tensor.ClearField("data_location")
            tensor.raw_data = content


def _move(tensors: Iterable[Any], path: Path) -> None:
    from onnx import TensorProto

    with path.open("wb") as file:
        for tensor in tensors:
            file.write(bytes(-file.tell() % PAGE))
            place = {"location": path.name, "offset": file.tell(), "length": file.write(tensor.raw_data)}
            tensor.ClearField("raw_data")
            tensor.data_location = TensorProto.EXTERNAL
            for key, value in place.items():
                tensor.external_data.add(key=key, value=str(value))


def _tokenizer_config(tokenizer: Any, config: dict[str, Any], limit: int) -> dict[str, Any]:
    known = {name: config[key] for name, key in _SPECIALS.items() if config.get(key) is not None}
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": limit,
        **{name: tokenizer.id_to_token(index) for name, index in known.items()},
    }


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
