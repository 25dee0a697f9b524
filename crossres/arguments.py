"""What the commands share: kinds of arguments, parsers, and where data comes from."""

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from crossres.answer import Answer
from crossres.parser import HelpFormatter

MOST = 100_000  # of what is counted: jobs, repetitions
NAME_OR_FILE = "a data set, or the definition of one of your own"  # help of an argument
DIGITS = 12  # of a whole number on the command line


def names(text: str) -> list[str]:
    """Parse "a,b" into ["a", "b"]."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise argparse.ArgumentTypeError("expected one or more names with commas between them")
    return names


def seeds(text: str) -> list[int]:
    """Parse "0,1,2" or "0-4" into seeds."""
    from crossres.datasets.base.bounds import SEEDS, checked_seeds
    from crossres.datasets.base.errors import InputError

    numbers: list[int] = []
    for part in names(text):
        first, is_range, last = part.partition("-")
        start, stop = _number(first), _number(last if is_range else first)
        if start is None or stop is None or stop < start:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a list of seeds such as 0,1,2 or 0-4"
            )
        numbers += range(start, min(stop, start + SEEDS) + 1)  # one too many is refused below
    try:
        return list(checked_seeds(numbers, text))
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _number(text: str) -> int | None:
    """Return the number that a few digits stand for; None for any other text."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= DIGITS else None


def seed(text: str) -> int:
    """Parse one seed."""
    first, *more = seeds(text)
    if more:
        raise argparse.ArgumentTypeError(f"{text!r} is not one seed")
    return first


def positive(text: str) -> int:
    """Parse a number from 1 to MOST."""
    number = _number(text)
    if number is None or not 1 <= number <= MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MOST}")
    return number


def finite(text: str) -> float:
    """Parse a number that is finite."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"{text!r} is not a finite number")
    return number


def minutes(text: str) -> float:
    """Parse a number of minutes that is not negative."""
    number = finite(text)
    if number < 0.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of minutes")
    return number


def user_path(text: str) -> Path:
    """Parse a path; "~" is the home folder, even where no shell expands it."""
    from crossres.datasets.base import places

    return places.user_path(text)


def command_parser(
    commands: Any,
    name: str,
    command: Callable[[argparse.Namespace], Answer | str],
    summary: str,
    example: str,
) -> argparse.ArgumentParser:
    """Add a command, which returns its answer, or the content of a file for `> FILE`."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=_sentence(summary),
        epilog="example:\n  " + example.replace("\n", "\n  "),
        formatter_class=HelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    parser.set_defaults(command=command)
    return parser


def command_group(commands: Any, name: str, summary: str) -> Any:
    """Add a group, `crossres NAME ...`, and return what its commands are added to."""
    parser = commands.add_parser(name, help=summary, description=_sentence(summary))
    return add_subcommands(parser, title="commands")


def _sentence(summary: str) -> str:
    end = "" if summary.endswith("?") else "."
    return f"{summary[0].upper()}{summary[1:]}{end}"


def add_subcommands(parser: argparse.ArgumentParser, **settings: Any) -> Any:
    """Add commands below a parser, which prints its help where none of them is given."""
    parser.set_defaults(command=lambda _: parser.format_help())
    return parser.add_subparsers(metavar="COMMAND", prog=parser.prog, **settings)


def add_tables(parser: argparse.ArgumentParser, description: str) -> None:
    """Add `--table`, which may be given several times."""
    parser.add_argument("--table", action="append", metavar="TABLE", help=description)


def named_tables(options: argparse.Namespace) -> Any:
    """Load the tables that `--table` names; None where it is not given."""
    from crossres.benchmark import load_table

    return [load_table(name) for name in options.table] if options.table else None


def add_source(parser: argparse.ArgumentParser) -> None:
    """Add the options of data, profile and cache."""
    parser.add_argument(
        "--data",
        type=user_path,
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
        type=user_path,
        metavar="DIR",
        help="twins and pixel stores (default: $CROSSRES_CACHE, else ~/.cache/crossres)",
    )


def add_admitted(parser: argparse.ArgumentParser) -> None:
    """Add the options that admit raw folders unlike their card."""
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


def add_model(parser: argparse.ArgumentParser, group: Any, default: str = "") -> None:
    """Add a network that others trained: its name (into `group`), its weights and its parts."""
    group.add_argument(
        "--model",
        metavar="NAME",
        help="a network as others trained it: efficientnet-lite0, timm:NAME, torchvision:NAME, or "
        "one released for re-identification: torchreid:NAME, transreid:NAME, clipreid:NAME, "
        "solider:NAME" + default,
    )
    files = parser.add_mutually_exclusive_group()
    files.add_argument(
        "--weights-file",
        type=user_path,
        metavar="FILE",
        help="of a --model released for re-identification: its file, as its authors gave it out",
    )
    files.add_argument(
        "--weights-dir",
        type=user_path,
        metavar="DIR",
        help="of --model: a folder with its weights (default: its package, or fetched)",
    )
    parser.add_argument(
        "--parts",
        type=positive,
        metavar="N",
        help="of --model: horizontal parts of its last map (default: 4, or what the authors of a "
        "released one compare)",
    )


def frozen_model(options: argparse.Namespace, default: str | None = None) -> Any:
    """Return the FrozenModel that `add_model` asked for; None where none is, and no default."""
    from crossres.benchmark.runs.embed import FrozenModel
    from crossres.datasets import InputError

    name = options.model or default
    if name is not None:
        if options.weights_file is None:
            return FrozenModel(name, options.weights_dir, options.parts)
        file: Path = options.weights_file
        return FrozenModel(name, file.parent, options.parts, file.name)
    for option in ("weights_dir", "weights_file", "parts"):
        if getattr(options, option) is not None:
            raise InputError(f"--{option.replace('_', '-')} belongs to --model")
    return None


def add_method(parser: argparse.ArgumentParser) -> None:
    """Add the file of a method that is in no package."""
    parser.add_argument(
        "--method",
        metavar="FILE.py:Class",
        help="the method of the weights, where it is in a file of your own",
    )


def method_sources_for(weights: Any, method: str | None) -> Any:
    """Return the sources of the method of the weights, where it is in a file; else None.

    The file is `method` (`FILE.py:Class`), or the one that a results folder keeps. `weights`: a
    folder, or a FrozenModel, which has none.
    """
    from crossres.datasets import InputError
    from crossres.methods.interface.method import read_description
    from crossres.methods.interface.registry import method_sources, register_method

    if not isinstance(weights, Path):
        if method is not None:
            raise InputError(
                "--method is the code of weights: name these with --weights, or leave --method out"
            )
        return None
    name = read_description(weights)["method"]
    if method is None:
        return method_sources(name)
    kept = register_method(method)
    if kept.name != name:
        raise InputError(
            f"{method}: is called {kept.name!r}, and {weights} holds the weights of {name!r}; name "
            "the file of that one"
        )
    return method_sources(name)


def source(options: argparse.Namespace, twin_size: str) -> Any:
    """Return the raw data that the options name: real data in `--data`, or twins of this size."""
    from crossres.datasets import InputError, Source

    # Commands that only look at data have no options to admit it.
    admitted = {name: getattr(options, name, False) for name in ("partial", "other_sizes")}
    if any(admitted.values()) and options.data is None:
        raise InputError(
            "--partial and --other-sizes belong to --data; a twin needs neither, nor does a data "
            "set of your own, whose file says what may be missing (`ignore`)"
        )
    return Source(root=options.data, size=twin_size, **admitted)


def dataset(options: argparse.Namespace) -> Any:
    """Return the data set that is named: an id, or the card of a definition of the user's."""
    from crossres.datasets.own.definition import named_set

    return named_set(options.dataset)


def cache(options: argparse.Namespace) -> Path:
    """Return the folder for twins and pixel stores."""
    from crossres.datasets import default_cache

    return options.cache or default_cache()
