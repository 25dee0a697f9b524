"""The report as seen: a real Chromium opens the file, wide and narrow, light and dark, offline."""

from pathlib import Path
from typing import Any

import pytest

from crossres.benchmark import load_table
from crossres.benchmark.records.record import write_record
from crossres.reports.write import write_report
from tests.reports.conftest import draw_results
from tests.reports.visit import CHROMIUM, Visit

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")
# WCAG 2 contrast of an element's text against the nearest opaque background behind it.
CONTRAST = """element => {
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  let behind = element, colour = [0, 0, 0, 0];
  while (behind && (colour = parse(getComputedStyle(behind).backgroundColor))[3] === 0) {
    behind = behind.parentElement;
  }
  const pair = [light(parse(getComputedStyle(element).color)), light(colour)];
  return (Math.max(...pair) + .05) / (Math.min(...pair) + .05);
}"""


@pytest.fixture(scope="module")
def address(report: Path) -> str:
    return report.as_uri()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_opens_quietly_and_fits(browser: Any, address: str, width: int, scheme: str) -> None:
    visit = Visit(browser, address, width, scheme)
    page = visit.page
    assert visit.messages == []
    assert [url for url in visit.requests if not url.startswith("data:")] == [address]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    broken = "[...document.images].filter(i => !i.complete || i.naturalWidth === 0).length"
    assert page.evaluate(broken) == 0
    assert page.evaluate("document.images.length") > 200
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, background[4:-1].split(","))) < 200) == (scheme == "dark")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast(browser: Any, address: str, scheme: str) -> None:
    page = Visit(browser, address, 1280, scheme).page
    for selector in ("h1", ".lead", ".banner", ".facts dt", "td.measured a", ".std", "summary",
                     ".about", "nav a", ".ranking a", ".sub .ok", ".sub .wrong",
                     "figcaption"):  # fmt: skip
        assert page.locator(selector).first.evaluate(CONTRAST) >= 4.5, selector


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_published_values_have_contrast(
    browser: Any, real: Any, tmp_path: Path, scheme: str
) -> None:
    for record in real:
        write_record(tmp_path, record)
    page = Visit(browser, write_report(tmp_path)[0].as_uri(), 1280, scheme).page
    for selector in ("td.published", ".banner.real"):
        assert page.locator(selector).first.evaluate(CONTRAST) >= 4.5, selector


def test_table_is_readable(browser: Any, address: str) -> None:
    page = Visit(browser, address, 1280, "light").page
    table = page.locator("table.results")
    assert table.evaluate("t => t.scrollWidth <= t.parentElement.clientWidth")
    assert table.locator("tbody").count() == 5
    assert "54.1" in table.locator("tbody").first.inner_text()
    best = table.locator("td.best > a").first
    assert int(best.evaluate("e => getComputedStyle(e).fontWeight")) >= 700
    second = table.locator("td.second > a").first
    assert "underline" in second.evaluate("e => getComputedStyle(e).textDecorationLine")
    assert not table.locator(".seeds").first.is_visible()
    page.get_by_label("Show the value of every seed").check()
    assert table.locator(".seeds").first.is_visible()


def test_every_section_can_be_seen_in_the_bar(browser: Any, address: str) -> None:
    page = Visit(browser, address, 1280, "light").page
    bar = page.locator(".bar nav")
    assert bar.locator("a").count() >= 10
    assert bar.evaluate("bar => bar.scrollWidth <= bar.clientWidth")
    bar.locator("a").last.click()
    heading = page.locator("details.more summary:has-text('What was run')")
    assert heading.bounding_box()["y"] >= page.locator(".bar").bounding_box()["height"] - 1


def test_on_a_small_phone_the_table_scrolls_in_its_own_box(browser: Any, address: str) -> None:
    page = Visit(browser, address, 320, "light").page
    box = page.locator(".scroll:has(.results)")
    assert box.evaluate("b => b.scrollWidth > b.clientWidth")
    box.evaluate("b => { b.scrollLeft = 200; }")
    label = page.locator(".results tbody th.row").nth(1)
    assert label.bounding_box()["x"] >= 0
    assert page.evaluate("document.documentElement.scrollLeft") == 0
    about = page.locator(".results .about > span").first.bounding_box()
    head = page.locator(".results tbody th.row").first.bounding_box()
    assert head["x"] + head["width"] <= about["x"] + 1
    assert about["x"] + about["width"] <= 320
    # What shades an edge is covered where the table ends there.
    assert box.evaluate("b => getComputedStyle(b).backgroundAttachment") == "local, scroll"


def test_without_scripts_no_link_leads_to_the_query_browser(
    browser: Any, ranked_report: Path
) -> None:
    for has_scripts in (True, False):
        context = browser.new_context(java_script_enabled=has_scripts, offline=True)
        page = context.new_page()
        page.goto(ranked_report.as_uri())
        assert page.locator("#queries").is_visible() == has_scripts
        assert page.locator('nav a[href="#queries"]').is_visible() == has_scripts
        context.close()


def test_on_a_phone_names_of_rows_are_whole(browser: Any, address: str) -> None:
    page = Visit(browser, address, 390, "light").page
    for name in page.locator(".ranking .who").all()[:6]:
        name.evaluate("name => { name.textContent = 'A row of a very long name, '.repeat(4); }")
        assert name.evaluate("name => name.scrollWidth <= name.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_number_opens_its_record(browser: Any, address: str) -> None:
    page = Visit(browser, address, 1280, "light").page
    link = page.locator("td.measured > a").first
    target = link.get_attribute("href")
    assert not page.locator(target).is_visible()
    link.click()
    page.wait_for_function("t => document.querySelector(t).checkVisibility()", arg=target)
    assert page.locator(target).is_visible()
    assert page.locator(f"{target} .digest").count() == 5
    assert "crossres run table2" in page.locator(f"{target} .command").inner_text()


@pytest.mark.parametrize("at", ["#%", "#%E0%A4%A", "#", "?without=%&rate=%#queries?set=%"])
def test_an_address_that_nobody_can_read_stops_nothing(browser: Any, address: str, at: str) -> None:
    visit = Visit(browser, address + at, 1280, "light", folded=True)
    page = visit.page
    page.evaluate("location.hash = '#%'")
    page.locator("nav a").get_by_text("Differences").click()  # what came after it still works
    assert page.locator("table.compared").first.is_visible()
    page.locator("[name=metric]").select_option("mAP")
    assert "metric=mAP" in page.url
    assert visit.messages == []


def test_frames_say_what_is_correct(browser: Any, address: str) -> None:
    page = Visit(browser, address, 1280, "light").page
    colours = {
        kind: page.locator(f".top img.{kind}").first.evaluate(
            "e => [getComputedStyle(e).borderTopColor, getComputedStyle(e).borderTopWidth]"
        )
        for kind in ("ok", "wrong")
    }
    assert colours == {"ok": ["rgb(21, 128, 61)", "4px"], "wrong": ["rgb(198, 47, 47)", "2px"]}
    chain = page.locator(".steps img").first
    assert chain.evaluate("e => getComputedStyle(e).imageRendering") == "pixelated"


# Texts of a drawing of which two overlap by more than a pixel either way.
OVERLAPS = """drawing => {
  const boxes = [...drawing.querySelectorAll("text")]
    .map(t => [t.textContent, t.getBoundingClientRect()]);
  return boxes.flatMap(([a, p], i) => boxes.slice(i + 1)
    .filter(([b, q]) => Math.min(p.right, q.right) - Math.max(p.left, q.left) > 1
                     && Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top) > 3)
    .map(([b]) => `${a} on ${b}`));
}"""


# Texts of a drawing that reach out of the figure or the claim that it is in.
OUTSIDE = """drawing => {
  const box = drawing.closest("figure, article").getBoundingClientRect();
  return [...drawing.querySelectorAll("text")].filter(t => {
    const own = t.getBoundingClientRect();
    return own.left < box.left - 1 || own.right > box.right + 1;
  }).map(t => t.textContent);
}"""


def test_long_names_stay_in_the_diagram(browser: Any, address: str) -> None:
    page = Visit(browser, address, 1280, "light").page
    diagram = page.locator("svg.ranks").first
    assert "CMSR²" in diagram.text_content()
    assert diagram.evaluate(OUTSIDE) == []


@pytest.fixture(scope="module")
def wide_table(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Table 1, eleven rows, on two data sets."""
    folder = tmp_path_factory.mktemp("wide")
    drawn = draw_results(folder, load_table("table1"), datasets=("caviar", "mlr-sysu"))
    return write_report(folder, [drawn.table])[0].as_uri()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_differences_and_costs_are_drawn(
    browser: Any, wide_table: str, width: int, scheme: str
) -> None:
    visit = Visit(browser, wide_table, width, scheme)
    page = visit.page
    assert visit.messages == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("details.differences > .scroll tbody tr").count() == 11
    assert page.locator("svg.ranks").first.is_visible() == (width > 640)
    assert page.locator("ol.ranks").first.is_visible() == (width <= 640)
    assert page.locator("ol.ranks").first.locator("li").count() == 11
    assert page.locator("svg.cost circle").count() == 3 * 11
    for drawing in page.locator("svg.ranks, svg.cost").all():
        if drawing.is_visible():
            assert drawing.evaluate(OVERLAPS) == []
            assert drawing.evaluate(OUTSIDE) == []
    for selector in (".compared td", ".ranks figcaption small", ".compared .none"):
        assert page.locator(selector).first.evaluate(CONTRAST) >= 4.5, selector
    page.get_by_text("Differences by mAP").click()
    assert page.locator("details.other table.compared").first.is_visible()


# The least size of a drawing's letters on the screen, in pixels.
LETTERS = """drawing => Math.min(...[...drawing.querySelectorAll("text")].map(
  t => parseFloat(getComputedStyle(t).fontSize) * t.getScreenCTM().a
))"""


@pytest.mark.parametrize("width", [390, 1280])
def test_drawings_are_laid_out_anew_not_shrunk(
    browser: Any, address: str, wide_table: str, width: int
) -> None:
    for url, kinds in ((address, ("cmc", "effects")), (wide_table, ("cmc", "cost"))):
        page = Visit(browser, url, width, "light").page
        for kind in kinds:
            drawings = page.locator(f"svg.{kind}")
            assert drawings.count() >= 2, kind
            for drawing in drawings.all():
                assert drawing.evaluate(LETTERS) >= 10.5
                assert drawing.evaluate(OUTSIDE) == []
                assert drawing.evaluate(OVERLAPS) == []
        for strip in page.locator("svg.axis:visible").all():
            assert strip.evaluate(LETTERS) >= 10.5
            assert strip.evaluate(OVERLAPS) == []
        for low in page.locator(".steps sub").all()[:1]:
            assert low.evaluate("e => parseFloat(getComputedStyle(e).fontSize)") >= 10.5


# Gives every chain as many images as one of four networks has, with its input and its original.
SIX_IMAGES = """for (const steps of document.querySelectorAll(".steps")) {
  while (steps.children.length < 6) steps.prepend(steps.children[0].cloneNode(true));
}"""


def test_chains_of_four_networks_fit_a_phone(browser: Any, address: str) -> None:
    page = Visit(browser, address, 390, "light").page
    page.evaluate(SIX_IMAGES)
    assert page.locator(".steps figure").first.bounding_box()["width"] > 30
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


A4 = 695  # pixels between the margins
# What reaches beyond the right edge of the paper.
CUT = """() => [...document.querySelectorAll("table, figure, dl, p, article svg:not(svg svg)")]
  .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
  .map(e => `${e.tagName} ${e.getAttribute("class")}`)"""


def test_prints_on_paper(browser: Any, address: str, wide_table: str) -> None:
    for report in (address, wide_table):
        page = Visit(browser, report, A4, "light", folded=True).page
        page.emulate_media(media="print")
        assert not page.locator("nav").is_visible()
        assert page.locator(".banner").first.is_visible()
        folded = page.locator("details:not([open])")
        before = folded.count()
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert set(folded.evaluate_all("all => all.map(box => box.className)")) == {"cells"}
        assert page.evaluate(CUT) == []
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert folded.count() == before
        assert page.pdf(format="A4").startswith(b"%PDF")


def test_chains_and_headings_stay_whole_on_paper(browser: Any, address: str) -> None:
    page = Visit(browser, address, A4, "light").page
    page.emulate_media(media="print")
    for selector, name, kept in (
        (".steps", "display", "inline-flex"),  # which no page break divides
        ("details.pictures > summary + *", "breakBefore", "avoid"),
        ("details.sets > summary + *", "breakBefore", "avoid"),
        ("tr.dataset", "breakAfter", "avoid"),
    ):
        found = page.locator(selector).first.evaluate(f"e => getComputedStyle(e).{name}")
        assert found == kept, selector
