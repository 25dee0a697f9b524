"""`crossres methods ...`."""

import argparse
from typing import Any

from crossres.arguments import ANSWER_IS_NO, DONE, command, group, print_json


def _methods_list(options: argparse.Namespace) -> int:
    from crossres.methods.interface.registry import method_class, method_names

    found = [method_class(name) for name in method_names()]
    if options.json:
        print_json(
            {
                "methods": [
                    {
                        "name": cls.name,
                        "title": cls.title,
                        "grade": cls.grade,
                        "needs_rate": cls.needs_rate,
                        "reference": cls.reference,
                    }
                    for cls in found
                ]
            }
        )
        return DONE
    for cls in found:
        told = ", is told the rates" if cls.needs_rate else ""
        print(f"{cls.name:10} {cls.title} ({cls.grade}{told}). {cls.reference}")
    return DONE


def _methods_check(options: argparse.Namespace) -> int:
    from crossres.methods import MethodCheckError, check_method

    try:
        checks = check_method(options.method)
    except MethodCheckError as error:
        if options.json:
            print_json({"method": options.method, "passed": False, "reason": str(error)})
        else:
            print(f"{options.method} does not conform: {error}")
        return ANSWER_IS_NO
    if options.json:
        print_json({"method": options.method, "passed": True, "checks": checks})
    else:
        print(f"{options.method} conforms: {', '.join(checks)}")
    return DONE


def add_command(commands: Any) -> None:
    within = group(commands, "methods", "list methods, check that one conforms")
    command(within, "list", _methods_list, "list the methods", "crossres methods list")
    check = command(
        within,
        "check",
        _methods_check,
        "check that a method, ours or a plug-in's, keeps the promises of the interface",
        "crossres methods check msifla",
    )
    check.add_argument("method", metavar="NAME")
