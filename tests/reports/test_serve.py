"""The report as served: written anew as records come, followed while a run is at work."""

import http.client
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crossres.benchmark import load_table
from crossres.benchmark.records.record import write_record
from crossres.datasets import InputError
from crossres.reports import serve
from crossres.reports.serve import NO_PAGE, PAGE, STATE, ReportServer
from tests.reports.conftest import make_record
from tests.reports.visit import CHROMIUM, messages_of

TABLE = load_table("table2")
AGAIN = f'<meta http-equiv="refresh" content="{serve.EVERY_SECONDS}">'


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[ReportServer]:
    """A server of a folder with one record, which has written no page yet."""
    write_record(tmp_path, make_record(TABLE, 0, "caviar", 0))
    server = ReportServer(tmp_path)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def served(fresh: ReportServer) -> ReportServer:
    """The same once it has."""
    assert fresh.refresh() == ""
    return fresh


def ask(
    server: ReportServer, path: str, host: str | None = None, verb: str = "GET"
) -> tuple[Any, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    headers = {} if host is None else {"Host": host}
    connection.request(verb, path, headers=headers)
    answer = connection.getresponse()
    return answer, answer.read().decode("utf-8", errors="replace")


def test_the_root_leads_to_the_report_which_shows_what_has_come(served: ReportServer) -> None:
    answer, _ = ask(served, "/")
    assert (answer.status, answer.getheader("Location")) == (302, PAGE)
    assert served.address.endswith(PAGE)
    answer, page = ask(served, PAGE + "?metric=mAP")
    assert answer.status == 200
    assert AGAIN not in page
    assert answer.getheader("Cache-Control") == "no-store"
    assert "1 done" in page
    write_record(served.results, make_record(TABLE, 1, "caviar", 0))
    assert "2 done" in ask(served, PAGE)[1]


@pytest.mark.parametrize("path", ["/", "/report", "/report/"])
def test_other_addresses_of_the_page_lead_there_with_what_they_choose(
    served: ReportServer, path: str
) -> None:
    answer, _ = ask(served, path + "?metric=mAP&rate=4")
    assert (answer.status, answer.getheader("Location")) == (302, PAGE + "?metric=mAP&rate=4")


def test_a_head_says_what_a_get_sends(served: ReportServer) -> None:
    sent, page = ask(served, PAGE)
    length = sent.getheader("Content-Length")
    assert length == str(len(page.encode()))
    answer, nothing = ask(served, PAGE, verb="HEAD")
    assert (answer.status, answer.getheader("Content-Length"), nothing) == (200, length, "")


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")
def test_what_is_unfolded_and_in_view_stays_so_as_records_come(
    served: ReportServer, browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "running_cells", lambda _: ["a cell"])
    monkeypatch.setattr(serve, "EVERY_SECONDS", 600)
    page = browser.new_context(viewport={"width": 900, "height": 300}).new_page()
    messages = messages_of(page)
    page.goto(served.address + "?metric=mAP#numbers")
    page.locator("#runs > summary").click()
    page.locator("#runs details.cells > summary").click()
    page.locator("#numbers > summary").click()  # the address would unfold it again
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight - 500)")
    state = "[scrollY, ...[...document.querySelectorAll('details')].map((box) => box.open)]"
    before = page.evaluate(state)
    assert before[0] > 0
    monkeypatch.setattr(serve, "EVERY_SECONDS", 2)
    page.reload()
    monkeypatch.setattr(serve, "EVERY_SECONDS", 600)
    assert page.evaluate(state) == before
    write_record(served.results, make_record(TABLE, 0, "caviar", 1))
    with page.expect_event("load"):  # as the page does that was loaded last
        pass
    assert "2 done" in page.content()
    assert page.url.endswith("?metric=mAP#numbers")
    is_open = "(names) => names.map((name) => document.querySelector(name).open)"
    assert page.evaluate(is_open, ["#runs", "#runs .cells", "#numbers"]) == [True, True, False]
    page.goto("about:blank")
    page.goto(served.address + "#numbers")  # a link opens what it leads to
    assert page.evaluate(is_open, ["#runs", "#runs .cells", "#numbers"]) == [True, True, True]
    assert messages == []


def test_it_is_written_only_where_records_have_come(
    fresh: ReportServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    write = serve.write_report
    monkeypatch.setattr(serve, "write_report", lambda folder: (calls.append(folder), write(folder)))
    for _ in range(3):
        assert fresh.refresh() == ""
    assert calls == [fresh.results]
    Path(f"{fresh.results}{PAGE}").unlink()
    assert "1 done" in ask(fresh, PAGE)[1]
    assert calls == [fresh.results] * 2


def test_a_folder_that_is_moved_away_is_named_until_it_is_back(
    served: ReportServer, tmp_path: Path
) -> None:
    before = ask(served, STATE)[1]
    (tmp_path / "records").rename(tmp_path / "elsewhere")
    assert f"{tmp_path}: is not there any more; put it back" in ask(served, PAGE)[1]
    assert ask(served, STATE)[1] != before
    (tmp_path / "elsewhere").rename(tmp_path / "records")
    assert "1 done" in ask(served, PAGE)[1]
    assert ask(served, STATE)[1] == before


def test_a_browser_that_goes_away_is_no_error(
    served: ReportServer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    has_gone = threading.Event()
    refresh = served.refresh

    def refresh_late() -> str:
        has_gone.wait(60)
        return refresh()

    monkeypatch.setattr(served, "refresh", refresh_late)
    monkeypatch.setattr(serve, "followed", lambda *_, **__: bytes(1 << 24))
    answered = threading.Event()
    shutdown = served.shutdown_request
    monkeypatch.setattr(
        served, "shutdown_request", lambda request: (shutdown(request), answered.set())
    )
    with socket.create_connection(("127.0.0.1", served.server_port), timeout=60) as connection:
        host = f"127.0.0.1:{served.server_port}"
        connection.sendall(f"GET {PAGE} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    has_gone.set()
    assert answered.wait(60)
    assert capfd.readouterr().err == ""


def test_whoever_comes_before_the_page_is_written_is_told_so_at_once(
    fresh: ReportServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_write = threading.Event()
    write = serve.write_report
    monkeypatch.setattr(serve, "write_report", lambda folder: may_write.wait(60) and write(folder))
    for _ in range(2):
        answer, page = ask(fresh, PAGE)
        assert answer.status == 200
        assert "The report is being written." in page
        assert ask(fresh, STATE)[1] == NO_PAGE
    may_write.set()
    assert fresh.refresh() == ""  # waits for what was begun
    assert ask(fresh, STATE)[1] != NO_PAGE
    assert "1 done" in ask(fresh, PAGE)[1]


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")
def test_it_goes_on_by_itself_and_is_loaded_again_only_for_another_page(
    fresh: ReportServer, browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "running_cells", lambda _: ["a cell"])
    monkeypatch.setattr(serve, "EVERY_SECONDS", 0.2)
    page = browser.new_page()
    messages = messages_of(page)
    page.goto(fresh.address + "?metric=mAP#numbers")
    page.get_by_text("1 done").wait_for()
    page.evaluate("globalThis.isSame = true")
    for _ in range(3):
        with page.expect_response(lambda response: response.url.endswith(STATE)):
            pass
    assert page.evaluate("globalThis.isSame")
    write_record(fresh.results, make_record(TABLE, 1, "caviar", 0))
    page.get_by_text("2 done").wait_for()
    assert page.evaluate("globalThis.isSame") is None
    assert page.url == fresh.address + "?metric=mAP#numbers"
    assert messages == []


def test_while_a_run_is_at_work_the_page_asks_to_be_loaded_again(
    served: ReportServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "running_cells", lambda _: ["a cell"])
    page = ask(served, PAGE)[1]
    assert page.count(f'data-every="{serve.EVERY_SECONDS}"') == 1
    assert page.count(AGAIN) == 1
    key = next((served.results / "records").iterdir()).name
    content = ask(served, f"/records/{key}")[1]
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
