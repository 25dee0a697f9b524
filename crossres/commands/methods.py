"""`crossres methods ...`."""

import argparse
from typing import Any

from crossres.answer import ANSWER_IS_NO, Answer
from crossres.arguments import command_group, command_parser


def _methods_list(_: argparse.Namespace) -> Answer:
    from crossres.methods.interface.registry import declaration, method_names

    methods = [declaration(name) for name in method_names()]
    fields = ("name", "title", "grade", "needs_rate", "reference")
    content = [{field: getattr(method, field) for field in fields} for method in methods]
    return Answer({"methods": content}, map(_line, methods))


def _line(method: Any) -> str:
    rates = ", is told the rates" if method.needs_rate else ""
    return f"{method.name:10} {method.title} ({method.grade}{rates}). {method.reference}"


def _methods_check(options: argparse.Namespace) -> Answer:
    from crossres.methods import MethodCheckError, check_method

    try:
        checks = check_method(options.method)
    except MethodCheckError as error:
        content = {"method": options.method, "passed": False, "reason": str(error)}
        return Answer(content, [f"{options.method} does not conform: {error}"], ANSWER_IS_NO)
    content = {"method": options.method, "passed": True, "checks": checks}
    return Answer(content, [f"{options.method} conforms: {', '.join(checks)}"])


def add_command(commands: Any) -> None:
    """Add the group of commands to the parser."""
    within = command_group(commands, "methods", "list methods, check that one conforms")
    command_parser(within, "list", _methods_list, "list the methods", "crossres methods list")
    check = command_parser(
        within,
        "check",
        _methods_check,
        "check that a method, ours or a plug-in's, keeps the promises of the interface",
        "crossres methods check msifla",
    )
    check.add_argument("method", metavar="NAME")
