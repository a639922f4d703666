"""A smaller student that starts from its teacher's weights, which saves hours of distillation.

Depth: evenly spaced layers are copied. Width: the teacher's heads and feed-forward columns that weigh most are kept,
and all that reads or writes its hidden states is projected on their principal directions, one basis P for all layers,
since the residual stream is one space: W → W P where states are read, W → Pᵀ W where they are written, embeddings
E → E P. Layer norms do not commute with a projection, so each one's scale and shift are fitted by least squares to what
the teacher's own layer norm gives, projected. (SliceGPT, Ashkboos et al. 2024, section 3, rotates likewise; it turns
layer norms into ones without a mean first, and has a basis for each layer.)
"""

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AutoModelForTokenClassification, PreTrainedModel

from .. import surgery
from ..checkpoint import Checkpoint
from ..shapes import head_size
from .material import Material
from .ner import collate

# Sentences whose states show the principal directions: some thousand pieces, for at most a thousand directions.
SAMPLE, BATCH = 128, 32
_LAYER = re.compile(r"\.layer\.(\d+)\.")

# A layer norm's name → what it was given and what it gave at real pieces, each (pieces, width).
_Seen = Mapping[str, tuple[Tensor, Tensor]]


def evenly(keep: int, depth: int) -> list[int]:
    """`keep` of `depth` layers, evenly spaced from the lowest: layer floor(i * depth / keep)."""
    return [index * depth // keep for index in range(keep)]


@torch.no_grad()
def shrunk(material: Material, *, layers: int, width: int) -> Checkpoint:
    """A copy of the material's teacher with fewer layers and narrower hidden states.

    Args:
        material: the teacher, and sentences that show its hidden states.
        layers: how many to keep.
        width: of the hidden states, a multiple of the size of the teacher's heads, of which as many are kept as fill
            it; the feed-forward part narrows likewise.
    """
    teacher = material.teacher
    kept = evenly(layers, teacher.config.num_hidden_layers)
    thin = teacher.with_layers(kept)
    if width == teacher.config.hidden_size:
        return thin
    seen = _watch(material, {name: _original(name, kept) for name, _ in _norms(thin.model)})
    _keep_weightiest(thin.model, width)
    return replace(thin, model=_projected(thin.model, _basis(seen, width), seen).eval())


def _original(name: str, kept: Sequence[int]) -> str:
    """The name in the teacher of a module in a copy of it with only the layers `kept`."""
    return _LAYER.sub(lambda found: f".layer.{kept[int(found[1])]}.", name)


def _norms(model: PreTrainedModel) -> list[tuple[str, nn.LayerNorm]]:
    """The layer norms of the residual stream."""
    width = (int(model.config.hidden_size),)
    found = [(name, module) for name, module in model.named_modules() if isinstance(module, nn.LayerNorm)]
    return [(name, norm) for name, norm in found if norm.normalized_shape == width]


def _watch(material: Material, originals: Mapping[str, str]) -> _Seen:
    """What the teacher's layer norms are given and give on some sentences, by their names in the copy."""
    model = material.teacher.model
    chosen = np.linspace(0, len(material.encoded) - 1, min(SAMPLE, len(material.encoded))).astype(int).tolist()
    seen: dict[str, list[tuple[Tensor, Tensor]]] = {name: [] for name in originals}
    mask = torch.empty(0)

    def hook(name: str) -> torch.utils.hooks.RemovableHandle:
        # The mask is the batch's that is running when the norm is.
        note = seen[name].append
        return model.get_submodule(originals[name]).register_forward_hook(
            lambda _, given, gave: note((given[0][mask], gave[mask]))
        )

    hooks = [hook(name) for name in originals]
    for first in range(0, len(chosen), BATCH):
        encoded = [material.encoded[index] for index in chosen[first : first + BATCH]]
        batch = collate(encoded, int(model.config.pad_token_id or 0))
        mask = batch["attention_mask"].bool()
        model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])
    for each in hooks:
        each.remove()
    return {name: (torch.cat([a for a, _ in rows]), torch.cat([b for _, b in rows])) for name, rows in seen.items()}


def _basis(seen: _Seen, width: int) -> Tensor:
    """The `width` directions with the most of the hidden states, every layer norm counting alike: (old, new width).

    The states' mean belongs to what is kept, so it is not taken off first.
    """
    states = [gave.double() for _, gave in seen.values()]
    moments = torch.stack([gave.T @ gave / gave.square().sum() for gave in states]).sum(dim=0)
    return torch.linalg.eigh(moments).eigenvectors[:, -width:].float()


def _keep_weightiest(model: PreTrainedModel, width: int) -> None:
    """Keep, in place, the heads that fill the new width, and feed-forward columns in the same proportion.

    Those weigh most whose matrices in and out have the largest product of norms.
    """
    config = model.config
    size, columns = head_size(config), surgery.columns(config) * width // config.hidden_size
    heads, inner = [], []
    for part in surgery.parts(model):
        values = part.value.weight.unflatten(0, (-1, size)).norm(dim=(1, 2))
        mixed = part.mixed.weight.unflatten(1, (-1, size)).norm(dim=(0, 2))
        heads.append(_largest(values * mixed, width // size))
        inner.append(_largest(part.inner.weight.norm(dim=1) * part.outer.weight.norm(dim=0), columns))
    surgery.keep_heads(model, heads)
    surgery.keep_columns(model, inner)


def _largest(weights: Tensor, count: int) -> list[int]:
    return sorted(weights.topk(count).indices.tolist())


def _projected(model: PreTrainedModel, basis: Tensor, seen: _Seen) -> PreTrainedModel:
    """A model whose hidden states are those of `model` on the basis."""
    old, new = basis.shape
    config = copy.deepcopy(model.config)
    if getattr(config, "embedding_size", None) == old:
        config.embedding_size = new
    config.hidden_size = new
    # The heads fill the width again, so that their size goes without saying.
    config.__dict__.pop("head_dim", None)
    made = AutoModelForTokenClassification.from_config(config, dtype=torch.float32)
    written = {id(linear) for part in surgery.parts(model) for linear in (part.mixed, part.outer)}
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear | nn.Embedding | nn.LayerNorm):
            tensors = {**dict(module.named_parameters())}
            if name in seen:
                tensors = _fitted(module, *(side @ basis for side in seen[name]))
            elif id(module) in written or (isinstance(module, nn.Linear) and tensors["weight"].shape[1] != old):
                tensors = {key: basis.T @ tensor for key, tensor in tensors.items()}
            elif tensors["weight"].shape[-1] == old:
                tensors["weight"] = tensors["weight"] @ basis
            made.get_submodule(name).load_state_dict(tensors)
    return made


def _fitted(norm: nn.LayerNorm, given: Tensor, wanted: Tensor) -> dict[str, Tensor]:
    """Scale and shift with which a layer norm comes nearest to what is wanted, feature by feature."""
    plain = nn.functional.layer_norm(given, given.shape[-1:], eps=norm.eps)
    centred = plain - plain.mean(dim=0)
    weight = (centred * wanted).mean(dim=0) / centred.square().mean(dim=0).clamp(min=norm.eps)
    return {"weight": weight, "bias": wanted.mean(dim=0) - weight * plain.mean(dim=0)}
