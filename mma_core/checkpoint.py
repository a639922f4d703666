"""A checkpoint: a token classifier and its tokenizer; a teacher is one, a student is one."""

import copy
import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import AutoConfig, AutoModelForTokenClassification, PreTrainedModel
from transformers.utils import logging

from . import sources, surgery
from .errors import ArtifactError
from .xtreme import XtremeConfig, XtremeForTokenClassification

_TYPES = {"PERSON": "PER", "ORGANIZATION": "ORG", "ORGANISATION": "ORG", "LOCATION": "LOC", "GPE": "LOC"}
_PREFIXES = {"B": "B", "I": "I", "E": "I", "L": "I", "M": "I", "S": "B", "U": "B"}
# These number positions from the padding index on, so fewer pieces fit than there are positions.
_OFFSET_POSITIONS = {"roberta", "xlm-roberta", "camembert"}

# So that the library opens our own student as it opens its own models, without code from a checkpoint.
AutoConfig.register(XtremeConfig.model_type, XtremeConfig, exist_ok=True)
AutoModelForTokenClassification.register(XtremeConfig, XtremeForTokenClassification, exist_ok=True)


@dataclass(frozen=True)
class Checkpoint:
    """A token classifier in fp32, its tokenizer, and where it came from."""

    model: PreTrainedModel
    tokenizer: Tokenizer
    name: str
    sha256: str

    @property
    def config(self) -> Any:
        """The model's configuration."""
        return self.model.config

    @property
    def labels(self) -> list[str]:
        """Tags in the order of the classifier's outputs."""
        return [self.config.id2label[index] for index in range(self.config.num_labels)]

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    @property
    def embedding_parameters(self) -> int:
        """Those of them in the word embeddings, of which a text uses few."""
        return self.model.get_input_embeddings().weight.numel()

    @property
    def nonzero_parameters(self) -> int:
        """Those of all that are not zero."""
        return sum(int(parameter.count_nonzero()) for parameter in self.model.parameters())

    def with_layers(self, kept: Sequence[int]) -> "Checkpoint":
        """A copy with only the encoder layers `kept`, in that order."""
        model = copy.deepcopy(self.model)
        surgery.keep_layers(model, kept)
        return self._with(model, self.tokenizer)

    def with_vocabulary(self, kept: Sequence[int], tokenizer: Tokenizer) -> "Checkpoint":
        """A copy whose word embeddings are the rows `kept`, with the tokenizer that numbers them anew."""
        rows = torch.as_tensor(list(kept))
        model = copy.deepcopy(self.model)
        old = model.get_input_embeddings()
        new_id = {int(row): index for index, row in enumerate(kept)}
        pad = new_id.get(old.padding_idx) if old.padding_idx is not None else None
        new = torch.nn.Embedding(len(rows), old.embedding_dim, padding_idx=pad)
        new.weight = torch.nn.Parameter(old.weight.detach()[rows].clone())
        model.set_input_embeddings(new)
        model.config.vocab_size = len(rows)
        for field in ("pad_token_id", "bos_token_id", "eos_token_id"):
            value = getattr(model.config, field, None)
            if value is not None:
                setattr(model.config, field, new_id.get(value))
        return self._with(model, tokenizer)

    def _with(self, model: PreTrainedModel, tokenizer: Tokenizer) -> "Checkpoint":
        return Checkpoint(model.eval(), tokenizer, self.name, self.sha256)


def max_pieces(config: dict[str, Any]) -> int:
    """How many pieces, specials included, fit into one window.

    Args:
        config: the contents of a `config.json`.
    """
    positions = int(config["max_position_embeddings"])
    if config["model_type"] in _OFFSET_POSITIONS:
        positions -= int(config.get("pad_token_id") or 0) + 1
    return positions


def load(name: str) -> Checkpoint:
    """Load a teacher: `multi`, a folder, or a hub id.

    Labels of other sets are mapped to PER, ORG and LOC where they mean the same, and otherwise kept as they are.

    Raises:
        ArtifactError: it is missing, damaged or not trusted.
    """
    source = sources.locate(name)
    logging.disable_progress_bar()
    try:
        tokenizer = Tokenizer.from_file(str(source.folder / "tokenizer.json"))
        model, missing = _read(source.folder)
    except Exception as error:  # the libraries raise bare Exception, RuntimeError, OSError, ... for damaged files
        reason = (str(error).splitlines() or [type(error).__name__])[0][:160]
        raise ArtifactError(f"teacher {name!r} could not be loaded from {source.folder}: {reason}") from error
    _check_whole(missing, name)
    _check_vocabulary(model, tokenizer, name)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    model.config.id2label = {index: standard_tag(tag) for index, tag in model.config.id2label.items()}
    model.config.label2id = {tag: index for index, tag in model.config.id2label.items()}
    return Checkpoint(model.eval(), tokenizer, source.name, source.sha256)


def _read(folder: Path) -> tuple[PreTrainedModel, Collection[str]]:
    """The model of a folder, and the names of the tensors that its file lacks."""
    config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    if surgery.has_fewer_heads(config):
        narrow = surgery.with_fewer_heads(config)
        return narrow, narrow.load_state_dict(load_file(folder / "model.safetensors"), strict=False).missing_keys
    model, info = AutoModelForTokenClassification.from_pretrained(
        folder,
        config=config,
        use_safetensors=True,
        trust_remote_code=False,
        dtype=torch.float32,
        local_files_only=True,
        output_loading_info=True,
    )
    return model, info["missing_keys"]


def _check_whole(missing: Collection[str], name: str) -> None:
    # The library would go on with random numbers in their place.
    if missing:
        some = ", ".join(sorted(missing)[:3])
        raise ArtifactError(f"teacher {name!r} lacks {len(missing)} tensors, such as {some}; save all of it again")


def _check_vocabulary(model: PreTrainedModel, tokenizer: Tokenizer, name: str) -> None:
    rows = model.get_input_embeddings().num_embeddings
    pieces = tokenizer.get_vocab_size(with_added_tokens=True)
    if pieces > rows:
        raise ArtifactError(f"teacher {name!r}: its tokenizer has {pieces} pieces, its embeddings {rows} rows")


def standard_tag(tag: str) -> str:
    """One tag in IOB2 with the project's type names.

    Schemes that also mark ends and singles (BIOES, BILOU) become IOB2; a type without prefix becomes I, which the
    repair turns into B where an entity starts; a type that has no counterpart keeps its name.
    """
    if tag.upper() in {"O", "OUTSIDE", "OTHER", "0"}:
        return "O"
    match = re.fullmatch(r"([BIELMSU])[-_](.+)", tag)
    prefix, kind = (match[1], match[2]) if match else ("I", tag)
    return f"{_PREFIXES[prefix]}-{_TYPES.get(kind.upper(), kind.upper())}"


def plain_config(checkpoint: Checkpoint) -> dict[str, Any]:
    """The configuration as the contents of a `config.json`, without the folder that it was read from."""
    content = json.loads(checkpoint.config.to_json_string(use_diff=False))
    return {name: value for name, value in content.items() if name != "_name_or_path"}
