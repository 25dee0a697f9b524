"""CUHK03-NP: `{detected,labeled}/{bounding_box_train,bounding_box_test,query}/<pid4>_c<1|2>_*.png`.

The second layout of CUHK03: names keep the view (the camid) but not the pair, and no test lists.
"""

import re
from dataclasses import replace
from pathlib import Path

from crossres.datasets.readers import RawContent
from crossres.datasets.readers.market_style import has_parts, read_parts
from crossres.datasets.readers.parts.files import is_folder

BOXES = ("detected", "labeled")
GRAMMAR = "<pid, 4 digits>_c<view 1..2>_<image>.png"
# What follows the view may hold another c or more digits: only the first two fields are ours.
_NAME = re.compile(r"(\d{4})_c([12])_[ -.0-\[\]-~]*(?i:\.png)", re.ASCII)


def is_raw(folder: Path) -> bool:
    """Return whether the folder holds the three parts of the detected or of the labeled boxes."""
    return any(has_parts(folder / boxes, _NAME) for boxes in BOXES)


def read(folder: Path) -> RawContent:
    """Return the images of both kinds of boxes, or of the one that is there, with their parts."""
    images = [
        replace(image, path=f"{boxes}/{image.path}", boxes=boxes)
        for boxes in BOXES
        if is_folder(folder / boxes)
        for image in read_parts(folder / boxes, _NAME, GRAMMAR)
    ]
    note = "read from the CUHK03-NP folders: camera 1 or 2 is the view, and no test list is shipped"
    return RawContent(tuple(images), notes=(note,))
