"""The benchmark that waits for charts in a real browser."""

import json
import os

import pytest

from benchmarks import bare, browser
from benchmarks.errors import BrowserError


@pytest.mark.timeout(240)
def test_every_tab_is_timed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    if os.environ.get("MMA_REQUIRE_BROWSER") != "1":
        pytest.importorskip("playwright")
        try:
            browser.executable()
        except BrowserError as none:
            pytest.skip(str(none))
    monkeypatch.setattr(browser, "REPEATS", 1)
    browser.main()
    found = json.loads(capsys.readouterr().out)
    assert found.keys() == {*browser.TABS, bare.TAB}
    assert all(seconds > 0 for seconds in found.values())


def test_without_a_browser_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BrowserError, match="apt install chromium"):
        browser.executable()
