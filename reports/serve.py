"""Serve the report of a results folder on this machine, also while a run fills the folder.

The page is written anew when records have come, and browsers are asked to load it again for as long
as a run is at work; what was unfolded stays so. Only this machine can connect, and only files of
the folder are sent.
"""

import html
import http.server
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
EVERY_SECONDS = 10  # a browser loads the page again, while a run is at work
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
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            raise InputError(f"port {port}: {reason(error)}; give another one to --port") from error

    @property
    def address(self) -> str:
        """The address of the report."""
        return f"http://{HOST}:{self.server_port}{PAGE}"

    def refresh(self) -> str:
        """Write the report anew where records have come since; return why it cannot be, or ""."""
        with self._lock:
            records = (self.results / "records").stat().st_mtime_ns
            if records == self._written:
                return ""
            try:
                write_report(self.results)
            except InputError as error:
                return str(error)
            self._written = records
            return ""

    def is_running(self) -> bool:
        """Whether a run is at work in the folder."""
        return bool(running_cells(self.results))


def followed(report: bytes, every: int | None) -> bytes:
    """Return the page with the script that keeps what is unfolded, and loads it again.

    Every so many seconds, if at all. A header `Refresh` would not do: a browser takes it for a jump
    within the page where the address names a part of it.
    """
    meta, attribute = b"", b""
    if every is not None:
        meta = b'<noscript><meta http-equiv="refresh" content="%d"></noscript>\n' % every
        attribute = b' data-every="%d"' % every
    head, end_of_head, rest = report.partition(b"</head>")
    body, end, tail = rest.rpartition(b"</body>")
    script = b"<script%s>\n%s</script>\n" % (attribute, SCRIPT.read_bytes())
    return b"".join((head, meta, end_of_head, body, script, end, tail))


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
        elif self.command == "HEAD":
            super().do_HEAD()
        else:
            super().do_GET()

    do_HEAD = do_GET

    def _send_report(self) -> None:
        """Send the page as it is by now, or why it cannot be written."""
        if obstacle := self.server.refresh():
            text = (
                f"<head><title>crossres</title></head><body><p>{html.escape(obstacle)}</p></body>"
            )
            report = f"<!doctype html>{text}".encode()
        else:
            report = Path(f"{self.server.results}{PAGE}").read_bytes()
        page = followed(report, EVERY_SECONDS if self.server.is_running() else None)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(page)

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
