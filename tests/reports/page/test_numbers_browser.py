"""The table "All numbers" as used: sorted and filtered with mouse and keyboard, as read without."""

from typing import Any

import pytest

from crossres.benchmark import load_table
from crossres.benchmark.records.record import write_record
from crossres.reports.write import write_report
from tests.reports.conftest import draw_results, make_record
from tests.reports.visit import CHROMIUM, Visit

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")
TABLE = load_table("table2")
PLACES = {"Row": 0, "Data set": 1, "Rank-1": 2, "Rank-1 published": 3, "Rank-1 Δ": 4, "Seeds": -4}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Real data, so that there are differences; one row was not run on one of the two sets."""
    folder = tmp_path_factory.mktemp("numbers")
    for row, dataset, seed in [(r, d, s) for r in range(3) for d in ("caviar", "mlr-viper")
                               for s in range(2)]:  # fmt: skip
        if (row, dataset) != (0, "mlr-viper"):
            # Below ten per cent on one data set: as text 9.0 would come after 80.0.
            rank1 = 0.09 if dataset == "caviar" else 0.5 + row / 10
            write_record(folder, make_record(TABLE, row, dataset, seed, "real", "paper", rank1))
    return write_report(folder, [TABLE])[0].as_uri()


@pytest.fixture
def page(browser: Any, address: str) -> Any:
    return Visit(browser, address, 1280, "light").page


def _shown_column(page: Any, head: str) -> list[str]:
    lines = page.locator("#all-numbers tbody tr:visible")
    return [
        line.locator("th, td").nth(PLACES[head]).inner_text().rstrip("=") for line in lines.all()
    ]


def _sort(page: Any, head: str) -> Any:
    return page.locator("#all-numbers thead button").get_by_text(head, exact=True)


def test_sorts_by_number_with_what_is_missing_last(page: Any) -> None:
    cell = page.locator("#all-numbers thead th").nth(PLACES["Rank-1"])
    _sort(page, "Rank-1").click()
    assert cell.get_attribute("aria-sort") == "descending"
    assert _shown_column(page, "Rank-1") == ["70.0 ± 0.0", "60.0 ± 0.0", *["9.0 ± 0.0"] * 3, "–"]
    _sort(page, "Rank-1").click()
    assert cell.get_attribute("aria-sort") == "ascending"
    assert _shown_column(page, "Rank-1") == [*["9.0 ± 0.0"] * 3, "60.0 ± 0.0", "70.0 ± 0.0", "–"]
    _sort(page, "Rank-1 Δ").click()
    assert cell.get_attribute("aria-sort") is None
    gaps = [float(text.replace("−", "-")) for text in _shown_column(page, "Rank-1 Δ")[:-1]]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] < 0
    assert _shown_column(page, "Rank-1 Δ")[-1] == "–"


def test_lines_that_are_equal_keep_their_order(page: Any) -> None:
    _sort(page, "Row").click()
    names = _shown_column(page, "Row")
    assert names == sorted(names)
    _sort(page, "Data set").click()
    assert _shown_column(page, "Data set") == ["CAVIAR"] * 3 + ["MLR-VIPeR"] * 3
    assert _shown_column(page, "Row") == [names[0], names[2], names[4]] * 2
    _sort(page, "Data set").click()
    assert _shown_column(page, "Row") == [names[0], names[2], names[4]] * 2


def test_filters_by_words_and_by_choice_and_says_how_many(page: Any) -> None:
    count = page.locator("#numbers-count")
    assert (count.inner_text(), count.get_attribute("aria-live")) == ("6 of 6 lines", "polite")
    page.get_by_label("Row or data set").fill("viper BASE")
    assert set(_shown_column(page, "Data set")) == {"MLR-VIPeR"}
    assert all("Baseline" in name for name in _shown_column(page, "Row"))
    assert count.inner_text() == f"{len(_shown_column(page, 'Row'))} of 6 lines"
    page.get_by_label("Data set", exact=True).select_option("CAVIAR")
    assert count.inner_text() == "0 of 6 lines"
    page.get_by_label("Row or data set").fill("")
    assert _shown_column(page, "Data set") == ["CAVIAR"] * 3
    _sort(page, "Row").click()
    page.locator("#numbers-reset").click()
    assert _shown_column(page, "Row") == [row.label for row in TABLE.rows] * 2
    assert page.locator("#all-numbers [aria-sort]").count() == 0
    assert count.inner_text() == "6 of 6 lines"


def test_works_with_the_keyboard_alone(page: Any) -> None:
    before = _shown_column(page, "Rank-1")
    page.get_by_label("Row or data set").focus()
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Rank-1":
            break
    page.keyboard.press("Enter")
    head = page.locator("#all-numbers thead th").nth(PLACES["Rank-1"])
    assert head.get_attribute("aria-sort") == "descending"
    assert _shown_column(page, "Rank-1") != before
    # The focus stays where it was: once more turns the order round.
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"


def test_without_scripts_it_is_a_plain_table(browser: Any, address: str) -> None:
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(address)
    page.get_by_role("heading", name="All numbers").click()
    assert page.locator("#all-numbers tbody tr:visible").count() == 6
    assert page.locator("#numbers :is(button, input, select):visible").count() == 0
    assert page.locator("#numbers-count").inner_text() == "6 lines"
    context.close()


def test_prints_what_is_shown_without_controls(page: Any) -> None:
    page.get_by_label("Data set", exact=True).select_option("CAVIAR")
    page.emulate_media(media="print")
    assert page.locator("#numbers .controls:visible").count() == 0
    assert _shown_column(page, "Data set") == ["CAVIAR"] * 3
    assert page.locator("#numbers-count").inner_text() == "3 of 6 lines"
    arrow = "e => getComputedStyle(e, '::after').content"
    assert page.locator("#all-numbers thead button").first.evaluate(arrow) == "none"


def test_several_tables_can_be_told_apart(browser: Any, tmp_path: Any) -> None:
    tables = [load_table("table2"), load_table("table3")]
    for table in tables:
        draw_results(tmp_path, table, datasets=("caviar",), seeds=(0,))
    page = Visit(browser, write_report(tmp_path, tables)[0].as_uri(), 1280, "light").page
    drawings = page.locator("#glance svg")
    assert [len(svg.locator("use").all()) for svg in drawings.all()] == [3, 4]
    below = "e => e.getBoundingClientRect().bottom <= innerHeight"
    assert all(svg.evaluate(below) for svg in drawings.all())  # on the first screen
    page.get_by_label("Table", exact=True).select_option("table3")
    shown = page.locator("#all-numbers tbody tr:visible")
    assert shown.count() == len(tables[1].rows)
    assert "table3" in shown.first.inner_text()
