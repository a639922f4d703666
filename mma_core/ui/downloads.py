"""Saving what a chart shows: the picture by the browser itself, the data as a CSV file."""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from ..errors import DataError
from .tag import CLICK_DOWNLOAD

FORMATS = ("png", "svg")
# The picture is drawn anew on white in dark letters, as paper and slides want it, whatever mode the app is in.
SAVE_PICTURE = """() => {{
  const plot = document.querySelector('#{plot} .js-plotly-plot');
  if (!plot || !window.Plotly) return;
  const {{data, layout}} = plot;
  const font = {{...layout.font, color: '#1e293b'}};
  const picture = {{data, layout: {{...layout, paper_bgcolor: 'white', plot_bgcolor: 'white', font}}}};
  const size = {{width: Math.max(plot.clientWidth, 640), height: plot.clientHeight, scale: {scale}}};
  window.Plotly.downloadImage(picture, {{format: '{format}', filename: layout.meta || '{name}', ...size}});
}}"""


def write(name: str, records: Sequence[Mapping[str, Any]], columns: Sequence[str] | None = None) -> str:
    """Write rows to a CSV file that the app may serve.

    Args:
        name: of the file, without its ending.
        records: column → value, all of the same columns.
        columns: which to write; those of the first row by default.

    Returns:
        The file's path.

    Raises:
        DataError: there are no rows.
    """
    if not records:
        raise DataError("there are no measurements to download yet")
    path = Path(get_upload_folder()) / "tables" / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        wanted = columns or list(records[0])
        writer = csv.writer(file)
        writer.writerow(wanted)
        writer.writerows([_cell(record[column]) for column in wanted] for record in records)
    return str(path)


def _cell(value: Any) -> Any:
    """A mapping or list as JSON, which other programs read; anything else as it is."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def save_picture(plot: str, name: str, file_format: str) -> str:
    """The script that saves a plot of the page.

    Args:
        plot: id of the element around it.
        name: of the file where the figure has none of its own in its `meta`, without its ending.
        file_format: one of `FORMATS`.
    """
    return SAVE_PICTURE.format(plot=plot, name=name, format=file_format, scale=2 if file_format == "png" else 1)


def controls(plot: str, name: str, csv_file: Callable[..., str], inputs: Sequence[Any]) -> None:
    """Lay out and wire small buttons for the picture as PNG and SVG and for the data as CSV.

    Args:
        plot: id of the element around the plot.
        name: of the pictures, and what ids of the buttons end in.
        csv_file: handler that writes the data and returns the path.
        inputs: of that handler.
    """
    with gr.Row(elem_classes="mma-downloads"):
        gr.HTML('<span class="mma-note">Download</span>')
        for file_format in FORMATS:
            button = gr.Button(file_format.upper(), size="sm", elem_id=f"mma-{file_format}-{name}")
            button.click(None, js=save_picture(plot, f"mma-{name}", file_format), api_visibility="private")
        fetch = gr.Button("CSV", size="sm", elem_id=f"mma-fetch-{name}")
        file = gr.DownloadButton("Download", visible="hidden", elem_id=f"mma-csv-{name}")
    fetch.click(csv_file, list(inputs), file, api_visibility="private").success(
        None, js=CLICK_DOWNLOAD.format(f"mma-csv-{name}"), api_visibility="private"
    )
