"""How soon a browser shows each tab's first chart, and the one of a bare page: `python -m benchmarks.browser`.

Needs chromium and playwright.
"""

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from mma_core.ui import compare, insights, languages, robustness

from . import bare
from .errors import BrowserError

TABS = {
    "Compare": compare.PLOT,
    "Insights": insights.PLOT,
    "Languages": languages.PLOT,
    "Robustness": robustness.PLOT,
}
PAGES = {("app.py",): TABS, ("-m", bare.__name__): {bare.TAB: bare.PLOT}}
ROOT = Path(__file__).parents[1]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
START_SECONDS = 60
REPEATS = 3


def executable() -> str:
    """The browser's path.

    Raises:
        BrowserError: there is none.
    """
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not found:
        raise BrowserError("no chromium or google-chrome on the path; install one, for example: apt install chromium")
    return found


@contextmanager
def running(*script: str) -> Iterator[str]:
    """An app, started as a user starts it: its address, once it answers.

    Args:
        script: what follows `python`, the port left out.

    Raises:
        BrowserError: it does not, within a minute.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, *script, "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        yield _answering(f"http://127.0.0.1:{port}/", process)
    finally:
        process.terminate()
        process.wait(START_SECONDS)


def _answering(address: str, process: subprocess.Popen) -> str:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except OSError:
            time.sleep(0.2)
        else:
            return address
    raise BrowserError(f"the app does not answer at {address}")


def seconds(browser: Any, address: str, tab: str, plot: str) -> float:
    """Seconds from the moment that the page is opened until a tab's chart is seen, in a browser that knows nothing yet.

    The tab is clicked as soon as it is there; `plot` is the id of the element around its chart.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    began = time.perf_counter()
    page.goto(address)
    page.get_by_role("tab", name=tab, exact=True).click()
    page.locator(f"#{plot} .js-plotly-plot .main-svg").first.wait_for()
    took = time.perf_counter() - began
    context.close()
    return took


def main() -> None:
    """Open the page anew for each tab, three times; print the median seconds of each as JSON."""
    from playwright.sync_api import sync_playwright

    found: dict[str, float] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=FLAGS)
        for script, tabs in PAGES.items():
            with running(*script) as address:
                for tab, plot in tabs.items():
                    found[tab] = median(seconds(browser, address, tab, plot) for _ in range(REPEATS))
        browser.close()
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
