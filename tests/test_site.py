"""The site as seen: built, and opened in a real Chromium, wide and narrow, light and dark."""

import functools
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[1]
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    build = [sys.executable, str(REPOSITORY / "docs" / "build.py"), str(folder)]
    process = subprocess.run(build, capture_output=True, text=True, timeout=120)
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

    def __init__(self, browser: Any, address: str, width: int = 1300, scheme: str = "light"):
        self.messages: list[str] = []
        self.requests: list[str] = []
        size = {"width": width, "height": 900}
        self.page = browser.new_page(viewport=size, color_scheme=scheme)
        self.page.on("console", lambda message: self.messages.append(message.text))
        self.page.on("pageerror", lambda error: self.messages.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(address, wait_until="networkidle")


@pytest.mark.parametrize("name", ["index", "quick-start", "protocols", "methods/bot", "results"])
@pytest.mark.parametrize(("width", "scheme"), [(1300, "light"), (390, "dark")])
def test_a_page_is_quiet_and_fits(
    browser: Any, address: str, name: str, width: int, scheme: str
) -> None:
    visit = Visit(browser, f"{address}{name}.html", width, scheme)
    assert visit.messages == []
    assert [url for url in visit.requests if not url.startswith(address)] == []
    page = visit.page
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
    light = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g)[0] > 128"
    assert page.evaluate(light) == (scheme == "light")
    page.close()


def test_what_is_looked_for_is_found(browser: Any, address: str) -> None:
    page = Visit(browser, address).page
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Search").fill("queries of one identity are alike")
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


def test_links_to_sources_become_code(site: Path) -> None:
    html = (site / "methods" / "judea.html").read_text(encoding="utf-8")
    assert "<code>methods/judea.py</code>" in html
    assert 'href="../../methods' not in html
