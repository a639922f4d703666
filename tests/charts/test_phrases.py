"""How charts put recipes into words."""

import pytest

from mma_core.charts.phrases import wrapped

LANGUAGES = "vocab:de,en,fr,sw"


@pytest.mark.parametrize(
    ("recipe", "lines"),
    [
        ("int8", ["int8"]),
        ("minilm:4x256+sparse:0.5", ["minilm:4x256+sparse:0.5"]),
        (f"layers:6+{LANGUAGES}+int8static", ["layers:6+vocab:4 languages+", "int8static"]),
        (f"minilm:4x256+sparse:0.95+{LANGUAGES}+bf16", ["minilm:4x256+sparse:0.95+", "vocab:4 languages+bf16"]),
        (f"minilm:4x256+heads:0.5+{LANGUAGES}+int8static", ["minilm:4x256+heads:0.5+", "vocab:4 languages+int8static"]),
    ],
)
def test_names_beside_a_chart_take_as_few_lines_as_go(recipe: str, lines: list[str]) -> None:
    assert wrapped(recipe).split("<br>") == lines
