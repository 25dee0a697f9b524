"""The site as seen: built, and opened in a real Chromium, wide and narrow, light and dark."""

import functools
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from html import unescape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.reports.visit import messages_of, violations
from tools.site import example_report

REPOSITORY = Path(__file__).parents[1]
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    build = [sys.executable, "-m", "tools.site", str(folder), "--profile", "smoke"]
    process = subprocess.run(build, capture_output=True, text=True, cwd=REPOSITORY, timeout=500)
    assert process.returncode == 0, process.stdout + process.stderr
    return folder / "site"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class QuietServer(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """Say nothing of a client that left; see tests/datasets/raw/test_fetch.py why."""


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Where the site is served to this machine alone."""
    server = QuietServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield opened
        opened.close()


class Visit:
    """A page, with everything it said and asked for."""

    def __init__(self, browser: Any, address: str):
        self.requests: list[str] = []
        size = {"width": 1300, "height": 900}
        self.page = browser.new_page(viewport=size, color_scheme="light")
        self.messages = messages_of(self.page)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(address, wait_until="networkidle")


PAGES = [
    "index", "protocols", "methods/bot", "results", "start/method", "first-steps",
    "reference/commands", "reference/python",
]  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_quiet_and_fits(browser: Any, address: str, name: str) -> None:
    visit = Visit(browser, f"{address}{name}.html")
    page = visit.page
    for width, scheme in [(1300, "light"), (390, "dark")]:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        light = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g)[0] > 128"
        page.wait_for_function(f"({light}) === {str(scheme == 'light').lower()}")
        # A link of the contents changes its colour slowly as the page comes to its place.
        page.wait_for_function("document.getAnimations().every(a => a.playState !== 'running')")
        assert violations(page) == []
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
    assert visit.messages == []
    assert [url for url in visit.requests if not url.startswith(address)] == []
    page.close()


def test_what_is_looked_for_is_found(browser: Any, address: str) -> None:
    page = Visit(browser, address).page
    page.keyboard.press("Control+k")
    # Words of one page only: the order of pages that share words changes with every edit.
    page.get_by_role("combobox", name="Search").fill("two-way clustering")
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}statistics.html**")
    page.close()


def test_pages_open_as_files(browser: Any, site: Path) -> None:
    page = Visit(browser, (site / "index.html").as_uri()).page
    page.get_by_role("link", name="Quick start").first.click()
    page.wait_for_url("**/quick-start.html")
    assert page.locator("h1").inner_text().startswith("Quick start")
    page.close()


def test_a_report_is_one_click_away(browser: Any, address: str) -> None:
    visit = Visit(browser, address)
    page = visit.page
    page.get_by_role("link", name="Open such a report").click()
    page.wait_for_url(f"{address}example-report/index.html")
    assert "TWIN DATA" in page.locator("body").inner_text()
    assert "smoke" in page.locator("body").inner_text()
    page.get_by_role("link", name="Queries", exact=True).click()
    section = page.locator("section", has=page.get_by_role("heading", name="Queries")).last
    section.locator("canvas, img").first.wait_for()
    assert visit.messages == []
    assert [url for url in visit.requests if not url.startswith(address)] == []
    assert any("/example-report/queries/" in url for url in visit.requests)
    page.close()


def test_a_report_that_is_there_is_not_made_again(site: Path, tmp_path: Path) -> None:
    built = site.parent
    records = {path: path.stat().st_mtime_ns for path in built.glob("example/records/*.json")}
    assert len(records) == 8
    example_report.write(tmp_path / "again", built, "smoke")
    assert {path: path.stat().st_mtime_ns for path in records} == records
    page = (tmp_path / "again" / "index.html").read_bytes()
    assert page == (site / "example-report" / "index.html").read_bytes()


def test_one_metric_is_shown_at_a_time(browser: Any, address: str) -> None:
    page = Visit(browser, f"{address}results.html").page
    tabs = page.locator(".tabbed-set").first
    shown = tabs.locator("th", has_text=", %")
    assert [head.is_visible() for head in shown.all()] == [True, False]
    tabs.get_by_text("mAP", exact=True).click()
    assert [head.is_visible() for head in shown.all()] == [False, True]
    others = page.locator(".tabbed-set").nth(1).locator("th", has_text=", %")
    assert [head.is_visible() for head in others.all()] == [False, True]
    page.close()


def test_the_notebook_has_its_outputs(browser: Any, address: str) -> None:
    page = Visit(browser, f"{address}first-steps.html").page
    assert page.locator("article img").count() == 2
    assert page.locator("article th", has_text="MSIFLA").count() == 1
    page.close()


def test_every_link_leads_somewhere(site: Path) -> None:
    anchors: dict[Path, set[str]] = {}
    links: list[tuple[Path, str]] = []
    for file in site.rglob("*.html"):
        if "example-report" not in file.parts:
            html = file.read_text(encoding="utf-8")
            anchors[file] = set(re.findall(r'\bid="([^"]+)"', html))
            links += [(file, unescape(u)) for u in re.findall(r'\b(?:href|src)="([^"]+)"', html)]
    assert len(links) > 1000
    for file, link in links:
        target, _, anchor = link.partition("#")
        if "://" in target or file.name == "404.html":
            continue
        place = (file.parent / unquote(target)).resolve() if target else file
        place = place / "index.html" if place.is_dir() else place
        assert place.exists(), f"{file}: {link}"
        if anchor and place in anchors and not anchor.startswith("__"):
            assert unquote(anchor) in anchors[place], f"{file}: {link}"


def test_links_to_sources_become_code(site: Path) -> None:
    html = (site / "methods" / "judea.html").read_text(encoding="utf-8")
    assert "<code>methods/judea.py</code>" in html
    assert 'href="../../methods' not in html
