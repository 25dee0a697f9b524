"""Downloading one archive that may stop at any time and goes on where it stopped.

What has arrived lies in `<name>.part`, and beside it in `<name>.part.json` what the server said of
the file, so that a part is only continued with bytes of the very same file.
"""

import json
import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import requests

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import write_atomically
from crossres.datasets.base.progress import Report

TIMEOUTS = (10.0, 30.0)  # seconds: to connect, and between two pieces
TRIES = 5  # attempts in a row that bring nothing new
MAX_ATTEMPTS = 1000  # even where every attempt brings a little
MAX_PAUSE = 30.0  # seconds
_CHUNK = 1 << 14
_LATER = {408, 425, 429, 500, 502, 503, 504}
_ZIP = (b"PK\3\4", b"PK\5\6")  # how a zip archive begins
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)", re.ASCII)
_NO_RANGE = re.compile(r"bytes \*/(\d+)", re.ASCII)
_PASSING = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)


class _Again(Exception):
    """An attempt failed in a way that may pass; `pause` is what the server asks for, in seconds."""

    def __init__(self, reason: str, pause: float = 0.0) -> None:
        super().__init__(reason)
        self.pause = pause


@dataclass(frozen=True)
class _Origin:
    """What a server says of a file: its size, and a strong ETag or else the date of its change."""

    url: str
    size: int | None
    tag: str


def download(
    url: str, part: Path, report: Report, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Download `url` into `part`, going on from what is there; `report(done, total)` in bytes.

    Attempts that fail in a way that may pass are repeated, with growing pauses. Raises InputError
    saying in one line why the file cannot be had; `part` is kept then, and after an interrupt too.
    """
    failures = 0
    for _ in range(MAX_ATTEMPTS):
        before = _size(part)
        try:
            _attempt(url, part, report)
            return
        except _Again as again:
            failures = failures + 1 if _size(part) <= before else 1
            if failures == TRIES:
                raise _refused(url, f"{again}, {TRIES} times in a row", part) from again
            sleep(min(MAX_PAUSE, max(again.pause, 2.0 ** (failures - 1))))
    raise _refused(url, f"not whole after {MAX_ATTEMPTS} attempts", part)


def _attempt(url: str, part: Path, report: Report) -> None:
    origin = _read_origin(url, part)
    start = _size(part) if origin is not None else 0
    try:
        with requests.get(
            url, headers=_headers(origin, start), stream=True, timeout=TIMEOUTS
        ) as answer:
            _receive(answer, url, part, origin, start, report)
    except _PASSING as error:
        raise _Again(_reason(error)) from error
    except requests.TooManyRedirects as error:
        raise _refused(url, "the server redirects without end", part) from error
    except (requests.RequestException, ValueError) as error:
        raise _refused(url, _reason(error), part) from error


def _headers(origin: _Origin | None, start: int) -> dict[str, str]:
    headers = {"Accept-Encoding": "identity", "User-Agent": "crossres"}
    if origin is not None and start > 0:
        headers["Range"] = f"bytes={start}-"
        if origin.tag:
            headers["If-Range"] = origin.tag
    return headers


def _receive(
    answer: requests.Response,
    url: str,
    part: Path,
    origin: _Origin | None,
    start: int,
    report: Report,
) -> None:
    """Write the body of an answer behind the first `start` bytes of the part, or in their place."""
    if answer.status_code == 416 and start > 0:
        total = _NO_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        if total is not None and int(total[1]) == start:
            return  # nothing was left to send
        forget(part)
        raise _Again("the server does not go on from where the download stopped")
    _check_status(answer, url, part)
    now = _origin(answer, url)
    if answer.status_code == 200:
        start = 0  # without ranges, or the file is another one: from the beginning
    elif origin is None or not _continues(answer, now, origin, start):
        forget(part)
        raise _Again("the file on the server has changed since the download began")
    write_atomically(_origin_file(part), json.dumps(asdict(now)) + "\n")
    try:
        with part.open("ab" if start else "wb") as file:
            done = _write(answer, file, start, now, report, url, part)
    except OSError as error:
        if isinstance(error, requests.RequestException):
            raise
        raise InputError(
            f"{part}: cannot be written ({error.strerror}); free the disk, and the same command "
            "goes on from there"
        ) from error
    if now.size is not None and done != now.size:
        raise _Again(f"the connection ends after {done:,} of {now.size:,} bytes")


def _write(
    answer: requests.Response,
    file: IO[bytes],
    start: int,
    now: _Origin,
    report: Report,
    url: str,
    part: Path,
) -> int:
    done = start
    # A connection that is cut short must give what it brought; whether all came is counted here.
    answer.raw.enforce_content_length = False
    for chunk in answer.iter_content(_CHUNK):
        if done == 0 and not any(begin.startswith(chunk[:4]) for begin in _ZIP):
            raise _not_an_archive(answer, url, part)
        file.write(chunk)
        done += len(chunk)
        report(done, now.size or 0)
    if done == 0:
        raise _Again("the server sends nothing")
    return done


def _check_status(answer: requests.Response, url: str, part: Path) -> None:
    status = f"the server answers {answer.status_code} {answer.reason}".rstrip()
    if answer.status_code in _LATER:
        wait = answer.headers.get("Retry-After", "")
        raise _Again(status, float(wait) if wait.isdecimal() else 0.0)
    if answer.status_code not in (200, 206):
        raise _refused(url, status, part)


def _origin(answer: requests.Response, url: str) -> _Origin:
    """What this answer says; the size is that of the whole file, not of a part of it."""
    length = answer.headers.get("Content-Length", "")
    size = int(length) if length.isdecimal() else None
    part = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    if answer.status_code == 206 and part is not None:
        rest = None if size is None else int(part[1]) + size
        size = rest if part[2] == "*" else int(part[2])
    tag = answer.headers.get("ETag", "")
    strong = tag if tag.startswith('"') else ""  # a weak one (W/"...") names no exact bytes
    return _Origin(url, size, strong or answer.headers.get("Last-Modified", ""))


def _continues(answer: requests.Response, now: _Origin, before: _Origin, start: int) -> bool:
    """Whether an answer to a range continues the very file that the part began with."""
    part = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    same = (now.tag == before.tag and None in (now.size, before.size)) or now == before
    return part is not None and int(part[1]) == start and same


def _origin_file(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _read_origin(url: str, part: Path) -> _Origin | None:
    """What is known of the file that the part began with; None: begin anew."""
    try:
        origin = _Origin(**json.loads(_origin_file(part).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return origin if part.is_file() and origin.url == url else None


def forget(part: Path) -> None:
    """Remove the part and what is known of it."""
    part.unlink(missing_ok=True)
    _origin_file(part).unlink(missing_ok=True)


def _size(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0


def _reason(error: BaseException) -> str:
    """The innermost message of a chain of exceptions, in one line."""
    if isinstance(error, requests.Timeout):
        return "the server does not answer in time"
    while error.__context__ is not None:
        error = error.__context__
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) < 200 else text[:197] + "..."


def _not_an_archive(answer: requests.Response, url: str, part: Path) -> InputError:
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip() or "something else"
    page = "a web page (" + kind + ")" if "html" in kind else kind
    forget(part)
    where = f"{answer.url}" if answer.url == url else f"{url}, redirected to {answer.url}"
    return InputError(
        f"{where}: sends {page} in place of a zip archive; the address may have moved: give "
        "another with --from"
    )


def _refused(url: str, reason: str, part: Path) -> InputError:
    kept = f"; {part} is kept and the same command goes on from there" if _size(part) else ""
    return InputError(f"{url}: {reason}; try again later or give another address --from{kept}")
