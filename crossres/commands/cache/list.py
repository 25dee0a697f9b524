"""`crossres cache list`."""

import argparse
from collections.abc import Iterator
from typing import Any

from crossres.answer import Answer
from crossres.arguments import cache, command_parser
from crossres.commands.cache.entries import add_cache, entry_json, entry_lines


def _list(options: argparse.Namespace) -> Answer:
    from crossres.datasets.cache.contents import cache_contents

    contents = cache_contents(cache(options))
    return Answer(
        {
            "cache": str(contents.cache),
            "bytes": contents.size,
            "entries": [entry_json(entry) for entry in contents.entries],
            "foreign": [str(path) for path in contents.foreign],
        },
        _lines(contents),
    )


def _lines(contents: Any) -> Iterator[str]:
    from crossres.datasets.base.words import byte_words, counted

    yield from entry_lines(contents.entries)
    entries = counted(len(contents.entries), "entry", "entries")
    yield f"{entries} of {byte_words(contents.size)} in {contents.cache}"
    if contents.foreign:
        yield f"not made by crossres, and left alone: {', '.join(map(str, contents.foreign))}"


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    add_cache(
        command_parser(
            commands,
            "list",
            _list,
            "twins, pixel stores, unpacked archives and half-built leftovers: how large each is, "
            "and when it was last used (UTC)",
            "crossres cache list\ncrossres cache list --json",
        )
    )
