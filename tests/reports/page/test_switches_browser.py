"""The switches as used: every choice, rows on and off, the URL, the keyboard, paper, no script."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from crossres.benchmark import load_table
from crossres.benchmark.records.record import write_record
from crossres.reports.write import write_report
from tests.reports.conftest import make_record
from tests.reports.grid.test_oracle import oracle_record
from tests.reports.page.test_rates import rated
from tests.reports.page.test_report_browser import OUTSIDE, OVERLAPS
from tests.reports.visit import CHROMIUM, Visit

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")
TABLE = load_table("table2")
# Whatever the script may move or write in drawings and tables.
STATE = """() => [...document.querySelectorAll("figure.dots *, section.rates svg *, .results td")]
  .filter(e => !["LI", "I"].includes(e.tagName) && !e.closest(".off"))
  .map(e => ["class", "cx", "cy", "x", "y", "x1", "x2", "y1", "y2", "points", "height"]
    .map(name => (e.getAttribute(name) ?? "").trim().replaceAll(/[.]0(?![0-9])/g, "")).join("|")
    + (e.children.length ? "" : e.textContent.trim()))"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two data sets with queries at three rates, and one whose rates nobody knows.

    There one row has a single seed, and the interval of another is wider than any drawing.
    """
    folder = tmp_path_factory.mktemp("switches")
    for row in range(3):
        for seed in range(3):
            for dataset in ("mlr-market", "mlr-viper"):
                at = {rate: 0.8 + 0.05 * row + 0.01 * seed - 0.1 * rate for rate in (2, 3, 4)}
                write_record(folder, rated(make_record(TABLE, row, dataset, seed), at))
            if row > 0 or seed == 0:
                rank1 = (0.2, 0.4, 0.9)[seed] if row == 1 else None
                write_record(folder, make_record(TABLE, row, "caviar", seed, rank1=rank1))
    return write_report(folder, [TABLE])[0].as_uri()


@pytest.fixture
def visit(browser: Any, address: str) -> Any:
    return Visit(browser, address, 1280, "light")


def values(page: Any, column: str) -> list[str]:
    """What the dots of a data set say, from the first row that is shown to the last."""
    texts = page.locator(f'.panel[data-column^="{column} "] g[data-line]:not(.off) .value')
    return texts.all_text_contents()


def test_what_the_script_draws_is_what_was_written(visit: Any) -> None:
    page = visit.page
    before = page.evaluate(STATE)
    chip = page.locator(".rows button").first
    chip.click()
    assert page.evaluate(STATE) != before
    chip.click()
    assert page.evaluate(STATE) == before
    assert visit.messages == []


def test_one_seed_and_a_cut_interval_look_so_under_every_choice(visit: Any) -> None:
    page = visit.page
    for metric in ("rank1", "mINP"):
        page.locator("[name=metric]").select_option(metric)
        rows = page.locator('.panel[data-column^="caviar "] g[data-line]')
        assert [row.get_attribute("class").split()[-1] == "lone" for row in rows.all()] == [
            True, False, False
        ]  # fmt: skip
        paper = "e => getComputedStyle(e).fill == getComputedStyle(document.body).backgroundColor"
        assert [dot.evaluate(paper) for dot in rows.locator(".spot").all()] == [True, False, False]
        assert rows.first.locator("title").text_content().endswith(", one seed, no interval")
        assert [row.locator(".cut").count() > 0 for row in rows.all()] == [False, True, False]
        assert page.locator('.panel[data-column^="mlr-viper "] .cut').count() == 0
        assert page.get_by_text("Hollow: one seed, no interval.").is_visible()
    page.locator("[name=metric]").select_option("rank1")
    page.locator("[name=rate]").select_option("4")  # which CAVIAR does not know
    assert page.locator(".dots .cut").count() == 0
    assert not page.get_by_text("Arrowhead").is_visible()


def test_each_choice_shows_its_numbers_everywhere(visit: Any) -> None:
    page = visit.page
    assert len(values(page, "caviar")) == 3
    own = values(page, "mlr-viper")
    page.locator("[name=gallery]").select_option("multi-shot")
    assert values(page, "mlr-viper") != own
    cell = page.locator('tbody[data-column^="mlr-viper "] td[data-metric="rank1"]')
    assert [text.split(" ")[0] for text in cell.all_inner_texts()] == values(page, "mlr-viper")
    page.locator("[name=rate]").select_option("4")
    assert values(page, "mlr-viper") == ["41.0", "46.0", "51.0"]
    assert values(page, "caviar") == ["–"] * 3
    assert cell.all_inner_texts() == ["41.0 ± 1.0", "46.0 ± 1.0", "51.0 ± 1.0"]
    assert page.locator(".results :is(td.best, td.second, td.tie)").count() == 0
    page.locator("[name=metric]").select_option("mAP")
    assert values(page, "mlr-viper") == ["20.5", "23.0", "25.5"]
    assert page.locator("figure.dots .metric").inner_text() == "mAP at rate 4"
    assert page.locator("section.rates .metric").inner_text() == "mAP"
    title = page.locator("svg.rates circle title").first.text_content()
    assert title.startswith("Baseline: 30.5 [")
    assert title.endswith("(rate 2)")
    assert "Shown: mAP, multi-shot, queries of rate 4." in page.get_by_role("status").inner_text()
    name = page.locator("svg.rates").first.get_attribute("aria-label")
    assert name.startswith("mAP by down-sampling rate on MLR-Market-1501: Baseline: 30.5 [")
    page.get_by_role("button", name="Reset").first.click()
    page.wait_for_url(lambda url: "?" not in url)
    assert values(page, "mlr-viper") == own
    assert page.get_by_role("status").inner_text() == ""
    assert page.locator(".results td.best").count() > 0
    assert visit.messages == []


def test_the_table_keeps_its_seeds_and_says_what_it_shows(visit: Any) -> None:
    page = visit.page
    page.get_by_label("Show the value of every seed").check()
    cell = page.locator('tbody[data-column^="mlr-viper "] td[data-metric="rank1"]').first
    record = cell.locator(".seeds a").first.get_attribute("href")
    gallery = page.locator(".own-gallery")
    assert page.locator(".results th.strip").is_visible()
    own = cell.locator(".seeds").inner_text()
    page.locator("[name=gallery]").select_option("multi-shot")
    assert gallery.inner_text() == "multi-shot, as chosen; the table's own: single-shot"
    assert cell.locator(".seeds").inner_text() != own
    page.locator("[name=rate]").select_option("4")
    assert cell.locator(".seeds").inner_text().split() == ["0", "40.0", "1", "41.0", "2", "42.0"]
    assert cell.locator(".seeds a").first.get_attribute("href") == record
    assert cell.get_attribute("title") == "seed 0: 40.0, seed 1: 41.0, seed 2: 42.0"
    assert not page.locator(".results th.strip").is_visible()  # its drawing is of the own choice
    queries = page.locator(".of-queries").nth(1)
    assert queries.inner_text().startswith("those of rate 4 among 2000000 queries")
    page.get_by_role("button", name="Reset").first.click()
    page.wait_for_url(lambda url: "?" not in url)
    assert cell.locator(".seeds").inner_text() == own
    assert queries.inner_text().startswith("2000000 queries")
    assert gallery.inner_text() == "single-shot"
    assert page.locator(".results th.strip").is_visible()


def test_a_set_without_queries_of_a_rate_says_so_and_counts_no_seeds(visit: Any) -> None:
    page = visit.page
    heads, seeds = page.locator(".of-queries"), page.locator(".of-seeds")
    own = heads.all_inner_texts(), seeds.all_inner_texts()
    assert own[1] == ["1 of 3", "3", "3"] + ["3"] * 6
    page.locator("[name=rate]").select_option("3")
    assert [text.split(" among ")[0] for text in heads.all_inner_texts()] == [
        "none known to be of rate 3", "those of rate 3", "those of rate 3"
    ]  # fmt: skip
    assert seeds.all_inner_texts() == ["–"] * 3 + ["3"] * 6
    assert page.locator(".short").count() == 0
    page.locator("[name=rate]").select_option("")
    page.locator("[name=gallery]").select_option("multi-shot")
    assert seeds.all_inner_texts() == own[1]
    page.locator("[name=gallery]").select_option("")
    assert (heads.all_inner_texts(), seeds.all_inner_texts()) == own
    assert page.locator(".short").count() == 1
    assert visit.messages == []


def test_what_is_not_known_cannot_be_chosen_or_is_said(
    browser: Any, visit: Any, address: str
) -> None:
    page = visit.page
    choice = page.get_by_role("status").first
    page.locator("[name=rate]").select_option("4")
    mean = page.locator("[name=metric] option[value=mINP]")
    assert mean.is_disabled()
    assert mean.text_content() == "mINP – not by rate"
    assert not page.locator("[name=metric] option[value=mAP]").is_disabled()
    page.locator("[name=rate]").select_option("")
    page.locator("[name=metric]").select_option("mINP")
    assert "By resolution shows Rank-1, as mINP is not known by rate." in choice.inner_text()
    assert page.locator("[name=rate] option[value='4']").is_disabled()
    linked = Visit(browser, f"{address}?metric=mINP&rate=4", 1280, "light").page
    said = linked.get_by_role("status").first.inner_text()
    assert "mINP is not known by rate: choose another metric, or all queries." in said


def test_selects_and_names_however_long_fit_the_screen(browser: Any, address: str) -> None:
    page = Visit(browser, address, 320, "light").page
    page.get_by_text("Show", exact=True).click()
    page.evaluate("""() => document.querySelectorAll("select").forEach(
      s => s.add(new Option("of very many words ".repeat(5)), 0))""")
    assert page.locator("#numbers select").first.is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_one_set_may_be_looked_at_alone(visit: Any) -> None:
    page = visit.page
    page.locator("[name=set]").select_option(label="MLR-VIPeR")
    assert page.locator(".panel svg:visible").count() == 1
    assert page.locator(".names:visible").count() == 1
    assert page.locator("table.results tbody:visible").count() == 1
    assert page.locator("svg.rates:visible").count() == 1
    assert page.locator("svg.cmc:visible").count() == 1


def test_rows_are_switched_off_and_the_drawing_closes_up(visit: Any) -> None:
    page = visit.page
    height = page.locator(".panel svg").first.bounding_box()["height"]
    chip = page.locator(".rows").get_by_role("button", name="Baseline", exact=True)
    chip.click()
    assert chip.get_attribute("aria-pressed") == "false"
    assert page.locator(".panel svg").first.bounding_box()["height"] == height - 24
    assert page.locator("table.results tbody tr:visible").count() == 3 * (1 + 2)
    assert page.locator('svg.cmc [data-label="Baseline"]:visible').count() == 0
    assert page.locator('svg.rates [data-label="Baseline"]:visible').count() == 0
    assert page.locator("body.lit").count() == 0
    for drawing in page.locator(".panel svg").all():
        assert drawing.evaluate(OVERLAPS) == []


def test_with_all_rows_off_the_page_says_how_they_come_back(visit: Any) -> None:
    page = visit.page
    chips = page.locator(".rows button")
    chips.first.focus()
    ring = chips.first.bounding_box()["y"] - page.locator(".rows").bounding_box()["y"]
    assert ring >= 3  # outline and its offset, which the box would cut
    for chip in chips.all():
        chip.click()
    said = page.get_by_role("status").first
    assert "All rows are switched off" in said.inner_text()
    chips.first.click()
    assert said.inner_text() == ""


def test_a_row_lights_up_in_all_drawings(visit: Any) -> None:
    page = visit.page
    page.locator(".rows button").nth(1).hover()
    opacity = "e => getComputedStyle(e).opacity"
    rows = page.locator(".panel svg g[data-line]")
    assert [float(rows.nth(k).evaluate(opacity)) < 1 for k in range(3)] == [True, False, True]
    page.mouse.move(5, 5)
    assert float(rows.first.evaluate(opacity)) == 1


def test_bands_of_many_rows_are_those_of_the_row_pointed_at(browser: Any, tmp_path: Path) -> None:
    table = load_table("table1")
    for row in range(6):
        for seed in range(2):
            at = {rate: 0.9 - 0.1 * rate + 0.01 * seed for rate in (2, 3)}
            write_record(tmp_path, rated(make_record(table, row, "mlr-viper", seed), at))
    page = Visit(browser, write_report(tmp_path, [table])[0].as_uri(), 1280, "light").page
    bands = page.locator("svg.rates .band:visible")
    assert bands.count() == 0
    page.locator(".rows button").nth(1).hover()
    assert bands.count() == 1
    page.mouse.move(5, 5)
    for place in (0, 1):
        page.locator(".rows button").nth(place).click()
    page.mouse.move(5, 5)
    assert bands.count() == 4


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Table 1, so many rows that their curves are grey, and below it the few of Table 2."""
    folder = tmp_path_factory.mktemp("crowded")
    tables = [load_table("table1"), TABLE]
    for table in tables:
        for row in range(len(table.rows)):
            at = {rate: 0.9 - 0.1 * rate for rate in (2, 3)}
            write_record(folder, rated(make_record(table, row, "mlr-viper", 0), at))
    return write_report(folder, tables)[0].as_uri()


def colours(page: Any, curves: str) -> int:
    """Return how many colours these lines have that are not switched off."""
    count: int = page.evaluate(
        """curves => new Set([...document.querySelectorAll(`${curves}:not(.off, .off *)`)]
             .map(line => getComputedStyle(line).stroke)).size""",
        curves,
    )
    return count


def test_of_many_curves_ours_and_the_one_pointed_at_have_a_colour(
    browser: Any, crowded: str
) -> None:
    table = load_table("table1")
    page = Visit(browser, crowded, 1280, "light").page
    chips = page.locator(".rows button")
    curves = "article:first-of-type svg.rates polyline"
    legend = "article:first-of-type .legend svg.stroke line"
    assert len(table.rows) > 7
    assert colours(page, legend) == 2
    assert colours(page, "article:last-of-type svg.rates polyline") == len(TABLE.rows)
    assert colours(page, curves) == 2  # MSIFLA's, and grey
    chips.first.hover()
    assert colours(page, curves) == 3
    assert colours(page, legend) == 3
    page.mouse.move(5, 5)
    for place in range(len(table.rows) - 7):
        chips.nth(place).click()
    page.mouse.move(5, 5)
    assert colours(page, curves) == 7
    assert colours(page, legend) == 7


def test_a_row_is_pinned_and_freed_again(browser: Any, crowded: str) -> None:
    page = Visit(browser, crowded, 1280, "light").page
    curves = "article:first-of-type svg.rates polyline"
    legend = page.locator("article").first.locator(".legend [role=button]")
    first, second = legend.nth(0), legend.nth(1)
    pinned = "[aria-pressed=true][role=button]"
    first.click()
    page.mouse.move(5, 5)
    assert colours(page, curves) == 3
    assert first.get_attribute("aria-pressed") == "true"
    second.focus()
    page.keyboard.press("Enter")
    page.locator("h1").first.click()
    assert colours(page, curves) == 4
    assert page.url.endswith("?pinned=judea.sld2l")
    again = Visit(browser, page.url, 1280, "light").page
    assert colours(again, curves) == 4
    first.click()
    assert page.url.endswith("?pinned=sld2l")
    page.keyboard.press("Escape")
    assert page.locator(pinned).count() == 0
    page.mouse.move(5, 5)
    assert colours(page, curves) == 2
    page.locator("article").first.locator("figure.dots g[data-line]").nth(2).click()
    assert page.url.endswith("?pinned=sdf")
    page.get_by_role("button", name="Reset").first.click()
    page.wait_for_url(lambda url: "?" not in url)
    assert page.locator(pinned).count() == 0


def test_the_choice_is_in_the_address(browser: Any, visit: Any) -> None:
    page = visit.page
    page.locator("[name=metric]").select_option("rank5")
    page.locator("[name=gallery]").select_option("multi-shot")
    page.locator(".rows button").nth(2).click()
    page.locator("nav a").get_by_text("Claims").click()
    assert page.url.endswith("?metric=rank5&gallery=multi-shot&without=baseline-cmsr2-mr2l#claims")
    again = Visit(browser, page.url, 1280, "light")
    assert again.page.evaluate(STATE) == page.evaluate(STATE)
    assert again.page.locator("[name=metric]").input_value() == "rank5"


def test_what_an_address_names_in_vain_is_said(browser: Any, address: str) -> None:
    odd = "?metric=nothing&rate=9&set=x+y&without=2.baseline.2&pinned=%3Cb%3E&more=1#claims"
    visit = Visit(browser, address + odd, 1280, "light")
    page = visit.page
    said = page.get_by_role("status").first
    assert said.inner_text() == (
        'Part of this address is not in this report: there is no metric "nothing", no rate "9", '
        'no data set "x y", no row "2", no row "<b>".'
    )
    assert page.url.endswith(odd)  # until somebody chooses something
    assert page.locator("[name=metric]").input_value() == "rank1"
    assert page.locator("[data-name=baseline]").get_attribute("aria-pressed") == "false"
    page.locator(".legend [role=button]:visible").first.click()
    assert page.url.endswith("?without=baseline&pinned=baseline-cmsr2&more=1#claims")
    assert said.inner_text() == ""
    assert visit.messages == []


def test_on_a_phone_it_is_said_beside_folded_switches(browser: Any, address: str) -> None:
    page = Visit(browser, f"{address}?without=7", 390, "light").page
    assert not page.locator("[name=metric]").is_visible()
    said = page.get_by_role("status").first
    assert said.is_visible()
    assert 'there is no row "7"' in said.inner_text()


def test_a_choice_that_the_page_does_not_offer_is_named_only_where_it_is_another(
    browser: Any, tmp_path: Path
) -> None:
    record = make_record(TABLE, 0, "caviar", 0)
    only = {"single-shot": record.metrics["single-shot"]}
    write_record(
        tmp_path, replace(record, metrics=only, cmc={"single-shot": record.cmc["single-shot"]})
    )
    address = write_report(tmp_path, [TABLE])[0].as_uri()
    for asked, said in (
        ("gallery=single-shot", ""),
        ("gallery=multi-shot&rate=4", 'no gallery "multi-shot", no rate "4"'),
    ):
        page = Visit(browser, f"{address}?{asked}", 1280, "light").page
        assert page.locator("[name=gallery]").count() == 0
        assert said in page.get_by_role("status").first.inner_text()
        assert bool(said) == bool(page.get_by_role("status").first.inner_text())


@pytest.fixture(scope="module")
def two_tables(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Table 2 on CAVIAR, whose rates nobody knows, and MLR-VIPeR; other rows on MLR-Market-1501."""
    folder = tmp_path_factory.mktemp("two")
    rows = load_table("extended").rows[:2]
    other = replace(TABLE, id="other", title="Other rows", rows=rows)
    for table, dataset in ((TABLE, "caviar"), (TABLE, "mlr-viper"), (other, "mlr-market")):
        for row in range(2):
            record = make_record(table, row, dataset, 0)
            rates = {rate: 0.9 - 0.1 * rate for rate in (2, 3)}
            write_record(folder, record if dataset == "caviar" else rated(record, rates))
    return write_report(folder, [TABLE, other])[0].as_uri()


def in_view(article: Any) -> list[str]:
    """The lines of text that an article shows."""
    return [line.strip() for line in article.inner_text().splitlines() if line.strip()]


def test_a_table_that_lacks_the_chosen_data_set_says_so(browser: Any, two_tables: str) -> None:
    visit = Visit(browser, two_tables, 1280, "light")
    page = visit.page
    article = page.locator("main > article")
    page.locator("[name=set]").select_option(label="MLR-Market-1501")
    assert in_view(article.first) == [TABLE.title, "Nothing on MLR-Market-1501 here."]
    assert article.last.locator("table.results").is_visible()
    assert article.last.locator(".nothing").count() == 0
    page.evaluate(f"location.hash = {article.first.get_attribute('id') + '-cmc'!r}")
    page.wait_for_function("scrollY > 0")  # its part is folded away; the table is jumped to
    page.locator("[name=set]").select_option(label="CAVIAR")
    assert in_view(article.last) == ["Other rows", "Nothing on CAVIAR here."]
    first = article.first
    assert first.locator("table.results").is_visible()
    rates = first.locator("section.rates")
    assert in_view(rates) == ["By resolution of the query", "Nothing on CAVIAR here."]
    assert first.locator("svg.cmc:visible").count() == 1
    page.locator("[name=set]").select_option("")
    assert page.locator(".nothing, .empty").count() == 0
    assert rates.locator("svg.rates:visible").count() == 1
    assert visit.messages == []


def test_a_table_without_rows_says_so(browser: Any, two_tables: str) -> None:
    page = Visit(browser, f"{two_tables}?without=plain.pcb", 1280, "light").page
    assert in_view(page.locator("main > article").last) == [
        "Other rows", "All rows of this table are switched off."
    ]  # fmt: skip
    page.locator(".rows button").get_by_text("PCB", exact=True).click()
    assert page.locator(".nothing").count() == 0


def test_a_part_that_lacks_the_chosen_data_set_says_so_without_being_opened(
    browser: Any, report: Path
) -> None:
    page = Visit(browser, report.as_uri(), 1280, "light", folded=True).page
    page.evaluate(  # as if no picture of CAVIAR had been kept
        """() => document.querySelectorAll("details.more:has(.queries) [data-column^='caviar ']")
          .forEach(part => part.remove())"""
    )
    page.locator("[name=set]").select_option(label="CAVIAR")
    part = page.locator("details.more:has(.queries)")
    assert in_view(part) == ["Retrieved images Nothing on CAVIAR here."]
    part.locator("summary").first.click()
    assert in_view(part) == ["Retrieved images Nothing on CAVIAR here."]


@pytest.fixture(scope="module")
def rows_of_many(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Three tables with some forty rows together."""
    folder = tmp_path_factory.mktemp("rows")
    tables = [TABLE, load_table("controls"), load_table("ablations")]
    for table in tables:
        for row in range(len(table.rows)):
            write_record(folder, make_record(table, row, "mlr-viper", 0))
    return write_report(folder, tables)[0].as_uri()


LAPTOP = (1366, 768)


def test_the_bar_stays_low_on_a_laptop(browser: Any, rows_of_many: str, crowded: str) -> None:
    width, height = LAPTOP
    for address, many in ((crowded, False), (rows_of_many, True)):
        page = Visit(browser, address, width, "light", height=height).page
        bar = page.locator(".bar")
        unfold = page.get_by_role("button", name="Rows:")
        assert bar.bounding_box()["height"] <= 0.17 * height
        assert (unfold.get_attribute("aria-expanded") == "false") or not many
        if unfold.get_attribute("aria-expanded") == "false":
            assert not page.locator(".rows").is_visible()
            unfold.click()
        assert page.locator(".rows").is_visible()
        assert bar.bounding_box()["height"] <= 0.2 * height
        page.locator("[name=metric]").select_option("mAP")  # a line says what is shown
        assert bar.bounding_box()["height"] <= 0.22 * height
        unfold.click()
        assert bar.bounding_box()["height"] <= 0.17 * height


def test_folded_rows_are_reached_and_seen_by_the_keyboard(browser: Any, rows_of_many: str) -> None:
    width, height = LAPTOP
    page = Visit(browser, rows_of_many, width, "light", height=height).page
    unfold = page.get_by_role("button", name="Rows:")
    unfold.focus()
    page.keyboard.press("Enter")
    chips = page.locator(".rows button")
    page.keyboard.press("Tab")  # to Reset
    box = page.locator(".rows").bounding_box()
    for chip in chips.all():
        page.keyboard.press("Tab")
        assert chip.evaluate("chip => chip === document.activeElement")
        place = chip.bounding_box()
        assert box["y"] <= place["y"]
        assert place["y"] + place["height"] <= box["y"] + box["height"]
    page.keyboard.press("Space")
    assert unfold.inner_text() == f"Rows: {chips.count() - 1} of {chips.count()}"
    unfold.focus()
    page.keyboard.press("Enter")
    assert not page.locator(".rows").is_visible()
    again = Visit(browser, page.url, width, "light", height=height).page
    assert again.get_by_role("button", name="Rows:").inner_text() == unfold.inner_text()


def test_many_tables_are_scrolled_through_in_the_bar(browser: Any, rows_of_many: str) -> None:
    width, height = LAPTOP
    page = Visit(browser, rows_of_many, width, "light", height=height).page
    page.evaluate("""() => { const link = document.querySelector(".bar nav a:last-child");
      for (let n = 0; n < 40; n += 1) link.after(link.cloneNode(true)); }""")
    assert page.locator(".bar").bounding_box()["height"] <= 0.17 * height
    page.locator(".bar nav a").last.focus()
    place, bar = (page.locator(f".bar nav{at}").last.bounding_box() for at in (" a", ""))
    assert place["y"] + place["height"] <= bar["y"] + bar["height"]


def test_works_with_the_keyboard_alone(visit: Any) -> None:
    page = visit.page
    page.locator("[name=metric]").focus()
    page.keyboard.press("m")  # the first choice that begins so
    assert page.locator("figure.dots .metric").inner_text() == "mAP"
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == "Baseline":
            break
    page.keyboard.press("Space")
    assert page.locator('.panel [data-label="Baseline"]:visible').count() == 0
    page.keyboard.press("Space")
    assert page.locator('.panel g[data-label="Baseline"]:visible').count() == 3


def test_sections_stay_at_hand_and_links_do_not_hide_behind_them(visit: Any) -> None:
    page = visit.page
    page.locator("nav a").get_by_text("By resolution").click()
    page.wait_for_timeout(900)
    assert page.evaluate("scrollY") > 200
    bar = page.locator(".bar").bounding_box()
    assert bar["y"] == 0
    head = page.locator("section.rates h2").bounding_box()
    assert bar["height"] - 1 <= head["y"] < 500


def test_the_rest_is_folded_and_a_link_unfolds_it(browser: Any, address: str) -> None:
    page = Visit(browser, address, 1280, "light", folded=True).page
    assert page.locator(".more[open]").count() == 0
    assert not page.locator("table.compared").first.is_visible()
    page.locator("nav a").get_by_text("Differences").click()
    assert page.locator("details.differences table.compared").first.is_visible()


def test_on_a_phone_numbers_come_first_and_are_laid_out_anew(browser: Any, address: str) -> None:
    page = Visit(browser, address, 390, "light", folded=True).page
    assert not page.locator("[name=metric]").is_visible()
    drawing = page.locator(".panel svg")
    assert page.locator(".names:visible").count() == 3  # each data set with its own
    assert drawing.first.bounding_box()["y"] < 2 * 844  # the second screen at the latest
    for box in drawing.all():
        assert box.evaluate(OVERLAPS) == []
        size = box.locator(".value").first.evaluate("t => getComputedStyle(t).fontSize")
        assert size == "13px"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_text("Show", exact=True).click()
    page.locator("[name=metric]").select_option("mAP")
    assert page.locator("figure.dots .metric").inner_text() == "mAP"


def test_the_first_screen_shows_the_results(browser: Any, address: str) -> None:
    page = Visit(browser, address, 1280, "light", folded=True).page
    box = page.locator(".panels").first.bounding_box()
    assert box["y"] + box["height"] < 900
    for drawing in page.locator(".panel svg").all():
        assert drawing.evaluate(OVERLAPS) == []


def test_without_the_script_the_table_is_as_it_is(browser: Any, address: str) -> None:
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(address)
    assert page.locator(".switches:visible").count() == 0
    assert page.locator(".panel svg .spot:visible").count() == 9
    assert page.locator("svg.rates:visible").count() == 2
    page.get_by_text("Differences", exact=True).last.click()
    assert page.locator("details.differences table.compared").first.is_visible()
    context.close()


def test_on_paper_nothing_is_folded(visit: Any) -> None:
    page = visit.page
    page.emulate_media(media="print")
    assert not page.locator(".bar").is_visible()
    assert page.locator("figure.dots").is_visible()
    assert page.locator(".panel svg").first.evaluate(OUTSIDE) is not None


def test_names_that_would_be_tags_stay_texts(browser: Any, tmp_path: Path) -> None:
    label = "<b>\"A'</b> & </script>"
    table = replace(TABLE, id="mine", rows=(replace(TABLE.rows[0], label=label), *TABLE.rows[1:]))
    for row in (0, 1):
        write_record(tmp_path, make_record(TABLE, row, "caviar", 0))
    visit = Visit(browser, write_report(tmp_path, [table])[0].as_uri(), 1280, "light")
    chip = visit.page.locator(".rows button").first
    assert chip.inner_text() == label
    chip.click()
    chip.hover()
    assert visit.page.locator(".panel g[data-line]:visible").count() == 2
    assert visit.page.get_by_text("not run").count() > 0
    assert visit.messages == []


def test_the_rule_that_the_table_has_anyway_changes_nothing(visit: Any) -> None:
    page = visit.page
    table = page.locator("table.results").first
    before = table.inner_html()
    page.locator("[name=gallery]").select_option("single-shot")
    assert page.url.endswith("?gallery=single-shot")
    assert table.inner_html() == before
    assert page.locator(".own-gallery").inner_text() == "single-shot"
    assert page.get_by_role("status").first.inner_text() == ""


def test_the_bar_does_not_jump_as_rows_are_taken_out(visit: Any) -> None:
    page = visit.page
    button = page.get_by_role("button", name="Rows: ")
    before = button.bounding_box(), page.locator(".bar").bounding_box()
    page.locator(".rows button").first.click()
    assert button.inner_text().strip().startswith("Rows: 2 of 3")
    assert button.bounding_box() == before[0]
    assert page.locator(".bar").bounding_box() == before[1]


def test_the_oracle_has_a_sign_of_its_own(browser: Any, tmp_path: Path) -> None:
    for seed in range(2):
        write_record(tmp_path, oracle_record(TABLE, "mlr-viper", seed))
    write_record(tmp_path, make_record(TABLE, 0, "mlr-viper", 0))
    address = write_report(tmp_path, [TABLE])[0].as_uri()
    page = Visit(browser, address, 1280, "light").page
    fill, shape = "e => getComputedStyle(e).fill", "e => e.getAttribute('href')"
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    for metric in ("mAP", "rank1"):  # by the script, and as it was written
        page.locator("[name=metric]").select_option(metric)
        row, oracle = (page.locator(f"g.{name} > .spot") for name in ("lone", "oracle"))
        assert [spot.evaluate(shape) for spot in (row, oracle)] == ["#spot", "#spot-oracle"]
        assert [spot.evaluate(fill) == paper for spot in (row, oracle)] == [True, False]
    legend = page.get_by_text("Diamond: the oracle")
    assert legend.is_visible()
    page.locator(".rows .oracle").click()
    assert not legend.is_visible()


def test_on_a_phone_three_metrics_and_their_marks_stand_apart(browser: Any, address: str) -> None:
    page = Visit(browser, address, 390, "light").page
    box = page.locator(".scroll:has(.results)")
    assert box.evaluate("b => b.scrollWidth <= b.clientWidth")
    assert page.locator(".results tr[data-line] td.measured").count() == 9 * 3
    marks = page.locator(".results td.tie > sup")
    assert marks.count() > 0
    for mark in marks.all():
        cell, sign, mean = mark.evaluate(
            """sup => [sup.parentElement, sup, sup.parentElement.querySelector("a")]
              .map(part => part.getBoundingClientRect().toJSON())"""
        )
        assert mean["right"] <= sign["left"] < sign["right"] <= cell["right"]
        assert mean["top"] < sign["bottom"] < mean["bottom"]
