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
MOST = 100_000  # of what is counted: jobs, repetitions
DIGITS = 12  # of a whole number on the command line


def names(text: str) -> list[str]:
    """ "a,b" -> ["a", "b"]."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise argparse.ArgumentTypeError("expected one or more names with commas between them")
    return names


def seeds(text: str) -> list[int]:
    """ "0,1,2" or "0-4" -> integers."""
    from crossres.datasets.base.bounds import SEEDS, checked_seeds
    from crossres.datasets.base.errors import InputError

    found: list[int] = []
    for part in names(text):
        first, is_range, last = part.partition("-")
        start, stop = _number(first), _number(last if is_range else first)
        if start is None or stop is None or stop < start:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a list of seeds such as 0,1,2 or 0-4"
            )
        found += range(start, min(stop, start + SEEDS) + 1)  # one too many is refused below
    try:
        return list(checked_seeds(found, text))
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _number(text: str) -> int | None:
    """The number that a few digits stand for; None for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= DIGITS else None


def seed(text: str) -> int:
    """One seed."""
    (only, *others) = seeds(text)
    if others:
        raise argparse.ArgumentTypeError(f"{text!r} is not one seed")
    return only


def positive(text: str) -> int:
    """A number from 1 to MOST."""
    number = _number(text)
    if number is None or not 1 <= number <= MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MOST}")
    return number


def finite(text: str) -> float:
    """A number that is not infinite."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"{text!r} is not a finite number")
    return number


def place(text: str) -> Path:
    """The path of a file or folder; "~" is the home folder, where a shell has not said so."""
    from crossres.datasets.base import places

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
    from crossres.benchmark import load_table

    return [load_table(name) for name in options.table] if options.table else None


def add_source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data",
        type=place,
        metavar="ROOT",
        help="the folder that holds the raw folders, or one raw folder (default: twins, drawn data "
        "in the layout of the real sets)",
    )
    add_admitted(parser)
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


def add_admitted(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--partial",
        action="store_true",
        help="of --data: take a folder whose counts are not those of the data set, too; what is "
        "made of it is marked as partial data",
    )
    parser.add_argument(
        "--other-sizes",
        action="store_true",
        help="of --data: take one with images of other sizes, too (down-sampled already, say)",
    )


def print_json(content: dict[str, Any]) -> None:
    print(json.dumps(content, indent=1, allow_nan=False))


def print_content(content: str) -> None:
    """Print what is to be a file (`> FILE`): as UTF-8, whatever the console's encoding."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="")
    print(content, end="")


def source(options: argparse.Namespace, twin_size: str) -> Any:
    from crossres.datasets import InputError, Source

    # Commands that only look at data have no options to admit it.
    admitted = {name: getattr(options, name, False) for name in ("partial", "other_sizes")}
    if any(admitted.values()) and options.data is None:
        raise InputError("--partial and --other-sizes belong to --data; a twin needs neither")
    return Source(root=options.data, size=twin_size, **admitted)


def cache(options: argparse.Namespace) -> Path:
    from crossres.datasets import default_cache

    return options.cache or default_cache()
