"""The command line as a whole: its parser, its exit codes, and errors in one line."""

import argparse
import logging
import sys
from collections.abc import Callable, Iterator, Sequence

from crossres.answer import ANSWER_IS_NO, DONE, UNUSABLE_INPUT, Answer, print_file
from crossres.arguments import add_subcommands
from crossres.commands import (
    baseline,
    check,
    claims,
    clean,
    completion,
    doctor,
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
    tables,
    view,
)
from crossres.commands import run as run_table
from crossres.commands.cache import group as cache_group
from crossres.commands.datasets import group as datasets_group
from crossres.completion import ASKED
from crossres.completion import answer as completed
from crossres.faults import show_fault
from crossres.interrupts import ended_like_control_c
from crossres.parser import HelpFormatter, Parser
from crossres.streams import lenient_streams

ADD = (
    doctor.add_command, tables.add_command, methods.add_command, datasets_group.add_group,
    run_table.add_command, status.add_command, retry.add_command,
    report.add_command, view.add_command, claims.add_command, show.add_command,
    baseline.add_command, check.add_command, power.add_command,
    evaluate.add_command, embed.add_command, search.add_command, export.add_command,
    merge.add_command, clean.add_command, cache_group.add_group, completion.add_command,
)  # fmt: skip
# Every command by what people do with it, in the order in which they need it.
USES = {
    "Begin": {
        "doctor": "whether this machine is ready: versions, device, extras, LaTeX",
        "tables": "the result tables that can be filled",
        "methods": "the methods; begin one of your own, check that it conforms",
        "datasets": "the data sets; get, verify, build and export them, draw twins",
    },
    "Run": {
        "run": "fill a result table and write its report",
        "status": "how far a results folder is, also during a run",
        "retry": "run failed cells again",
    },
    "Look at results": {
        "report": "HTML, LaTeX and CSV; folders compared, or all on one page",
        "view": "the report in a browser, following a run that goes on",
        "claims": "what the paper says, and what these records say",
        "show": "one cell: how it was made, its numbers, the command to repeat it",
    },
    "Guard results": {
        "baseline": "the file that later results are checked against",
        "check": "the gate for CI: are results what the baseline says",
        "power": "how many seeds find a drop, and what they cost",
    },
    "Bring your own": {
        "evaluate": "metrics of features from any code base",
        "embed": "features of your images",
        "search": "look for people in a folder of crops",
        "export": "a trained method as an ONNX file",
    },
    "Housekeeping": {
        "merge": "several results folders as one",
        "clean": "remove what serves nobody from a results folder",
        "cache": "what lies in the cache; make room in it",
        "completion": "completion for bash, zsh and fish",
    },
}


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns 0 (done), 1 (ran, the answer is no) or 2 (unusable input)."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    with lenient_streams() as output, ended_like_control_c():
        if words[:1] == [ASKED]:
            print(completed(words[1:], _parser), end="")
            return DONE
        code = _code(words)
        sys.stdout.flush()
        if output.fault:
            return show_fault(f"standard output cannot be written ({output.fault})", UNUSABLE_INPUT)
        return code


def _code(words: Sequence[str]) -> int:
    logging.basicConfig(format="crossres: %(message)s", level=logging.WARNING)
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # its advice is about its own settings
    from crossres.datasets import InputError

    try:
        options = _parser().parse_args(words)
        command: Callable[[argparse.Namespace], Answer | str] = options.command
        answer = command(options)
        if isinstance(answer, str):
            print_file(answer)
            return DONE
        answer.print(options.json)
        return answer.code
    except InputError as error:
        return show_fault(str(error), UNUSABLE_INPUT, words)
    except OSError as error:
        path = f"{error.filename}: " if error.filename else ""
        text = f"{path}{error.strerror or error}; check the place and its permissions"
        return show_fault(text, UNUSABLE_INPUT, words, error.filename and str(error.filename))
    except KeyboardInterrupt:
        return show_fault("interrupted; nothing half-written is left", ANSWER_IS_NO, words)


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
        usage="crossres [-h] [--version] COMMAND ...",
        description="Cross-resolution person re-identification under one protocol: build MLR data, "
        "run methods, fill result tables, evaluate embeddings.",
        epilog="\n".join(_epilog()),
        formatter_class=HelpFormatter,
    )
    parser.add_argument("--version", action=_Version)
    commands = add_subcommands(parser, help=argparse.SUPPRESS)
    for add in ADD:
        add(commands)
    return parser


def _epilog() -> Iterator[str]:
    """Yield the commands by use, and what their exit codes mean."""
    for use, commands in USES.items():
        yield f"{use}:"
        yield from (f"  {name:10}  {does}" for name, does in commands.items())
        yield ""
    yield "crossres COMMAND --help says more, with an example."
    yield "exit codes: 0 done; 1 ran, and the answer is no (a failed cell, a regression);"
    yield "2 unusable input"
