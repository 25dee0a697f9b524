"""Pages as a real Chromium shows them, offline, for the tests of what the room writes."""

import json
import shutil
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def messages_of(page: Any) -> list[str]:
    """A list that whatever the page says in the console, or fails with, is added to."""
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    return messages


class Visit:
    """A page opened in a browser, with its messages and requests; what it folds is unfolded."""

    def __init__(
        self,
        browser: Any,
        address: str,
        width: int,
        scheme: str,
        folded: bool = False,
        height: int = 900,
    ) -> None:
        self.requests: list[str] = []
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, offline=True
        )
        self.page = context.new_page()
        self.messages = messages_of(self.page)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(address)
        if not folded:
            opening = "document.querySelectorAll('.more').forEach(box => { box.open = true; })"
            self.page.evaluate(opening)


def violations(page: Any, within: str | None = None) -> list[str]:
    """What axe finds when everything that can be opened is open, a line each."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page.evaluate("document.querySelectorAll('details').forEach(box => { box.open = true; })")
    entries = axe.Axe().run(page, within).response["violations"]
    return [f"{entry['id']}: {json.dumps(entry['nodes'][0]['html'])[:200]}" for entry in entries]
