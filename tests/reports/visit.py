"""Pages as a real Chromium shows them, offline, for the tests of what the room writes."""

import shutil
from typing import Any

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
