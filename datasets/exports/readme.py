"""README.txt of an export: what it is, for whoever finds the folder without us."""

from collections import Counter

from crossres.datasets.exports.layout import ExportPlan
from crossres.datasets.raw.source import Raw
from crossres.datasets.raw.source_name import is_twin
from crossres.datasets.readers.parts.listing import EXPORT_LIST
from crossres.datasets.resampling.integer import KERNEL_VERSIONS
from crossres.datasets.splits.manifest import Manifest

_TWIN = """\
TWIN DATA: these people are drawn by a program ({source}). No number measured here is a number of
{title}, nor an estimate of one.

"""

_PARTIAL = """\
PARTIAL DATA: {differences}. No number measured here is a number of {title}.

"""

_TEXT = """\
{title}, protocol {protocol}, seed {seed}: an export of crossres in the layout "{layout}".

{warning}Images     {counts}
Source     {source}
Licence    that of the raw data: {licence}
Manifest   manifest.csv, SHA-256 {digest}
List       {list}: each file, the raw image it is made from, its pid, camid, rate and pixels

{stored}
All files hold PNG data, whatever their names end in: what reads them must look at the content, as
Pillow and OpenCV do. Neither the names nor their order tell a rate.

Check this folder with: crossres datasets verify-export FOLDER
"""


def readme(
    raw: Raw, manifest: Manifest, plan: ExportPlan, layout: str, size: tuple[int, int] | None
) -> str:
    """Return the text of README.txt, the same for the same export."""
    dataset_card = raw.card
    counts = Counter(file.split for file in plan.files)
    text = _TEXT.format(
        title=dataset_card.title,
        protocol=manifest.protocol,
        seed=manifest.seed,
        layout=layout,
        warning=_warning(raw, dataset_card.title),
        counts=", ".join(f"{count} {split}" for split, count in counts.items()),
        source=raw.source,
        licence=dataset_card.licence,
        digest=manifest.digest,
        list=EXPORT_LIST,
        stored=_stored(manifest, size),
    )
    notes = [*plan.notes, *manifest.notes]
    return text + "".join(f"\nNote: {note}.\n" for note in notes)


def _warning(raw: Raw, title: str) -> str:
    if is_twin(raw.source):
        return _TWIN.format(source=raw.source, title=title)
    differences = ", ".join((*raw.other_counts, *raw.other_sizes))
    return _PARTIAL.format(differences=differences, title=title) if differences else ""


def _stored(manifest: Manifest, size: tuple[int, int] | None) -> str:
    kernel = KERNEL_VERSIONS[manifest.kernel]
    low = f"LR images are down-sampled by their rate on the {manifest.grid} grid with {kernel}"
    if size is None:
        return f"{low} and stored at that low\nsize; all others have their native size."
    height, width = size
    return (
        f"{low}; then every image\n"
        f"was brought to {width} x {height} pixels with {KERNEL_VERSIONS['bilinear']}."
    )
