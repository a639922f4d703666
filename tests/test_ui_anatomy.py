"""The accordion that takes a recipe apart."""

from pathlib import Path
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
    said, sizes, times, found = anatomy.take_apart(" int8+layers:6 ", "de", MagicMock())
    assert "layers:6+int8: Model takes 90% of the time" in said
    assert [len(figure.data) for figure in (sizes, times)] == [1, 2]
    parts = Path(anatomy.bytes_file(found)).read_text(encoding="utf-8").splitlines()
    assert parts[:2] == ["Recipe,Part,Bytes", "layers:6+int8,Embeddings,97000000"]
    stages = Path(anatomy.times_file(found)).read_text(encoding="utf-8").splitlines()
    assert stages[-1] == "layers:6+int8,Floor int8,90.0,42"


def test_nothing_to_fetch_before_something_is_taken_apart() -> None:
    for handler in (anatomy.bytes_file, anatomy.times_file):
        with pytest.raises(gr.Error, match="no measurements"):
            handler(None)


def test_what_has_no_anatomy_is_a_notice() -> None:
    with pytest.raises(gr.Error, match="no artifact to take apart"):
        anatomy.take_apart("teacher", "en", MagicMock())
    with pytest.raises(gr.Error, match="Unknown step"):
        anatomy.take_apart("<b>", "en", MagicMock())


def test_it_stands_in_the_compare_tab() -> None:
    blocks = build_app().get_config_file()["components"]
    assert [one for one in blocks if one["props"].get("elem_id") == "mma-anatomy"]
