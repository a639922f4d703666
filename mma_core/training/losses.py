"""What a student is taught by, as pure functions of its tensors and the teacher's.

Each takes a mask of shape (batch, length), true at the positions that count, and is a mean over these, so that padding
and the lengths of a batch's texts change nothing. All is reckoned in fp32. A loss over no position at all is 0.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (the library's own name for it)

# Far enough below any score that its share rounds to 0, near enough that differences stay finite.
_NEVER = -1e4


def cross_entropy(logits: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
    """-log p(label), of logits (batch, length, tags) and labels (batch, length)."""
    each = F.cross_entropy(logits.float().transpose(1, 2), labels.masked_fill(~mask.bool(), 0), reduction="none")
    return _mean(each, mask)


def logits_kl(student: Tensor, teacher: Tensor, mask: Tensor, temperature: float) -> Tensor:
    """T² KL(softmax(teacher / T) ‖ softmax(student / T)), of logits (batch, length, tags).

    The factor T² keeps the gradient's size as T grows (Hinton et al. 2015, section 2). BISTILLATION's published code
    has T = 2 without it, and the cross-entropy, whose gradient is the same: give the term a weight of 1 / T² for that.
    """
    ours, theirs = (F.log_softmax(logits.float() / temperature, dim=-1) for logits in (student, teacher))
    return temperature**2 * _mean((theirs.exp() * (theirs - ours)).sum(dim=-1), mask)


def logits_mse(student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
    """½ ‖student - teacher‖² over the tags, of logits (batch, length, tags) (XtremeDistil, section 4.2)."""
    return _mean(((student.float() - teacher.float()) ** 2).sum(dim=-1) / 2, mask)


def hidden_mse(student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
    """Mean square difference of states (batch, length, width) (BISTILLATION's code; TinyBERT, equation 8)."""
    return _mean(((student.float() - teacher.float()) ** 2).mean(dim=-1), mask)


def attention_mse(student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
    """Mean square difference of attention probabilities (batch, heads, length, length) between real pieces.

    BISTILLATION's code compares probabilities, TinyBERT (equation 7) the scores before the softmax.
    """
    pairs = mask[:, :, None] * mask[:, None, :]
    return _mean(((student.float() - teacher.float()) ** 2).mean(dim=1), pairs)


def relations_kl(student: Sequence[Tensor], teacher: Sequence[Tensor], mask: Tensor, heads: int) -> Tensor:
    """How far the student's pieces relate to each other in another way than the teacher's (MiniLMv2, equations 5 to 9).

    For X among queries, keys and values, cut into `heads` relation heads of size d: R = softmax(X Xᵀ / √d) over real
    pieces, and KL(R of the teacher ‖ R of the student), meaned over heads and pieces; the three are added up. The paper
    means over each text first; here long texts count for more, as in the other losses.

    Args:
        student: its queries, keys and values, each (batch, length, width).
        teacher: likewise, of any width.
        mask: true at real pieces.
        heads: divides both widths.
    """
    return torch.stack(
        [_relation_kl(ours, theirs, mask, heads) for ours, theirs in zip(student, teacher, strict=True)]
    ).sum()


def _relation_kl(student: Tensor, teacher: Tensor, mask: Tensor, heads: int) -> Tensor:
    ours, theirs = _relation(student, mask, heads), _relation(teacher, mask, heads)
    return _mean((theirs.exp() * (theirs - ours)).sum(dim=-1).mean(dim=1), mask)


def _relation(vectors: Tensor, mask: Tensor, heads: int) -> Tensor:
    """Logarithms of the relation of each piece to the others, (batch, heads, length, length)."""
    parts = heads_of(vectors.float(), heads)
    with torch.autocast(vectors.device.type, enabled=False):
        scores = parts @ parts.transpose(-1, -2) / parts.shape[-1] ** 0.5
    return F.log_softmax(scores.masked_fill(~mask.bool()[:, None, None, :], _NEVER), dim=-1)


def attention_of(queries: Tensor, keys: Tensor, mask: Tensor, heads: int) -> Tensor:
    """Attention probabilities (batch, heads, length, length) of queries and keys (batch, length, heads × size)."""
    left, right = heads_of(queries.float(), heads), heads_of(keys.float(), heads)
    with torch.autocast(queries.device.type, enabled=False):
        scores = left @ right.transpose(-1, -2) / left.shape[-1] ** 0.5
    return F.softmax(scores.masked_fill(~mask.bool()[:, None, None, :], _NEVER), dim=-1)


def heads_of(vectors: Tensor, heads: int) -> Tensor:
    """(batch, length, heads × size) → (batch, heads, length, size)."""
    return vectors.unflatten(-1, (heads, -1)).transpose(1, 2)


def _mean(values: Tensor, mask: Tensor) -> Tensor:
    weights = mask.to(values.dtype)
    return (values * weights).sum() / weights.sum().clamp(min=1)
