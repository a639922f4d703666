"""Values → HTML, JSON and table cells; every text from outside is escaped here."""

import html
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from .. import guard
from ..languages import LANGUAGES
from ..results import Average, Measurement
from ..spans import Span
from .outcome import Agreement, Outcome, agreement, entities, speedup

LABELS = {"PER": "person", "ORG": "organisation", "LOC": "location"}
MEGA = 1_000_000

LEGEND = (
    '<p class="mma-legend">'
    + "".join(f'<span class="mma-{label.lower()} mma-swatch">{label}</span> {name} ' for label, name in LABELS.items())
    + '<span class="mma-swatch mma-differs">abc</span> found by one of the two only</p>'
)


def tagged(text: str, spans: Sequence[Span], *, code: str, differing: set[tuple[int, int, str]]) -> str:
    """A text with its entities marked.

    Args:
        text: as the user gave it.
        spans: its entities in text order, not overlapping.
        code: language code, which gives the direction.
        differing: borders and labels of the entities that the other tagger has not.
    """
    parts, position = [], 0
    for span in spans:
        parts += [html.escape(text[position : span.start]), _mark(text, span, differing)]
        position = span.end
    parts.append(html.escape(text[position:]))
    return f'<p class="mma-text" dir="{LANGUAGES[code].direction}" lang="{code}">{"".join(parts)}</p>'


def _mark(text: str, span: Span, differing: set[tuple[int, int, str]]) -> str:
    label = html.escape(span.label)
    known = f"mma-{span.label.lower()}" if span.label in LABELS else "mma-other"
    differs = (span.start, span.end, span.label) in differing
    title = f"{label}, score {span.score:.2f}" + (", found by this one only" if differs else "")
    return (
        f'<mark class="{known}{" mma-differs" if differs else ""}" title="{title}">'
        f'{html.escape(text[span.start : span.end])}<span class="mma-label">{label}</span></mark>'
    )


def summary(compared: Agreement) -> str:
    """One line on how far the two agree."""
    if not compared.found:
        return "Neither finds an entity in this text."
    if compared.shared == compared.found:
        return f"All {compared.found} entities agree." if compared.found > 1 else "The one entity found agrees."
    return f"{compared.shared} of {compared.found} entities agree."


def result(
    text: str, code: str, recipe: str, *, baseline: Outcome, fast: Outcome | None, manifest: Mapping[str, Any]
) -> str:
    """The teacher's and the recipe's entities side by side; the teacher's alone where it is the recipe."""
    if fast is None:
        pane = _pane(
            "Teacher", "PyTorch, 32 bits", tagged(text, baseline.spans, code=code, differing=set()), _times(baseline)
        )
        return f'<section class="mma-result"><div class="mma-pair">{pane}</div>{LEGEND}</section>'
    ours, theirs = entities(baseline), entities(fast)
    faster = [("Speed on this text", f"{multiple(speedup(baseline, fast))} of the teacher's")]
    marked = tagged(text, baseline.spans, code=code, differing=ours - theirs)
    left = _pane("Teacher", "PyTorch, 32 bits", marked, _times(baseline))
    right = _pane(
        "Accelerated",
        recipe,
        tagged(text, fast.spans, code=code, differing=theirs - ours),
        _times(fast) + faster + facts(manifest, code),
    )
    line = f'<p class="mma-summary">{summary(agreement(baseline, fast))} {_speed_line(baseline, fast)}</p>'
    pair = f'<div class="mma-pair">{left}{right}</div>'
    return f'<section class="mma-result">{line}{pair}{LEGEND}{notes(manifest)}</section>'


def _speed_line(baseline: Outcome, fast: Outcome) -> str:
    return f"<span>{multiple(speedup(baseline, fast))} the teacher's speed on this text.</span>"


def _pane(title: str, subtitle: str, body: str, rows: Sequence[tuple[str, str]]) -> str:
    cells = "".join(f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd></div>" for name, value in rows)
    head = f"<h3>{title} <code>{html.escape(subtitle)}</code></h3>"
    return f'<article class="mma-pane">{head}{body}<dl class="mma-facts">{cells}</dl></article>'


def _times(outcome: Outcome) -> list[tuple[str, str]]:
    return [
        ("Time for this text", f"{outcome.seconds * 1000:,.1f} ms"),
        ("Throughput", f"{outcome.words_per_s:,.0f} words/s"),
        ("Entities", str(len(outcome.spans))),
    ]


def facts(manifest: Mapping[str, Any], code: str) -> list[tuple[str, str]]:
    """What an artifact's manifest says of it; an absent fact is left out."""
    rows, name = [], LANGUAGES[code].name
    if "size_bytes" in manifest:
        rows.append(("Size on disk", f"{manifest['size_bytes'] / MEGA:,.0f} MB"))
    if "parameters" in manifest:
        rows.append(("Parameters", f"{manifest['parameters'] / MEGA:,.1f} million"))
    if "budget" in manifest:
        rows.append(("Trained", f"{manifest['budget']}, on {manifest['data']}"))
    before = "in 32 bits" if "guard" in manifest else "before conversion"
    shares = {
        f"Same tags as {before}, {name}": manifest.get("agreement", {}).get(code),
        f"Same entities as {before}, {name}": manifest.get("span_agreement", {}).get(code),
        f"Words cut as by the teacher, {name}": manifest.get("lossless", {}).get(code),
    }
    return rows + [(label, guard.percent(share)) for label, share in shares.items() if share is not None]


def notes(manifest: Mapping[str, Any]) -> str:
    """What the manifest says of the build in sentences, and the agreement of every language, folded away."""
    said = [html.escape(note) for note in [*guard.findings(manifest), *manifest.get("notes", [])]]
    if "command" in manifest:
        said.append(f"Made by <code>{html.escape(manifest['command'])}</code>")
    remarks = "".join(f'<p class="mma-note">{line}</p>' for line in said)
    shares, spans = manifest.get("agreement", {}), manifest.get("span_agreement", {})
    cells = "".join(
        f"<li><span>{html.escape(LANGUAGES[code].name if code in LANGUAGES else code)}</span> {guard.percent(share)}"
        + (f" · {guard.percent(spans[code])}" if code in spans else "")
        + "</li>"
        for code, share in shares.items()
    )
    if not cells:
        return remarks
    what = "Words · entities tagged as in 32 bits" if spans else "Words tagged as before conversion"
    title = f"<summary>{what}, by language</summary>"
    return f'{remarks}<details class="mma-details">{title}<ul class="mma-shares">{cells}</ul></details>'


def multiple(value: float) -> str:
    """A speed-up as a multiple, such as `2.4×`."""
    return f"{value:.1f}×" if value < 100 else f"{value:.0f}×"


def as_json(text: str, spans: Sequence[Span]) -> list[dict[str, Any]]:
    """Spans as the command line's `tag --json` writes them."""
    return [
        {"start": s.start, "end": s.end, "label": s.label, "text": text[s.start : s.end], "score": s.score}
        for s in spans
    ]


def command(recipe: str, code: str, text: str) -> str:
    """The command line that gives the same spans."""
    marked = ["--", text] if text.startswith("-") else [text]
    return shlex.join(["python", "-m", "mma_core", "tag", recipe, "--language", code, "--json", *marked])


def language_choices() -> list[tuple[str, str]]:
    """(name, code and tier; code) of each language, by name."""
    ordered = sorted(LANGUAGES.values(), key=lambda language: language.name)
    return [(f"{row.name} ({row.code}), {row.tier}", row.code) for row in ordered]


def interval(row: Measurement | Average) -> str:
    """F1 with its 95% interval."""
    return f"{row.f1:.1f} [{row.f1_low:.1f}, {row.f1_high:.1f}]"


def takeaway(text: str) -> str:
    """The line above a chart as HTML; lines after the first are commands to run."""
    first, *commands = html.escape(text).split("\n")
    return f'<p class="mma-takeaway">{"<br>".join([first, *(f"<code>{line}</code>" for line in commands)])}</p>'


def note(text: str) -> str:
    """A remark as HTML."""
    return f'<p class="mma-note">{html.escape(text)}</p>'
