"""Colours, fonts and the options of `launch`: everything is local, nothing is fetched from elsewhere."""

from pathlib import Path
from typing import Any

import gradio as gr

from . import chart

_ASSETS = Path(__file__).parents[2] / "assets"
STYLE, SCRIPT = _ASSETS / "style.css", _ASSETS / "choices.js"
MAX_UPLOAD = "1mb"

_FONT = [gr.themes.Font(name) for name in ("system-ui", "-apple-system", "Segoe UI", "Noto Sans", "sans-serif")]
_MONO = [gr.themes.Font(name) for name in ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")]
_PETROL = gr.themes.Color(
    name="petrol",
    c50="#eef8f9",
    c100="#d5edf0",
    c200="#aedbe1",
    c300="#7cc3cd",
    c400="#47a3b1",
    c500="#23869a",
    c600="#136b7e",
    c700="#115767",
    c800="#124754",
    c900="#123b46",
    c950="#07252e",
)


def theme() -> gr.themes.Base:
    """Petrol on slate, system fonts, small radii, no shadows."""
    base = gr.themes.Base(
        primary_hue=_PETROL,
        secondary_hue=_PETROL,
        neutral_hue=gr.themes.colors.slate,
        font=_FONT,
        font_mono=_MONO,
        spacing_size=gr.themes.sizes.spacing_sm,
        radius_size=gr.themes.sizes.radius_sm,
        text_size=gr.themes.sizes.text_sm,
    )
    return base.set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_shadow="none",
        block_label_text_weight="600",
        block_title_text_weight="600",
        input_border_width="1px",
        input_border_color="*neutral_300",
        input_border_color_dark="*neutral_600",
        input_background_fill="white",
        input_background_fill_dark="*neutral_900",
        checkbox_border_color="*neutral_500",
        checkbox_border_color_dark="*neutral_400",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_500",
        button_primary_text_color="white",
        link_text_color="*primary_700",
        link_text_color_dark="*primary_300",
    )


# Gradio applies css_paths to what is inside the container only; hidden overflow there would hold no sticky bar.
CONTAINER_STYLE = ".gradio-container { overflow: clip !important; }"


def launch_options() -> dict[str, Any]:
    """What `Blocks.launch` is given besides host and port: no sharing, one readable file, bounded uploads."""
    return {
        "share": False,
        "allowed_paths": [str(chart.LIBRARY)],
        "max_file_size": MAX_UPLOAD,
        "show_error": True,
        "footer_links": ["settings"],
        "run_history": False,
        "enable_monitoring": False,
        "theme": theme(),
        "css_paths": STYLE,
        "head": f"{chart.head()}<style>{CONTAINER_STYLE}</style><script>{SCRIPT.read_text(encoding='utf-8')}</script>",
    }
