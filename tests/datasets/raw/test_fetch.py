"""Fetching from real servers on the loopback address, honest ones and others."""

import dataclasses
import hashlib
import http.server
import io
import json
import os
import pty
import resource
import signal
import subprocess
import sys
import threading
import zipfile
from contextlib import nullcontext
from pathlib import Path

import pytest
import requests

from crossres.cli import run
from crossres.datasets import CARDS, InputError, Source, draw_twin, fetch_archive, open_raw
from crossres.datasets.raw import fetch as fetch_module
from crossres.datasets.raw.fetch import digest_of_file
from crossres.datasets.twins import truth

VIPER = CARDS["mlr-viper"]
NAME = VIPER.archives[0]


class Server(http.server.ThreadingHTTPServer):
    """Serves `content`; the other attributes make it less honest. It counts its `requests`."""

    daemon_threads = True

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = content
        self.cuts = 0  # answers that end after half of what they promise
        self.says_length = True
        self.statuses: tuple[int, ...] = ()  # answered first, one a request
        self.pause = 0.0  # seconds between two pieces
        self.hangs = 0  # how often it does not answer
        self.requests = 0

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
        server.requests += 1
        if server.hangs > 0:
            server.hangs -= 1
            threading.Event().wait(1)
        if server.statuses:
            status, *server.statuses = server.statuses
            self.send_response(status)
            self.send_header("Location", server.url)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        if server.says_length:
            self.send_header("Content-Length", str(len(server.content)))
        self.end_headers()
        body = server.content
        if server.cuts > 0:
            server.cuts -= 1
            body = body[: len(body) // 2]
        for start in range(0, len(body), 20_000):
            self.wfile.write(body[start : start + 20_000])
            threading.Event().wait(server.pause)
        self.close_connection = True

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
    with Server(content) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def pauses(monkeypatch):
    """What pooch would wait between two attempts, in seconds."""
    seconds = []
    monkeypatch.setattr("pooch.core.time.sleep", seconds.append)
    return seconds


@pytest.fixture
def card(server):
    """The card of VIPeR, as if its owners published this server's file."""
    md5 = hashlib.md5(server.content).hexdigest()
    return dataclasses.replace(VIPER, url=server.url, digest=f"md5:{md5}")


@pytest.fixture
def listed_card(card, monkeypatch):
    """That card for the command line."""
    monkeypatch.setitem(CARDS, "mlr-viper", card)
    return card


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*"))


def refused(*arguments) -> str:
    """The error's text (InputError has one line); nothing of the download is left."""
    with pytest.raises(InputError) as caught:
        fetch_archive(*arguments)
    assert left(arguments[1]) == []
    return str(caught.value)


# --- a server that fails --------------------------------------------------------------------------

PASSING = [
    *(
        ({"statuses": (status,) * 5}, f"{status} ")
        for status in (408, 425, 429, 500, 502, 503, 504)
    ),
    ({"statuses": (302,) * 155}, "Exceeded 30 redirects"),
    ({"cuts": 5}, "IncompleteRead("),
    ({"hangs": 5}, "timed out"),
]
LASTING = [
    *(({"statuses": (status,)}, f"{status} Client Error: ") for status in (401, 403, 404, 410)),
    ({"cuts": 1, "says_length": False}, "what it sends is not a whole zip archive"),
    ({"content": b"<!DOCTYPE html>"}, "what it sends is not a zip archive but a web page"),
    ({"content": b""}, "what it sends is not a zip archive but an empty file"),
]


@pytest.mark.parametrize(("behaviour", "text"), PASSING)
def test_what_may_pass_is_tried_again(behaviour, text, card, server, tmp_path, pauses, monkeypatch):
    monkeypatch.setattr(fetch_module, "TIMEOUTS", (1.0, 0.2))
    vars(server).update(behaviour)
    line = refused(card, tmp_path)
    assert line.startswith(f"{server.url}: {text}")
    assert line.endswith(", 5 times in a row; try again later or give another address --from")
    assert pauses == [1, 2, 3, 4]
    vars(server).update(behaviour | {"cuts": 2, "hangs": 0, "statuses": (503, 302)})
    assert fetch_archive(card, tmp_path).archive.read_bytes() == server.content


@pytest.mark.parametrize("digest", [True, False])
@pytest.mark.parametrize(("behaviour", "text"), LASTING)
def test_what_stays_is_told_at_once(behaviour, text, digest, card, server, tmp_path):
    card = card if digest else dataclasses.replace(card, digest="")
    vars(server).update(behaviour)
    line = refused(card, tmp_path)
    assert line.startswith(f"{server.url}: {text}")
    assert line.endswith("; try again later or give another address --from")
    assert server.requests == 1


def test_the_length_is_compared_where_urllib3_does_not(card, server, tmp_path, monkeypatch):
    send = requests.adapters.HTTPAdapter.send

    def answer_of_urllib3_1(*words, **options):
        answer = send(*words, **options)
        answer.raw.enforce_content_length = False
        return answer

    monkeypatch.setattr("requests.adapters.HTTPAdapter.send", answer_of_urllib3_1)
    server.cuts = 5
    assert f" of {len(server.content):,} bytes came, 5 times in a row" in refused(card, tmp_path)


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("http://127.0.0.1:9/x.zip", ": Connection refused, 5 times in a row"),
        ("http://[", "is not a valid host"),
        ("http://a b/", "contains invalid character"),
        *((url, "not an address to fetch from") for url in ("ftp://host/x.zip", "/x", "http://")),
    ],
)
def test_an_address_where_nothing_is(url, text, card, tmp_path):
    line = refused(card, tmp_path, url)
    assert line.startswith(f"{url}: ")
    assert text in line


def test_a_long_download_is_shown(card, server, tmp_path, monkeypatch):
    reports = []
    monkeypatch.setattr(
        fetch_module, "progress", lambda *_: nullcontext(lambda *done: reports.append(done))
    )
    fetch_archive(card, tmp_path)
    total = len(server.content)
    assert reports[0] == (1 << 14, total)
    assert reports[-1] == (total, total)
    assert len(reports) > total >> 14


# --- fetching -------------------------------------------------------------------------------------


def test_the_archive_is_checked_recorded_and_read_as_it_is(card, server, tmp_path):
    fetched = fetch_archive(card, tmp_path / "out")
    sha256 = hashlib.sha256(server.content).hexdigest()
    assert fetched == fetch_module.Fetched(tmp_path / "out" / NAME, sha256, True, False)
    assert fetched.archive.read_bytes() == server.content
    assert left(tmp_path / "out") == [NAME, f"{NAME}.sha256"]
    assert len({path.stat().st_mode for path in (tmp_path / "out").iterdir()}) == 1
    subprocess.run(["sha256sum", "-c", f"{NAME}.sha256"], cwd=tmp_path / "out", check=True)
    raw = open_raw("mlr-viper", Source(tmp_path / "out"), tmp_path / "cache")
    assert list(raw.images) == truth("mlr-viper", "tiny")


def test_what_is_there_is_not_fetched_again(card, server, tmp_path):
    fetch_archive(card, tmp_path)
    assert fetch_archive(card, tmp_path).was_there
    assert server.requests == 1
    (tmp_path / NAME).write_bytes(b"another")
    with pytest.raises(InputError, match=r"there already, but .* has md5 .*; remove it"):
        fetch_archive(card, tmp_path)
    assert (tmp_path / NAME).read_bytes() == b"another"


@pytest.mark.parametrize("algorithm", ["md5", "sha256", "git-blob"])
def test_a_published_digest_decides(algorithm, card, server, tmp_path):
    (tmp_path / "file").write_bytes(server.content)
    digest = digest_of_file(tmp_path / "file", algorithm)
    tool = ["git", "hash-object"] if algorithm == "git-blob" else [f"{algorithm}sum"]
    process = subprocess.run([*tool, tmp_path / "file"], capture_output=True, text=True, check=True)
    assert process.stdout.split()[0] == digest
    card = dataclasses.replace(card, digest=f"{algorithm}:{digest}")
    assert fetch_archive(card, tmp_path / "out").checked
    server.content = server.content[:5000] + b"!" + server.content[5001:]
    line = refused(card, tmp_path / "wrong")
    assert line.startswith(f"{server.url}: what it sends has a damaged entry 'VIPeR/")
    assert f"{digest}; try again later or give another address --from" in line
    assert f" and has {algorithm} " in line
    assert server.requests == 2


def test_without_a_digest_entries_are_read(card, server, tmp_path):
    card = dataclasses.replace(card, digest="")
    assert not fetch_archive(card, tmp_path / "good").checked
    server.content = server.content[:5000] + b"!" + server.content[5001:]
    assert "has a damaged entry 'VIPeR/" in refused(card, tmp_path / "bad")


def test_without_pooch_one_line_says_what_to_install(card, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    assert "needs it: pip install 'crossres[fetch]'" in refused(card, tmp_path)


def test_a_place_that_cannot_be_written(card, tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    assert "cannot be written (Not a directory)" in refused(card, tmp_path / "file" / "out")

    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.NamedTemporaryFile", refuse)
    out = tmp_path / "out"
    assert f"{out / NAME}: cannot be written (Permission denied); " in refused(card, out)


def test_the_published_addresses_and_digests_are_well_formed():
    for published in CARDS.values():
        assert published.url == "" or published.url.startswith(("http://", "https://"))
        algorithm, _, digest = published.digest.partition(":")
        assert (algorithm, len(digest)) in {("", 0), ("md5", 32), ("git-blob", 40)}
    assert {listed.id for listed in CARDS.values() if listed.url} == {"caviar", "mlr-viper"}
    assert VIPER.digest == "md5:1c2d9fc1cc800332567a0da25a1ce68c"


# --- the command line -----------------------------------------------------------------------------


def test_fetch_shows_the_licence_and_asks_for_its_acceptance(
    listed_card, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))  # no terminal: nobody can be asked
    out = tmp_path / "out"
    assert run(["datasets", "fetch", "mlr-viper", "--out", str(out)]) == 2
    captured = capsys.readouterr()
    assert listed_card.licence in captured.err
    assert listed_card.citation in captured.err
    assert "--accept-licence" in captured.err
    assert not out.exists()
    words = ["datasets", "fetch", "mlr-viper", "--out", str(out), "--accept-licence"]
    assert run(words) == 0
    captured = capsys.readouterr()
    assert f"wrote: {out / NAME}" in captured.out
    assert f"checked: {listed_card.digest} as published" in captured.out
    assert listed_card.licence in captured.err
    assert run([*words, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["fetched"], answer["was_there"]) == (True, True)


@pytest.mark.usefixtures("listed_card")
@pytest.mark.parametrize(("reply", "accepted"), [("YES", True), ("n", False), ("", False)])
def test_on_a_terminal_the_licence_is_a_question(reply, accepted, tmp_path, capsys, monkeypatch):
    controller, terminal_end = pty.openpty()
    os.write(controller, reply.encode() + b"\n")
    with os.fdopen(terminal_end, "r") as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        code = run(["datasets", "fetch", "mlr-viper", "--out", str(tmp_path / "out")])
    os.close(controller)
    assert code == (0 if accepted else 1)
    assert "Do you accept this? [y/N]" in capsys.readouterr().err
    assert (tmp_path / "out" / NAME).exists() == accepted


def test_another_address_and_an_unknown_digest(server, listed_card, tmp_path, capsys, monkeypatch):
    elsewhere = dataclasses.replace(listed_card, url="http://127.0.0.1:9/gone.zip")
    monkeypatch.setitem(CARDS, "mlr-viper", elsewhere)
    words = ["datasets", "fetch", "mlr-viper", "--accept-licence", "--from", server.url, "--out"]
    assert run([*words, str(tmp_path / "a")]) == 0
    server.content += b"!"
    assert run([*words, str(tmp_path / "b")]) == 2
    assert "what it sends has md5" in capsys.readouterr().err.splitlines()[-1]
    monkeypatch.setitem(CARDS, "mlr-viper", dataclasses.replace(elsewhere, digest=""))
    assert run([*words, str(tmp_path / "c")]) == 0
    out = capsys.readouterr().out
    assert "NOT checked further, because no digest is published" in out
    assert hashlib.sha256(server.content).hexdigest() in out


@pytest.mark.parametrize("dataset", ["mlr-market", "mlr-cuhk03", "mlr-sysu", "mlr-pku"])
def test_a_set_without_an_address_says_where_to_ask(dataset, tmp_path, capsys):
    words = ["datasets", "fetch", dataset, "--out", str(tmp_path / "out")]
    assert run(words) == 1
    out = capsys.readouterr().out
    facts = CARDS[dataset]
    for fact in (
        facts.obtain,
        facts.licence,
        facts.layout,
        facts.citation,
        *facts.archives,
    ):
        assert fact in out
    assert run([*words, "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert (answer["fetched"], answer["obtain"]) == (False, facts.obtain)
    assert not (tmp_path / "out").exists()


def ended(server, folder, limit=resource.RLIM_INFINITY, interrupt=False):
    """Exit code and last line of the command, which may write no file longer than `limit`."""

    def prepare():
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    words = ["datasets", "fetch", "mlr-viper", "--accept-licence", "--from", server.url, "--out"]
    words = [sys.executable, "-m", "crossres", *words, str(folder)]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, preexec_fn=prepare)
    while interrupt and not server.requests and process.poll() is None:
        threading.Event().wait(0.02)
    if interrupt:
        threading.Event().wait(3 * server.pause)
        (path,) = folder.iterdir()
        assert 0 < path.stat().st_size < len(server.content)
        process.send_signal(signal.SIGINT)
    (line,) = process.communicate(timeout=60)[1].splitlines()[2:]  # behind licence and citation
    assert left(folder) == []
    return process.returncode, line


def test_control_c_leaves_nothing(server, tmp_path):
    server.pause = 0.2
    code, line = ended(server, tmp_path, interrupt=True)
    assert (code, line) == (1, "crossres: interrupted; nothing half-written is left")


def test_a_full_disk_leaves_nothing(server, tmp_path):
    code, line = ended(server, tmp_path, 100_000)
    assert code == 2
    assert line.startswith(f"crossres: {tmp_path / NAME}: cannot be written (File too large); free")
