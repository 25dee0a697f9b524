"""Market-1501: bounding_box_train, bounding_box_test and query, `<pid>_c<cam>s<seq>_<frame>_<box>`.

The three folders become the parts train, gallery and query; pid -1 is junk, pid 0 a distractor.
"""

import re
from pathlib import Path

from datasets.readers import RawContent, RawImage
from datasets.readers.common import any_match, matches, search
from datasets.readers.common import open_image as open_image
from datasets.readers.common import source_file as source_file

FOLDER = "Market-1501-v15.09.15"
GRAMMAR = "<pid, -1 or 4 digits>_c<camera 1..6>s<sequence>_<frame, 6 digits>_<box, 2 digits>.jpg"
PARTS = {"bounding_box_train": "train", "bounding_box_test": "gallery", "query": "query"}
_NAME = re.compile(r"(-1|\d{4})_c([1-6])s[1-6]_\d{6}_\d{2}\.jpg", re.ASCII | re.IGNORECASE)


def find(root: Path) -> Path | None:
    """The folder that holds the three parts: `root`, the folder above it, or one below it."""
    return search(root, FOLDER, _is_raw)


def _is_raw(folder: Path) -> bool:
    return all(any_match(folder / part, _NAME) for part in PARTS)


def read(folder: Path) -> RawContent:
    """All images of the three parts, junk and distractors included."""
    images = [
        RawImage(f"{name}/{match[0]}", int(match[1]), int(match[2]), part)
        for name, part in PARTS.items()
        for match in matches(folder / name, _NAME, GRAMMAR)
    ]
    return RawContent(tuple(images))
