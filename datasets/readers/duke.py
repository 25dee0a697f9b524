"""DukeMTMC-reID: bounding_box_train, bounding_box_test and query, `<pid4>_c<cam>_f<frame7>.jpg`.

The three folders become the parts train, gallery and query. The distractors have pids of their own:
they are the identities of the gallery without a query.
"""

import re
from pathlib import Path

from crossres.datasets.readers import RawContent
from crossres.datasets.readers.market_style import has_parts, read_parts
from crossres.datasets.readers.parts.listing import open_image as open_image
from crossres.datasets.readers.parts.listing import search
from crossres.datasets.readers.parts.listing import source_file as source_file

FOLDER = "DukeMTMC-reID"
GRAMMAR = "<pid, 4 digits>_c<camera 1..8>_f<frame, 7 digits>.jpg"
_NAME = re.compile(r"(\d{4})_c([1-8])_f\d{7}(?i:\.jpg)", re.ASCII)


def find(root: Path) -> Path | None:
    """Find the folder that holds the three parts: `root`, the one above it, or one below it."""
    return search(root, FOLDER, lambda folder: has_parts(folder, _NAME))


def read(folder: Path) -> RawContent:
    """Return all images of the three parts, distractors included."""
    return RawContent(tuple(read_parts(folder, _NAME, GRAMMAR)))
