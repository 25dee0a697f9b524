"""Fetching from real servers on the loopback address, honest ones and others."""

import dataclasses
import hashlib
import http.server
import io
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest

from crossres.cli import run
from crossres.datasets import CARDS, InputError, Source, draw_twin, fetch_archive, open_raw
from crossres.datasets.raw import download as download_module
from crossres.datasets.raw import fetch as fetch_module
from crossres.datasets.raw.download import download
from crossres.datasets.raw.fetch import digest_of_file
from crossres.datasets.twins import truth

VIPER = CARDS["mlr-viper"]
NAME = VIPER.archives[0]


class Server(http.server.ThreadingHTTPServer):
    """Serves `content`; the other attributes make it less honest. `asked` are the ranges it saw."""

    daemon_threads = True

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = content
        self.etag = '"one"'
        self.ranges = True
        self.cut = 0  # close the connection after so many bytes of each answer
        self.cuts = 10**9  # how often
        self.claims = 0  # bytes more than there are that Content-Length promises
        self.statuses: list[int] = []  # answered first, one a request
        self.type = "application/zip"
        self.location = ""
        self.pause = 0.0  # seconds between two pieces
        self.hangs = False
        self.asked: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/{NAME}"

    def handle_error(self, *_: object) -> None:
        """Say nothing of a client that left.

        Printing a traceback parses source, and CPython 3.11 counts the depth of all parsers of an
        interpreter together: a test that parses source in the main thread then fails by chance.
        """


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server = self.server
        server.asked.append(self.headers.get("Range"))
        if server.hangs:
            time.sleep(20)
        if server.statuses:
            self.send_response(server.statuses.pop(0))
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif server.location:
            self.send_response(302)
            self.send_header("Location", server.location)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self.send(server)

    def send(self, server: Server) -> None:
        start, total = 0, len(server.content)
        asked = self.headers.get("Range")
        same = self.headers.get("If-Range") in (None, server.etag)
        if asked and server.ranges and same:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= total:
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{total}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total + server.claims}")
        else:
            self.send_response(200)
        body = server.content[start:]
        self.send_header("Content-Type", server.type)
        if server.etag:
            self.send_header("ETag", server.etag)
        self.send_header("Content-Length", str(len(body) + server.claims))
        self.end_headers()
        if server.cut and server.cuts > 0 and len(body) > server.cut:
            server.cuts -= 1
            self.wfile.write(body[: server.cut])
        elif server.pause:
            for place in range(0, len(body), 20_000):
                self.wfile.write(body[place : place + 20_000])
                time.sleep(server.pause)
        else:
            self.wfile.write(body)
        self.close_connection = True
        if server.cut or server.claims:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An archive of the tiny twin of VIPeR, as its owners would pack it."""
    root = tmp_path_factory.mktemp("viper")
    draw_twin("mlr-viper", root, "tiny")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for path in sorted(p for p in root.rglob("*") if p.is_file()):
            file.write(path, path.relative_to(root))
    return stream.getvalue()


@pytest.fixture
def server(content, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(download_module, "TIMEOUTS", (2.0, 1.0))
    with Server(content) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def card(server):
    """The card of VIPeR, as if its owners published this server's file."""
    md5 = hashlib.md5(server.content).hexdigest()
    return dataclasses.replace(VIPER, url=server.url, digest=f"md5:{md5}")


@pytest.fixture
def known(card, monkeypatch):
    """That card for the command line."""
    monkeypatch.setitem(CARDS, "mlr-viper", card)
    return card


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def get(server, part, pauses):
    download(server.url, part, lambda _done, _total: None, pauses.append)


# --- the downloader -------------------------------------------------------------------------------


def test_a_whole_file_arrives_at_once(server, tmp_path, pauses):
    seen = []
    download(server.url, tmp_path / "x.part", lambda *n: seen.append(n), pauses.append)
    assert (tmp_path / "x.part").read_bytes() == server.content
    assert seen[-1] == (len(server.content), len(server.content))
    assert (server.asked, pauses) == ([None], [])


def test_a_cut_connection_is_continued(server, tmp_path, pauses):
    server.cut = 100_000
    get(server, tmp_path / "x.part", pauses)
    assert (tmp_path / "x.part").read_bytes() == server.content
    assert server.asked[:3] == [None, "bytes=100000-", "bytes=200000-"]
    assert set(pauses) == {1.0}  # every attempt brought something


def test_a_later_run_goes_on_where_an_earlier_one_stopped(server, tmp_path, pauses):
    server.cut, server.statuses = 100_000, []
    part = tmp_path / "x.part"

    def stop(done, _total):
        if done >= 65536:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(server.url, part, stop, pauses.append)
    arrived = part.stat().st_size
    assert 0 < arrived < len(server.content)
    server.cut, server.asked = 0, []
    get(server, part, pauses)
    assert server.asked == [f"bytes={arrived}-"]
    assert part.read_bytes() == server.content


def test_a_server_without_ranges_starts_over(server, tmp_path, pauses):
    server.ranges, server.cut, server.cuts = False, 100_000, 2
    get(server, tmp_path / "x.part", pauses)
    assert (tmp_path / "x.part").read_bytes() == server.content
    assert server.asked == [None, "bytes=100000-", "bytes=100000-"]


def test_a_server_without_ranges_that_always_cuts_is_given_up(server, tmp_path, pauses):
    server.ranges, server.cut = False, 100_000
    with pytest.raises(InputError, match=r"5 times in a row.*x\.part is kept"):
        get(server, tmp_path / "x.part", pauses)
    assert pauses == [1.0, 2.0, 4.0, 8.0]


@pytest.mark.parametrize("etag", ['"two"', "", 'W/"weak"'])
def test_a_file_that_changed_in_between_is_not_mixed(etag, server, tmp_path):
    part = tmp_path / "x.part"
    server.cut, server.cuts = 100_000, 1
    server.etag = '"one"' if etag == '"two"' else etag
    old = server.content
    new = old[:50] + bytes(len(old) - 51 if etag == '"two"' else len(old) - 60) + b"!"

    def change(_seconds):
        server.content, server.etag = new, etag

    download(server.url, part, lambda *_: None, change)
    assert part.read_bytes() == new


def test_a_part_of_another_address_is_not_continued(server, tmp_path, pauses):
    part = tmp_path / "x.part"
    part.write_bytes(b"PK\3\4 of something else")
    get(server, part, pauses)
    assert part.read_bytes() == server.content
    (tmp_path / "x.part.json").write_text('{"url": "http://other/", "size": 1, "tag": ""}')
    part.write_bytes(b"PK\3\4 of something else")
    server.asked = []
    get(server, part, pauses)
    assert (server.asked, part.read_bytes()) == ([None], server.content)


@pytest.mark.parametrize("broken", ["", "{", "[]", '{"url": 3}', "\xff"])
def test_a_damaged_note_beside_the_part_starts_over(broken, server, tmp_path, pauses):
    part = tmp_path / "x.part"
    part.write_bytes(server.content[:1000])
    (tmp_path / "x.part.json").write_text(broken, encoding="latin-1")
    get(server, part, pauses)
    assert (server.asked, part.read_bytes()) == ([None], server.content)


def test_a_part_that_is_whole_already_asks_for_nothing_more(server, tmp_path, pauses):
    part = tmp_path / "x.part"
    get(server, part, pauses)
    get(server, part, pauses)
    assert server.asked == [None, f"bytes={len(server.content)}-"]
    assert part.read_bytes() == server.content


def test_a_part_that_is_too_long_starts_over(server, tmp_path, pauses):
    part = tmp_path / "x.part"
    get(server, part, pauses)
    part.write_bytes(server.content + b"too much")
    get(server, part, pauses)
    assert part.read_bytes() == server.content


def test_a_server_that_promises_more_than_it_has(server, tmp_path, pauses):
    server.claims = 5000
    get(server, tmp_path / "x.part", pauses)  # it says at last that there is no more
    assert (tmp_path / "x.part").read_bytes() == server.content
    assert len(server.asked) == 2
    server.ranges = False
    with pytest.raises(InputError, match=r"times in a row") as caught:
        get(server, tmp_path / "y.part", pauses)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_errors_that_may_pass_are_waited_for(status, server, tmp_path, pauses):
    server.statuses = [status] * 4
    get(server, tmp_path / "x.part", pauses)
    assert (tmp_path / "x.part").read_bytes() == server.content
    assert pauses == [1.0, 2.0, 4.0, 8.0]
    server.statuses = [status] * 5
    with pytest.raises(InputError, match=rf"answers {status} .*5 times in a row"):
        get(server, tmp_path / "y.part", pauses)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
def test_errors_that_stay_are_told_at_once(status, server, tmp_path, pauses):
    server.statuses = [status] * 5
    with pytest.raises(InputError, match=rf"{NAME}: the server answers {status} .*--from"):
        get(server, tmp_path / "x.part", pauses)
    assert (len(server.asked), pauses) == (1, [])
    assert left(tmp_path) == []


def test_a_web_page_in_place_of_the_archive(server, tmp_path, pauses):
    server.content, server.type = b"<!DOCTYPE html><h1>We have moved</h1>", "text/html; charset=x"
    with pytest.raises(InputError, match=r"sends a web page \(text/html\) in place of a zip"):
        get(server, tmp_path / "x.part", pauses)
    assert [name for name in left(tmp_path) if name != "x.part.json"] == []


def test_redirects_are_followed_but_not_without_end(server, content, tmp_path, pauses):
    with Server(content) as other:
        thread = threading.Thread(target=other.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        server.location = other.url
        get(server, tmp_path / "x.part", pauses)
        assert (tmp_path / "x.part").read_bytes() == content
        other.content, other.type = b"<html>", "text/html"
        with pytest.raises(InputError, match=rf"redirected to {other.url}: sends a web page"):
            get(server, tmp_path / "y.part", pauses)
        other.shutdown()
        thread.join()
    server.location = server.url
    with pytest.raises(InputError, match="redirects without end"):
        get(server, tmp_path / "z.part", pauses)


def test_a_server_that_does_not_answer(server, tmp_path, pauses, monkeypatch):
    monkeypatch.setattr(download_module, "TIMEOUTS", (1.0, 0.2))
    monkeypatch.setattr(download_module, "TRIES", 2)
    server.hangs = True
    started = time.monotonic()
    with pytest.raises(InputError, match="does not answer in time, 2 times in a row"):
        get(server, tmp_path / "x.part", pauses)
    assert time.monotonic() - started < 5


def test_nobody_listens(tmp_path, pauses):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/x.zip"
        with pytest.raises(InputError, match=r"refused.*5 times in a row") as caught:
            download(url, tmp_path / "x.part", lambda *_: None, pauses.append)
    assert "\n" not in str(caught.value)
    assert pauses == [1.0, 2.0, 4.0, 8.0]


def test_a_full_disk_keeps_what_has_arrived(server, tmp_path, pauses):
    def full(done, _total):
        if done >= 65536:
            raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match=r"x\.part: cannot be written \(No space left"):
        download(server.url, tmp_path / "x.part", full, pauses.append)
    get(server, tmp_path / "x.part", pauses)
    assert server.asked[1] != server.asked[0]
    assert (tmp_path / "x.part").read_bytes() == server.content


# --- fetching -------------------------------------------------------------------------------------


def test_the_archive_is_checked_and_its_sum_recorded(card, server, tmp_path):
    fetched = fetch_archive(card, tmp_path / "out")
    sha256 = hashlib.sha256(server.content).hexdigest()
    assert fetched == fetch_module.Fetched(tmp_path / "out" / NAME, sha256, True, False)
    assert fetched.archive.read_bytes() == server.content
    assert left(tmp_path / "out") == [NAME, f"{NAME}.sha256"]
    done = subprocess.run(["sha256sum", "-c", f"{NAME}.sha256"], cwd=tmp_path / "out")
    assert done.returncode == 0


def test_what_is_there_is_not_fetched_again(card, server, tmp_path):
    fetch_archive(card, tmp_path)
    server.asked = []
    assert fetch_archive(card, tmp_path).was_there
    assert server.asked == []
    (tmp_path / NAME).write_bytes(b"another")
    with pytest.raises(InputError, match=r"is there already, but has md5 .*remove it"):
        fetch_archive(card, tmp_path)
    assert (tmp_path / NAME).read_bytes() == b"another"


def test_a_wrong_digest_is_told_and_the_file_kept_aside(card, server, tmp_path):
    good = server.content
    server.content = good[:-1] + b"!"
    aside = f"{NAME}.wrong-{hashlib.sha256(server.content).hexdigest()[:8]}"
    with pytest.raises(InputError, match=rf"has md5 .*{card.digest[4:]}.*kept as .*{aside}"):
        fetch_archive(card, tmp_path)
    assert left(tmp_path) == [aside]
    server.content = good
    assert fetch_archive(card, tmp_path).archive.read_bytes() == good


def test_without_a_digest_the_archive_must_be_whole(card, server, tmp_path):
    card = dataclasses.replace(card, digest="")
    server.content = server.content[:-100]
    with pytest.raises(InputError, match="is not a whole zip archive"):
        fetch_archive(card, tmp_path / "a")
    (aside,) = left(tmp_path / "a")
    assert aside.startswith(f"{NAME}.wrong-")


def test_a_damaged_entry_without_a_digest_is_found(card, server, tmp_path):
    card = dataclasses.replace(card, digest="")
    assert not fetch_archive(card, tmp_path / "good").checked
    data = bytearray(server.content)
    data[5000] ^= 0xFF
    server.content = bytes(data)
    with pytest.raises(InputError, match="has a damaged entry 'VIPeR/"):
        fetch_archive(card, tmp_path / "bad")


def test_the_name_of_a_file_in_git_is_a_digest(card, server, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(server.content)
    done = subprocess.run(["git", "hash-object", file], capture_output=True, text=True, check=True)
    name = done.stdout.strip()
    assert digest_of_file(file, "git-blob") == name
    card = dataclasses.replace(card, digest=f"git-blob:{name}")
    assert fetch_archive(card, tmp_path / "out").checked
    card = dataclasses.replace(card, digest="git-blob:" + "0" * 40)
    with pytest.raises(InputError, match="has git-blob"):
        fetch_archive(card, tmp_path / "other")


def test_what_was_fetched_is_read_as_it_is(card, tmp_path):
    fetch_archive(card, tmp_path / "out")
    raw = open_raw("mlr-viper", Source(tmp_path / "out"), tmp_path / "cache")
    assert list(raw.images) == truth("mlr-viper", "tiny")
    assert raw.source.startswith("twin:tiny:")


@pytest.mark.parametrize(
    "url", ["", "ftp://host/x.zip", "/etc/passwd", "file:///x", "http://", "["]
)
def test_an_address_that_is_none(url, card, tmp_path):
    card = dataclasses.replace(card, url="")
    with pytest.raises(InputError, match="not an address to fetch from"):
        fetch_archive(card, tmp_path, url)


def test_without_pooch_one_line_says_what_to_install(card, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(InputError, match=r"pip install 'crossres\[fetch\]'"):
        fetch_archive(card, tmp_path)


def test_a_place_that_cannot_be_written(card, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match=r"cannot be written \(Not a directory\)"):
        fetch_archive(card, tmp_path / "file" / "out")


def test_the_published_addresses_and_digests_are_well_formed():
    for about in CARDS.values():
        assert about.url == "" or about.url.startswith(("http://", "https://"))
        algorithm, _, digest = about.digest.partition(":")
        assert (algorithm, len(digest)) in {("", 0), ("md5", 32), ("git-blob", 40)}
    assert {about.id for about in CARDS.values() if about.url} == {"caviar", "mlr-viper"}
    assert VIPER.digest == "md5:1c2d9fc1cc800332567a0da25a1ce68c"


# --- the command line -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["verify", "fetch"])
def test_the_commands_have_help_with_an_example(name, capsys):
    with pytest.raises(SystemExit) as caught:
        run(["datasets", name, "--help"])
    assert caught.value.code == 0
    out = capsys.readouterr().out
    assert "example:" in out
    assert "--json" in out


def test_fetch_shows_the_licence_and_asks_for_its_acceptance(known, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))  # no terminal: nobody can be asked
    out = tmp_path / "out"
    assert run(["datasets", "fetch", "mlr-viper", "--out", str(out)]) == 2
    captured = capsys.readouterr()
    assert known.licence in captured.err
    assert known.citation in captured.err
    assert "--accept-licence" in captured.err
    assert not out.exists()
    words = ["datasets", "fetch", "mlr-viper", "--out", str(out), "--accept-licence"]
    assert run(words) == 0
    captured = capsys.readouterr()
    assert f"wrote: {out / NAME}" in captured.out
    assert f"checked: {known.digest} as published" in captured.out
    assert known.licence in captured.err
    assert run([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["fetched"], found["was_there"]) == (True, True)


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    ("reply", "accepted"), [("y", True), ("YES", True), ("n", False), ("", False)]
)
def test_on_a_terminal_the_licence_is_a_question(reply, accepted, tmp_path, capsys, monkeypatch):
    ours, theirs = pty.openpty()
    os.write(ours, reply.encode() + b"\n")
    with os.fdopen(theirs, "r") as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        code = run(["datasets", "fetch", "mlr-viper", "--out", str(tmp_path / "out")])
    os.close(ours)
    assert code == (0 if accepted else 1)
    assert "Do you accept this? [y/N]" in capsys.readouterr().err
    assert (tmp_path / "out" / NAME).exists() == accepted


def test_an_unknown_digest_is_said_openly(server, known, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(CARDS, "mlr-viper", dataclasses.replace(known, digest=""))
    words = ["datasets", "fetch", "mlr-viper", "--out", str(tmp_path), "--accept-licence"]
    assert run(words) == 0
    out = capsys.readouterr().out
    assert "NOT checked further, because no digest is published" in out
    assert hashlib.sha256(server.content).hexdigest() in out


def test_another_address_is_checked_all_the_same(server, known, tmp_path, capsys, monkeypatch):
    elsewhere = dataclasses.replace(known, url="http://127.0.0.1:9/gone.zip")
    monkeypatch.setitem(CARDS, "mlr-viper", elsewhere)
    words = ["datasets", "fetch", "mlr-viper", "--accept-licence", "--from", server.url, "--out"]
    assert run([*words, str(tmp_path / "a")]) == 0
    server.content += b"!"
    assert run([*words, str(tmp_path / "b")]) == 2
    err = capsys.readouterr().err.splitlines()
    assert "is kept as" in err[-1]


@pytest.mark.parametrize("dataset", ["mlr-market", "mlr-cuhk03", "mlr-sysu", "mlr-pku"])
def test_a_set_without_an_address_says_where_to_ask(dataset, tmp_path, capsys):
    words = ["datasets", "fetch", dataset, "--out", str(tmp_path / "out")]
    assert run(words) == 1
    out = capsys.readouterr().out
    about = CARDS[dataset]
    for fact in (about.obtain, about.licence, about.layout, about.citation, *about.archives):
        assert fact in out
    assert run([*words, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["fetched"] is False
    assert found["obtain"] == about.obtain
    assert not (tmp_path / "out").exists()


def test_control_c_keeps_the_part_and_the_same_command_goes_on(server, tmp_path):
    server.pause = 0.2
    words = ["datasets", "fetch", "mlr-viper", "--out", str(tmp_path), "--accept-licence"]
    arguments = [sys.executable, "-m", "crossres", *words, "--from", server.url]
    process = subprocess.Popen(
        arguments,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    part = tmp_path / f"{NAME}.part"
    end = time.monotonic() + 60
    while time.monotonic() < end and not (part.exists() and part.stat().st_size > 65536):
        threading.Event().wait(0.02)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in stderr
    assert stderr.splitlines()[-1].endswith("kept and the same command goes on from it")
    arrived = part.stat().st_size
    assert left(tmp_path) == [part.name, f"{part.name}.json"]
    server.pause, server.asked = 0.0, []
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60)
    assert server.asked == [f"bytes={arrived}-"]
    # The real digest of VIPeR is not that of our archive: the whole file is there, under a name
    # that says so.
    (aside,) = left(tmp_path)
    assert (tmp_path / aside).read_bytes() == server.content
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert VIPER.digest.removeprefix("md5:") in done.stderr.splitlines()[-1]
