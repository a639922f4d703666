"""Where the parts of an encoder stand, and taking some out: layers, attention heads, feed-forward columns.

The stock classes of transformers 5 cut their projections into heads by the head's size, so a layer whose matrices were
narrowed computes exactly what one with zeros in those places would. Only their constructors cannot make it: they take
the head's size to be the hidden size over the number of heads. A configuration with fewer heads therefore states the
size as `head_dim`, as newer architectures do, and models of it are made here. Every layer keeps as many heads
and columns as every other: one number a configuration is all that there is to say so, and no reader of it is misled.
(Stock classes refuse to load such weights, for their shapes do not fit: nothing is silently wrong.)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch.nn import Linear, ModuleList, Parameter
from transformers import AutoModelForTokenClassification, PreTrainedModel

from .shapes import head_size


class _Names(NamedTuple):
    """Paths of the parts below a layer, and what model and configuration call the numbers of them."""

    stack: str
    attention: str
    query: str
    key: str
    value: str
    mixed: str
    inner: str
    outer: str
    heads: str
    columns: str


_DISTILBERT = _Names(
    "transformer.layer",
    "attention",
    *("attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin"),
    *("ffn.lin1", "ffn.lin2"),
    "n_heads",
    "hidden_dim",
)
_BERT = _Names(
    "encoder.layer",
    "attention.self",
    *("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"),
    *("intermediate.dense", "output.dense"),
    "num_attention_heads",
    "intermediate_size",
)
_KNOWN = {"distilbert": _DISTILBERT} | dict.fromkeys(("bert", "roberta", "xlm-roberta", "electra", "camembert"), _BERT)


@dataclass(frozen=True)
class Parts:
    """The matrices of one encoder layer.

    Attributes:
        query: hidden → heads × head size, as are `key` and `value`.
        key: see there.
        value: see there.
        mixed: the heads' outputs, one after another → hidden.
        inner: hidden → feed-forward columns.
        outer: feed-forward columns → hidden.
    """

    query: Linear
    key: Linear
    value: Linear
    mixed: Linear
    inner: Linear
    outer: Linear


def has_layers(config: Any) -> bool:
    """Whether a model has what is taken out here; a recurrent one has not."""
    return config.model_type in _KNOWN


def _names(config: Any) -> _Names:
    return _KNOWN[config.model_type]


def stack(model: PreTrainedModel) -> ModuleList:
    """The encoder's layers, from the lowest."""
    layers: ModuleList = model.base_model.get_submodule(_names(model.config).stack)
    return layers


def parts(model: PreTrainedModel) -> list[Parts]:
    """The matrices of each encoder layer, from the lowest."""
    names = _names(model.config)
    return [Parts(*(layer.get_submodule(path) for path in names[2:8])) for layer in stack(model)]


def columns(config: Any) -> int:
    """The width of the feed-forward part."""
    return int(getattr(config, _names(config).columns))


def keep_layers(model: PreTrainedModel, kept: Sequence[int]) -> None:
    """Take out, in place, all layers but those kept, which come to stand in the order given."""
    holder, _, name = _names(model.config).stack.partition(".")
    setattr(model.base_model.get_submodule(holder), name, ModuleList(stack(model)[index] for index in kept))
    model.config.num_hidden_layers = len(kept)


def keep_heads(model: PreTrainedModel, kept: Sequence[Sequence[int]]) -> None:
    """Take out, in place, all attention heads but those kept.

    Args:
        model: any of the allowed architectures.
        kept: for each layer the numbers of its heads to keep, as many in every layer.

    Raises:
        ValueError: layers would differ in their number of heads, or one would have none.
    """
    count, size = _same_number(kept, layers=len(stack(model))), head_size(model.config)
    names = _names(model.config)
    for layer, part, heads in zip(stack(model), parts(model), kept, strict=True):
        rows = (torch.tensor(heads)[:, None] * size + torch.arange(size)).flatten()
        for linear in (part.query, part.key, part.value):
            _narrow(linear, rows, 0)
        _narrow(part.mixed, rows, 1)
        attention: Any = layer.get_submodule(names.attention)
        setattr(attention, names.heads, count)
        if hasattr(attention, "all_head_size"):
            attention.all_head_size = count * size
    model.config.num_attention_heads, model.config.head_dim = count, size


def keep_columns(model: PreTrainedModel, kept: Sequence[Sequence[int]]) -> None:
    """Take out, in place, all feed-forward columns but those kept.

    Args:
        model: any of the allowed architectures.
        kept: for each layer the numbers of its columns to keep, as many in every layer.

    Raises:
        ValueError: layers would differ in their number of columns, or one would have none.
    """
    count = _same_number(kept, layers=len(stack(model)))
    for part, places in zip(parts(model), kept, strict=True):
        _narrow(part.inner, torch.tensor(places), 0)
        _narrow(part.outer, torch.tensor(places), 1)
    setattr(model.config, _names(model.config).columns, count)


def _same_number(kept: Sequence[Sequence[int]], layers: int) -> int:
    counts = {len(set(places)) for places in kept}
    if len(kept) != layers or len(counts) != 1 or counts == {0}:
        raise ValueError(f"{layers} layers must keep as many parts each, at least one; not {list(map(len, kept))}")
    return counts.pop()


def _narrow(linear: Linear, places: torch.Tensor, axis: int) -> None:
    """Keep these of a matrix's outputs (axis 0) or inputs (axis 1)."""
    places = places.to(linear.weight.device)
    old = linear.weight
    linear.weight = Parameter(old.detach().index_select(axis, places), requires_grad=old.requires_grad)
    if axis == 1:
        linear.in_features = len(places)
        return
    linear.out_features = len(places)
    if linear.bias is not None:
        bias = linear.bias
        linear.bias = Parameter(bias.detach().index_select(0, places), requires_grad=bias.requires_grad)


def has_fewer_heads(config: Any) -> bool:
    """Whether a configuration is of a model that stock constructors cannot make."""
    size = getattr(config, "head_dim", None)
    return size is not None and size * config.num_attention_heads != config.hidden_size


def with_fewer_heads(config: Any) -> PreTrainedModel:
    """A model of random weights whose heads are as many and as wide as its configuration states."""
    count, size = config.num_attention_heads, head_size(config)
    config.num_attention_heads = config.hidden_size // size
    model = AutoModelForTokenClassification.from_config(config, dtype=torch.float32)
    keep_heads(model, [range(count)] * len(stack(model)))
    return model
