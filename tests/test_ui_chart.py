"""Of charts on the page: what they are given, and that the bundle which draws them has all that they need."""

import html
import json
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import plotly.graph_objects as go
import pytest
from plotly.basedatatypes import BaseTraceType as Trace
from plotly.offline import get_plotlyjs_version

from mma_core.ui import chart
from mma_core.ui.chart import LIBRARY


def test_a_chart_is_given_its_figure_as_json() -> None:
    figure = json.loads(chart.chart("here").postprocess(go.Figure(go.Bar(x=[1], y=[2]), layout={"height": 300})))
    assert [trace["type"] for trace in figure["data"]] == ["bar"]
    assert figure["layout"]["height"] == 300
    assert chart.chart("here").postprocess(None) is None


def test_the_bundle_has_the_traces_that_are_drawn_and_no_other(repository: Path) -> None:
    bundled = re.findall(r'moduleType:"trace",name:"(\w+)"', LIBRARY.read_text(encoding="utf-8"))
    asked_for = re.findall(r"plotly\.js/lib/(\w+)", LIBRARY.with_name("traces.js").read_text())
    sources = "".join(path.read_text() for path in (repository / "mma_core" / "charts").glob("*.py"))
    named = {name.lower() for name in re.findall(r"\b(?:add_|go\.)(\w+)\(", sources)}
    known = {name.lower() for name in dir(go) if getattr(go, name) in Trace.__subclasses__()}
    assert sorted(named & known) == sorted(bundled)
    assert sorted(asked_for) == sorted({*bundled, "core"} - {"scatter"})


def test_the_bundle_is_of_the_version_that_figures_are_written_for() -> None:
    with LIBRARY.open(encoding="utf-8") as library:
        banner = library.readline()
    version = get_plotlyjs_version()
    assert f"plotly.js v{version} " in banner
    assert f"version={version} " in LIBRARY.with_name("bundle.sh").read_text()
    assert f"plotly.js {version}: MIT" in LIBRARY.with_name("LICENSES.txt").read_text()


def test_the_page_finds_the_bundle_wherever_the_repository_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = tmp_path / 'a "C#" & 100%' / "plotly.min.js"
    moved.parent.mkdir()
    moved.write_text("")
    monkeypatch.setattr(chart, "LIBRARY", moved)
    address = re.search(r'src="([^"]*)"', chart.head())
    assert address is not None
    parts = urlsplit(html.unescape(address[1]))
    assert unquote(parts.path) == f"gradio_api/file={moved}"
    assert parts.fragment == ""
