"""The reference of the command line, made from its parser: nothing of it is written twice."""

import argparse
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from crossres.cli import USES, _parser
from crossres.parser import commands_of
from tools.site.markdown import with_options_as_code
from tools.site.templates import rendered

COLUMNS = "88"  # of a usage: what a block of code holds beside the navigation


@dataclass(frozen=True)
class Argument:
    """What may stand on a command line: `--data ROOT`, and what it does, in Markdown."""

    name: str
    does: str


@dataclass(frozen=True)
class Command:
    """A section of the page; `examples` are lines as they are typed."""

    name: str
    does: str
    usage: str
    arguments: list[Argument]
    options: list[Argument]
    examples: str


def page() -> str:
    """Return the page: a section for each command, by what people do with it."""
    with _usages_of_width(COLUMNS):
        parser = _parser()
        top = commands_of(parser)
        uses = {
            use: [command for name in names for command in _commands(f"crossres {name}", top[name])]
            for use, names in USES.items()
        }
    commands = [command for below in uses.values() for command in below]
    shared = [o for o in commands[0].options if all(o in c.options for c in commands)]
    return rendered("commands.md.j2", uses=uses, shared=shared)


@contextmanager
def _usages_of_width(columns: str) -> Iterator[None]:
    """Let argparse, which asks the environment, fold its usages at this column."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = columns
    try:
        yield
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before


def _commands(name: str, parser: argparse.ArgumentParser) -> Iterator[Command]:
    """Yield the command, or those of the group."""
    below = commands_of(parser)
    for inner, command in below.items():
        yield from _commands(f"{name} {inner}", command)
    if not below:
        yield Command(
            name,
            with_options_as_code(parser.description or ""),
            _usage(parser),
            [Argument(_shown(action), _does(action)) for action in _positional(parser)],
            _options(parser),
            _examples(parser.epilog or ""),
        )


def _usage(parser: argparse.ArgumentParser) -> str:
    before = "usage: "
    return (
        parser.format_usage().strip().removeprefix(before).replace(f"\n{' ' * len(before)}", "\n")
    )


def _positional(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [action for action in parser._actions if not action.option_strings]


def _options(parser: argparse.ArgumentParser) -> list[Argument]:
    return [Argument(_shown(a), _does(a)) for a in parser._actions if a.option_strings]


def _shown(action: argparse.Action) -> str:
    """Return how it is typed: `-h`, `--help`; `--data ROOT`; `RESULTS`, `KEY ...`."""
    takes = _value(action)
    if not action.option_strings:
        return f"{takes} …" if action.nargs in ("*", "+") else takes
    return ", ".join(f"{name} {takes}".strip() for name in action.option_strings)


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    if action.metavar is None and action.choices is not None:
        return "|".join(map(str, action.choices))
    metavar = action.metavar or action.dest.upper()
    return metavar if isinstance(metavar, str) else " ".join(metavar)


def _does(action: argparse.Action) -> str:
    """Return its help, with what it leaves out: default, choices, whether it is required."""
    text = action.help or ""
    is_told = "default" in text or action.default in (None, False, "", [], argparse.SUPPRESS)
    parts = [with_options_as_code(text)]
    if action.metavar is not None and action.choices is not None:
        parts.append("one of " + ", ".join(f"`{choice}`" for choice in action.choices))
    if not is_told and action.option_strings and action.nargs != 0:
        default = action.default
        text = ",".join(map(str, default)) if isinstance(default, list) else default
        parts.append(f"default: `{text}`")
    if action.required and action.option_strings:
        parts.append("required")
    if isinstance(action, argparse._AppendAction):
        parts.append("may be given several times")
    return "; ".join(parts)


def _examples(epilog: str) -> str:
    _, is_there, examples = epilog.partition("example:\n")
    return re.sub(r"^  ", "", examples, flags=re.MULTILINE) if is_there else ""
