"""What the commands share: exit codes, kinds of arguments, JSON answers, where data comes from."""

import argparse
import io
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

DONE, ANSWER_IS_NO, UNUSABLE_INPUT = 0, 1, 2
MOST_SEEDS = 10_000
LARGEST = 999_999_999  # whole number


def names(text: str) -> list[str]:
    """ "a,b" -> ["a", "b"]."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise argparse.ArgumentTypeError("expected one or more names with commas between them")
    return names


def seeds(text: str) -> list[int]:
    """ "0,1,2" or "0-4" -> integers."""
    return [seed for part in names(text) for seed in _range(part)]


def _range(text: str) -> range:
    first, _, last = text.partition("-")
    last = last or first
    if not (_is_whole(first) and _is_whole(last)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of seeds such as 0,1,2 or 0-4")
    found = range(int(first), int(last) + 1)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} counts down; write {last}-{first}")
    if len(found) > MOST_SEEDS:
        raise argparse.ArgumentTypeError(f"{text!r} are more than {MOST_SEEDS:,} seeds")
    return found


def whole(least: int) -> Callable[[str], int]:
    """The kind of argument that is a whole number from `least`."""

    def number(text: str) -> int:
        if not _is_whole(text) or int(text) < least:
            expected = f"a whole number from {least} to {LARGEST}"
            raise argparse.ArgumentTypeError(f"{text!r} is not {expected}")
        return int(text)

    return number


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= len(str(LARGEST))


def number(text: str) -> float:
    """ "0.5" -> 0.5, a finite number."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number such as 0.5")
    return value


def place(text: str) -> Path:
    """The path of a file or folder; "~" is the home folder, where a shell has not said so."""
    from datasets import places

    return places.place(text)


def command(
    commands: Any, name: str, command: Callable[[argparse.Namespace], int], about: str, example: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=about,
        description=about[0].upper() + about[1:] + ".",
        epilog="example:\n  " + example.replace("\n", "\n  "),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    parser.set_defaults(command=command)
    return parser


def group(commands: Any, name: str, about: str) -> Any:
    parser = commands.add_parser(name, help=about, description=about[0].upper() + about[1:] + ".")
    return parser.add_subparsers(title="commands", required=True, metavar="COMMAND")


def add_tables(parser: argparse.ArgumentParser, about: str) -> None:
    parser.add_argument("--table", action="append", metavar="TABLE", help=about)


def named_tables(options: argparse.Namespace) -> Any:
    """The tables that `--table` names, or None where it is not given."""
    from benchmark import load_table

    return [load_table(name) for name in options.table] if options.table else None


def add_source(parser: argparse.ArgumentParser) -> None:
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--data",
        type=place,
        metavar="ROOT",
        help="the folder that holds the raw folders, or one raw folder",
    )
    where.add_argument(
        "--source",
        choices=["twin"],
        default="twin",
        help="without --data: drawn data in the layout of the real sets (default)",
    )
    parser.add_argument(
        "--profile",
        default="quick",
        metavar="NAME|FILE",
        help="smoke, quick (default), paper, or the path of a profile file",
    )
    parser.add_argument(
        "--cache",
        type=place,
        metavar="DIR",
        help="twins and pixel stores (default: $CROSSRES_CACHE, else ~/.cache/crossres)",
    )


def print_json(content: dict[str, Any]) -> None:
    print(json.dumps(content, indent=1, allow_nan=False))


def print_content(content: str) -> None:
    """Print what is to be a file (`> FILE`): as UTF-8, whatever the console's encoding."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="")
    print(content, end="")


def source(options: argparse.Namespace, twin_size: str) -> Any:
    from datasets import Source

    return Source(root=options.data, size=twin_size)


def cache(options: argparse.Namespace) -> Path:
    from datasets import default_cache

    return options.cache or default_cache()
