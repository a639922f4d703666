"""Handlers called as plain functions; one round trip through a running app."""

import csv
import errno
import html
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock
from unittest.mock import MagicMock

import gradio as gr
import pytest
import test_charts
from several import several

from mma_core import build, charts, results
from mma_core.__main__ import _parse
from mma_core.artifact import Artifact
from mma_core.charts import SPEEDUP
from mma_core.errors import ArtifactError, DataError, RecipeError
from mma_core.languages import LANGUAGES
from mma_core.recipe import Kind, Step, parse
from mma_core.spans import Span
from mma_core.ui import (
    build_app,
    compare,
    examples,
    filters,
    format,
    languages,
    launch_options,
    outcome,
    parse_arguments,
    recipe_picker,
    tag,
)
from mma_core.ui.chart import LIBRARY
from mma_core.ui.notices import notices

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::UserWarning")

TEXT = "Ada Lovelace met Charles Babbage in London."
REQUEST: Any = SimpleNamespace(session_hash="session")


@dataclass
class FakeTagger:
    spans: list[Span]

    def tag_texts(self, texts: list[str], language: str) -> list[list[Span]]:
        return [self.spans for _ in texts]


def span(part: str, label: str, text: str = TEXT) -> Span:
    start = text.index(part)
    return Span(start, start + len(part), label, 0.9)


def fake_tagger(wanted: Any, **_: Any) -> FakeTagger:
    """The teacher finds one entity more than any recipe."""
    found = [span("Ada Lovelace", "PER"), span("London", "LOC")]
    return FakeTagger([*found, span("Charles", "PER")] if wanted.is_teacher else found)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Taggers without models, and an artifact without a graph."""
    (tmp_path / "model.onnx").write_bytes(b"graph")
    made = Artifact(tmp_path, {"parameters": 2_000_000, "agreement": {"en": 99.5}, "notes": ["a <note>"]})
    monkeypatch.setattr(build, "tagger", fake_tagger)
    monkeypatch.setattr(build, "cached", lambda wanted: made)


def tag_now(text: str = TEXT, recipe: str = "int8", code: str = "en") -> list[Any]:
    return tag.tag(code, text, recipe, REQUEST, MagicMock())


def test_tag_shows_both_sides_their_difference_and_facts(fake: None) -> None:
    page, spans, command, built, button = tag_now()
    assert page.count("<mark") == 5
    assert page.count("mma-differs") == 2  # the mark and the legend
    assert "2 of 3 entities agree." in page
    assert "2.0 million" in page
    assert "99.5%" in page
    assert "a &lt;note&gt;" in page
    assert [one["text"] for one in spans] == ["Ada Lovelace", "London"]
    assert command == f"python -m mma_core tag int8 --language en --json '{TEXT}'"
    assert (built, button["interactive"]) == ("int8", True)
    assert not tag._running


def test_the_teacher_alone_has_one_side_and_nothing_to_download(fake: None) -> None:
    page, spans, _, _, button = tag_now(recipe="teacher")
    assert page.count("<article") == 1
    assert len(spans) == 3
    assert not button["interactive"]


@pytest.mark.parametrize(
    ("text", "recipe", "code", "said"),
    [
        ("", "int8", "en", "no text to tag"),
        (" \n ", "int8", "en", "no text to tag"),
        ("x" * 20_001, "int8", "en", "20,001 characters"),
        (TEXT, "int9", "en", "Unknown step"),
        (TEXT, "<img src=x>", "en", "&lt;img"),
        (TEXT, "int8", "xx", "Unknown language"),
    ],
)
def test_bad_input_is_a_notice(fake: None, text: str, recipe: str, code: str, said: str) -> None:
    with pytest.raises(gr.Error) as caught:
        tag_now(text, recipe, code)
    assert said in caught.value.message
    assert "<img" not in caught.value.message


def test_a_long_text_is_told_of_the_command_line(fake: None) -> None:
    with pytest.raises(gr.Error, match="no limit: python -m mma_core tag int8 --language en --file FILE"):
        tag_now("x" * 20_001)


def test_cancel_reaches_the_running_build(monkeypatch: pytest.MonkeyPatch) -> None:
    def tagger(wanted: Any, *, report: Any, cancel: threading.Event) -> FakeTagger:
        tag.cancel(SimpleNamespace(session_hash="other"))  # type: ignore[arg-type]
        assert not cancel.is_set()
        tag.cancel(REQUEST)
        assert cancel.is_set()
        raise build.BuildCancelled("the build was cancelled")

    monkeypatch.setattr(build, "tagger", tagger)
    with pytest.raises(gr.Error, match="cancelled"):
        tag_now()
    assert not tag._running


def test_only_our_errors_become_notices() -> None:
    @notices
    def fails() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()


def test_a_full_disk_becomes_a_notice() -> None:
    @notices
    def fails() -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/full/<model>")

    with pytest.raises(gr.Error, match="/full/&lt;model&gt;: No space left on device; make room, or"):
        fails()


def test_the_zip_is_made_on_demand(fake: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "downloads"))
    path = Path(tag.zip_artifact("int8"))
    assert path.suffix == ".zip"
    assert path.is_relative_to(tmp_path / "downloads")
    with pytest.raises(gr.Error, match="nothing to download"):
        tag.zip_artifact("")


def test_hostile_text_and_labels_are_escaped() -> None:
    text = '<script>alert("x")</script> & co'
    label = '"><b onmouseover=x>'
    page = format.tagged(text, [Span(0, 8, label, 0.5)], code="en", differing=set())
    assert "<script" not in page
    assert "<b " not in page
    assert "&lt;script&gt;" in page
    assert "mma-other" in page


@pytest.mark.parametrize(("code", "direction"), [("ar", "rtl"), ("de", "ltr")])
def test_offsets_hold_with_emoji_and_right_to_left(code: str, direction: str) -> None:
    text = "👩‍🚀 وصلت ليلى 🇩🇪 إلى لندن."
    spans = [span("ليلى", "PER", text), span("لندن", "LOC", text)]
    page = format.tagged(text, spans, code=code, differing=set())
    assert f'dir="{direction}"' in page
    assert ">ليلى<span" in page
    assert ">لندن<span" in page
    assert [one["text"] for one in format.as_json(text, spans)] == ["ليلى", "لندن"]


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ([], [], "Neither finds"),
        ([span("London", "LOC")], [span("London", "LOC")], "one entity found agrees"),
        ([span("London", "LOC")], [span("London", "ORG")], "0 of 2"),
    ],
)
def test_summary(first: list[Span], second: list[Span], said: str) -> None:
    ours, theirs = (outcome.Outcome(tuple(spans), 1.0, 7) for spans in (first, second))
    assert said in format.summary(outcome.agreement(ours, theirs))


def test_timing_is_a_median_after_a_warm_up() -> None:
    fake = MagicMock()
    fake.tag_texts.return_value = [[span("London", "LOC")]]
    seen = outcome.observe(fake, TEXT, "en")
    assert fake.tag_texts.call_count == 1 + outcome.REPEATS
    assert seen.words == 8
    assert seen.words_per_s > 0


def test_choosing_a_language_turns_the_box_and_keeps_own_text() -> None:
    box, change, hint, first, *_ = tag.choose_language("ar", TEXT)
    assert (box["rtl"], "value" in box) == (True, False)
    assert change == {"replaces": "", "by": examples.of("ar")[0]}
    assert not hint["visible"]
    assert first["value"] == examples.of("ar")[0]
    example = examples.of("en")[1]
    assert tag.choose_language("de", example)[1] == {"replaces": example, "by": examples.of("de")[0]}
    _, _, hint, first, *_ = tag.choose_language("ka", TEXT)
    assert hint["visible"]
    assert not first["visible"]


def test_every_language_can_be_chosen() -> None:
    assert {code for _, code in format.language_choices()} == set(LANGUAGES)


@pytest.mark.parametrize("step", sorted(Step.registry))
def test_form_and_recipe_agree_for_every_step(step: str) -> None:
    wanted = parse(Step.registry[step].example)
    form = recipe_picker.values(wanted)
    assert recipe_picker.spell(form) == str(wanted)
    assert len(form) == len(recipe_picker.kinds()) + sum(len(fields(s)) for s in recipe_picker.with_arguments())


def test_form_and_recipe_agree_for_combinations() -> None:
    wanted = parse("int8+vocab:sw,de+layers:3")
    assert recipe_picker.spell(recipe_picker.values(wanted)) == str(wanted)


def test_the_form_has_every_kind_of_argument() -> None:
    with several() as step:
        for spelled in ("several:2,de,s,loud", "several:40,xh,m+int8"):
            wanted = parse(spelled)
            assert recipe_picker.spell(recipe_picker.values(wanted)) == str(wanted)
        with gr.Blocks():
            form = recipe_picker.layout().form[len(recipe_picker.kinds()) :]
        names = [one.name for one in recipe_picker.with_arguments() for _ in fields(one)]
        depth, code, size, loud = (part for part, name in zip(form, names, strict=True) if name == step.name)
        assert (type(depth), depth.minimum, depth.maximum, depth.value) == (gr.Slider, 1, 48, 2)
        assert (type(code), code.multiselect, code.value, len(code.choices)) == (
            gr.Dropdown,
            False,
            "de",
            len(LANGUAGES),
        )
        assert (type(size), size.choices, size.value) == (gr.Dropdown, [("s", "s"), ("m", "m")], "s")
        assert (type(loud), loud.value) == (gr.Checkbox, False)


def test_every_step_shows_summary_and_paper() -> None:
    for step in Step.registry.values():
        assert step.title in recipe_picker.label(step)
        assert recipe_picker.refusal(step) or step.summary in recipe_picker.label(step)
        assert step.paper[1] in recipe_picker.sources(step.kind)


@pytest.mark.parametrize("step", Step.registry.values(), ids=lambda step: step.name)
def test_every_step_says_how_it_works(step: type[Step]) -> None:
    told = recipe_picker.explanation(step)
    page = recipe_picker.explanations(step.kind)
    assert len(" ".join(told)) >= 100
    assert f"<h4>{step.title} <code>{step.name}</code></h4>" in page
    assert step.paper[1] in page
    plain = html.unescape(re.sub("<[^>]+>", "", page))
    assert all(paragraph.replace("`", "") in plain for paragraph in told)
    assert re.sub("</?(div|section|h4|p|a|code)[ >]", "", page).count("<") == 0


@pytest.mark.parametrize("base", ["teacher", "onnx"])
def test_any_step_may_be_chosen_in_place_of_a_base(base: str) -> None:
    assert {step.name for step in Step.registry.values() if recipe_picker.refusal(step, [base])} == {
        step.name for step in Step.registry.values() if recipe_picker.refusal(step)
    }
    _, _, *form = recipe_picker.typed(base)
    values = [update["value"] for update in form[: len(recipe_picker.kinds())]]
    values[recipe_picker.kinds().index(Kind.PRECISION)] = "int8"
    text, *_ = recipe_picker.toggled(*values, *form[len(values) : len(values) + len(recipe_picker._declared())])
    assert text == "int8"


def test_a_vocabulary_can_be_chosen_beside_a_student_with_its_own() -> None:
    assert recipe_picker.refusal(Step.registry["vocab"], ["bistil"]) == ""
    verdict = recipe_picker.judge("bistil:en,sw+vocab:de")
    assert (verdict.recipe, verdict.usable) == (None, False)


def test_how_a_step_works_is_escaped() -> None:
    with several() as step:
        step.__doc__ = "It takes `a` < b & <img src=x>."
        page = recipe_picker.explanations(step.kind)
    assert "<p>It takes <code>a</code> &lt; b &amp; &lt;img src=x&gt;.</p>" in page


def test_typing_sets_the_form_or_says_what_is_wrong() -> None:
    message, button, *rest = recipe_picker.typed("layers:6+int8")
    assert "ONNX Runtime" in message
    assert button["interactive"]
    assert rest[: len(recipe_picker.kinds())][1]["value"] == "layers"
    message, button, *_ = recipe_picker.typed("layers:48")
    assert "Step layers:48: the teacher has 12 layers; keep from 1 to 11" in message
    assert not button["interactive"]
    message, button, *_ = recipe_picker.typed("<b>")
    assert "&lt;b&gt;" in message
    assert not button["interactive"]


def test_a_step_this_machine_cannot_run_is_marked_and_not_tagged_with(monkeypatch: pytest.MonkeyPatch) -> None:
    step = Step.registry["int8"]

    def check(self: Step) -> None:
        raise RecipeError("step int8: this CPU lacks it")

    monkeypatch.setattr(step, "check", check)
    assert "not on this machine\nstep int8: this CPU lacks it" in recipe_picker.label(step)
    message, button, *rest = recipe_picker.typed("int8")
    assert "this CPU lacks it" in message
    assert not button["interactive"]
    assert rest[recipe_picker.kinds().index(Kind.PRECISION)]["value"] == "int8"


def test_toggling_respells_and_an_empty_argument_is_explained() -> None:
    form = recipe_picker.values(parse("vocab:de+int8"))
    text, _, button, base, *_ = recipe_picker.toggled(*form)
    assert (base["value"], text, button["interactive"]) == (None, "vocab:de+int8", True)
    place = len(recipe_picker.kinds()) + [s.name for s in recipe_picker.with_arguments() for _ in fields(s)].index(
        "vocab"
    )
    form[place] = []
    _, message, button, *_ = recipe_picker.toggled(*form)
    assert "languages kept is empty" in message
    assert not button["interactive"]


def test_nothing_chosen_is_a_base_and_a_base_stands_alone() -> None:
    form = recipe_picker.values(parse("int8"))
    precision = recipe_picker.kinds().index(Kind.PRECISION)
    form[precision] = recipe_picker.NONE
    assert recipe_picker.spell(form) == "onnx"
    assert recipe_picker.toggled(*form)[0] == "onnx"
    assert recipe_picker.toggled(*form)[3]["value"] == "onnx"
    text, _, _, *choices = recipe_picker.rebased("teacher")
    assert text == "teacher"
    assert choices[precision]["value"] == recipe_picker.NONE


def test_a_step_that_does_not_go_with_the_others_is_marked_with_the_reason() -> None:
    offered = {
        name: label
        for chosen in recipe_picker.toggled(*recipe_picker.values(parse("xtreme:50,200+int8")))[3:]
        for label, name in chosen.get("choices", ())
    }
    title, reason = offered["heads"].split("\n")
    assert recipe_picker.NOT in title
    assert "does not go with xtreme" in reason
    # A student would take the place of the one chosen.
    assert not any(recipe_picker.NOT in offered[name] for name in ("layers", "vocab", "sparse", "onnx", "none"))
    assert recipe_picker.NOT in recipe_picker.label(Step.registry["xtreme"], {"ffn"})


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Two tables of measurements of their own: shipped rows, and none of the user's."""
    monkeypatch.setattr(results, "PRECOMPUTED", tmp_path / "shipped.jsonl")
    monkeypatch.setattr(results, "own_path", lambda: tmp_path / "own.jsonl")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "downloads"))
    results.append(results.PRECOMPUTED, test_charts.ROWS)
    yield tmp_path


def test_compare_shows_rows_sorted_by_speed(tables: Path) -> None:
    headline, note, figure, table = compare.refresh(SPEEDUP.name, "de/wikineural", compare.BOTH, filters.ANY)
    assert "int8 (2.5×" in headline
    assert "first" in note
    assert len(figure.data) >= 5
    speeds = [row[table["headers"].index("Speed-up ×")] for row in table["data"]]
    assert speeds == sorted(speeds, reverse=True)
    assert "89.5 [87.5, 90.5]" in table["data"][1]


def test_averages_have_costs_and_intervals_too(tables: Path) -> None:
    *_, table = compare.refresh(SPEEDUP.name, charts.ALL_SETS, compare.BOTH, filters.ANY)
    assert table["headers"] == list(compare.TABLE)
    first = dict(zip(table["headers"], table["data"][0], strict=True))
    assert (first["Data set"], first["Latency ms"], first["Energy J/1000 words"]) == ("average of 1", 5.0, "")
    assert " [" in first["F1 % [95%]"]


def test_a_long_recipe_is_counted_first_and_spelled_out_last(tables: Path) -> None:
    results.append(results.own_path(), [test_charts.row("vocab:de,en,fr,sw+int8", 50, 9)])
    *_, table = compare.refresh(SPEEDUP.name, charts.ALL_SETS, compare.OWN, filters.ANY)
    (shown,) = table["data"]
    assert (shown[0], shown[-1]) == ("vocab:4 languages+int8", "vocab:de,en,fr,sw+int8")


def test_a_tier_is_a_view_of_its_own(tables: Path) -> None:
    results.append(results.own_path(), [test_charts.row("int8", 50, 2, language="sw", dataset="masakhaner2")])
    assert ("Mid-resource languages (average)", "tier/mid-resource") in compare.views(compare.all_rows())
    *_, table = compare.refresh(SPEEDUP.name, "tier/mid-resource", compare.BOTH, filters.ANY)
    assert [row[:2] for row in table["data"]] == [["int8", "average of 1"]]


def test_the_axis_can_be_switched_to_what_is_known(tables: Path) -> None:
    assert "energy_j_per_1k_words" not in {name for _, name in compare.axes(compare.all_rows())}
    headline, _, figure, _ = compare.refresh("latency_ms_p50", "all", compare.BOTH, filters.ANY)
    assert "lowest latency" in headline
    assert "ms" in figure.layout.xaxis.title.text
    axis, *_ = compare.choices("energy_j_per_1k_words", "all", compare.BOTH, *[filters.ANY] * 4)
    assert axis["value"] == "speedup"


def test_filters_and_the_empty_state(tables: Path) -> None:
    headline, _, _, table = compare.refresh(SPEEDUP.name, charts.ALL_SETS, compare.OWN, filters.ANY)
    assert "<code>python -m mma_core bench" in headline
    assert table["data"] == []
    assert compare.views(compare.all_rows()) == [
        ("Shared languages (average)", "all"),
        ("High-resource languages (average)", "tier/high-resource"),
        ("German, wikineural", "de/wikineural"),
    ]
    assert compare.choices(SPEEDUP.name, "gone/set", compare.BOTH, *[filters.ANY] * 4)[1]["value"] == "all"


def test_compare_is_filtered_by_work_and_kind(tables: Path) -> None:
    results.append(results.own_path(), [test_charts.row(name, 50, 2) for name in ("sparse:0.9", "sparse:0.9+int8")])

    def shown(work: str, kind: str) -> set[str]:
        *_, table = compare.refresh(SPEEDUP.name, "de/wikineural", compare.BOTH, filters.ANY, work, kind)
        return {row[0] for row in table["data"]} - {"teacher"}

    intriguing = "Intriguing Properties of Compression (Ogueji et al. 2022)"
    assert (intriguing, intriguing) in filters.works(["sparse:0.9"])
    assert ("Combination of kinds", filters.COMBINED) in filters.kinds(["sparse:0.9+int8"])
    assert shown(intriguing, filters.ANY) == {"sparse:0.9", "sparse:0.9+int8"}
    assert shown(intriguing, filters.COMBINED) == {"sparse:0.9+int8"}
    assert shown(filters.ANY, "prune") == {"sparse:0.9", "sparse:0.9+int8"}
    assert "int8" in shown(filters.ANY, "precision")
    assert shown(intriguing, "student") == set()
    assert filters.passes("teacher", intriguing, "student")
    assert not filters.passes("of an older grammar", intriguing, filters.ANY)


def test_rows_of_each_machine_can_be_seen(tables: Path) -> None:
    everywhere = ["de/wikineural", compare.BOTH, filters.ANY, filters.ANY, filters.ANY]
    first = charts.machine(test_charts.ROWS[0])
    one = {"cpu": "Ryzen (family 25 model 1), 2 cores, avx2", "threads": 1}
    assert not compare.choices(SPEEDUP.name, *everywhere, filters.ANY)[-1]["visible"]
    results.append(results.PRECOMPUTED, [test_charts.row("onnx", 50, 2, **one)])
    updated = compare.choices(SPEEDUP.name, *everywhere, filters.ANY)[-1]
    assert updated["visible"]
    labels = dict(updated["choices"])
    assert next(iter(labels.values())) == filters.ANY
    name = labels["Ryzen (family 25 model 1), 2 cores, 1 thread"]

    def shown(machine: str) -> set[str]:
        *_, table = compare.refresh(SPEEDUP.name, *everywhere, machine)
        return {row[table["headers"].index("CPU")] for row in table["data"]}

    assert shown(filters.ANY) == shown(first) == {first}
    assert shown(name) == {name}
    assert compare.choices(SPEEDUP.name, *everywhere, "gone")[-1]["value"] == filters.ANY


def test_csv_has_every_column_of_the_rows_shown(tables: Path) -> None:
    lines = Path(compare.csv_file("all", compare.BOTH, filters.ANY)).read_text(encoding="utf-8").splitlines()
    assert lines[0].split(",") == [name for name in results.COLUMNS if name != "counts"]
    assert len(lines) == 1 + len(test_charts.ROWS)
    assert [json.loads(row["per_type"]) for row in csv.DictReader(lines)] == [row.per_type for row in test_charts.ROWS]
    with pytest.raises(gr.Error, match="no measurements"):
        compare.csv_file("all", compare.OWN, filters.ANY)


def test_damaged_tables_are_a_notice(tables: Path) -> None:
    results.own_path().write_text("not json\n", encoding="utf-8")
    with pytest.raises(gr.Error, match="not a measurement"):
        compare.refresh(SPEEDUP.name, "all", compare.BOTH, filters.ANY)


@pytest.mark.parametrize(
    ("port", "reason"), [("99999", "port must be"), ("0", "port must be 1-65535"), ("taken", "already in use")]
)
def test_a_port_that_cannot_be_had(port: str, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SystemExit) as caught:
        parse_arguments(["--port", port.replace("taken", str(taken.getsockname()[1]))])
    assert caught.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert reason in last
    assert last.endswith("choose another --host or --port")


def test_launch_shares_nothing() -> None:
    options = launch_options()
    assert (options["share"], options["show_error"]) == (False, True)
    assert options["allowed_paths"] == [str(LIBRARY)], "the charts' library alone"
    assert options["max_file_size"]
    assert not build_app().analytics_enabled


@pytest.mark.parametrize("text", [TEXT, "- Angela Merkel", "--json", "it's -- so"])
def test_the_command_tags_whatever_was_typed(text: str) -> None:
    options = _parse(shlex.split(format.command("int8", "en", text))[3:])
    assert (options.text, options.language, options.recipe, options.json) == (text, "en", "int8", True)


def test_a_damaged_table_of_ones_own_keeps_nobody_from_tagging(tables: Path) -> None:
    results.own_path().write_text('{"recipe": "int8", "schema": 1}\n', encoding="utf-8")
    build_app()
    everywhere = ["all", compare.BOTH, *[filters.ANY] * 4]
    for handler in (compare.choices, compare.refresh):
        with pytest.raises(gr.Error, match=r"own\.jsonl"):
            handler(SPEEDUP.name, *everywhere)
    with pytest.raises(gr.Error, match=r"own\.jsonl"):
        languages.choices(None, None)


def round_trip() -> None:
    """Ask a running app with fake taggers; alone in its process, since Gradio leaves sockets and loops open."""
    from gradio_client import Client

    app = build_app()
    with mock.patch.object(build, "tagger", fake_tagger), mock.patch.object(build, "cached", lambda wanted: None):
        _, address, _ = app.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_options())
        page, spans, command, *_ = Client(address, verbose=False).predict("en", TEXT, "int8", api_name="/tag")
    assert "2 of 3 entities agree." in str(page)
    found = spans if isinstance(spans, list) else json.loads(Path(spans).read_text(encoding="utf-8"))
    assert found[0]["label"] == "PER"
    assert command.startswith("python -m mma_core tag int8")
    app.close()


def test_round_trip_through_a_running_app(repository: Path) -> None:
    paths = os.pathsep.join([str(repository), str(repository / "tests")])
    command = [sys.executable, "-c", "import test_ui; test_ui.round_trip()"]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("error", [DataError, RecipeError, ArtifactError])
def test_every_error_of_ours_is_escaped(error: type[Exception]) -> None:
    @notices
    def fails() -> None:
        raise error("<b>it</b> broke")

    with pytest.raises(gr.Error) as caught:
        fails()
    assert caught.value.message == "&lt;b&gt;it&lt;/b&gt; broke"


def test_notes_say_how_the_guard_fared() -> None:
    guard = {"limit": 0.99, "held": False, "languages_under": {"th": 97.5}, "sentences": 882, "matrices": 76}
    kept = [{"matrix": "<layer>", "precision": "fp32", "error": 0.5}]
    shares = {"agreement": {"de": 99.9, "th": 98.0}, "span_agreement": {"de": 99.5, "th": 97.5}}
    command = "python -m mma_core build int8 --teacher '<b>'"
    manifest = {**shares, "speed_vs_fp32": 2.1, "kept": kept, "guard": guard, "command": command}
    page = format.notes(manifest)
    assert "98.9% of tags and 98.5% of entities are the same (least: Thai, 97.5%), at 2.1× the speed." in page
    assert "1 stay in fp32 (&lt;layer&gt;: error 50%)" in page
    assert "It does not keep 99% of entities in 1 of 2 languages: Thai 97.5%." in page
    assert "<span>German</span> 99.9% · 99.5%" in page
    assert "Made by <code>python -m mma_core build int8 --teacher &#x27;&lt;b&gt;&#x27;</code>" in page
    assert ("Same entities as in 32 bits, German", "99.5%") in format.facts(manifest, "de")
    assert ("Trained", "full, on data") in format.facts({**manifest, "budget": "full", "data": "data"}, "de")
