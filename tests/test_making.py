"""One order, one artifact."""

from collections.abc import Callable
from pathlib import Path

import pytest
from builds import quiet

from mma_core import checkpoint, making, orders
from mma_core.orders import Order
from mma_core.recipe import parse


def test_what_a_step_may_use(
    tiny_teacher: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMA_CACHE", str(tmp_path))
    teacher = checkpoint.load(str(tiny_teacher("bert")))
    order = Order(parse("onnx"), teacher.name, languages=("de", "sw"), budget="standard")
    world = making.world_of(order, teacher, quiet)
    assert world.budget == "standard"
    assert world.labelled() == {}
    assert {code: len(texts) for code, texts in world.unlabelled((), 2).items()} == {"de": 2, "sw": 2}
    assert world.unlabelled(("ja",), 1).keys() == {"ja"}
    assert world.work == tmp_path / "work" / orders.folder_of(order).name
    assert world.shared.parent == tmp_path / "outputs"
    assert not world.work.exists()
