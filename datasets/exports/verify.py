"""Reading an export again: its names must tell the split of the manifest, its files the pixels.

An export that fails while it is being made never gets its name.
"""

from collections import Counter
from pathlib import Path

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.progress import Report, silent
from crossres.datasets.exports.index import ExportEntry, read_list
from crossres.datasets.exports.layout import junk_free, layout
from crossres.datasets.exports.write import digest_of_pixels
from crossres.datasets.readers.parts.listing import EXPORT_LIST, decode
from crossres.datasets.splits.manifest import Manifest

MANIFEST = "manifest.csv"


def verify_export(folder: Path, progress: Report = silent) -> tuple[Manifest, list[ExportEntry]]:
    """Check an export to the last pixel; returns its manifest and its entries.

    Raises InputError naming the first file that is missing, extra, damaged or something else than
    the list says. `progress(done, total)` counts images.
    """
    manifest, entries = check_names(folder)
    for done, entry in enumerate(entries, start=1):
        pixels = decode(folder / entry.file)
        if digest_of_pixels(pixels) != entry.pixels:
            raise InputError(
                f"{folder / entry.file}: holds other pixels than exported; export again"
            )
        progress(done, len(entries))
    return manifest, entries


def check_names(folder: Path) -> tuple[Manifest, list[ExportEntry]]:
    """Check that manifest, list and the names on disk tell of one and the same split."""
    manifest = Manifest.read(folder / MANIFEST)
    name, entries = read_list(folder / EXPORT_LIST)
    module = layout(name)
    expected = junk_free(manifest.table, module.KEEPS_JUNK)
    listed = [
        (entry.path, entry.pid, entry.camid, entry.split, entry.rate)
        for entry in entries
        if entry.split != "val"
    ]
    if listed != list(expected.itertuples(index=False, name=None)):
        raise InputError(f"{folder / EXPORT_LIST}: is not the list of {MANIFEST}; export again")
    expected_files = Counter((e.file, e.split, e.export_pid, e.export_camid) for e in entries)
    actual_files = Counter(module.read_names(folder))
    for strange in sorted((expected_files - actual_files) + (actual_files - expected_files)):
        raise InputError(
            f"{folder / strange[0]}: {_wrong(folder, strange, expected_files)}; export again"
        )
    return manifest, entries


_Seen = tuple[str, str, int, int]


def _wrong(folder: Path, entry: _Seen, expected_files: Counter[_Seen]) -> str:
    if entry[0] not in {file for file, *_ in expected_files}:
        return "is not in the list of the export"
    if not (folder / entry[0]).is_file():
        return "is missing"
    return "the layout and the list disagree on its split, pid or camera"
