"""The pages as axe sees them: no violation of WCAG 2 at level A or AA, nor of best practices."""

from pathlib import Path
from typing import Any

import pytest

from crossres.benchmark import load_table
from crossres.benchmark.compare.folders import compare_folders
from crossres.reports.comparison.page import write_against
from crossres.reports.comparison.queries import queries_of
from crossres.reports.write import write_report
from tests.reports.conftest import draw_results
from tests.reports.visit import CHROMIUM, Visit, violations

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")
LOOKS = [(1280, "light"), (1280, "dark"), (390, "light")]


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tables on one data set, so that whatever there is twice must be told apart."""
    folder = tmp_path_factory.mktemp("several")
    for name in ("table2", "controls"):
        draw_results(folder, load_table(name), datasets=("caviar",), seeds=(0, 1))
    return folder


@pytest.fixture(scope="module")
def report_of_several(several: Path) -> Path:
    return write_report(several, [load_table("table2"), load_table("controls")])[0]


@pytest.fixture(scope="module")
def comparison(several: Path, drawn: Any) -> Path:
    folders = compare_folders(several, drawn.folder)
    return write_against(several, folders, queries_of(folders))[0]


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_a_report_of_one_table(browser: Any, report: Path, width: int, scheme: str) -> None:
    assert violations(Visit(browser, report.as_uri(), width, scheme).page) == []


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_a_report_of_two_tables(
    browser: Any, report_of_several: Path, width: int, scheme: str
) -> None:
    assert violations(Visit(browser, report_of_several.as_uri(), width, scheme).page) == []


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_a_comparison(browser: Any, comparison: Path, width: int, scheme: str) -> None:
    assert violations(Visit(browser, comparison.as_uri(), width, scheme).page) == []


def test_axe_finds_what_is_wrong(browser: Any, report: Path) -> None:
    page = Visit(browser, report.as_uri(), 1280, "light").page
    page.evaluate("document.querySelector('img').removeAttribute('alt')")
    page.evaluate("document.querySelector('img').removeAttribute('title')")
    page.evaluate("document.querySelector('p.sub').style.color = '#ddd'")
    assert {line.partition(":")[0] for line in violations(page)} == {"color-contrast", "image-alt"}


def test_the_first_key_leads_to_the_results(browser: Any, report: Path) -> None:
    page = Visit(browser, report.as_uri(), 1280, "light").page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the results"
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")
