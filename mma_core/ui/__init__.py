"""The web app: one file a tab, its layout over handlers that are plain functions."""

import socket
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

import gradio as gr

from . import compare, insights, languages, robustness, tag
from .theme import launch_options as launch_options

TABS = (tag, compare, insights, languages, robustness)
HEADER = """<header class="mma-header"><h1>MMA Explorer</h1>
<p>What compression costs and buys in a multilingual named-entity tagger on CPU.</p></header>"""
QUEUE_SIZE = 32
CACHE_SECONDS = 24 * 3600


def parse_arguments(given: Sequence[str] | None = None) -> Namespace:
    """Read `--host` and `--port`, and leave with status 2 if one cannot listen there."""
    parser = ArgumentParser(description="MMA Explorer's web app.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=7860, help="from 1 to 65535 (default: %(default)s)")
    arguments = parser.parse_args(given)
    host, family = arguments.host.strip("[]"), socket.AF_INET6 if ":" in arguments.host else socket.AF_INET
    try:
        if arguments.port < 1:
            raise OverflowError("port must be 1-65535")
        with socket.create_server((host, arguments.port), family=family):
            return arguments
    except (OSError, OverflowError) as error:
        parser.error(f"cannot listen on {host}, port {arguments.port}: {error}; choose another --host or --port")


def build_app() -> gr.Blocks:
    """Lay out the app; launch it with `launch_options()`."""
    with gr.Blocks(
        title="MMA Explorer", analytics_enabled=False, fill_width=True, delete_cache=(3600, CACHE_SECONDS)
    ) as app:
        gr.HTML(HEADER)
        with gr.Tabs(elem_id="mma-tabs"):
            for module in TABS:
                module.tab()
    return app.queue(max_size=QUEUE_SIZE)
