"""`crossres methods ...`."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from crossres.answer import ANSWER_IS_NO, DONE, Answer
from crossres.arguments import command_group, command_parser, user_path

SIGNS = {True: "✓", False: "✗", None: "–", "mend": "→"}


def _methods_list(_: argparse.Namespace) -> Answer:
    from crossres.methods.interface.registry import declaration, method_names

    methods = [declaration(name) for name in method_names()]
    fields = ("name", "title", "grade", "needs_rate", "reference")
    content = [{field: getattr(method, field) for field in fields} for method in methods]
    return Answer({"methods": content}, map(_line, methods))


def _line(method: Any) -> str:
    rates = ", is told the rates" if method.needs_rate else ""
    return f"{method.name:10} {method.title} ({method.grade}{rates}). {method.reference}"


def _methods_new(options: argparse.Namespace) -> Answer:
    from crossres.new_method import new_method

    written = new_method(options.name, options.out)
    folder = options.out / options.name
    steps = [
        f"cd {folder}",
        "pip install -e .",
        f"crossres methods check {options.name}",
        f"crossres run {options.name}.toml --profile smoke",
    ]
    content = {"method": options.name, "written": [str(path) for path in written], "next": steps}
    return Answer(content, [*(f"wrote {path}" for path in written), "go on with:", *steps])


def _methods_check(options: argparse.Namespace) -> Answer:
    from crossres.methods.interface.conformance import check_promises

    with redirect_stdout(sys.stderr):  # what the method prints is no part of the answer
        promises = check_promises(options.method)
    broken = [checked for checked in promises if checked.holds is False]
    halfway = {checked.promise.check for checked in promises if not checked.holds}
    content: dict[str, Any] = {
        "method": options.method,
        "passed": not halfway,
        "checks": [c for c in dict.fromkeys(p.promise.check for p in promises) if c not in halfway],
        "promises": [checked.as_json() for checked in promises],
    }
    if broken:
        content["reason"] = f"{broken[0].seen}; {broken[0].promise.remedy}"
    return Answer(
        content,
        _lines_of_check(options.method, promises, sys.stdout.encoding),
        ANSWER_IS_NO if halfway else DONE,
    )


def _lines_of_check(method: str, promises: Sequence[Any], encoding: str | None) -> Iterator[str]:
    """Say of each promise whether it is kept, of a broken one also how to mend it, and the sum."""
    signs = _signs(encoding)
    for checked in promises:
        text = checked.promise.text if checked.holds else checked.seen or checked.promise.text
        if checked.holds is None:
            text = f"{checked.promise.text}: {checked.seen.partition(':')[0]}"
        yield f"{signs[checked.holds]} {checked.promise.check}: {text}"
        if checked.holds is False:
            yield f"  {signs['mend']} {checked.promise.remedy}"
    broken = sum(checked.holds is False for checked in promises)
    unknown = sum(checked.holds is None for checked in promises)
    if not broken:
        yield f"{method} conforms: it keeps all {len(promises)} promises"
        return
    rest = f", and {unknown} could not be checked because of that" if unknown else ""
    verb = "is" if broken == 1 else "are"
    yield f"{method} does not conform: {broken} of {len(promises)} promises {verb} broken{rest}"


def _signs(encoding: str | None) -> dict[Any, str]:
    """Return the signs of kept, broken, unknown and "mend it so", as far as they can be printed."""
    if not _can_print("".join(SIGNS.values()), encoding or "utf-8"):  # None: a text in memory
        return {True: "ok  ", False: "FAIL", None: "?   ", "mend": "->"}
    return SIGNS


def _can_print(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def add_command(commands: Any) -> None:
    """Add the group of commands to the parser."""
    within = command_group(
        commands, "methods", "list methods, begin one of your own, check that one conforms"
    )
    command_parser(within, "list", _methods_list, "list the methods", "crossres methods list")
    check = command_parser(
        within,
        "check",
        _methods_check,
        "check that a method, ours or your own, keeps the promises of the interface",
        "crossres methods check msifla\ncrossres methods check my_method.py:MyMethod",
    )
    new = command_parser(
        within,
        "new",
        _methods_new,
        "write a small package with a method of your own, to begin with",
        "crossres methods new my-method\ncrossres methods new my-method --out ~/code",
    )
    new.add_argument("name", metavar="NAME", help="small letters, digits and hyphens")
    new.add_argument(
        "--out",
        type=user_path,
        default=Path(),
        metavar="DIR",
        help="where to make the folder NAME (default: here)",
    )
    check.add_argument("method", metavar="NAME", help="its name, or FILE.py:Class")
