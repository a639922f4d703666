"""One order, one artifact."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from builds import quick_builds, quiet

from mma_core import checkpoint, export, making, orders
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
    assert world.languages == ("de", "sw")
    assert world.unlabelled(("ja",), 1).keys() == {"ja"}
    assert world.work == tmp_path / "work" / orders.folder_of(order).name
    assert world.shared.parent == tmp_path / "outputs"
    assert not world.work.exists()


def test_a_graph_that_is_not_the_model_is_no_artifact(
    tiny_teacher: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMA_CACHE", str(tmp_path))
    order = Order(parse("onnx"), str(tiny_teacher("bert")), languages=("de",))
    with quick_builds():
        real = export.export

        def spoilt(model: checkpoint.Checkpoint) -> onnx.ModelProto:
            graph = real(model)
            bias = next(tensor for tensor in graph.graph.initializer if tensor.name.endswith("classifier.bias"))
            bias.CopyFrom(onnx.numpy_helper.from_array(np.float32([9, 0, 0, 0, 0, 0, 0]), bias.name))
            return graph

        monkeypatch.setattr(export, "export", spoilt)
        with pytest.raises(RuntimeError, match="the exported graph does not tag as the model it was made from"):
            making.run(order, tmp_path / "made", quiet)
    assert not (tmp_path / "made").exists()
