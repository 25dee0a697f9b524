"""The query browser as used: keys, filters, links, A against B; beside the page, in it, missing."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest

from crossres.benchmark.records.artifacts import artifact_path, write_artifact
from crossres.benchmark.records.record import write_record
from crossres.reports.write import write_report
from tests.reports.conftest import Drawn, draw_results
from tests.reports.grid.test_oracle import oracle_record
from tests.reports.page.conftest import RANKED_TABLE
from tests.reports.page.test_accessibility import LOOKS
from tests.reports.rankings import FAR, QUERIES, add_rankings
from tests.reports.visit import CHROMIUM, Visit, violations

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")
LOADED = "() => [...document.querySelectorAll('#queries img')].every(i => i.naturalWidth > 0)"


def scrolled(visit: Visit) -> Any:
    """The page, scrolled to the browser, which has loaded its first query."""
    visit.page.locator("#queries").scroll_into_view_if_needed()
    visit.page.locator(".answers").wait_for()
    visit.page.wait_for_function(LOADED)
    return visit.page


def opened(browser: Any, report: Path, at: str = "", width: int = 1280) -> Any:
    return scrolled(Visit(browser, report.as_uri() + at, width, "light"))


def count(page: Any) -> str:
    return str(page.locator("#queries-count").inner_text())


def asked(page: Any) -> str:
    """The name of the query that is shown."""
    return str(page.locator(".asked dd").first.inner_text())


def choose(page: Any, label: str, choice: str) -> None:
    page.locator("#queries").get_by_label(label, exact=True).select_option(label=choice)


@pytest.fixture(scope="module")
def ranks(ranked: Drawn) -> np.ndarray:
    """The ranks (3, 12) of the first set and seed, row by row."""
    records = [r for r in ranked.records if (r.cell.dataset, r.cell.seed) == ("mlr-market", 0)]
    paths = [artifact_path(ranked.folder, record.key) for record in records]
    return np.stack([np.load(path)["first_ranks"] for path in paths])


def test_nothing_is_loaded_before_somebody_comes_near(browser: Any, ranked_report: Path) -> None:
    visit = Visit(browser, ranked_report.as_uri(), 1280, "light")
    visit.page.wait_for_timeout(100)
    assert [url for url in visit.requests if not url.startswith("data:")] == [visit.page.url]
    page = scrolled(visit)
    names = [url.rpartition("/")[2] for url in visit.requests if url.endswith(".js")]
    assert [name.rpartition("mlr-market")[2] for name in names] == [
        "-mlr-perid-seed0.js", "-mlr-perid-seed0-0.js"
    ]  # fmt: skip
    assert visit.messages == []
    assert "#" not in page.url  # who only scrolls by keeps the address


def test_a_query_with_what_every_row_retrieved(
    browser: Any, ranked_report: Path, ranked: Drawn
) -> None:
    page = opened(browser, ranked_report)
    assert (count(page), asked(page)) == (f"1 of {QUERIES}", "query/0001_c1.jpg")
    answers = page.locator(".answers > li")
    assert answers.locator("h2 span:first-of-type").all_inner_texts() == [
        row.label for row in ranked.table.rows
    ]
    assert answers.locator("figure").count() == 3 * 6
    for row in range(3):  # all rows are wrong, and the true match is shown all the same
        shown = answers.nth(row).locator(".retrieved")
        assert [f.get_attribute("class") for f in shown.all()] == ["retrieved wrong"] * 5 + [
            "retrieved ok"
        ]
        assert answers.nth(row).locator("figcaption").last.inner_text() == f"rank {FAR}\n2.50"
        assert "AP 2.5 · rank-1 0.0" in answers.nth(row).inner_text()
    title = answers.first.locator("img").last.get_attribute("alt")
    assert title.startswith(f"rank {FAR}, identity 1, camera 1, distance 2.5, correct, all/")
    for image in answers.first.locator("img").all():  # as large as there is room, none distorted
        box = image.bounding_box()
        assert box["width"] >= 30
        assert box["height"] == pytest.approx(2 * box["width"], abs=1)
    border = "e => getComputedStyle(e).borderTopWidth"
    assert answers.locator(".retrieved.ok").first.evaluate(border) == "4px"
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    page.locator("#queries").get_by_role("link", name="record").first.click()
    page.wait_for_function("() => document.querySelector(location.hash).checkVisibility()")


def test_keys_and_buttons_lead_on(browser: Any, ranked_report: Path) -> None:
    page = opened(browser, ranked_report)
    first = asked(page)
    page.keyboard.press("ArrowRight")
    assert count(page) == f"2 of {QUERIES}"
    second = asked(page)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert count(page) == f"{QUERIES} of {QUERIES}"
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Next").click()
    assert (asked(page), first != second) == (second, True)
    page.keyboard.press("ArrowRight")  # the button has the focus
    assert count(page) == f"3 of {QUERIES}"
    page.locator("#queries-pid").focus()
    page.keyboard.press("ArrowRight")
    page.locator("#queries-next").focus()
    page.keyboard.press("Control+ArrowRight")
    assert count(page) == f"3 of {QUERIES}"
    page.evaluate("scrollTo({ top: 0, behavior: 'instant' }); document.activeElement.blur()")
    page.keyboard.press("ArrowRight")  # nobody sees the query
    assert count(page) == f"3 of {QUERIES}"


def test_rows_that_are_switched_off_count_for_nothing(
    browser: Any, ranked_report: Path, ranked: Drawn, ranks: np.ndarray
) -> None:
    page = opened(browser, ranked_report)
    labels = [row.label for row in ranked.table.rows]
    switch = page.locator(".switches").get_by_role("button", name=labels[1], exact=True)
    cards = page.locator(".answers > li")
    for shown in ([0, 2], [0, 1, 2]):
        switch.click()
        page.locator("#queries-next").click()
        assert [card.get_attribute("data-label") for card in cards.all()] == [
            labels[row] for row in shown
        ]
        assert "#queries?" in page.locator("#queries-link").get_attribute("href")
        choose(page, "Show", "all rows wrong")
        assert count(page) == f"1 of {(ranks[shown] > 1).all(axis=0).sum()}"
        choose(page, "Show", "all")
        lowest = np.lexsort((np.arange(QUERIES), (1 / ranks[shown]).mean(axis=0).round(4)))[0]
        assert asked(page) == f"query/{lowest:04d}_c{lowest % 3}.jpg"


def test_a_link_opens_the_query(browser: Any, ranked_report: Path) -> None:
    page = opened(browser, ranked_report)
    choose(page, "Data set", "MLR-VIPeR")
    choose(page, "Seed", "1")
    choose(page, "Order", "by name")
    choose(page, "A", "Baseline + CMSR²")
    page.wait_for_function(LOADED)
    page.locator("#queries-next").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    state = count(page), asked(page), page.locator(".answers").inner_html()
    assert state[1] == "query/0003_c0.jpg"
    page.wait_for_function(
        "() => location.hash === document.getElementById('queries-link').getAttribute('href')"
    )
    other = Visit(browser, page.url, 1280, "light", folded=True).page
    other.locator(".answers").wait_for()
    other.wait_for_function(LOADED)
    assert (count(other), asked(other), other.locator(".answers").inner_html()) == state
    top = other.locator("#queries").evaluate("e => e.getBoundingClientRect().top")
    assert top == pytest.approx(
        other.locator(".bar").bounding_box()["height"], abs=25
    )  # of its 30 above the heading
    # A link that follows another on the same page; one whose filters leave its query out.
    query = page.url.partition("#")[2].replace("0003_c0", "0005_c2")
    other.evaluate(f"location.hash = {query + '&rate=3'!r}")
    other.wait_for_function(
        "() => document.querySelector('.asked dd').textContent.includes('0005')"
    )
    assert count(other) == f"6 of {QUERIES}"


VIPER = "Variants of MSIFLA · MLR-VIPeR"


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (
            {"set": "nothing", "q": "nowhere", "seed": "x", "order": "odd", "a": "none"},
            'This query is not in this report: there is no data set "nothing", no query "nowhere". '
            "Another query is shown.",
        ),
        (
            {"set": VIPER, "seed": "9", "q": "query/0003_c0.jpg"},
            'This query is not in this report: there is no seed "9". Another query is shown.',
        ),
        (
            {"set": VIPER, "seed": "1", "q": "<b>859</b>.bmp"},
            'This query is not in this report: there is no query "<b>859</b>.bmp". Another query '
            "is shown.",
        ),
        (
            {
                "set": VIPER,
                "seed": "1",
                "q": "query/0003_c0.jpg",
                "rate": "7",
                "b": "x",
                "show": "y",
            },
            'Part of this link is not in this report: there is no rate "7", no filter "y", '
            'no row "x".',
        ),
        ({}, ""),
    ],
)
def test_a_link_to_what_is_not_there_says_so(
    browser: Any, ranked_report: Path, parts: dict[str, str], said: str
) -> None:
    at = f"#queries?{urlencode(parts)}"
    visit = Visit(browser, ranked_report.as_uri() + at, 1280, "light")
    page = scrolled(visit)
    page.wait_for_timeout(300)  # after which the address of what is shown would be noted
    missing = page.locator("#queries-missing")
    assert (missing.text_content(), missing.is_visible()) == (said, bool(said))
    assert page.url.endswith(at) == bool(said)
    assert count(page).endswith(f" of {QUERIES}")
    assert page.locator("#queries-rate").input_value() == ""
    page.keyboard.press("ArrowRight")  # whatever is shown now was chosen
    assert not missing.is_visible()
    assert visit.messages == []


def test_a_link_that_nobody_can_read_stops_nothing(browser: Any, ranked_report: Path) -> None:
    at = "#queries?set=%&q=%E0%A4%A"
    visit = Visit(browser, ranked_report.as_uri() + at, 1280, "light")
    page = scrolled(visit)
    assert 'there is no data set "%"' in page.locator("#queries-missing").inner_text()
    page.keyboard.press("ArrowRight")
    assert count(page) == f"2 of {QUERIES}"
    assert visit.messages == []


def first_of(page: Any) -> list[str]:
    """The data set, rate, A and B that are chosen."""
    chosen = [page.locator(f"#queries-{name} option:checked") for name in ("set", "rate", "a", "b")]
    return [str(option.inner_text()) for option in chosen]


def test_it_begins_with_what_the_switches_say(
    browser: Any, ranked_report: Path, ranked: Drawn
) -> None:
    first, second, third = (row.label for row in ranked.table.rows)
    at = "?set=mlr-viper+mlr-sing&rate=4&without=baseline"
    page = opened(browser, ranked_report, f"{at}#queries")
    assert first_of(page) == ["MLR-VIPeR", "LR, 1/4", second, third]
    assert count(page) == f"1 of {QUERIES // 3}"
    cards = page.locator(".answers > li")
    assert [c.get_attribute("data-label") for c in cards.all()] == [second, third]
    # It follows them, too, until somebody chooses something else here.
    switches = page.locator(".switches")
    switches.get_by_role("button", name=first, exact=True).click()
    switches.get_by_role("button", name=third, exact=True).click()
    page.evaluate(  # as the switch of rates, which these records have none of
        """() => {
          history.replaceState(null, "", location.href.replace("rate=4", "rate=2"));
          document.dispatchEvent(new Event("switched"));
        }"""
    )
    switches.get_by_label("Data set").select_option("mlr-market mlr-perid")
    page.wait_for_function(
        "() => document.getElementById('queries-link').href.includes('Market-1501')"
    )
    assert first_of(page) == ["MLR-Market-1501", "LR, 1/2", second, second]
    choose(page, "Rate", "all")
    switches.get_by_label("Metric").select_option("mAP")
    assert count(page) == f"1 of {QUERIES}"
    switches.get_by_role("button", name="Reset").click()
    page.wait_for_function("() => document.querySelectorAll('.answers > li').length === 3")
    assert first_of(page) == ["MLR-Market-1501", "all", second, second]


def copied(ranked: Drawn, results: Path, dataset: str) -> list[str]:
    """Copy the results, to be changed; return the keys of the cells of a data set."""
    shutil.copytree(ranked.folder, results)
    return [record.key for record in ranked.records if record.cell.dataset == dataset]


def test_a_switched_rate_waits_for_a_set_that_has_it(
    browser: Any, ranked: Drawn, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    for key in copied(ranked, results, "mlr-market"):  # as if it were natively LR
        with np.load(artifact_path(results, key)) as file:
            arrays = {name: file[name] for name in file.files}
        rates = np.zeros_like(arrays["scored_rates"])
        write_artifact(results, key, arrays | {"scored_rates": rates})
    page = opened(browser, write_report(results)[0], "?rate=4#queries")
    missing = page.locator("#queries-missing")
    assert missing.inner_text() == (
        "No query here is of the rate that is chosen above; those of all rates are shown."
    )
    assert first_of(page)[:2] == ["MLR-Market-1501", "all"]
    page.locator(".switches").get_by_label("Data set").select_option("mlr-viper mlr-sing")
    page.wait_for_function("() => document.querySelector('#queries-rate').value === '4'")
    assert first_of(page)[:2] == ["MLR-VIPeR", "LR, 1/4"]
    assert not missing.is_visible()


def test_a_link_counts_more_than_the_switches(
    browser: Any, ranked_report: Path, ranked: Drawn
) -> None:
    first = ranked.table.rows[0].label
    link = urlencode({"set": VIPER, "seed": "1", "q": "query/0003_c0.jpg", "a": first})
    at = f"?set=mlr-market+mlr-perid&rate=4&without=baseline#queries?{link}"
    page = opened(browser, ranked_report, at)
    assert first_of(page)[:3] == ["MLR-VIPeR", "all", first]
    assert asked(page) == "query/0003_c0.jpg"
    switches = page.locator(".switches")
    switches.get_by_label("Metric").select_option("mAP")  # is none of these
    assert first_of(page)[:3] == ["MLR-VIPeR", "all", first]
    assert asked(page) == "query/0003_c0.jpg"


def test_a_link_of_a_query_alone_is_of_what_the_switches_say(
    browser: Any, ranked_report: Path
) -> None:
    at = "?set=mlr-viper+mlr-sing&rate=4#queries?q=query/0005_c2.jpg"
    page = opened(browser, ranked_report, at)
    assert first_of(page)[:2] == ["MLR-VIPeR", "LR, 1/4"]
    assert asked(page) == "query/0005_c2.jpg"
    page = opened(browser, ranked_report, at.replace("0005_c2", "nonsense"))
    assert first_of(page)[:2] == ["MLR-VIPeR", "LR, 1/4"]
    assert 'there is no query "query/nonsense.jpg"' in page.locator("#queries-missing").inner_text()


def test_a_switched_set_without_rankings_is_named(
    browser: Any, ranked: Drawn, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    for key in copied(ranked, results, "mlr-viper"):
        artifact_path(results, key).unlink()
    at = "?set=mlr-viper+mlr-sing#queries"
    page = opened(browser, write_report(results)[0], at)
    assert first_of(page)[0] == "MLR-Market-1501"
    assert page.locator("#queries-missing").inner_text() == (
        "The data set that is chosen above has no queries here; another one is shown."
    )


def test_filters_leave_those_that_fit(browser: Any, ranked_report: Path, ranks: np.ndarray) -> None:
    page = opened(browser, ranked_report)
    rates, cams = np.arange(QUERIES) % 3 + 2, np.arange(QUERIES) % 3
    choose(page, "Rate", "LR, 1/3")
    assert count(page) == f"1 of {(rates == 3).sum()}"
    choose(page, "Camera", "0")
    assert count(page) == "no query is like this"
    assert page.locator(".answers").count() == 0
    page.keyboard.press("ArrowRight")
    choose(page, "Rate", "all")
    assert count(page) == f"1 of {(cams == 0).sum()}"
    choose(page, "Camera", "all")
    page.get_by_label("Identity").fill("7")
    assert (count(page), asked(page)) == ("1 of 1", "query/0007_c1.jpg")
    page.get_by_label("Identity").fill("")
    right = ranks == 1
    expected: dict[str, Callable[[], np.ndarray]] = {
        "A wrong, B right": lambda: ~right[0] & right[2],
        "A right, B wrong": lambda: right[0] & ~right[2],
        "A and B wrong": lambda: ~right[0] & ~right[2],
        "A and B right": lambda: right[0] & right[2],
        "all rows wrong": lambda: ~right.any(axis=0),
        "all": lambda: np.ones(QUERIES, bool),
    }
    for choice, fitting in expected.items():
        choose(page, "Show", choice)
        number = int(fitting().sum())
        assert count(page) == (f"1 of {number}" if number else "no query is like this"), choice


def test_orders(browser: Any, ranked_report: Path, ranks: np.ndarray) -> None:
    page = opened(browser, ranked_report)
    names = np.array([f"query/{k:04d}_c{k % 3}.jpg" for k in range(QUERIES)])
    aps = 1 / ranks
    for choice, value in {
        "lowest mean AP first": aps.sum(axis=0),
        "lowest AP of A first": aps[0],
        "lowest AP of B first": aps[2],
        "largest gain of B first": aps[0] - aps[2],
        "largest loss of B first": aps[2] - aps[0],
        "by name": np.arange(QUERIES),
    }.items():
        choose(page, "Order", choice)
        assert count(page).startswith("1 of ")
        page.locator("#queries-next").focus()
        order = []
        for _ in names:
            order.append(asked(page))
            page.keyboard.press("ArrowRight")
        assert order == names[np.lexsort((np.arange(QUERIES), value.round(3)))].tolist(), choice


def test_a_against_b(browser: Any, ranked_report: Path, ranks: np.ndarray) -> None:
    page = opened(browser, ranked_report)
    page.get_by_text("A against B").click()
    right, rates = ranks == 1, np.arange(QUERIES) % 3 + 2
    a, b = right[0], right[2]
    expected = [
        [int((outcome & of).sum()) for outcome in (~a & b, a & ~b, ~a & ~b, a & b)]
        for of in (*(rates == rate for rate in (2, 3, 4)), np.ones(QUERIES, bool))
    ]
    table = page.locator(".versus table")
    table.wait_for()
    lines = [
        [int(t) for t in r.locator("td").all_inner_texts()] for r in table.locator("tbody tr").all()
    ]
    assert lines == expected
    assert page.locator(".versus circle[data-query]").count() == QUERIES
    rescued = np.flatnonzero(~a & b)
    page.get_by_role("button", name="all: rescued by B").click()
    assert count(page) == f"1 of {len(rescued)}"
    assert page.locator("#queries-show").input_value() == "rescued"
    gains = page.locator(".versus ul").first.locator("a")
    best = int(np.lexsort((np.arange(QUERIES), (1 / ranks[0] - 1 / ranks[2]).round(3)))[0])
    assert gains.first.inner_text() == (
        f"query/{best:04d}_c{best % 3}.jpg: AP {100 / ranks[0, best]:.1f} → "
        f"{100 / ranks[2, best]:.1f}, rank {ranks[0, best]} → {ranks[2, best]}"
    )
    compared = page.locator("#queries-compared > p")
    of = f"Of one data set and one seed: MLR-Market-1501, seed 0, the {QUERIES} queries shown here."
    assert of in compared.inner_text()
    other = int(np.flatnonzero(a & b)[0])
    page.locator(f"circle[data-query='{other}']").dispatch_event("click")
    assert asked(page) == f"query/{other:04d}_c{other % 3}.jpg"  # no filter hides it any more
    assert count(page).endswith(f"of {QUERIES}")
    ring = page.locator("#queries-now").evaluate("e => [e.cx.baseVal.value, e.cy.baseVal.value]")
    spot = page.locator(f"circle[data-query='{other}']")
    assert spot.evaluate("e => [e.cx.baseVal.value, e.cy.baseVal.value]") == ring
    gains.first.focus()
    page.keyboard.press("Enter")
    assert asked(page) == f"query/{best:04d}_c{best % 3}.jpg"
    choose(page, "B", "Baseline")  # against itself: nothing is won or lost
    assert page.locator(".versus .none").count() == 2


def test_a_against_b_is_of_the_queries_that_the_filters_leave(
    browser: Any, ranked_report: Path, ranks: np.ndarray
) -> None:
    page = opened(browser, ranked_report)
    page.get_by_text("A against B").click()
    choose(page, "Rate", "LR, 1/4")
    of_rate = np.arange(QUERIES) % 3 == 2
    shown = page.locator(".versus circle[data-query]")
    assert shown.count() == of_rate.sum()
    assert page.locator(".versus tr[aria-current] th").all_inner_texts() == ["LR, 1/4"]
    assert page.locator(".versus tbody tr").count() == 4  # the counts name their rate
    differing = int((of_rate & (ranks[0] != ranks[2])).sum())
    assert page.locator(".versus ul a").count() == differing
    said = page.locator("#queries-compared > p")
    of = f"seed 0, {of_rate.sum()} of the {QUERIES} queries shown here (LR, 1/4)."
    assert of in said.inner_text()
    choose(page, "Show", "A and B right")  # of which the counts are, and does not narrow them
    assert shown.count() == of_rate.sum()
    choose(page, "Show", "all")
    choose(page, "Rate", "all")
    page.get_by_label("Identity").fill("7")
    counted = page.locator(".versus tbody tr").last.locator("td")
    assert sum(map(int, counted.all_inner_texts())) == shown.count() == 1
    assert f"1 of the {QUERIES} queries shown here (identity 7)." in said.inner_text()


def test_all_of_it_by_the_keyboard(browser: Any, ranked_report: Path) -> None:
    page = opened(browser, ranked_report)
    page.locator("#queries-set").focus()
    seen = []
    for _ in range(14):
        seen.append(page.evaluate("document.activeElement.id"))
        outline = "getComputedStyle(document.activeElement).outlineStyle"
        assert page.evaluate(outline) == "solid", seen[-1]
        page.keyboard.press("Tab")
    names = (
        "set",
        "seed",
        "rate",
        "cam",
        "pid",
        "a",
        "b",
        "show",
        "order",
        "previous",
        "next",
        "link",
    )
    assert seen[:12] == [f"queries-{name}" for name in names]


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_axe_finds_nothing(browser: Any, ranked_report: Path, width: int, scheme: str) -> None:
    visit = Visit(browser, ranked_report.as_uri(), width, scheme)
    page = scrolled(visit)
    page.locator("#queries-versus summary").click()
    page.wait_for_function(LOADED)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(page, "#queries") == []
    assert visit.messages == []


def test_without_the_folder_one_line_says_so(
    browser: Any, ranked_report: Path, tmp_path: Path
) -> None:
    shutil.copy(ranked_report, tmp_path)
    visit = Visit(browser, (tmp_path / ranked_report.name).as_uri(), 1280, "light")
    visit.page.locator("#queries").scroll_into_view_if_needed()
    note = visit.page.locator("#queries-note")
    note.wait_for()
    assert note.inner_text().startswith(
        'The images and rankings lie in the folder "queries" beside'
    )
    visit.page.keyboard.press("ArrowRight")
    choose(visit.page, "Show", "A and B right")
    visit.page.get_by_text("A against B").click()
    assert {message.partition(":")[0] for message in visit.messages} == {"Failed to load resource"}
    assert visit.page.locator(".pictures img").first.is_visible()  # the drawn queries are there


def test_images_that_are_missing_leave_the_rest(
    browser: Any, ranked_report: Path, tmp_path: Path
) -> None:
    shutil.copytree(ranked_report.parent, tmp_path, dirs_exist_ok=True)
    for path in (tmp_path / "queries").glob("*-0.js"):
        path.unlink()
    page = Visit(browser, (tmp_path / ranked_report.name).as_uri(), 1280, "light").page
    page.locator("#queries").scroll_into_view_if_needed()
    page.locator("#queries-note").wait_for()
    page.keyboard.press("ArrowRight")
    assert count(page) == f"2 of {QUERIES}"
    assert page.locator(".answers > li").count() == 3


def test_a_single_file_needs_nothing_beside_it(browser: Any, ranked: Drawn, tmp_path: Path) -> None:
    shutil.copytree(ranked.folder, tmp_path / "results")
    shutil.rmtree(tmp_path / "results" / "images")  # and says where there are no images
    page_file = write_report(tmp_path / "results", single_file=True)[0]
    visit = Visit(browser, page_file.as_uri(), 390, "dark")
    page = visit.page
    page.locator("#queries").scroll_into_view_if_needed()
    page.locator(".answers").wait_for()
    assert page.locator("#queries .no-image").count() == 1 + 3 * 6
    assert page.locator("#queries-note").inner_text() == (
        "Right, wrong, AP and rank-1 are those in the multi-shot gallery; the tables are of the "
        "single-shot gallery (one image per identity), and may say otherwise. The results folder "
        "holds no images of this data set."
    )
    choose(page, "Data set", "MLR-VIPeR")
    assert count(page) == f"1 of {QUERIES}"
    assert [url for url in visit.requests if not url.startswith("data:")] == [page_file.as_uri()]
    assert visit.messages == []


def test_paper_and_readers_without_script_have_the_drawn_queries(
    browser: Any, ranked_report: Path
) -> None:
    page = opened(browser, ranked_report)
    page.emulate_media(media="print")
    assert not page.locator("#queries").is_visible()
    assert page.locator(".pictures .query").first.is_visible()
    context = browser.new_context(java_script_enabled=False)
    bare = context.new_page()
    bare.goto(ranked_report.as_uri())
    assert not bare.locator("#queries").is_visible()
    bare.locator("details.more:has(.pictures .query) > summary").first.click()
    assert bare.locator(".pictures .query").first.is_visible()


def test_it_begins_where_there_is_most_to_see_and_a_row_alone_is_compared_with_none(
    browser: Any, tmp_path: Path
) -> None:
    alone = replace(RANKED_TABLE, id="alone", title="Alone", rows=RANKED_TABLE.rows[:1])
    for table, dataset in ((alone, "mlr-market"), (RANKED_TABLE, "mlr-viper")):
        drawn = draw_results(tmp_path, table, datasets=[dataset], seeds=[0])
        add_rankings(tmp_path, drawn.records)
    write_record(tmp_path, oracle_record(RANKED_TABLE, "mlr-viper", 0))
    visit = Visit(browser, write_report(tmp_path, [alone, RANKED_TABLE])[0].as_uri(), 1280, "light")
    page = scrolled(visit)
    names = [f"{RANKED_TABLE.title} · MLR-VIPeR", "Alone · MLR-Market-1501"]
    where = page.locator("#queries-set")
    assert where.input_value() == names[0]
    how = page.locator("#queries .how p")
    assert "The oracle is not here" in str(how.text_content())
    show, order, a, b = (page.locator(f"#queries-{name}") for name in ("show", "order", "a", "b"))
    show.select_option("broken")
    order.select_option("gain")
    for name, is_alone in ((names[1], True), (names[0], False)):
        where.select_option(name)
        page.locator(f".answers > li:nth-child({1 if is_alone else 3}):last-child").wait_for()
        assert (show.input_value(), order.input_value()) == ("", "")
        assert [control.is_disabled() for control in (a, b)] == [is_alone] * 2
        assert [option.is_disabled() for option in page.locator(".of-two").all()] == [is_alone] * 8
        assert page.locator("#queries-versus").is_visible() != is_alone
        assert page.locator(".answers .tag").count() == (0 if is_alone else 2)
    where.select_option(names[1])
    page.locator(".answers > li:only-child").wait_for()
    assert "&a=" not in page.locator("#queries-link").get_attribute("href")
    assert visit.messages == []
