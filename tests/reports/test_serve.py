"""The report as served: written anew as records come, followed while a run is at work."""

import http.client
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crossres.benchmark import load_table
from crossres.benchmark.records.record import write_record
from crossres.datasets import InputError
from crossres.reports import serve
from crossres.reports.serve import PAGE, ReportServer
from tests.reports.conftest import make_record

TABLE = load_table("table2")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[ReportServer]:
    """A server of a folder with one record."""
    write_record(tmp_path, make_record(TABLE, 0, "caviar", 0))
    server = ReportServer(tmp_path)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def ask(server: ReportServer, path: str, host: str | None = None) -> tuple[Any, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    headers = {} if host is None else {"Host": host}
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    return answer, answer.read().decode("utf-8", errors="replace")


def test_the_root_leads_to_the_report_which_shows_what_has_come(served: ReportServer) -> None:
    answer, _ = ask(served, "/")
    assert (answer.status, answer.getheader("Location")) == (302, PAGE)
    assert served.address.endswith(PAGE)
    answer, page = ask(served, PAGE + "?metric=mAP")
    assert answer.status == 200
    assert answer.getheader("Refresh") is None
    assert answer.getheader("Cache-Control") == "no-store"
    assert "1 done" in page
    write_record(served.results, make_record(TABLE, 1, "caviar", 0))
    assert "2 done" in ask(served, PAGE)[1]


def test_it_is_written_only_where_records_have_come(
    served: ReportServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    monkeypatch.setattr(serve, "write_report", lambda folder: calls.append(folder))
    for _ in range(3):
        assert served.refresh() == ""
    assert calls == [served.results]


def test_while_a_run_is_at_work_the_page_asks_to_be_loaded_again(
    served: ReportServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "running_cells", lambda _: ["a cell"])
    assert ask(served, PAGE)[0].getheader("Refresh") == str(serve.EVERY_SECONDS)
    key = next((served.results / "records").iterdir()).name
    answer, content = ask(served, f"/records/{key}")
    assert answer.getheader("Refresh") is None
    assert '"schema"' in content


def test_a_folder_without_records_yet_says_so(tmp_path: Path) -> None:
    (tmp_path / "records").mkdir()
    server = ReportServer(tmp_path)
    assert "no usable records" in server.refresh()
    server.server_close()


@pytest.mark.parametrize("path", ["/records/", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd"])
def test_nothing_but_files_of_the_folder_is_sent(served: ReportServer, path: str) -> None:
    assert ask(served, path)[0].status == 404


def test_what_is_no_request_is_answered_in_silence(
    served: ReportServer, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_connection(("127.0.0.1", served.server_port), timeout=60) as connection:
        connection.sendall(b"no request at all\r\n\r\n")
        assert b"400" in connection.makefile("rb").read()
    assert capfd.readouterr().err == ""


def test_pages_of_other_sites_are_refused(served: ReportServer) -> None:
    assert ask(served, PAGE, host="evil.example")[0].status == 403
    assert ask(served, PAGE, host=f"localhost:{served.server_port}")[0].status == 200


def test_a_folder_that_is_none_and_a_port_that_is_taken(
    served: ReportServer, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="no results there"):
        ReportServer(tmp_path / "nothing")
    with pytest.raises(InputError, match=f"port {served.server_port}: .*--port"):
        ReportServer(served.results, served.server_port)
