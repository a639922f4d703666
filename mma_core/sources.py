"""Where a teacher comes from, and whether it is trusted: no model is loaded here.

A teacher is named by a built-in name, a local folder or a hub id. What comes from outside is checked before any
library sees it: the model type, the weights' format, code named in the configuration, and the size.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import builtin
from .errors import ArtifactError, MMAError, to_show

MODEL_TYPES = ("bert", "xlm-roberta", "roberta", "distilbert", "electra", "camembert", "xtreme")
FILES = ("config.json", "model.safetensors", "tokenizer.json")
OPTIONAL = ("tokenizer_config.json", "special_tokens_map.json")
MAX_BYTES = 4 * 1024**3


@dataclass(frozen=True)
class Source:
    """A teacher that was found and checked: the name given, its folder, and the hash of its files."""

    name: str
    folder: Path
    sha256: str


def locate(name: str) -> Source:
    """Find and check a teacher.

    Args:
        name: `multi`, a folder, or a hub id such as `user/model`.

    Raises:
        ArtifactError: it does not exist, cannot be fetched, or is not trusted.
    """
    if name in builtin.names():
        return Source(name, builtin.unpack(name), builtin.sha256(name))
    folder = _local(name) or _download(name)
    check(folder)
    return Source(name, folder, _digest(folder))


def _local(name: str) -> Path | None:
    try:
        folder = Path(name).expanduser()
    except RuntimeError:  # `~nobody`
        return None
    return folder if name and folder.is_dir() else None


def check(folder: Path) -> None:
    """Refuse what is not trusted.

    Raises:
        ArtifactError: with what was found and what is accepted.
    """
    missing = [file for file in FILES if not (folder / file).is_file()]
    if "model.safetensors" in missing and list(folder.glob("*.bin")):
        raise ArtifactError(f"{folder} has pickled weights only; save the model again as model.safetensors")
    if missing:
        raise ArtifactError(f"{folder} lacks {', '.join(missing)}; a checkpoint folder needs {', '.join(FILES)}")
    check_config(_json(folder / "config.json"), str(folder))
    size = (folder / "model.safetensors").stat().st_size
    if size > MAX_BYTES:
        raise ArtifactError(f"{folder} has {size / 1e9:.1f} GB of weights; at most {MAX_BYTES / 1e9:.1f} GB")


def check_config(config: dict[str, Any], where: str) -> None:
    """Check a `config.json` before any Auto class sees it.

    Raises:
        ArtifactError: wrong model type, no token-classification head, own code, or labels without meaning.
    """
    if config.get("model_type") not in MODEL_TYPES:
        raise ArtifactError(f"{where}: model_type {config.get('model_type')!r}; accepted: {', '.join(MODEL_TYPES)}")
    if "auto_map" in config:
        raise ArtifactError(f"{where}: config.json names code of its own (auto_map); such a model is never run")
    heads = config.get("architectures")
    if not isinstance(heads, list) or not any(str(head).endswith("ForTokenClassification") for head in heads):
        raise ArtifactError(f"{where}: architecture {heads} is no token classifier; fine-tune it for NER first")
    labels = config.get("id2label")
    if not isinstance(labels, dict) or all(str(label).startswith("LABEL_") for label in labels.values()):
        raise ArtifactError(f"{where}: id2label names no entity types; write them into config.json")
    if {str(index) for index in labels} != {str(index) for index in range(len(labels))}:
        raise ArtifactError(f"{where}: id2label numbers its tags {', '.join(map(str, labels))}; accepted: 0, 1, 2, ...")


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ArtifactError(f"{path} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise ArtifactError(f"{path} is not a JSON object")
    return content


def _digest(folder: Path) -> str:
    total = hashlib.sha256()
    for name in (*FILES, *OPTIONAL):
        if (folder / name).is_file():
            with (folder / name).open("rb") as file:
                total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()


def _download(name: str) -> Path:
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HFValidationError

    wanted = [*FILES, *OPTIONAL]
    try:
        info = HfApi().model_info(name, files_metadata=True, timeout=20)
        size = sum(file.size or 0 for file in info.siblings or [] if file.rfilename in wanted)
        if size > MAX_BYTES:
            raise ArtifactError(f"teacher {name} is {size / 1e9:.1f} GB; at most {MAX_BYTES / 1e9:.1f} GB")
        return Path(snapshot_download(name, allow_patterns=wanted))
    except HFValidationError as error:
        raise ArtifactError(f"teacher {name!r} is no folder, built-in name ({_known()}) or hub id") from error
    except MMAError:
        raise
    except Exception as error:  # the hub's own errors, and those of the transport that it happens to use
        if told := to_show(error):
            raise told from error
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise ArtifactError(
            f"teacher {name!r} is no folder or built-in name ({_known()}), and the hub did not give it: {reason}"
        ) from error


def _known() -> str:
    return ", ".join(builtin.names())
