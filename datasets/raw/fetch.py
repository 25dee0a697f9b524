"""Fetching the archives whose owners give a public address, checked by digest, with pooch.

For every other set `crossres datasets fetch` says where to ask; nothing is ever fetched unasked.
"""

import hashlib
import logging
import re
import zipfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import cannot_write, write_atomically
from crossres.datasets.base.progress import Report, progress
from crossres.datasets.cards import Card
from crossres.datasets.raw.archives import archive_fault, damaged_entry, is_damage, packing_fault

TRIES = 5
TIMEOUTS = (10.0, 30.0)  # seconds: to connect, and between two pieces
_MAY_PASS = {408, 425, 429, 500, 502, 503, 504}
_CHUNK = 1 << 14
# Packed on the way, a file would have another size than its Content-Length.
_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "crossres"}


@dataclass(frozen=True)
class Fetched:
    """An archive on this disk. `checked` False: no published digest is known to compare with."""

    archive: Path
    sha256: str
    checked: bool
    was_there: bool


@dataclass
class _Bar:
    """Passes on to `report` what pooch says of a download, in bytes (it counts whole chunks)."""

    report: Report
    total: int = 0
    done: int = 0

    def update(self, size: int) -> None:
        self.done += size
        self.report(self.done, self.total)

    def reset(self) -> None:
        self.done = 0

    def close(self) -> None:
        """Do nothing: `progress` takes the bar away."""


def fetch_archive(card: Card, out: Path, url: str = "") -> Fetched:
    """Download the owners' archive into `out` from `url`, by default the card's address.

    What is there already and right is not downloaded again. The archive is checked by its published
    digest, or where none is known that it is a whole zip, before it gets its name; its SHA-256 is
    written beside it, in a line of sha256sum. Raises InputError saying in one line what failed;
    nothing of the download is left then, nor after an interrupt.
    """
    url = url or card.url
    if not re.match("https?://[^/]", url):
        raise InputError(f"{url}: not an address to fetch from; it begins with https:// or http://")
    archive = out / (card.archives[0] if card.archives else f"{card.id}.zip")
    was_there = archive.exists()
    if not was_there:
        _download(card, url, archive)
    elif fault := _fault(card, archive):
        raise InputError(f"{archive}: is there already, but {fault}; remove it and fetch again")
    sha256 = digest_of_file(archive, "sha256")
    write_atomically(archive.with_name(archive.name + ".sha256"), f"{sha256}  {archive.name}\n")
    return Fetched(archive, sha256, bool(card.digest), was_there)


def _download(card: Card, url: str, archive: Path) -> None:
    try:
        import pooch
        import requests
    except ImportError as error:
        raise InputError(
            f"{error.name} is not installed, and fetching needs it: pip install 'crossres[fetch]'"
        ) from error
    pooch.get_logger().setLevel(logging.WARNING)
    name, folder = archive.name, archive.parent.absolute()
    # Without the digest: pooch does not know git's, and would try again what is only wrong.
    shelf = pooch.Pooch(folder, "", {name: None}, {name: url}, retry_if_failed=TRIES - 1)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shelf.fetch(name, downloader=partial(_attempt, card, name))
    except requests.RequestException as error:  # is an OSError, too
        raise _refused(url, f"{_reason(error)}, {TRIES} times in a row") from error
    except OSError as error:
        cause = error.__cause__  # pooch says more around it
        raise cannot_write(archive, cause if isinstance(cause, OSError) else error) from error


def _attempt(card: Card, name: str, url: str, target: str, _shelf: object) -> None:
    """Download into pooch's temporary file; pooch tries again after a RequestException."""
    import requests
    from pooch import HTTPDownloader

    file = Path(target)
    file.unlink()  # only its owner may read it; made anew, it has the usual permissions
    with progress(f"downloading {name}", 1 << 10, "KiB") as report:
        bar = _Bar(report)
        try:
            HTTPDownloader(bar, _CHUNK, timeout=TIMEOUTS, headers=_HEADERS)(url, target, None)
        except (requests.HTTPError, ValueError) as error:  # a ValueError: an address that is none
            answer = getattr(error, "response", None)
            if answer is not None and answer.status_code in _MAY_PASS:
                raise
            raise _refused(url, _reason(error)) from error
    if file.stat().st_size < bar.total:  # older versions of urllib3 do not look
        raise requests.ConnectionError(f"{file.stat().st_size:,} of {bar.total:,} bytes came")
    if fault := _fault(card, file):
        raise _refused(url, f"what it sends {fault}")


def _reason(error: BaseException) -> str:
    """Return the innermost message of a chain of exceptions."""
    while error.__context__ is not None:
        error = error.__context__
    text = getattr(error, "strerror", "") or str(error).partition(" for url: ")[0]
    return text.rstrip(".")[:200] or type(error).__name__


def _refused(url: str, reason: str) -> InputError:
    return InputError(f"{url}: {reason}; try again later or give another address --from")


def _fault(card: Card, file: Path) -> str:
    """Return what is wrong with an archive; "" when nothing is."""
    if not card.digest:
        return _damage(file)
    algorithm, _, published = card.digest.partition(":")
    digest = digest_of_file(file, algorithm)
    if digest == published:
        return ""
    wrong = f"has {algorithm} {digest}, published is {published}"
    return " and ".join(filter(None, (_damage(file), wrong)))


def _damage(file: Path) -> str:
    """Return why a file is no whole zip archive; "" when it is, as far as can be told."""
    try:
        with zipfile.ZipFile(file) as archive:
            if any(map(packing_fault, archive.infolist())):
                return ""  # it says what helps when it is unpacked
            damaged = damaged_entry(archive)
    except Exception as error:
        if not is_damage(error):
            raise
        return f"is {archive_fault(file).partition(';')[0]}"
    return "" if damaged is None else f"has a damaged entry {damaged!r}"


def digest_of_file(file: Path, algorithm: str) -> str:
    """Return the hex digest of a file by "sha256", "md5" or "git-blob" (its name in git)."""
    if algorithm == "git-blob":
        sha = hashlib.sha1(f"blob {file.stat().st_size}\0".encode(), usedforsecurity=False)
    else:
        sha = hashlib.new(algorithm, usedforsecurity=False)
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: sha).hexdigest()
