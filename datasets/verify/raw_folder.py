"""Verifying a raw folder: counts against the card, names by the layout, bytes by a record.

Nothing is changed in the folder, and one finding does not hide the next.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import digest_of
from crossres.datasets.base.kinds import IMAGE_SUFFIXES
from crossres.datasets.base.progress import progress
from crossres.datasets.base.suggest import unknown
from crossres.datasets.cards import OWN_READER, Card, card
from crossres.datasets.raw.counts import CountCheck, tallies
from crossres.datasets.raw.native_sizes import other_sizes, size_words
from crossres.datasets.raw.source import Source, raw_folder, read_content
from crossres.datasets.raw.source_name import CUSTOM
from crossres.datasets.raw.twin_marker import drawn_as, drawn_layout
from crossres.datasets.readers import RawContent, RawImage, reader
from crossres.datasets.readers.parts.listing import collecting_strays, subfolders
from crossres.datasets.verify.checksums import (
    Sums,
    compare,
    files_of,
    hash_files,
    lines_of,
    read_record,
    write_record,
)
from crossres.datasets.verify.layout_rules import LayoutFinding, pairing

LEVELS = ("counts", "names", "bytes")


@dataclass(frozen=True)
class Verdict:
    """What a raw folder holds and lacks.

    At level "bytes", `files` were hashed, `digest` is the SHA-256 of all their sums (in the lines
    of sha256sum), and `recorded` says whether a record was written because there was none.
    """

    dataset: str
    folder: Path
    source: str
    level: str
    tallies: tuple[CountCheck, ...]
    findings: tuple[LayoutFinding, ...]
    files: int = 0
    digest: str = ""
    recorded: bool = False

    @property
    def as_expected(self) -> bool:
        """Return whether nothing is wrong."""
        wrong = any(finding.wrong for finding in self.findings)
        return not wrong and all(tally.fits for tally in self.tallies)


def verify_raw(
    dataset: str | Card,
    source: Source,
    cache: Path,
    level: str = "counts",
    record: Path | None = None,
    decode: bool = False,
) -> Verdict:
    """Verify the raw folder of a data set, up to a level; each level includes those before it.

    "counts": images, identities and cameras of each part against the card, and the sizes of images
    (a twin: against what was drawn). "names": the grammar, files that stand for one image, the
    rules of pairing. "bytes": every file hashed, and compared with the `record`, which is written
    when it is not there.
    `decode` decodes every image too. Raises InputError when there is no raw folder to verify, or
    when the record cannot be used.
    """
    if level not in LEVELS:
        raise unknown("level", level, LEVELS)
    if record is not None and level != "bytes":
        raise InputError(f"{record}: a record is of bytes; verify at level bytes")
    dataset_card = card(dataset)
    folder = raw_folder(dataset_card, source, cache)
    drawn = drawn_as(folder)
    with collecting_strays() as strays:
        content = read_content(dataset_card, folder)
    findings = _strays(folder, strays)
    is_own = dataset_card.own is not None
    truth = _truth(dataset_card.id, drawn, folder) if drawn and not is_own else None
    if truth is not None:
        findings += _against(truth, content.images)
    elif drawn and not is_own:
        findings.append(LayoutFinding("twin", "twin of another version; draw it again", (drawn,)))
    else:
        findings += _of_other_sizes(dataset_card, folder, content.images, cache)
    if dataset_card.own is not None:
        drawn = drawn or CUSTOM
        counted = _count(content.images, content)
    else:
        counted = tallies(dataset_card, content.images) if not drawn else _count(truth, content)
    if level != "counts":
        findings += _twice(content.images)
        findings += _unread(dataset_card.reader, folder, content.images)
    if level != "counts" and not drawn and not is_own:
        findings += pairing(dataset_card.reader, content)
    sums = _sums(dataset_card.reader, folder, content, record) if level == "bytes" else {}
    if is_own:
        findings += _same_bytes(content.images, sums)
    recorded = record is not None and not record.exists()
    if record is not None:
        findings += _against_record(record, sums)
    if decode:
        findings += _undecodable(dataset_card.reader, folder, content.images)
    is_whole = all(tally.fits for tally in counted) and not any(
        f.check == "sizes" for f in findings
    )
    return Verdict(
        dataset=dataset_card.id,
        folder=folder,
        source=drawn or ("real" if is_whole else "partial"),
        level=level,
        tallies=tuple(counted),
        findings=tuple(findings),
        files=len(sums),
        digest=digest_of(lines_of(sums)) if sums else "",
        recorded=recorded,
    )


def _strays(folder: Path, strays: Sequence[Path]) -> list[LayoutFinding]:
    names = tuple(sorted(path.relative_to(folder).as_posix() for path in strays))
    return _if_any("grammar", "names outside the grammar of the layout", names)


def _of_other_sizes(
    card: Card, folder: Path, images: Sequence[RawImage], cache: Path
) -> list[LayoutFinding]:
    sizes = other_sizes(card, folder, images, cache)
    items = tuple(f"{path} is {w} × {h}" for path, (w, h) in sorted(sizes.items()))
    words = "".join(size_words(card, sizes, len(images)))
    return _if_any("sizes", f"images of other sizes: {words}", items)


def _twice(images: Sequence[RawImage]) -> list[LayoutFinding]:
    """Find files that differ only in their suffix, or in upper and lower case."""
    of: dict[str, list[str]] = defaultdict(list)
    for image in images:
        of[image.key.casefold()].append(image.path)
    twice = tuple(" = ".join(sorted(paths)) for _, paths in sorted(of.items()) if len(paths) > 1)
    return _if_any("duplicates", "names that stand for one image", twice)


def _same_bytes(images: Sequence[RawImage], sums: Sums) -> list[LayoutFinding]:
    """Find images of the same bytes: copies, which are wrong where they are of two identities."""
    of: dict[str, list[RawImage]] = defaultdict(list)
    for image in images:
        if image.path in sums:
            of[sums[image.path]].append(image)
    of_one: list[str] = []
    of_two: list[str] = []
    for copies in of.values():
        if len(copies) > 1:
            names = of_one if len({image.pid for image in copies}) == 1 else of_two
            names.append(" = ".join(sorted(image.path for image in copies)))
    text = "copies of one image among those of an identity"
    harmless = [LayoutFinding("copies", text, tuple(sorted(of_one)), False)] if of_one else []
    wrong = _if_any("copies", "copies of one image as two identities", tuple(sorted(of_two)))
    return [*wrong, *harmless]


def _unread(layout: str, folder: Path, images: Sequence[RawImage]) -> list[LayoutFinding]:
    """Find image files beside those that were read: in no list. VRU is said to ship ten of them."""
    source_file = reader(layout).source_file
    read = {source_file(folder, image.path) for image in images}
    folders = {path.parent for path in read}
    if layout != OWN_READER:
        folders |= _beside(folder, folders)
    extra = (
        path
        for parent in folders
        for path in parent.iterdir()
        if path not in read and _is_image(path)
    )
    names = tuple(sorted(path.relative_to(folder).as_posix() for path in extra))
    return [LayoutFinding("extra", "image files that no list names", names, False)] if names else []


def _beside(folder: Path, read: set[Path]) -> set[Path]:
    """Return the folders beside those of identities: a list may leave out whole identities."""
    parents = {path.parent for path in read if folder not in (path, path.parent)}
    return {path for parent in parents for path in subfolders(parent)}


def _is_image(path: Path) -> bool:
    return path.suffix.casefold() in IMAGE_SUFFIXES and not path.name.startswith(".")


def _if_any(check: str, text: str, items: tuple[str, ...]) -> list[LayoutFinding]:
    return [LayoutFinding(check, text, items)] if items else []


# --- twins ----------------------------------------------------------------------------------------


def _truth(dataset: str, drawn: str, folder: Path) -> list[RawImage] | None:
    """Return what was drawn; None when a version of crossres with another truth drew it."""
    from crossres.datasets.twins import TWIN_VERSION, truth

    _, size, version = drawn.split(":")
    return truth(dataset, size, drawn_layout(folder)) if int(version) == TWIN_VERSION else None


def _count(truth: Sequence[RawImage] | None, content: RawContent) -> list[CountCheck]:
    if truth is None:
        return []
    actual, drawn = len(content.images), len(truth)
    return [CountCheck("all", "images", actual, drawn, fits=actual == drawn)]


def _against(truth: Sequence[RawImage], images: Sequence[RawImage]) -> list[LayoutFinding]:
    drawn, actual = {i.path: i for i in truth}, {i.path: i for i in images}
    relabelled = tuple(sorted(p for p in drawn.keys() & actual.keys() if drawn[p] != actual[p]))
    return [
        *_if_any("missing", "images of the twin are missing", tuple(sorted(drawn.keys() - actual))),
        *_if_any(
            "extra", "images that the twin does not have", tuple(sorted(actual.keys() - drawn))
        ),
        *_if_any("labels", "images of the twin under another label", relabelled),
    ]


# --- bytes ----------------------------------------------------------------------------------------


def _sums(layout: str, folder: Path, content: RawContent, record: Path | None) -> Sums:
    return hash_files(folder, files_of(folder, reader(layout), content.images, record))


def _against_record(record: Path, sums: Sums) -> list[LayoutFinding]:
    if not record.exists():
        write_record(record, sums)
        return []
    differences = compare(read_record(record), sums)
    return [
        *_if_any("bytes", f"files of {record.name} are missing", differences.missing),
        *_if_any("bytes", f"files that {record.name} does not have", differences.extra),
        *_if_any("bytes", f"files with other bytes than in {record.name}", differences.changed),
    ]


def _undecodable(layout: str, folder: Path, images: Sequence[RawImage]) -> list[LayoutFinding]:
    module, broken = reader(layout), []
    with progress("decoding", 1, "images") as report:
        for done, image in enumerate(images, start=1):
            try:
                module.open_image(folder, image.path)
            except InputError as error:
                broken.append(str(error))
            report(done, len(images))
    return _if_any("decode", "images that cannot be decoded", tuple(sorted(broken)))
