"""The model of XtremeDistil: word-piece embeddings, a bidirectional LSTM, a projection to the teacher's width, a head.

Source: Mukherjee & Awadallah 2020, section 4. The paper's formulas have the head read the LSTM's states; its published
code has it read the projection, as here, so that all that the projection learnt from the teacher's layers serves the
tags. Both directions are LSTMs of their own, and the second reads each text turned round by the text's own length: so
padding never enters a state, and what a text gets does not depend on the texts beside it.
"""

import math
from typing import Any

import torch
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import TokenClassifierOutput

MODEL_TYPE = "xtreme"
OPSET = 20


class XtremeConfig(PretrainedConfig):
    """The shape of the model.

    Attributes:
        vocab_size: word-pieces.
        embedding_size: width E of their embeddings.
        lstm_size: width H of the LSTM's states, by direction.
        hidden_size: width of the projection, which is the teacher's.
        num_hidden_layers: always 1, as a recurrent layer is one to what counts layers.
        max_position_embeddings: the teacher's longest window in pieces; the model itself counts no positions.
        hidden_dropout_prob: of embeddings and of the LSTM's states (the paper's table 13: 0.2).
        initializer_range: standard deviation of the first linear weights, that of Glorot's at the published sizes.
        pad_token_id: the piece that pads, whose embedding never learns.
    """

    model_type = MODEL_TYPE

    def __init__(  # noqa: PLR0913  (a configuration is read from JSON keys)
        self,
        *,
        vocab_size: int = 1,
        embedding_size: int = 50,
        lstm_size: int = 200,
        hidden_size: int = 768,
        max_position_embeddings: int = 512,
        hidden_dropout_prob: float = 0.2,
        initializer_range: float = 0.05,
        pad_token_id: int | None = None,
        **others: Any,
    ) -> None:
        self.vocab_size, self.embedding_size, self.lstm_size = vocab_size, embedding_size, lstm_size
        self.hidden_size, self.num_hidden_layers = hidden_size, 1
        self.max_position_embeddings, self.hidden_dropout_prob = max_position_embeddings, hidden_dropout_prob
        self.initializer_range, self.pad_token_id = initializer_range, pad_token_id
        super().__init__(**{key: value for key, value in others.items() if key != "num_hidden_layers"})


class Lstm(nn.Module):
    """One direction, its weights laid out as ONNX's operator has them, so that they are constants in an exported graph.

    Gates stand in the order input, output, forget, cell: input weights (1, 4H, E), recurrent weights (1, 4H, H), biases
    (8H,), of inputs and then of states.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.input_weights = nn.Parameter(torch.empty(1, 4 * hidden, inputs))
        self.recurrent_weights = nn.Parameter(torch.empty(1, 4 * hidden, hidden))
        self.biases = nn.Parameter(torch.empty(8 * hidden))

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """Vectors (batch, length, E) → states (batch, length, H)."""
        batch, length, _ = vectors.shape
        if torch.compiler.is_exporting():
            # The exporter's own translation of an LSTM fixes its length.
            states = torch.onnx.ops.symbolic(
                "LSTM",
                [vectors.transpose(0, 1), self.input_weights, self.recurrent_weights, self.biases[None]],
                {"hidden_size": self.hidden},
                dtype=vectors.dtype,
                shape=(length, 1, batch, self.hidden),
                version=OPSET,
            )
            return states.squeeze(1).transpose(0, 1)
        weights = [self.input_weights[0], self.recurrent_weights[0], *self.biases.chunk(2)]
        start = vectors.new_zeros(1, batch, self.hidden)
        with torch.autocast(vectors.device.type, enabled=False):
            states, _, _ = torch.lstm(
                vectors.float(), (start, start), [_reordered(part) for part in weights],
                True, 1, 0.0, self.training, False, True,
            )  # fmt: skip
        return states


def _reordered(weights: torch.Tensor) -> torch.Tensor:
    """Gates from ONNX's order to PyTorch's: input, forget, cell, output."""
    gate_input, gate_output, gate_forget, cell = weights.chunk(4)
    return torch.cat([gate_input, gate_forget, cell, gate_output])


class XtremeForTokenClassification(PreTrainedModel):
    """Embeddings E → LSTM 2 × H → GELU projection to the teacher's width → tags."""

    config_class = XtremeConfig
    base_model_prefix = ""

    def __init__(self, config: XtremeConfig) -> None:
        super().__init__(config)
        self.num_labels = config.num_labels
        self.word_embeddings = nn.Embedding(config.vocab_size, config.embedding_size, padding_idx=config.pad_token_id)
        self.forwards = Lstm(config.embedding_size, config.lstm_size)
        self.backwards = Lstm(config.embedding_size, config.lstm_size)
        self.projection = nn.Linear(2 * config.lstm_size, config.hidden_size)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, Lstm):
            for weights in module.parameters():
                if not getattr(weights, "_is_hf_initialized", False):
                    nn.init.uniform_(weights, -1 / math.sqrt(module.hidden), 1 / math.sqrt(module.hidden))

    def get_input_embeddings(self) -> nn.Embedding:
        """The word-piece embeddings."""
        return self.word_embeddings

    def set_input_embeddings(self, value: nn.Embedding) -> None:
        """Put others in their place."""
        self.word_embeddings = value

    def parts(self) -> list[nn.Module]:
        """The parts that learn, from the head down."""
        return [self.classifier, self.projection, nn.ModuleList([self.forwards, self.backwards]), self.word_embeddings]

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        **_: Any,
    ) -> TokenClassifierOutput:
        """Tag word-pieces.

        Args:
            input_ids: shape (batch, length), int64.
            attention_mask: 1 for pieces, then 0 for the padding behind them, same shape; None if there is no padding.
            labels: tag numbers, -100 where none counts, same shape; None leaves the loss out.

        Returns:
            `logits` (batch, length, tags); `hidden_states`, which are the embeddings (batch, length, E) and the
            projection (batch, length, teacher's width); with labels the mean cross-entropy as `loss`.
        """
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        turned = turned_places(mask)
        vectors = self.word_embeddings(input_ids)
        read = self.dropout(vectors)
        ahead, back = self.forwards(read), _taken(self.backwards(_taken(read, turned)), turned)
        projected = nn.functional.gelu(self.projection(self.dropout(torch.cat([ahead, back], dim=-1))))
        logits = self.classifier(projected)
        loss = None
        if labels is not None:
            loss = nn.functional.cross_entropy(logits.reshape(-1, self.num_labels), labels.reshape(-1))
        return TokenClassifierOutput(loss=loss, logits=logits, hidden_states=(vectors, projected))


def turned_places(mask: torch.Tensor) -> torch.Tensor:
    """Where each place of a text stands once the text is turned round; padding stays where it is.

    Args:
        mask: 1 for pieces, then 0 for padding, shape (batch, length).

    Returns:
        Places, shape (batch, length), int64; taking twice by them changes nothing.
    """
    lengths = mask.sum(dim=1, keepdim=True)
    places = torch.arange(mask.shape[1], device=mask.device)[None]
    return torch.where(places < lengths, lengths - 1 - places, places)


def _taken(vectors: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    return vectors.gather(1, places[..., None].expand(-1, -1, vectors.shape[-1]))
