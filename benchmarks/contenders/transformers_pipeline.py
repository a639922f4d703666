"""The teacher as most people run it: `transformers.pipeline` in PyTorch fp32."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..rival import Entity, Job, Rival, Tag

# A word's tag is that of its first piece, as the teacher was trained.
AGGREGATION = "first"
FILES = ("config.json", "model.safetensors", "tokenizer.json")


@dataclass(frozen=True)
class TransformersPipeline(Rival):
    """`pipeline("token-classification", model=…)` at one batch size; 1 is its default."""

    libraries = ("transformers", "torch", "tokenizers")

    batch_size: int

    @property
    def name(self) -> str:
        """What tables call it."""
        return f"transformers.pipeline, batch {self.batch_size}"

    def open(self, job: Job) -> Tag:
        """Load the checkpoint."""
        import torch
        from transformers import pipeline

        torch.set_num_threads(job.threads)
        run = pipeline("token-classification", model=job.checkpoint, aggregation_strategy=AGGREGATION, device="cpu")
        return tagging(run, self.batch_size)

    def size_bytes(self, job: Job) -> int:
        """Bytes of the checkpoint."""
        return sum((Path(job.checkpoint) / name).stat().st_size for name in FILES)


def tagging(run: Any, batch_size: int) -> Tag:
    """Tag with a pipeline; the language is not asked for.

    Args:
        run: a `TokenClassificationPipeline` that joins pieces to entities.
        batch_size: texts that the model reads at once.
    """

    def tag(texts: Sequence[str], language: str) -> list[list[Entity]]:
        answers = run(list(texts), batch_size=batch_size)
        return [[(e["start"], e["end"], e["entity_group"]) for e in answer] for answer in answers]

    return tag
