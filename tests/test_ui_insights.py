"""The Insights tab's handlers called as plain functions."""

from dataclasses import astuple, fields, replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from grids import LABELLED, ROWS
from rows import scored

from mma_core import builtin, results
from mma_core.charts.grid import EVERY_SET, SILVER_SETS
from mma_core.ui import downloads, insights
from mma_core.ui.filters import ANY
from mma_core.ui.insights import START
from mma_core.ui.questions import QUESTIONS, Asked

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

NAMES = [field.name for field in fields(Asked)]


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Two tables of their own, and a teacher that saw German and Swahili."""
    monkeypatch.setattr(results, "PRECOMPUTED", tmp_path / "shipped.jsonl")
    monkeypatch.setattr(results, "own_path", lambda: tmp_path / "own.jsonl")
    monkeypatch.setattr(builtin, "labelled", lambda teacher: LABELLED if teacher == "multi" else {})
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "downloads"))
    results.append(results.PRECOMPUTED, ROWS)


def chosen(**changes: Any) -> dict[str, Any]:
    updates = insights.choices(*astuple(replace(START, **changes)))
    return dict(zip(NAMES, updates, strict=True))


def asked(question: str, **changes: Any) -> tuple[Any, ...]:
    updates = chosen(question=question, **changes)
    return tuple(updates[name]["value"] for name in NAMES)


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("pays", "int8: mid-resource languages pay most"),
        ("lose", "7 surely lose"),
        ("versus", "int8 is worse than teacher over 3 data sets"),
        ("errors", "layers:6+int8 makes"),
        ("types", "lose most"),
        ("steps", "1 keeps surely less than"),
        ("ladder", "At layers:6"),
        ("price", "buy"),
    ],
)
def test_every_question_has_an_answer_a_chart_and_its_data(tables: None, question: str, said: str) -> None:
    headline, note, figure, table = insights.refresh(*asked(question))
    assert said in headline
    assert note.startswith('<p class="mma-note">')
    assert figure.layout.meta == f"mma-{question}"
    assert len(figure.data) >= 1
    assert table["data"]
    assert {len(row) for row in table["data"]} == {len(table["headers"])}
    lines = Path(insights.csv_file(*asked(question))).read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + len(table["data"])


@pytest.mark.parametrize("question", list(QUESTIONS))
def test_without_rows_every_question_says_so(tables: None, question: str) -> None:
    results.PRECOMPUTED.write_text("", encoding="utf-8")
    headline, _, figure, table = insights.refresh(*asked(question))
    assert "mma-takeaway" in headline
    assert len(figure.data) == 0
    assert table == {"headers": [], "data": []}
    with pytest.raises(gr.Error, match="no measurements"):
        insights.csv_file(*asked(question))


@pytest.mark.parametrize("question", list(QUESTIONS))
def test_a_single_row_breaks_nothing(tables: None, question: str) -> None:
    results.PRECOMPUTED.write_text("", encoding="utf-8")
    results.append(results.own_path(), [scored("gone:3", 50, "de")])
    headline, *_ = insights.refresh(*asked(question))
    assert "mma-takeaway" in headline


def test_only_the_questions_own_controls_are_shown(tables: None) -> None:
    def shown(question: str) -> set[str]:
        return {name for name, update in chosen(question=question).items() if update["visible"]}

    assert shown("pays") == {"question", "kind", "recipe"}
    assert shown("versus") == {"question", "kind", "ours", "theirs"}
    assert shown("ladder") == {"question", "kind", "pattern", "unit"}
    results.append(results.own_path(), [scored("int8", 50, "de", teacher="mine")])
    assert "teacher" in shown("lose")


def test_choices_are_what_has_rows_and_stay_chosen(tables: None) -> None:
    found = chosen(recipe="layers:6", theirs="gone", pattern="sparse:N")
    assert (found["recipe"]["value"], found["theirs"]["value"]) == ("layers:6", "teacher")
    assert found["recipe"]["choices"] == [(name, name) for name in ("int8", "layers:6", "layers:6+int8")]
    assert found["pattern"]["value"] == "sparse:N"
    assert found["cost"]["value"] == START.cost
    assert "energy_j_per_1k_words" not in {name for _, name in found["cost"]["choices"]}


def test_silver_sets_and_other_sentences(tables: None) -> None:
    headline, *_ = insights.refresh(*asked("lose", kind=SILVER_SETS))
    assert "No measurements" in headline
    results.append(results.own_path(), [scored("int8", 20, "de", of=50, date="2027-01-01")])
    _, note, *_ = insights.refresh(*asked("lose", kind=EVERY_SET))
    assert "Left out: 1 rows of other machines, on other sentences" in note


def test_commands_stand_apart_and_names_are_escaped(tables: None) -> None:
    headline, *_ = insights.refresh(*asked("ladder", pattern="sparse:N"))
    assert "<code>python -m mma_core bench sparse:0.5" in headline
    results.append(results.own_path(), [scored("x<b>", 10, code, date="2027-01-01") for code in ("de", "sw", "am")])
    headline, *_ = insights.refresh(*asked("versus", ours="x<b>"))
    assert "x&lt;b&gt; is worse than teacher" in headline


def test_damaged_tables_are_a_notice(tables: None) -> None:
    results.own_path().write_text("not json\n", encoding="utf-8")
    for handler in (insights.choices, insights.refresh, insights.csv_file):
        with pytest.raises(gr.Error, match="not a measurement"):
            handler(*astuple(START))


def test_pictures_are_saved_by_the_browser_on_white() -> None:
    script = downloads.save_picture("mma-insight", "mma-pays", "svg")
    assert "format: 'svg'" in script
    assert "paper_bgcolor: 'white'" in script
    assert "{{" not in script


def test_only_recipes_of_the_machine_that_is_asked_about_are_offered(tables: None) -> None:
    elsewhere = [replace(row, recipe="minilm:4x256" if row.recipe == "int8" else row.recipe) for row in ROWS]
    elsewhere = [replace(row, cpu="Ryzen, 2 cores, avx2") for row in elsewhere if row.language == "de"]
    results.append(results.PRECOMPUTED, elsewhere)

    def offered(machine: str) -> set[str]:
        return {recipe for _, recipe in chosen(machine=machine)["recipe"]["choices"]}

    machines = dict(chosen()["machine"]["choices"])
    there = machines["Ryzen, 2 cores, 2 threads"]
    assert chosen()["machine"]["visible"]
    assert "minilm:4x256" not in offered(ANY)
    assert "minilm:4x256" in offered(there)
    assert "int8" not in offered(there)
    headline, *_ = insights.refresh(*asked("versus", machine=there, ours="minilm:4x256"))
    assert "minilm:4x256 is" in headline
    assert chosen(machine="gone")["machine"]["value"] == ANY


def test_the_shipped_table_answers_every_question() -> None:
    offered = chosen()
    patterns = [pattern for pattern in offered["pattern"]["choices"] if pattern != "sparse:N"]
    questions = [*((name, {}) for name in QUESTIONS), *(("ladder", {"pattern": pattern}) for pattern in patterns)]
    for name, changes in questions:
        _, _, figure, table = insights.refresh(*asked(name, **changes))
        assert table["data"], (name, changes)
        assert figure.data
