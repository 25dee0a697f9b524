"""Fetching the archives whose owners give a public address, checked by digest, with pooch.

For every other set `crossres datasets fetch` says where to ask; nothing is ever fetched unasked.
"""

import hashlib
import logging
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import cannot_write, write_atomically
from crossres.datasets.base.progress import progress
from crossres.datasets.cards import Card
from crossres.datasets.raw.archives import archive_fault, packing_fault

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Fetched:
    """An archive on this disk. `checked` False: no published digest is known to compare with."""

    archive: Path
    sha256: str
    checked: bool
    was_there: bool


def fetch_archive(about: Card, out: Path, url: str = "") -> Fetched:
    """Download the owners' archive into `out` from `url`, by default the card's address.

    What is there already and right is not downloaded again; what arrived in part is continued. The
    archive is checked by its published digest, or where none is known that it is a whole zip, and
    its SHA-256 is written beside it, in a line of sha256sum. Raises InputError saying in one line
    what failed; an archive with a wrong digest is kept aside under another name.
    """
    url = url or about.url
    _check_url(url)
    name = about.archives[0] if about.archives else f"{about.id}.zip"
    archive = out / name
    if archive.exists():
        _check_there(about, archive)
        return _recorded(about, archive, was_there=True)
    _download(about, url, archive)
    return _recorded(about, archive, was_there=False)


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        known = False
    if not known:
        raise InputError(f"{url}: not an address to fetch from; it begins with https:// or http://")


def _check_there(about: Card, archive: Path) -> None:
    fault = _fault(about, archive)
    if fault:
        raise InputError(f"{archive}: is there already, but {fault}; remove it and fetch again")


def _download(about: Card, url: str, archive: Path) -> None:
    try:
        import pooch

        from crossres.datasets.raw.download import download, forget
    except ImportError as error:
        raise InputError(
            f"{error.name} is not installed, and fetching needs it: pip install 'crossres[fetch]'"
        ) from error
    part = archive.with_name(archive.name + ".part")

    def downloader(address: str, target: str, _pooch: object) -> None:
        with progress(f"downloading {archive.name}", 1 << 10, "KiB") as report:
            download(address, part, report)
        fault = _fault(about, part)
        if fault:
            raise _set_aside(part, archive, address, fault)
        part.replace(target)
        forget(part)

    pooch.get_logger().setLevel(logging.WARNING)
    try:
        archive.parent.mkdir(parents=True, exist_ok=True)
        pooch.retrieve(url, None, archive.name, archive.parent, downloader=downloader)
    except OSError as error:
        raise cannot_write(archive, error) from error


def _set_aside(part: Path, archive: Path, url: str, fault: str) -> InputError:
    from crossres.datasets.raw.download import forget

    aside = archive.with_name(f"{archive.name}.wrong-{digest_of_file(part, 'sha256')[:8]}")
    part.replace(aside)
    forget(part)
    return InputError(
        f"{url}: what it sends {fault}; it is kept as {aside}; fetch again or give another --from"
    )


def _recorded(about: Card, archive: Path, was_there: bool) -> Fetched:
    sha256 = digest_of_file(archive, "sha256")
    write_atomically(archive.with_name(archive.name + ".sha256"), f"{sha256}  {archive.name}\n")
    return Fetched(archive, sha256, bool(about.digest), was_there)


def _fault(about: Card, file: Path) -> str:
    """What is wrong with an archive; "" when nothing is."""
    if about.digest:
        algorithm, _, published = about.digest.partition(":")
        found = digest_of_file(file, algorithm)
        return "" if found == published else f"has {algorithm} {found}, published is {published}"
    try:
        with zipfile.ZipFile(file) as archive:
            if any(map(packing_fault, archive.infolist())):
                return ""  # whole as far as can be told; it says what helps when it is unpacked
            damaged = archive.testzip()
    except (zipfile.BadZipFile, zlib.error, RuntimeError, ValueError, EOFError):
        return f"is {archive_fault(file).partition(';')[0]}"
    return "" if damaged is None else f"has a damaged entry {damaged!r}"


def digest_of_file(file: Path, algorithm: str) -> str:
    """The hex digest of a file: "sha256", "md5", or "git-blob", its name in a git repository."""
    if algorithm == "git-blob":
        sha = hashlib.sha1(f"blob {file.stat().st_size}\0".encode(), usedforsecurity=False)
    else:
        sha = hashlib.new(algorithm, usedforsecurity=False)
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            sha.update(chunk)
    return sha.hexdigest()
