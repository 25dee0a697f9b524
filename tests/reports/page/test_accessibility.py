"""The pages as axe sees them: no violation of WCAG 2 at level A or AA, nor of best practices."""

import json
from pathlib import Path
from typing import Any

import pytest

from crossres.benchmark import load_table
from crossres.benchmark.compare.folders import compare_folders
from crossres.reports.comparison.page import write_against
from crossres.reports.write import write_report
from tests.reports.conftest import draw_results
from tests.reports.visit import CHROMIUM, Visit

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")
LOOKS = [(1280, "light"), (1280, "dark"), (390, "light")]


def violations(page: Any) -> list[str]:
    """What axe finds when everything that can be opened is open, a line each."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page.evaluate("document.querySelectorAll('details').forEach(box => { box.open = true; })")
    entries = axe.Axe().run(page).response["violations"]
    return [f"{entry['id']}: {json.dumps(entry['nodes'][0]['html'])[:200]}" for entry in entries]


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tables on one data set, so that whatever there is twice must be told apart."""
    folder = tmp_path_factory.mktemp("several")
    for name in ("table2", "controls"):
        draw_results(folder, load_table(name), datasets=("caviar",), seeds=(0, 1))
    return folder


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_a_report_of_one_table(browser: Any, drawn: Any, width: int, scheme: str) -> None:
    address = write_report(drawn.folder)[0].as_uri()
    assert violations(Visit(browser, address, width, scheme).page) == []


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_a_report_of_two_tables(browser: Any, several: Path, width: int, scheme: str) -> None:
    tables = [load_table("table2"), load_table("controls")]
    address = write_report(several, tables)[0].as_uri()
    assert violations(Visit(browser, address, width, scheme).page) == []


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_a_comparison(browser: Any, drawn: Any, several: Path, width: int, scheme: str) -> None:
    comparison = compare_folders(several, drawn.folder)
    address = write_against(several, comparison).as_uri()
    assert violations(Visit(browser, address, width, scheme).page) == []


def test_axe_finds_what_is_wrong(browser: Any, drawn: Any) -> None:
    page = Visit(browser, write_report(drawn.folder)[0].as_uri(), 1280, "light").page
    page.evaluate("document.querySelector('img').removeAttribute('alt')")
    page.evaluate("document.querySelector('img').removeAttribute('title')")
    page.evaluate("document.querySelector('.sub').style.color = '#ddd'")
    assert {line.partition(":")[0] for line in violations(page)} == {"color-contrast", "image-alt"}


def test_the_first_key_leads_to_the_results(browser: Any, drawn: Any) -> None:
    page = Visit(browser, write_report(drawn.folder)[0].as_uri(), 1280, "light").page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the results"
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")
