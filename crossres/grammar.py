"""What the commands share: exit codes, kinds of arguments, JSON answers, where data comes from."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

DONE, ANSWER_IS_NO, UNUSABLE_INPUT = 0, 1, 2


def names(text: str) -> list[str]:
    """ "a,b" -> ["a", "b"]."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise argparse.ArgumentTypeError("expected one or more names with commas between them")
    return names


def seeds(text: str) -> list[int]:
    """ "0,1,2" or "0-4" -> integers."""
    seeds: list[int] = []
    try:
        for part in names(text):
            first, _, last = part.partition("-")
            seeds += range(int(first), int(last or first) + 1)
    except ValueError:
        seeds = []
    if not seeds:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of seeds such as 0,1,2 or 0-4")
    return seeds


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1")
    return int(text)


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
        type=Path,
        metavar="ROOT",
        help="the folder that holds the raw folders, or one raw folder",
    )
    where.add_argument(
        "--source",
        choices=["twin"],
        default="twin",
        help="without --data: drawn data in the layout of the real sets (default)",
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
        type=Path,
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


def source(options: argparse.Namespace, twin_size: str) -> Any:
    from datasets import InputError, Source

    # Commands that only look at data have no options to admit it.
    admitted = {name: getattr(options, name, False) for name in ("partial", "other_sizes")}
    if any(admitted.values()) and options.data is None:
        raise InputError("--partial and --other-sizes belong to --data; a twin needs neither")
    return Source(root=options.data, size=twin_size, **admitted)


def cache(options: argparse.Namespace) -> Path:
    from datasets import default_cache

    return options.cache or default_cache()
