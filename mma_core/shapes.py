"""The shape of a model as its configuration states it, without any library that could load the model."""

from typing import Any


def head_size(config: Any) -> int:
    """The width of one attention head."""
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)
