"""Distances, maps and energy in a real Chromium: the switches, pointing, paper, dark and narrow."""

from dataclasses import replace
from typing import Any

import pytest

from crossres.benchmark import load_table
from crossres.benchmark.records.artifacts import write_artifact
from crossres.benchmark.records.record import write_record
from crossres.datasets import draw
from crossres.reports.write import write_report
from tests.reports.conftest import make_record
from tests.reports.measures import distance_arrays, map_arrays
from tests.reports.page.test_rates import rated
from tests.reports.page.test_report_browser import CONTRAST, OUTSIDE
from tests.reports.visit import CHROMIUM, Visit, violations

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")
TABLE = load_table("table2")
OLDER, SECTIONS = "Baseline + CMSR²", ("distances", "maps", "spending")
ENERGY = {"cpu": {"fit": 3000.0, "embed": 600.0}, "own_share": {"fit": 0.5, "embed": 0.4}}


@pytest.fixture(scope="module")
def page_path(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Three rows on two sets, one of them natively LR, in two seeds; a row of an older version."""
    folder = tmp_path_factory.mktemp("embeddings")
    for row, dataset, seed in [
        (row, dataset, seed)
        for row in range(3)
        for dataset in ("caviar", "mlr-viper")
        for seed in range(2)
    ]:
        record, rates = make_record(TABLE, row, dataset, seed), (0,)
        if dataset == "mlr-viper":
            rates = (2, 3, 4)
            record = rated(record, dict.fromkeys(rates, 0.5))
        if TABLE.rows[row].label == "Baseline":
            record = replace(record, energy=ENERGY)
        write_record(folder, record)
        if TABLE.rows[row].label != OLDER:
            same_images = draw(dataset, seed) % 2**32
            kept = distance_arrays(row, rates) | map_arrays(same_images, rates)
            write_artifact(folder, record.key, kept)
    return write_report(folder, [TABLE])[0]


def test_distances_follow_the_switches(browser: Any, page_path: Any) -> None:
    visit = Visit(browser, f"{page_path.as_uri()}?rate=4", 1280, "light")
    page = visit.page
    box = page.locator("details.distances").nth(1)
    box.locator("summary").click()
    row = box.locator(".learned", has_text="MR²L")
    titles = row.locator("figure:not(.off) figcaption")
    assert [text.split("\n")[0] for text in titles.all_inner_texts()] == ["all queries", "rate 4"]
    assert row.locator("figure.off").count() == 2
    assert row.locator("figure.off").first.is_hidden()
    page.locator("[name=rate]").select_option("")
    assert row.locator("figure:not(.off)").count() == 4
    own, others = (row.locator(f"path.{kind}").first.bounding_box() for kind in ("own", "others"))
    assert own["x"] < others["x"]  # true matches are nearer
    assert abs(own["y"] + own["height"] - others["y"] - others["height"]) < 4  # strokes
    page.locator(".rows button", has_text="MR²L").click()
    assert row.is_hidden()
    assert f"older version: {OLDER}" in page.locator("details.distances").first.inner_text()
    page.locator("[name=set]").select_option(label="MLR-VIPeR")
    assert page.locator("details.distances:visible").count() == 1
    assert visit.messages == []


def test_pointing_at_a_map_says_whom_it_shows(browser: Any, page_path: Any) -> None:
    visit = Visit(browser, page_path.as_uri(), 1280, "light")
    page = visit.page
    box = page.locator("details.maps").nth(1)
    box.locator("summary").click()
    maps = box.locator(".small-plots svg.map")
    assert maps.count() == 2
    assert box.locator(".said").inner_text() == "Point at an image to see whom it shows."
    query = maps.first.locator('.q[data-rate="4"] path[data-who="0"]')
    assert query.evaluate("path => getComputedStyle(path).strokeLinecap") == "square"
    spot = query.bounding_box()
    assert spot["width"] >= 1
    maps.first.scroll_into_view_if_needed()
    at = query.evaluate(
        """path => { const [, x, y] = path.getAttribute("d").match(/M(\\d+) (\\d+)/).map(Number);
        const point = new DOMPoint(x, y).matrixTransform(path.ownerSVGElement.getScreenCTM());
        const images = JSON.parse(path.closest("details.maps").dataset.images)[0];
        return [point.x, point.y, images.pids[0], images.cameras[4][0].split(" ")[0]]; }"""
    )
    page.mouse.move(at[0], at[1])
    camera = "unknown" if at[3] == "-1" else at[3]
    assert box.locator(".said").inner_text() == f"pid {at[2]}, query, rate 4, camera {camera}"
    lit = box.locator("path.who")
    assert set(lit.evaluate_all("paths => paths.map(path => path.dataset.who)")) == {"0"}
    assert lit.count() >= 2 * 4  # in the map of each row
    page.mouse.move(at[0], 5)
    assert box.locator("path.who").count() == 0
    page.locator("[name=rate]").select_option("2")
    assert query.is_hidden()
    assert maps.first.locator('.q[data-rate="2"] path[data-who="0"]').is_visible()
    assert maps.first.locator('.g path[data-who="0"]').is_visible()
    assert visit.messages == []


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
def test_distances_maps_and_energy_fit(
    browser: Any, page_path: Any, width: int, scheme: str
) -> None:
    visit = Visit(browser, page_path.as_uri(), width, scheme)
    page = visit.page
    for section in SECTIONS:
        more = page.locator(f"details.more:has(h2[id$='-{section}'])")
        assert violations(page, f"details.more:has(h2[id$='-{section}'])") == []
        for svg in more.locator("figure svg:visible").all()[:8]:
            assert svg.evaluate(OUTSIDE) == []
            assert svg.bounding_box()["width"] <= width - 32
        assert page.locator(f"nav a[href$='-{section}']").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    energies = page.locator("table.spending").first.locator("td:last-child")
    assert energies.all_inner_texts() == ["1 Wh 45 % own", "not measured", "not measured"]
    for selector in ("svg.pairs text", ".distances figcaption small", ".maps .said"):
        assert page.locator(selector).first.evaluate(CONTRAST) >= 4.5, selector
    assert visit.messages == []
    assert all(url.startswith(("file:", "data:")) for url in visit.requests)


def test_on_paper_and_without_script_they_are_there(browser: Any, page_path: Any) -> None:
    page = Visit(browser, page_path.as_uri(), 1280, "light").page
    page.emulate_media(media="print")
    assert page.locator("svg.pairs").first.is_visible()
    assert page.locator("figure svg.map").first.is_visible()
    assert page.locator(".maps .said").first.is_hidden()
    context = browser.new_context(java_script_enabled=False, offline=True)
    plain = context.new_page()
    plain.goto(page_path.as_uri())
    for section in SECTIONS:
        plain.locator(f"details.more:has(h2[id$='-{section}']) > summary").click()
    assert plain.locator("svg.pairs").first.is_visible()
    assert plain.locator("figure svg.map .q path").first.is_visible()
    context.close()
