"""The accordion that takes a recipe apart."""

from typing import Any
from unittest.mock import MagicMock

import gradio as gr
import pytest
from profiles import found

from mma_core.measure import profile
from mma_core.ui import anatomy, build_app

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::UserWarning")


def fake(wanted: Any, *, code: str, report: Any) -> profile.Profile:
    facts = {"recipe": str(wanted), "teacher": "multi", "engine": "onnxruntime", "language": code, "words": 700}
    rest = {"pieces": 1100, "threads": 2, "cpu": "<CPU>"}
    return profile.Profile(**found(**facts, **rest))


def test_a_recipe_is_taken_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile, "profile", fake)
    said, sizes, times = anatomy.take_apart(" int8+layers:6 ", "de", MagicMock())
    assert "layers:6+int8: Model takes 90% of the time" in said
    assert [len(figure.data) for figure in (sizes, times)] == [1, 2]


def test_what_has_no_anatomy_is_a_notice() -> None:
    with pytest.raises(gr.Error, match="no artifact to take apart"):
        anatomy.take_apart("teacher", "en", MagicMock())
    with pytest.raises(gr.Error, match="Unknown step"):
        anatomy.take_apart("<b>", "en", MagicMock())


def test_it_stands_in_the_compare_tab() -> None:
    blocks = build_app().get_config_file()["components"]
    assert [one for one in blocks if one["props"].get("elem_id") == "mma-anatomy"]
