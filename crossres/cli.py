"""The command line as a whole: its parser, its exit codes, and errors in one line."""

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from crossres.answer import ANSWER_IS_NO, DONE, UNUSABLE_INPUT, Answer, print_file
from crossres.commands import (
    baseline,
    check,
    claims,
    clean,
    embed,
    evaluate,
    export,
    merge,
    methods,
    power,
    report,
    retry,
    search,
    show,
    status,
)
from crossres.commands import run as run_table
from crossres.commands.cache import group as cache_group
from crossres.commands.datasets import group as datasets_group
from crossres.parser import Parser
from crossres.streams import lenient_streams

COMMANDS = (
    methods, run_table, report, claims, evaluate, baseline, check, power, embed,
    search, export, status, retry, show, merge, clean,
)  # fmt: skip


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns 0 (done), 1 (ran, the answer is no) or 2 (unusable input)."""
    with lenient_streams() as output, ended_like_control_c():
        code = _code(arguments)
        sys.stdout.flush()
        if output.fault:
            return _refused(f"standard output cannot be written ({output.fault})")
        return code


def _code(arguments: Sequence[str] | None) -> int:
    logging.basicConfig(format="crossres: %(message)s", level=logging.WARNING)
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # its advice is about its own settings
    from crossres.datasets import InputError

    try:
        options = _parser().parse_args(arguments)
        command: Callable[[argparse.Namespace], Answer | str] = options.command
        answer = command(options)
        if isinstance(answer, str):
            print_file(answer)
            return DONE
        answer.print(options.json)
        return answer.code
    except InputError as error:
        return _refused(str(error))
    except OSError as error:
        path = f"{error.filename}: " if error.filename else ""
        return _refused(f"{path}{error.strerror or error}; check the place and its permissions")
    except KeyboardInterrupt:
        print("crossres: interrupted; nothing half-written is left", file=sys.stderr)
        return ANSWER_IS_NO


def _refused(text: str) -> int:
    print(f"crossres: {text}", file=sys.stderr)
    return UNUSABLE_INPUT


@contextmanager
def ended_like_control_c() -> Iterator[None]:
    """End on SIGTERM and SIGHUP as on Ctrl-C: no worker and no half-written file is left behind.

    A signal that is ignored (`nohup`) stays ignored. Only the main thread may set handlers.
    """
    numbers = [getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP")]
    if threading.current_thread() is not threading.main_thread():
        numbers = []
    default = [n for n in numbers if n is not None and signal.getsignal(n) is signal.SIG_DFL]
    for number in default:
        signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number in default:
            signal.signal(number, signal.SIG_DFL)


def _interrupt(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt


class _Version(argparse.Action):
    """Prints the version, which only this option has to look up."""

    def __init__(self, option_strings: Sequence[str], dest: str) -> None:
        text = "show program's version number and exit"
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, help=text)

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        del namespace, values, option_string
        from crossres.datasets.base.version import own_version

        print(f"crossres {own_version()}")
        parser.exit()


def _parser() -> Parser:
    parser = Parser(
        prog="crossres",
        description="Cross-resolution person re-identification under one protocol: build MLR data, "
        "run methods, fill result tables, evaluate embeddings.",
        epilog="exit codes: 0 done; 1 ran, and the answer is no (a failed cell, a regression); "
        "2 unusable input",
    )
    parser.add_argument("--version", action=_Version)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    datasets_group.add_group(commands)
    cache_group.add_group(commands)
    for module in COMMANDS:
        module.add_command(commands)
    return parser
