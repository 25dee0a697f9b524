"""Which array of a file is which, whatever code base named them; names.toml has the words."""

import tomllib
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Any

from crossres.datasets.base.errors import InputError

SIDES = ("query", "gallery")
FEATURES = ("query_features", "gallery_features")
IDS = ("query_pids", "gallery_pids", "query_camids", "gallery_camids")
OPTIONAL = ("query_rates", "query_paths")
ARRAYS = (*FEATURES, *IDS, *OPTIONAL)
NEEDED = (*FEATURES, "query_pids", "gallery_pids")
NUMBER = "num_query"
WORDS = Path(__file__).with_name("names.toml")


def plain(name: str) -> str:
    """Return a name in lower case, without what joins its words."""
    return "".join(filter(str.isalnum, name.lower()))


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads(WORDS.read_text(encoding="utf-8"))


@cache
def known_names() -> dict[str, str]:
    """Return all plain names that are known -> what they are called here.

    That is "query_" or "gallery_" and what an array holds ("features", "pids", ...), this alone, or
    NUMBER.
    """
    words = _words()
    known = dict.fromkeys(words["number"][NUMBER], NUMBER)
    for content, nouns in words["holds"].items():
        known |= {noun: content for noun in nouns if len(noun) > 1}
        for side, prefixes in words["sides"].items():
            for prefix in prefixes:
                known |= {prefix + noun: f"{side}_{content}" for noun in nouns}
                known |= {noun + prefix: f"{side}_{content}" for noun in nouns if len(noun) > 1}
    return known


def recognised(names: Collection[str]) -> dict[str, str]:
    """Return what arrays are called here -> their names in a file, as far as they are known.

    A name of ours comes before all others. InputError where two others mean the same, unless nobody
    needs them: rates, paths, and arrays of both sides beside those of each.
    """
    called: dict[str, list[str]] = {}
    for name in sorted(names):
        own = known_names().get(plain(name))
        if own is not None and (own == name or own not in names):
            called.setdefault(own, []).append(name)
    for own, (first, *others) in called.items():
        sides = {f"{side}_{own}" for side in SIDES}
        is_needed = not own.endswith(("rates", "paths")) and not sides <= called.keys()
        if others and is_needed:
            raise InputError(f"{first} and {others[0]} both mean {own}; keep one of the two")
    return {own: several[0] for own, several in called.items()}


def missing_in(ours: Collection[str]) -> list[str]:
    """Return the needed arrays that are there neither by themselves nor as a part of both sides."""
    can_part = NUMBER in ours or "query_features" in ours
    lacks = [
        name
        for name in NEEDED
        if name not in ours and not (can_part and name.partition("_")[2] in ours)
    ]
    parted = [name for name in lacks if name.partition("_")[2] in ours]
    return [NUMBER] if parted and parted == lacks else lacks


def other_names(name: str) -> list[str]:
    """Return a few other names by which an array would be known."""
    words = _words()
    if name == NUMBER:
        return []
    side, _, content = name.partition("_")
    prefix, nouns = words["sides"][side][0], words["holds"][content]
    return [f"{side[0]}_{nouns[0]}", *(f"{prefix}_{noun}" for noun in nouns[1:3])]
