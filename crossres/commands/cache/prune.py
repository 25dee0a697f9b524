"""`crossres cache prune`."""

import argparse
import math
import re
import time
from collections.abc import Iterator
from typing import Any

from crossres.answer import ANSWER_IS_NO, DONE, Answer
from crossres.arguments import cache, command_parser, finite
from crossres.commands.cache.entries import add_cache, entry_json, entry_lines

UNITS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4,
         "ki": 1024, "mi": 1024**2, "gi": 1024**3, "ti": 1024**4}  # fmt: skip
SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)\s*([kmgt]?i?)b?", re.ASCII | re.IGNORECASE)


def size(text: str) -> int:
    """Parse "20GiB", "500 MB" or "0" into bytes."""
    words = SIZE.fullmatch(text.strip())
    if words is None or words[2].lower() not in UNITS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 20GiB or 500MB")
    return math.floor(float(words[1]) * UNITS[words[2].lower()])


def days(text: str) -> float:
    """Parse a number of days, 0 or more."""
    number = finite(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days")
    return number


def _prune(options: argparse.Namespace) -> Answer:
    from crossres.datasets.cache.contents import cache_contents
    from crossres.datasets.cache.pruning import Bounds, chosen_entries, prune, to_prune

    contents = cache_contents(cache(options))
    bounds = Bounds(options.older_than, options.max_size)
    chosen = chosen_entries(contents, options.names)
    entries = to_prune(contents, chosen, bounds, time.time(), named=bool(options.names))
    pruned = prune(contents, entries, dry_run=options.dry_run)
    is_too_large = options.max_size is not None and pruned.left > options.max_size
    content = {
        "cache": str(contents.cache),
        "dry_run": options.dry_run,
        "removed": [entry_json(entry) for entry in pruned.removed],
        "in_use": [entry_json(entry) for entry in pruned.in_use],
        "bytes_removed": sum(entry.size for entry in pruned.removed),
        "bytes_left": pruned.left,
    }
    is_no = is_too_large or (options.names and pruned.in_use)
    return Answer(content, _lines(content, pruned, options), ANSWER_IS_NO if is_no else DONE)


def _lines(content: Any, pruned: Any, options: argparse.Namespace) -> Iterator[str]:
    from crossres.datasets.base.words import byte_words, counted

    yield from entry_lines(pruned.removed)
    if pruned.in_use:
        yield "in use, and so still there:"
        yield from entry_lines(pruned.in_use)
    entries = counted(len(pruned.removed), "entry", "entries")
    verb = "would remove" if options.dry_run else "removed"
    removed, left = byte_words(content["bytes_removed"]), byte_words(pruned.left)
    yield f"{verb} {entries} of {removed} from {content['cache']}; {left} left"
    if options.max_size is not None and pruned.left > options.max_size:
        yield f"that is more than {byte_words(options.max_size)}: what is left is in use or unnamed"


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    prune = command_parser(
        commands,
        "prune",
        _prune,
        "make room in the cache: remove what has not been used for long, or what was used longest "
        "ago, or what is named; without any of these what was left half-built and what no longer "
        "serves",
        "crossres cache prune --older-than 30 --max-size 20GiB --dry-run\n"
        "crossres cache prune mlr-viper\n"
        "crossres cache prune stores --older-than 7",
    )
    prune.add_argument(
        "names",
        nargs="*",
        default=[],
        metavar="NAME",
        help="only these: a data set, a name of `crossres cache list`, twins, stores, archives or "
        "leftovers",
    )
    prune.add_argument(
        "--older-than", type=days, metavar="DAYS", help="what was last used longer ago than that"
    )
    prune.add_argument(
        "--max-size",
        type=size,
        metavar="20GiB",
        help="then what was used longest ago, until no more than this is left in the cache",
    )
    prune.add_argument(
        "--dry-run", action="store_true", help="only say what would go, and how large it is"
    )
    add_cache(prune)
