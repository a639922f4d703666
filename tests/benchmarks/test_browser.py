"""The benchmark that waits for charts in a real browser."""

import json
import os
from dataclasses import asdict
from pathlib import Path

import pytest
import readme_aims

from benchmarks import bare, browser
from benchmarks.errors import BrowserError


@pytest.mark.timeout(240)
def test_every_tab_is_timed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if os.environ.get("MMA_REQUIRE_BROWSER") != "1":
        pytest.importorskip("playwright")
        try:
            browser.executable()
        except BrowserError as none:
            pytest.skip(str(none))
    table = tmp_path / "browser.jsonl"
    browser.main(["--repeats", "1", "--table", str(table)])
    (found,) = browser.read(table)
    assert json.loads(capsys.readouterr().out) == asdict(found)
    assert found.seconds.keys() == {*browser.TABS, bare.TAB}
    assert all(seconds > 0 for seconds in found.seconds.values())
    assert (found.repeats, found.command) == (1, f"python -m benchmarks.browser --repeats 1 --table {table}")
    assert [aim.wanted for aim in readme_aims.pages(table)] == ["≤ 3"]


def test_where_there_is_no_table_there_is_no_aim(tmp_path: Path) -> None:
    assert list(readme_aims.pages(tmp_path / "none.jsonl")) == []


def test_without_a_browser_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BrowserError, match="apt install chromium"):
        browser.executable()
