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
        steps: optimiser steps of each of its phases, each of `BATCH` sentences.
    """

    sentences: int
    steps: tuple[int, ...]


# Step → budget → what it may use.
TABLE: dict[str, dict[str, Budget]] = {
    "layers": {
        "quick": Budget(16_000, (500,)),
        "standard": Budget(100_000, (3_000,)),
        "full": Budget(500_000, (15_000,)),
    },
    "minilm": {
        "quick": Budget(12_000, (250, 300)),
        "standard": Budget(80_000, (1_800, 2_400)),
        "full": Budget(400_000, (15_000, 15_000)),
    },
    "time": {
        "quick": Budget(12_000, (300, 300)),
        "standard": Budget(60_000, (2_500, 2_500)),
        "full": Budget(200_000, (15_000, 15_000)),
    },
    "heads": {
        "quick": Budget(16_000, (400,)),
        "standard": Budget(80_000, (2_400,)),
        "full": Budget(500_000, (15_000,)),
    },
    "ffn": {
        "quick": Budget(16_000, (400,)),
        "standard": Budget(80_000, (2_400,)),
        "full": Budget(500_000, (15_000,)),
    },
    "sparse": {
        "quick": Budget(16_000, (500,)),
        "standard": Budget(100_000, (3_000,)),
        "full": Budget(500_000, (15_000,)),
    },
}
