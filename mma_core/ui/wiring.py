"""A tab's controls and what it shows of them: one answer sets both, so that a click takes one round trip."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import zip_longest
from typing import Any

import gradio as gr


def first(wanted: str | None, offered: Iterable[str], *, otherwise: str) -> str | None:
    """What was chosen if it is still offered, else the usual choice, else whatever there is."""
    there = list(offered)
    return next((choice for choice in (wanted, otherwise, *there) if choice in there), None)


def answering(choices: Callable[..., list[Any]], refresh: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """A handler that offers what there is by now, and shows what is then chosen.

    A slow answer must not undo a further click: a control whose value stands is not given it again.

    Args:
        choices: the controls' values → updates of the controls, of the first ones if they are fewer.
        refresh: the controls' values → what is shown.

    Returns:
        The controls' values → an update of each, then what is shown.
    """

    def handler(*given: Any) -> list[Any]:
        offered = list(zip_longest(choices(*given), given, fillvalue=gr.update()))
        settled = [update.get("value", value) for update, value in offered]
        return [*(_changed(update, value) for update, value in offered), *refresh(*settled)]

    return handler


def _changed(update: dict[str, Any], given: Any) -> dict[str, Any]:
    return {name: value for name, value in update.items() if name != "value" or value != given}


def wire(
    page: gr.Tab,
    handler: Callable[..., list[Any]],
    controls: Sequence[Any],
    shown: Sequence[Any],
    *others: Callable[..., Any],
) -> None:
    """Answer when a tab is opened and when one of its controls is set.

    A browser takes as long to lay a table out as to draw a chart, so tables arrive when all else is there.

    Args:
        page: the tab.
        handler: of `answering`.
        controls: whose values it takes.
        shown: what it shows.
        others: what else to answer, such as `success` of another event.
    """
    how = {"show_progress": "hidden", "api_visibility": "private", "trigger_mode": "always_last"}
    with page:  # Gradio numbers a page's tabs by what stands between them
        kept = {one: gr.State() for one in shown if isinstance(one, gr.Dataframe)}
    outputs = [*controls, *(kept.get(one, one) for one in shown)]
    for listen in (partial(gr.on, [page.select, *(control.input for control in controls)]), *others):
        answered = listen(handler, list(controls), outputs, **how)  # type: ignore[operator]
        for table, content in kept.items():
            answered.success(_as_given, content, table, queue=False, **how)


def _as_given(content: dict[str, Any]) -> dict[str, Any]:
    return content
