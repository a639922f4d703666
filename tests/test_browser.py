"""The app in a real browser: type, build, tag, compare; no console errors, nothing fetched from elsewhere."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from builds import BUILT_IN

TABS = ["Tag", "Compare", "Insights", "Languages", "Robustness"]
TEXT = "Angela Merkel besuchte Siemens in München."
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
START_SECONDS = 120
BUILD_SECONDS = 480

pytestmark = pytest.mark.timeout(START_SECONDS + BUILD_SECONDS + 120)


def browser_path() -> str:
    """The browser's executable; where there is none the test is skipped, unless one is required."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    if os.environ.get("MMA_REQUIRE_BROWSER") == "1":
        pytest.fail("MMA_REQUIRE_BROWSER=1, but neither chromium nor google-chrome is installed")
    pytest.skip("no chromium or google-chrome on the path")


@pytest.fixture(scope="module")
def address(repository: Path, shared_cache: Path) -> Iterator[str]:
    """A running app, started as a user starts it; what it builds is there for other tests."""
    browser_path()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "app.py", "--port", str(port)]
    process = subprocess.Popen(command, cwd=repository, env={**os.environ, "MMA_CACHE": str(shared_cache)})
    url = f"http://127.0.0.1:{port}/"
    try:
        wait_for(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def wait_for(url: str, process: subprocess.Popen) -> None:
    """Wait until the app answers."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, "the app ended"
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            time.sleep(0.5)
        else:
            return
    pytest.fail(f"the app did not answer within {START_SECONDS} s")


@pytest.fixture
def opened() -> Iterator[tuple[Any, list[str]]]:
    """A page of a headless browser, and its errors and requests to other hosts."""
    executable = browser_path()
    if os.environ.get("MMA_REQUIRE_BROWSER") != "1":
        pytest.importorskip("playwright")
    from playwright.sync_api import sync_playwright

    problems: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(60_000)
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: problems.extend(foreign(request.url)))
        yield page, problems
        browser.close()


@pytest.fixture
def page(opened: tuple[Any, list[str]]) -> Iterator[Any]:
    """A page that must have no errors and ask no other host for anything."""
    yield opened[0]
    assert opened[1] == []


def foreign(url: str) -> list[str]:
    """The address, if it is on another host."""
    parts = urlsplit(url)
    return [] if parts.scheme in {"data", "blob"} or parts.hostname == "127.0.0.1" else [url]


def test_tag_and_compare(address: str, page: Any) -> None:
    page.goto(address)
    page.wait_for_function("window.Plotly")  # the charts' library is loaded ahead
    page.locator("#mma-language input").fill("German")
    page.keyboard.press("Enter")
    page.locator("#mma-text textarea").fill(TEXT)
    page.locator("#mma-recipe textarea").fill(BUILT_IN)
    page.locator("#mma-picker input[value=int8]:checked").wait_for()
    page.locator("#mma-go").click()
    page.locator("#mma-result mark").first.wait_for(timeout=1000 * BUILD_SECONDS)
    assert page.locator("#mma-result .mma-pane").count() == 2
    assert "entit" in page.locator("#mma-result .mma-summary").inner_text()
    page.get_by_role("tab", name="Compare").click()
    page.locator("#mma-chart .js-plotly-plot").wait_for()
    page.locator("#mma-table [role=gridcell]").first.wait_for()
    page.get_by_role("tab", name="Insights").click()
    page.locator("#mma-insight .js-plotly-plot").wait_for()
    with page.expect_download() as saved:
        page.locator("#mma-svg-insights").click()
    assert saved.value.suggested_filename == "mma-pays.svg"
    page.get_by_role("tab", name="Languages").click()
    page.locator("#mma-by-language .scatterlayer .points path").first.wait_for()
    page.locator("#mma-language-filters").get_by_label("Silver").check()
    page.locator("#mma-language-table [role=gridcell]").first.wait_for()
    assert [tab.inner_text() for tab in page.get_by_role("tab").all() if tab.is_visible()] == TABS


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_window(address: str, page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(address)
    page.locator("#mma-go").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_what_is_typed_into_a_box_of_choices_replaces_what_is_chosen(address: str, page: Any) -> None:
    page.goto(address)
    box = page.locator("#mma-language input")
    box.click()
    page.keyboard.type("Yor")
    page.get_by_role("option", name="Yoruba").wait_for()
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('#mma-language input').value.startsWith('Yoruba')")
    page.locator("#mma-text textarea").click()
    box.click()
    box.click()  # a second click sets the caret
    assert box.evaluate("box => box.selectionStart === box.selectionEnd")


def test_what_is_typed_before_a_language_s_examples_arrive_stays(address: str, page: Any) -> None:
    page.goto(address)
    text, first = page.locator("#mma-text textarea"), page.locator(".mma-example").first
    english = text.input_value()

    def choose(name: str) -> None:
        page.locator("#mma-language input").fill(name)
        page.get_by_role("option", name=name).wait_for()
        page.keyboard.press("Enter")

    def shows(wanted: str) -> None:
        page.wait_for_function("wanted => document.querySelector('#mma-text textarea').value === wanted", arg=wanted)

    choose("Swahili")
    page.wait_for_function("old => document.querySelector('#mma-text textarea').value !== old", arg=english)
    shows(first.inner_text())
    held: list[Any] = []
    page.route("**/queue/join*", lambda request: held.append(request))  # noqa: PLW0108  (it takes functions alone)
    choose("German")
    page.wait_for_function("document.querySelector('#mma-language input').value.startsWith('German')")
    until = time.monotonic() + START_SECONDS
    while not held and time.monotonic() < until:
        page.wait_for_timeout(50)
    text.fill(TEXT)
    swahili = first.inner_text()
    assert held
    assert all(TEXT not in (request.request.post_data or "") for request in held)
    for request in held:
        request.continue_()
    page.unroute("**/queue/join*")
    page.wait_for_function("old => document.querySelector('.mma-example').innerText !== old", arg=swahili)
    page.wait_for_timeout(500)
    assert text.input_value() == TEXT
    text.fill("")
    choose("Yoruba")
    page.wait_for_function("document.querySelector('#mma-text textarea').value !== ''")
    shows(first.inner_text())


def test_typing_a_recipe_sets_the_form(address: str, page: Any) -> None:
    page.goto(address)
    recipe = page.locator("#mma-recipe textarea")
    recipe.click()
    recipe.press("End")
    recipe.press_sequentially("+layers:4")
    page.locator("#mma-picker input[value=layers]:checked").wait_for()
    recipe.press_sequentially("x")
    page.locator("#mma-recipe-message [role=alert]").wait_for()
    assert page.locator("#mma-go").is_disabled()


def test_a_step_that_does_not_go_with_the_others_cannot_be_chosen(address: str, page: Any) -> None:
    page.goto(address)
    page.locator("#mma-picker input[value=xtreme]").check()
    page.locator("#mma-picker input[name=heads]:disabled").wait_for()
    assert page.locator("#mma-picker input[name=sparse]").is_enabled()
    page.locator("#mma-picker input[value=layers]").check()
    page.locator("#mma-picker input[name=heads]:enabled").wait_for()


FILLED = """plot => {
  const drawn = plot?.querySelector('.main-svg');
  return drawn && drawn.clientHeight > 100 && drawn.clientWidth === plot.clientWidth
    && drawn.clientHeight === plot.clientHeight;
}"""


def test_a_chart_fills_its_place_whatever_is_done_to_it(address: str, page: Any) -> None:
    def check(*charts: str) -> None:
        for chart in charts:
            page.wait_for_function(f"({FILLED})(document.querySelector('{chart} .mma-plot'))")

    page.goto(address)
    page.get_by_role("tab", name="Robustness").click()
    check("#mma-robustness")
    page.get_by_text("By sparsity and tier").click()
    check("#mma-sparsity")
    page.set_viewport_size({"width": 800, "height": 844})
    check("#mma-robustness", "#mma-sparsity")
    page.locator("#mma-robustness .legendtoggle").first.click()
    page.wait_for_timeout(600)  # Plotly waits for a second click before it hides what was clicked
    check("#mma-robustness", "#mma-sparsity")


def test_a_library_that_cannot_be_loaded_is_told(address: str, opened: tuple[Any, list[str]]) -> None:
    page, problems = opened
    page.route("**/plotly.min.js*", lambda route: route.abort())
    page.goto(address)
    page.get_by_role("tab", name="Compare").click()
    page.locator("#mma-chart", has_text="could not be drawn").wait_for()
    assert "chart: plotly.js was not loaded" in problems
