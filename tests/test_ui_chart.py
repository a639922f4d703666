"""Of charts on the page: what they are given, and that the bundle which draws them has all that they need."""

import json
import re
from pathlib import Path

import plotly.graph_objects as go
from plotly.basedatatypes import BaseTraceType as Trace
from plotly.offline import get_plotlyjs_version

from mma_core.ui.chart import LIBRARY, chart, head


def test_a_chart_is_given_its_figure_as_json() -> None:
    figure = json.loads(chart("here").postprocess(go.Figure(go.Bar(x=[1], y=[2]), layout={"height": 300})))
    assert [trace["type"] for trace in figure["data"]] == ["bar"]
    assert figure["layout"]["height"] == 300
    assert chart("here").postprocess(None) is None


def test_the_bundle_has_the_traces_that_are_drawn_and_no_other(repository: Path) -> None:
    bundled = set(re.findall(r"plotly\.js/lib/(\w+)", LIBRARY.with_name("traces.js").read_text())) - {"core"}
    sources = "".join(path.read_text() for path in (repository / "mma_core" / "charts").glob("*.py"))
    named = {name.lower() for name in re.findall(r"\b(?:add_|go\.)(\w+)\(", sources)}
    known = {name.lower() for name in dir(go) if getattr(go, name) in Trace.__subclasses__()}
    assert named & known == bundled | {"scatter"}


def test_the_bundle_is_of_the_version_that_figures_are_written_for() -> None:
    with LIBRARY.open(encoding="utf-8") as library:
        banner = library.readline()
    version = get_plotlyjs_version()
    assert f"plotly.js v{version} " in banner
    assert f"version={version} " in LIBRARY.with_name("bundle.sh").read_text()


def test_the_page_loads_the_bundle_from_here() -> None:
    assert f'src="gradio_api/file={LIBRARY}"' in head()
    assert LIBRARY.is_file()
