"""The command line as a whole: its parser, its exit codes, and errors in one line."""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence

from crossres.grammar import ANSWER_IS_NO, DONE, UNUSABLE_INPUT
from crossres.of_datasets import add_datasets
from crossres.of_embeddings import add_embed
from crossres.of_gate import add_gate
from crossres.of_methods import add_methods
from crossres.of_results import add_results


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns 0 (done), 1 (ran, the answer is no) or 2 (unusable input)."""
    logging.basicConfig(format="crossres: %(message)s", level=logging.WARNING)
    from datasets import InputError

    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except InputError as error:
        print(f"crossres: {error}", file=sys.stderr)
        return UNUSABLE_INPUT
    except KeyboardInterrupt:
        print("crossres: interrupted; nothing half-written is left", file=sys.stderr)
        return ANSWER_IS_NO
    except BrokenPipeError:
        # The reader of our output went away (`crossres ... | head`): that is its good right.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="crossres",
        description="Cross-resolution person re-identification under one protocol: build MLR data, "
        "run methods, fill result tables, evaluate embeddings.",
        epilog="exit codes: 0 done; 1 ran, and the answer is no (a failed cell, a regression); "
        "2 unusable input",
    )
    parser.add_argument("--version", action="version", version=f"crossres {_version()}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    add_datasets(commands)
    add_methods(commands)
    add_results(commands)
    add_gate(commands)
    add_embed(commands)
    return parser


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("crossres")
    except PackageNotFoundError:
        return "from a source tree"
