"""Serve the report of a results folder on this machine, also while a run fills the folder.

The page is written anew when records have come. Browsers ask every few seconds whether it has been,
and load it again then; what was unfolded stays so. Whoever asks for the page before it was written
for the first time is told to wait. Only this machine can connect, and only files of the folder are
sent.
"""

import html
import http.server
import math
import sys
import threading
from http import HTTPStatus
from pathlib import Path
from typing import Any

from crossres.benchmark.records.leases import running_cells
from crossres.datasets.base.errors import InputError, reason
from crossres.reports.write import write_report

HOST = "127.0.0.1"
PAGE = "/report/index.html"
DOORS = ("/", "/report", "/report/")  # other addresses of the page
STATE = "/report/state"  # no file: what the page is of
EVERY_SECONDS = 10  # a browser asks for it
EVERY_WAITING = 0.5  # the same, while the page is written for the first time
NO_PAGE = ""  # the state before there is one
WAIT = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>crossres</title>
<link rel="icon" href="data:,"></head>
<body><p>The report is being written. This page goes on to it by itself.</p></body>
</html>
"""
SCRIPT = Path(__file__).with_name("templates") / "follow.js"


class ReportServer(http.server.ThreadingHTTPServer):
    """Serves one results folder; `address` is what to open.

    port: 0 is any free one. Raises InputError where the folder is none, or the port is taken.
    """

    daemon_threads = True

    def __init__(self, results: Path, port: int = 0) -> None:
        if not (results / "records").is_dir():
            raise InputError(
                f"{results}: no results there; fill it with `crossres run TABLE --out`"
            )
        self.results = results
        self._lock = threading.Lock()
        self._written: int | None = None  # when records had last come as the page was written
        self._obstacle = ""  # what kept it from being written the last time
        self._writer: threading.Thread | None = None
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            raise InputError(f"port {port}: {reason(error)}; give another one to --port") from error

    @property
    def address(self) -> str:
        """The address of the report."""
        return f"http://{HOST}:{self.server_port}{PAGE}"

    @property
    def page(self) -> Path:
        """The file of the report."""
        return Path(f"{self.results}{PAGE}")

    def refresh(self) -> str:
        """Write the report anew where records have come since; return why it cannot be, or ""."""
        with self._lock:
            try:
                records = (self.results / "records").stat().st_mtime_ns
                if records != self._written or self._obstacle or not self.page.is_file():
                    write_report(self.results)
                self._obstacle, self._written = "", records
            except InputError as error:
                self._obstacle = str(error)
            except FileNotFoundError:
                self._obstacle = (
                    f"{self.results}: is not there any more; put it back, or serve the folder "
                    "where it is now"
                )
            except OSError as error:
                self._obstacle = f"{self.results}: the report cannot be written ({reason(error)})"
            return self._obstacle

    def begin(self) -> None:
        """Refresh without being waited for."""
        if self._writer is None or not self._writer.is_alive():
            self._writer = threading.Thread(target=self.refresh, daemon=True)
            self._writer.start()

    @property
    def state(self) -> str:
        """What the page is of: another text whenever it is another page, NO_PAGE before that."""
        is_unwritten = self._written is None and not self._obstacle
        return NO_PAGE if is_unwritten else f"{self._written} {self._obstacle}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing where a browser has gone away before it had its answer."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def is_running(self) -> bool:
        """Whether a run is at work in the folder."""
        return bool(running_cells(self.results))


def followed(report: bytes, state: str, every: float, is_changing: bool) -> bytes:
    """Return the page with the script that keeps what is unfolded, and follows the server.

    It asks for the `state` every so many seconds, which the page must allow. Where no scripts run,
    the browser loads a page that `is_changing` again as often; a header `Refresh` would not do: a
    browser takes it for a jump within the page where the address names a part of it.
    """
    seconds = math.ceil(every)
    meta = f'<noscript><meta http-equiv="refresh" content="{seconds}"></noscript>\n'
    attributes = f'data-state="{html.escape(state)}" data-every="{every}"'
    head, end_of_head, rest = report.partition(b"</head>")
    head = head.replace(b"default-src 'none'", b"default-src 'none'; connect-src 'self'", 1)
    body, end, tail = rest.rpartition(b"</body>")
    script = b"<script %s>\n%s</script>\n" % (attributes.encode(), SCRIPT.read_bytes())
    shown = meta.encode() if is_changing else b""
    return b"".join((head, shown, end_of_head, body, script, end, tail))


class _Handler(http.server.SimpleHTTPRequestHandler):
    server: ReportServer

    def __init__(self, request: Any, client: Any, server: ReportServer) -> None:
        super().__init__(request, client, server, directory=str(server.results))

    def do_GET(self) -> None:
        path, mark, query = self.path.partition("?")
        if self._is_from_elsewhere():
            self.send_error(HTTPStatus.FORBIDDEN)
        elif path in DOORS:
            self.send_response(HTTPStatus.FOUND)
            self.send_header("Location", f"{PAGE}{mark}{query}")
            self.end_headers()
        elif path == PAGE:
            self._send_report()
        elif path == STATE:
            self.server.begin()
            self._send(self.server.state.encode(), "text/plain")
        elif self.command == "HEAD":
            super().do_HEAD()
        else:
            super().do_GET()

    do_HEAD = do_GET

    def _send_report(self) -> None:
        """Send the page as it is by now, or why it cannot be written, or that it is being so."""
        if self.server.state == NO_PAGE:
            self.server.begin()
            self._send(followed(WAIT.encode(), NO_PAGE, EVERY_WAITING, is_changing=True))
            return
        obstacle = self.server.refresh()
        state = self.server.state  # before the page is read, which may be a newer one already
        if obstacle:
            text = (
                f"<head><title>crossres</title></head><body><p>{html.escape(obstacle)}</p></body>"
            )
            report = f"<!doctype html>{text}".encode()
        else:
            report = self.server.page.read_bytes()
        self._send(followed(report, state, EVERY_SECONDS, self.server.is_running()))

    def _send(self, content: bytes, kind: str = "text/html") -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _is_from_elsewhere(self) -> bool:
        """Whether another site's name leads here, as pages of that site would use it."""
        port = self.server.server_port
        return self.headers.get("Host") not in (f"{HOST}:{port}", f"localhost:{port}")

    def list_directory(self, path: Any) -> None:
        """Refuse: what a folder holds is told by the report."""
        del path
        self.send_error(HTTPStatus.NOT_FOUND)

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing of single requests."""
        del format, arguments
