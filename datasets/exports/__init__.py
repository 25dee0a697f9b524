"""Exports: the exact split of a manifest as image folders that other people's code reads.

One module per layout says where each image goes; docs/exports.md tells which readers were checked.
"""

from dataclasses import dataclass
from pathlib import Path

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import replace_folder
from crossres.datasets.base.progress import Report, silent
from crossres.datasets.base.suggest import unknown
from crossres.datasets.exports.index import write_list
from crossres.datasets.exports.layout import LAYOUTS, ExportPlan, junk_free, layout
from crossres.datasets.exports.readme import readme
from crossres.datasets.exports.verify import MANIFEST, check_names, verify_export
from crossres.datasets.exports.write import write_images
from crossres.datasets.pixels.plan import GRIDS
from crossres.datasets.raw.source import Raw
from crossres.datasets.readers.parts.listing import EXPORT_LIST, MARKER
from crossres.datasets.resampling.integer import KERNEL_VERSIONS
from crossres.datasets.splits.manifest import DEFAULT_GRID, Manifest

__all__ = ["LAYOUTS", "SUFFIXES", "Export", "export", "layout", "verify_export"]

SUFFIXES = ("jpg", "png", "bmp")


@dataclass(frozen=True)
class Export:
    """What was written: the number of image files, and what a user of the layout should know."""

    folder: Path
    layout: str
    images: int
    notes: tuple[str, ...]


def export(
    raw: Raw,
    manifest: Manifest,
    folder: Path,
    layout_name: str,
    *,
    suffix: str | None = None,
    input_size: tuple[int, int] | None = None,
    progress: Report = silent,
) -> Export:
    """Write the split of a manifest to `folder` in a layout, whole or not at all.

    LR images are stored at their low size, all others at their native one, as PNG data under names
    that end in `suffix` (None: what the layout's readers look for); `input_size` (height, width)
    brings every image to that size as the pixel store does. `progress(done, total)` counts images.
    Raises InputError when the folder exists, the layout cannot express the split, a raw image is
    missing or damaged, or the place cannot be written.
    """
    module = layout(layout_name)
    ending = suffix or module.SUFFIX
    if ending not in SUFFIXES:
        raise unknown("suffix", ending, SUFFIXES)
    if folder.exists():
        raise InputError(f"{folder}: exists already; remove it or give another folder")
    _check(raw, manifest, input_size)
    module.check_folder(folder.resolve())
    plan = module.plan(junk_free(manifest.table, module.KEEPS_JUNK), ending)
    with replace_folder(folder) as temporary:
        manifest.write(temporary / MANIFEST)
        entries = write_images(raw, manifest, plan, temporary, input_size, progress)
        write_list(temporary / EXPORT_LIST, layout_name, entries)
        _write_texts(
            raw, manifest, plan, temporary, readme(raw, manifest, plan, layout_name, input_size)
        )
        check_names(temporary)
    return Export(folder, layout_name, len(plan.files), plan.notes)


def _check(raw: Raw, manifest: Manifest, input_size: tuple[int, int] | None) -> None:
    if manifest.dataset != raw.dataset:
        raise InputError(f"the manifest is of {manifest.dataset}, the raw folder of {raw.dataset}")
    if manifest.kernel not in KERNEL_VERSIONS or manifest.grid not in GRIDS:
        raise InputError(f"{manifest.protocol}: its kernel or grid is unknown; use one that is")
    if manifest.grid != DEFAULT_GRID and input_size is None:
        raise InputError(
            f"{manifest.protocol}: is down-sampled on the input grid; give an input size"
        )
    raw.require(manifest.table["path"])


def _write_texts(
    raw: Raw, manifest: Manifest, plan: ExportPlan, folder: Path, readme_text: str
) -> None:
    texts = {"README.txt": readme_text, **plan.texts(manifest.dataset)}
    for name, text in sorted(texts.items()):
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    # The mark of a twin goes along: whatever is measured on the export is a number of the twin.
    if (raw.folder / MARKER).is_file():
        (folder / MARKER).write_bytes((raw.folder / MARKER).read_bytes())
