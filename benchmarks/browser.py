"""How soon a browser shows each tab's first chart, and the one of a bare page: `python -m benchmarks.browser`.

Needs chromium and playwright. The answer is one line in `precomputed/browser.jsonl`.
"""

import argparse
import json
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from mma_core import lines, results
from mma_core.measure.bench import cpu
from mma_core.ui import compare, insights, languages, robustness

from . import bare
from .errors import BrowserError

TABLE = results.PRECOMPUTED.with_name("browser.jsonl")
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


@dataclass(frozen=True)
class Opened:
    """What a browser that knows nothing yet takes.

    Attributes:
        seconds: tab → median from opening the running app's page to the tab's first chart on the screen; and so of a
            bare page of Gradio's.
        repeats: so often.
        cpu: the machine.
        date: in UTC.
        command: what to run to get the line again.
    """

    seconds: dict[str, float]
    repeats: int
    cpu: str
    date: str
    command: str


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


def timed(repeats: int) -> dict[str, float]:
    """Open the page anew for each tab, so often; the tabs take turns.

    Raises:
        BrowserError: there is no browser, or an app does not answer.
    """
    from playwright.sync_api import sync_playwright

    found: dict[str, list[float]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=FLAGS)
        for script, tabs in PAGES.items():
            with running(*script) as address:
                for tab, plot in list(tabs.items()) * repeats:
                    found.setdefault(tab, []).append(seconds(browser, address, tab, plot))
        browser.close()
    return {tab: round(median(each), 2) for tab, each in found.items()}


def read(path: Path = TABLE) -> list[Opened]:
    """The lines of a table; none where there is no table."""
    return [Opened(**json.loads(line)) for line in lines.read(path) if line] if path.exists() else []


def main(given: Sequence[str] | None = None) -> None:
    """Time, tell, and add a line to the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.browser", description=__doc__)
    parser.add_argument("--repeats", type=int, default=9, metavar="N", help="of each tab (default: 9)")
    parser.add_argument("--table", type=Path, default=TABLE, metavar="FILE", help="where the line goes")
    options = parser.parse_args(given)
    arguments = sys.argv[1:] if given is None else given
    command = shlex.join(["python", "-m", "benchmarks.browser", *arguments])
    try:
        found = timed(options.repeats)
    except BrowserError as error:
        parser.error(str(error))
    row = asdict(Opened(found, options.repeats, cpu(), datetime.now(UTC).date().isoformat(), command))
    lines.append(options.table, [row])
    sys.stdout.write(f"{json.dumps(row, ensure_ascii=False)}\n")


if __name__ == "__main__":
    main()
