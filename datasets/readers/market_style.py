"""What sets in the style of Market-1501 share: three folders that are the parts of the set.

The pattern of a name has two groups, the pid and the camid.
"""

import re
from pathlib import Path

from crossres.datasets.readers import RawImage
from crossres.datasets.readers.parts.listing import any_match, matches

PARTS = {"bounding_box_train": "train", "bounding_box_test": "gallery", "query": "query"}


def has_parts(folder: Path, name: re.Pattern[str]) -> bool:
    """Return whether the folder holds the three parts, each with a name of the pattern."""
    return all(any_match(folder / part, name) for part in PARTS)


def read_parts(folder: Path, name: re.Pattern[str], grammar: str) -> list[RawImage]:
    """Return all images of the three parts; InputError names a file outside the grammar."""
    return [
        RawImage(f"{part}/{match[0]}", int(match[1]), int(match[2]), meaning)
        for part, meaning in PARTS.items()
        for match in matches(folder / part, name, grammar)
    ]
