"""The Tag tab: a text, a recipe, and the teacher's entities beside the accelerated model's."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from .. import build
from ..errors import ArtifactError, DataError
from ..languages import language
from ..recipe import Recipe, parse
from . import examples, format, recipe_picker
from .notices import notices
from .outcome import observe
from .recipe_picker import Picker

START_LANGUAGE = "en"
LONGEST_TEXT = 20_000
NO_EXAMPLES = "No sample sentences in this language: type or paste a text of your own."
EMPTY = "<p class=\"mma-empty\">The teacher's entities and the accelerated model's appear here, side by side.</p>"
# On a narrow screen the result stands far below the button.
SHOW_RESULT = """() => {
  const result = document.querySelector("#mma-output");
  if (result.getBoundingClientRect().top > window.innerHeight) result.scrollIntoView({behavior: "smooth"});
}"""
# The answer to a choice of language comes a moment later, and what was typed meanwhile is the user's own.
PUT_EXAMPLE = """(text, change) => {
  if (text !== change.replaces && text !== window.mmaExample) return text;
  return window.mmaExample = change.by;
}"""
CLICK_DOWNLOAD = "() => document.querySelector('#{0} a, a#{0}, #{0}')?.click()"

# The event that ends a session's running build, by session hash: cancelling must reach a handler that is at work.
_running: dict[str, threading.Event] = {}


@contextmanager
def _cancellable(session: str) -> Iterator[threading.Event]:
    event = _running[session] = threading.Event()
    try:
        yield event
    finally:
        if _running.get(session) is event:
            del _running[session]


def check_text(text: str, code: str, recipe: str) -> None:
    """Refuse texts that the app does not take.

    Raises:
        DataError: the text is empty or too long; the language is unknown.
    """
    language(code)
    if not text or not text.strip():
        raise DataError("there is no text to tag: type or paste some, or choose an example")
    if len(text) > LONGEST_TEXT:
        raise DataError(
            f"the text has {len(text):,} characters, the app takes up to {LONGEST_TEXT:,}; the command line has "
            f"no limit: python -m mma_core tag {recipe} --language {code} --file FILE"
        )


@notices
def tag(
    code: str,
    text: str,
    spelled: str,
    request: gr.Request,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> list[Any]:
    """Tag a text by the teacher and by a recipe, which is built if need be.

    Returns:
        Result as HTML, spans as JSON, the command line, the recipe that was tagged with, the download button's state.
    """
    check_text(text, code, spelled)
    wanted = parse(spelled)
    with _cancellable(request.session_hash or "") as cancel:
        fast = None
        if not wanted.is_teacher:
            fast = observe(build.tagger(wanted, report=progress, cancel=cancel), text, code)
        progress(0.95, desc="tagging with the teacher")
        baseline = observe(build.tagger(parse("teacher"), report=progress, cancel=cancel), text, code)
    page = format.result(text, code, str(wanted), baseline=baseline, fast=fast, manifest=manifest(wanted))
    spans = format.as_json(text, (fast or baseline).spans)
    return [page, spans, format.command(str(wanted), code, text), str(wanted), gr.update(interactive=fast is not None)]


def manifest(wanted: Recipe) -> dict[str, Any]:
    """What is known of a recipe's artifact; empty for the teacher, which has none."""
    found = None if wanted.is_teacher else build.cached(wanted)
    return {} if found is None else {**found.manifest, "size_bytes": found.size_bytes}


def cancel(request: gr.Request) -> None:
    """End this session's running build."""
    event = _running.get(request.session_hash or "")
    if event is not None:
        event.set()


@notices
def zip_artifact(spelled: str) -> str:
    """Pack a built artifact for download.

    Returns:
        The zip file's path, in the folder that Gradio serves downloads from and clears.
    """
    found = build.cached(parse(spelled)) if spelled else None
    if found is None:
        raise ArtifactError("there is nothing to download yet: tag a text first")
    folder = Path(get_upload_folder()) / "artifacts"
    folder.mkdir(parents=True, exist_ok=True)
    return str(found.zip_to(folder / f"{found.folder.name}.zip"))


def choose_language(code: str, text: str) -> list[Any]:
    """Turn the text box and the examples to a language.

    Returns:
        The text box's direction; which text gives way to which example, and none that is the user's own; hint, buttons.
    """
    offered = examples.of(code)
    replaceable = not text.strip() or examples.is_example(text)
    change = {"replaces": text if replaceable else "", "by": offered[0] if offered else ""}
    buttons = [
        gr.update(value=offered[index] if index < len(offered) else "", visible=index < len(offered))
        for index in range(examples.EXAMPLES)
    ]
    hint = gr.update(visible=not offered)
    return [gr.update(rtl=language(code).direction == "rtl"), change, hint, *buttons]


def tab() -> None:
    """Lay out the tab and wire its handlers."""
    with gr.Tab("Tag", id="tag"), gr.Row(elem_id="mma-tag"):
        with gr.Column(elem_id="mma-input"):
            code, text = _input()
        with gr.Column(elem_id="mma-picker"):
            picker = recipe_picker.layout()
        with gr.Column(elem_id="mma-run"):
            run, stop = _run(picker)
        with gr.Column(elem_id="mma-output"):
            outputs = _output()
    _wire_picker(picker, run)
    _wire_run(run, stop, [code, text, picker.text], outputs)


def _input() -> tuple[gr.Dropdown, gr.Textbox]:
    offered = examples.of(START_LANGUAGE)
    code = gr.Dropdown(format.language_choices(), value=START_LANGUAGE, label="Language", elem_id="mma-language")
    text = gr.Textbox(
        offered[0] if offered else "",
        label="Text",
        lines=5,
        max_lines=14,
        elem_id="mma-text",
        autofocus=True,
        placeholder="Type or paste a text",
    )
    with gr.Column(elem_id="mma-examples"):
        hint = gr.HTML(f'<p class="mma-note">{NO_EXAMPLES}</p>', visible=not offered)
        buttons = [gr.Button(example, size="sm", elem_classes="mma-example") for example in offered]
    change = gr.JSON(visible="hidden")
    code.input(
        choose_language,
        [code, text],
        [text, change, hint, *buttons],
        show_progress="hidden",
        api_visibility="private",
        trigger_mode="always_last",
    ).success(None, [text, change], text, js=PUT_EXAMPLE, api_visibility="private")
    for button in buttons:
        button.click(None, button, text, js="(example) => example", api_visibility="private")
    return code, text


def _run(picker: Picker) -> tuple[gr.Button, gr.Button]:
    with gr.Row(elem_id="mma-buttons"):
        picker.text.render()
        run = gr.Button("Tag", variant="primary", elem_id="mma-go", min_width=80)
        stop = gr.Button("Cancel", elem_id="mma-cancel", min_width=80)
    picker.message.render()
    return run, stop


def _output() -> list[Any]:
    page = gr.HTML(EMPTY, elem_id="mma-result", min_height=120)
    with gr.Accordion("JSON and command line", open=False):
        spans = gr.JSON(label="Spans of the accelerated model", max_height=320)
        command = gr.Textbox(
            label="The same on the command line",
            interactive=False,
            max_lines=1,
            buttons=["copy"],
            elem_classes="mma-code",
        )
    built = gr.State("")
    fetch = gr.Button("Download the artifact (.zip)", size="sm", interactive=False, elem_id="mma-fetch")
    file = gr.DownloadButton("Download", visible="hidden", elem_id="mma-zip")
    fetch.click(zip_artifact, built, file, api_visibility="private").success(
        None, js=CLICK_DOWNLOAD.format("mma-zip"), api_visibility="private"
    )
    return [page, spans, command, built, fetch]


def _wire_picker(picker: Picker, run: gr.Button) -> None:
    quiet: dict[str, Any] = {
        "show_progress": "hidden",
        "queue": False,
        "api_visibility": "private",
        "trigger_mode": "always_last",
    }
    base, *others = picker.form
    after = [picker.text, picker.message, run, *picker.choices, *picker.panels]
    gr.on([component.input for component in others], recipe_picker.toggled, picker.form, after, **quiet)
    as_typed = [picker.message, run, *picker.form, *picker.panels]
    base.input(recipe_picker.rebased, base, [picker.text, *as_typed], **quiet)
    # Gradio calls it no input when text is pasted by mouse; leaving the box then counts.
    ways = [picker.text.input, picker.text.submit, picker.text.blur]
    gr.on(ways, recipe_picker.typed, picker.text, as_typed, **quiet)


def _wire_run(run: gr.Button, stop: gr.Button, inputs: list[Any], outputs: list[Any]) -> None:
    # One at a time over all sessions: two at once would falsify each other's times.
    one = {"concurrency_limit": 1, "concurrency_id": "processor"}
    run.click(None, js=SHOW_RESULT, api_visibility="private")
    run.click(tag, inputs, outputs, api_name="tag", show_progress_on=outputs[0], **one)
    stop.click(cancel, None, None, queue=False, api_visibility="private")
