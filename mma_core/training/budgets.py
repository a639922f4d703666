"""How much each step learns from in each budget.

On two cores a 12×384 teacher tags some 150 sentences a second, and students learn from 45 (12 layers) to 80 (6 layers):
`quick` stays under 10 minutes, `standard` under an hour, `full` is for a GPU or a night.
"""

from dataclasses import dataclass

BATCH = 32


@dataclass(frozen=True)
class Budget:
    """What one step may use.

    Attributes:
        sentences: in all, of the text that it learns from.
        steps: optimiser steps of each of its phases.
        batch: sentences a step.
    """

    sentences: int
    steps: tuple[int, ...]
    batch: int = BATCH


# Step → budget → what it may use.
TABLE: dict[str, dict[str, Budget]] = {
    "layers": {
        "quick": Budget(16_000, (500,)),
        "standard": Budget(64_000, (5_000,)),
        "full": Budget(500_000, (15_000,)),
    },
    "minilm": {
        "quick": Budget(12_000, (250, 300)),
        "standard": Budget(64_000, (3_000, 5_000)),
        "full": Budget(400_000, (15_000, 15_000)),
    },
    "time": {
        "quick": Budget(12_000, (300, 300)),
        "standard": Budget(24_000, (1_500, 2_000)),
        "full": Budget(200_000, (15_000, 15_000)),
    },
    "heads": {
        "quick": Budget(16_000, (400,)),
        "standard": Budget(64_000, (1_000,)),
        "full": Budget(500_000, (15_000,)),
    },
    "ffn": {
        "quick": Budget(16_000, (400,)),
        "standard": Budget(64_000, (1_000,)),
        "full": Budget(500_000, (15_000,)),
    },
    "sparse": {
        "quick": Budget(16_000, (500,)),
        "standard": Budget(64_000, (1_500,)),
        "full": Budget(500_000, (15_000,)),
    },
    # Representation, logits, labels. The paper's batches are of 512 (its table 14); the largest that steps enough.
    "xtreme": {
        "quick": Budget(16_000, (400, 400, 200), batch=128),
        "standard": Budget(64_000, (1_500, 1_500, 1_000), batch=128),
        "full": Budget(700_000, (30_000, 30_000, 10_000), batch=512),
    },
    # General distillation, then sparse fine-tuning: the full run that finds the weights, and the run that tunes them.
    "bistil": {
        "quick": Budget(12_000, (250, 70, 200)),
        "standard": Budget(21_000, (800, 200, 600)),
        "full": Budget(250_000, (50_000, 3_000, 10_000)),
    },
}
