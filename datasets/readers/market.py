"""Market-1501: bounding_box_train, bounding_box_test and query, `<pid>_c<cam>s<seq>_<frame>_<box>`.

The three folders become the parts train, gallery and query; pid -1 is junk, pid 0 a distractor.
"""

import re
from pathlib import Path

from crossres.datasets.readers import RawContent
from crossres.datasets.readers.market_style import has_parts, read_parts
from crossres.datasets.readers.parts.listing import open_image as open_image
from crossres.datasets.readers.parts.listing import search
from crossres.datasets.readers.parts.listing import source_file as source_file

FOLDER = "Market-1501-v15.09.15"
GRAMMAR = "<pid, -1 or 4 digits>_c<camera 1..6>s<sequence>_<frame, 6 digits>_<box, 2 digits>.jpg"
_NAME = re.compile(r"(-1|\d{4})_c([1-6])s[1-6]_\d{6}_\d{2}(?i:\.jpg)", re.ASCII)


def find(root: Path) -> Path | None:
    """Find the folder that holds the three parts: `root`, the one above it, or one below it."""
    return search(root, FOLDER, lambda folder: has_parts(folder, _NAME))


def read(folder: Path) -> RawContent:
    """Return all images of the three parts, junk and distractors included."""
    return RawContent(tuple(read_parts(folder, _NAME, GRAMMAR)))
