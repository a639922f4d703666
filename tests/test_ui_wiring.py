"""Of a tab's handler that sets its controls and what it shows in one answer: what is given back and what is not."""

from typing import Any

import gradio as gr
import pytest

from mma_core.ui.wiring import answering, first, wire


@pytest.mark.parametrize(
    ("wanted", "offered", "kept"),
    [
        ("b", ["a", "b"], "b"),
        ("gone", ["b", "a"], "a"),
        (None, ["b", "a"], "a"),
        ("gone", ["c", "b"], "c"),
        ("a", [], None),
    ],
)
def test_the_choice_stands_then_the_usual_one_then_any(
    wanted: str | None, offered: list[str], kept: str | None
) -> None:
    assert first(wanted, iter(offered), otherwise="a") == kept


def answered(*given: str) -> list[Any]:
    def choices(recipe: str, *_: str) -> list[Any]:
        return [gr.update(choices=["int8", "bf16"], value=recipe if recipe in ("int8", "bf16") else "int8")]

    return answering(choices, lambda *settled: ["shown", settled])(*given)


def test_what_is_shown_is_of_the_settled_choice() -> None:
    update, untouched, shown, settled = answered("gone", "de")
    assert (update["value"], update["choices"]) == ("int8", ["int8", "bf16"])
    assert untouched == gr.update()
    assert (shown, settled) == ("shown", ("int8", "de"))


def test_a_choice_that_stands_is_not_given_back() -> None:
    update, *_, settled = answered("bf16", "de")
    assert "value" not in update
    assert update["choices"] == ["int8", "bf16"]
    assert settled == ("bf16", "de")


def test_opening_setting_and_what_else_there_is_are_answered_alike() -> None:
    with gr.Blocks() as app:
        with gr.Tab("Page") as page:
            controls = [gr.Textbox(), gr.Textbox()]
            shown = gr.HTML()
        done = gr.Button().click(lambda: None)
        wire(page, lambda *given: given, controls, [shown], done.success)
    _, ours, after = app.get_config_file()["dependencies"]
    assert ours["targets"] == [(page._id, "select"), *((control._id, "input") for control in controls)]
    for dependency in (ours, after):
        assert dependency["inputs"] == [control._id for control in controls]
        assert dependency["outputs"] == [*(control._id for control in controls), shown._id]
        assert dependency["trigger_mode"] == "always_last"
    assert after["trigger_after"] is not None


def test_tables_arrive_after_all_else_and_leave_the_tabs_as_they_are() -> None:
    with gr.Blocks() as app, gr.Tabs() as tabs:
        with gr.Tab("Page") as page:
            shown = [gr.HTML(), gr.Dataframe(), gr.HTML()]
        wire(page, lambda *given: given, [], shown)
    ours, after = app.get_config_file()["dependencies"]
    assert [ours["outputs"][place] for place in (0, 2)] == [shown[0]._id, shown[2]._id]
    (kept,) = set(ours["outputs"]) - {one._id for one in shown}
    assert isinstance(app.blocks[kept], gr.State)
    assert (after["inputs"], after["outputs"]) == ([kept], [shown[1]._id])
    assert (after["trigger_after"], after["trigger_only_on_success"]) == (ours["id"], True)
    assert after["trigger_mode"] == "always_last", "else a table stays that of the answer before"
    assert tabs.children == [page]
    assert app.fns[after["id"]].fn({"data": []}) == {"data": []}
