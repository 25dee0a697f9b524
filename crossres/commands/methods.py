"""`crossres methods ...`."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from crossres.answer import ANSWER_IS_NO, DONE, Answer
from crossres.arguments import command_group, command_parser, user_path
from crossres.signs import signs_of
from crossres.wrapping import wrapped

FIELDS = ("name", "title", "grade", "needs_rate", "reference")
# The pages of methods that have none of their own name.
PAGES = {"msifla": "msifla", "pcb-pri": "methods/pri", "frozen-vpfa": "methods/frozen"}


def _methods_list(_: argparse.Namespace) -> Answer:
    from crossres.methods.interface.registry import declaration, method_names

    methods = [declaration(name) for name in method_names()]
    content = [{field: getattr(method, field) for field in FIELDS} for method in methods]
    return Answer({"methods": content}, map(_line, methods))


def _line(method: Any) -> str:
    rates = ", is told the rates" if method.needs_rate else ""
    return f"{method.name:10} {method.title} ({method.grade}{rates}). {method.reference}"


def _methods_show(options: argparse.Namespace) -> Answer:
    from crossres.methods.interface.method_files import is_file_spec
    from crossres.methods.interface.registry import declaration, register_method

    in_file = is_file_spec(options.method)
    name = register_method(options.method).name if in_file else options.method
    declared = declaration(name)
    content = {
        **{field: getattr(declared, field) for field in FIELDS},
        "uses_backbone": declared.uses_backbone,
        "page": _page(name),
        "options": list(_options_json(declared)),
        "profiles": _set_by_profiles(declared),
        "tables": _tables_with(name),
    }
    return Answer(content, _show_lines(declared, content))


def _page(name: str) -> str | None:
    """Return the page of the documentation about one of our methods."""
    from crossres.methods.interface.registry import METHODS

    return f"docs/{PAGES.get(name, f'methods/{name}')}.md" if name in METHODS else None


def _options_json(declared: Any) -> Iterator[dict[str, Any]]:
    """Yield each option: its default, what it may be, and its kind."""
    from dataclasses import fields

    from crossres.datasets.base.build import hints_of
    from crossres.methods.interface.option_kinds import kind_of
    from crossres.methods.interface.options import options_as_json

    defaults = options_as_json(declared.Options())
    hints = hints_of(declared.Options)
    for field in fields(declared.Options):
        yield {
            "name": field.name,
            "default": defaults.get(field.name, field.default),
            "values": _values(hints[field.name]),
            "kind": kind_of(declared, field.name),
        }


def _set_by_profiles(declared: Any) -> dict[str, dict[str, Any]]:
    """Return by built-in profile the options of the method to which it gives another default."""
    from crossres.benchmark.config.profiles import load_profile, profile_names

    profiles = {name: load_profile(name) for name in profile_names()}
    by_profile = {
        name: profile.overrides(declared.name, declared.Options)
        for name, profile in profiles.items()
    }
    return {name: values for name, values in by_profile.items() if values}


def _values(hint: Any) -> str:
    """Return what a value of this type may be: "3 | 4", "integer", "list of numbers"."""
    from typing import Literal, get_args, get_origin

    kinds = {bool: "true | false", int: "integer", float: "number", str: "text", dict: "table"}
    if get_origin(hint) is Literal:
        return " | ".join(map(str, get_args(hint)))
    if get_origin(hint) is tuple:
        return f"list of {_values(get_args(hint)[0])}s"
    if get_args(hint):  # a union; what may be left out is null
        names = [_values(member) for member in get_args(hint) if member is not type(None)]
        return " | ".join([*names, *(["null"] if type(None) in get_args(hint) else [])])
    return kinds.get(hint, getattr(hint, "__name__", str(hint)))


def _tables_with(name: str) -> list[str]:
    """Return the ids of the built-in tables that have a row of the method."""
    from crossres.benchmark.config.tables import built_in_tables

    return [t.id for t in built_in_tables() if any(row.method == name for row in t.lines)]


def _show_lines(declared: Any, content: Any) -> Iterator[str]:
    yield f"{declared.name}: {declared.title}"
    rates = "is told the rates of test images" if declared.needs_rate else "sees pixels alone"
    facts = {
        "paper": declared.reference,
        "grade": declared.grade,
        "test": rates,
        "network": "" if declared.uses_backbone else "none of the profile's",
        "page": content["page"] or "",
        "tables": ", ".join(content["tables"]) or "none of the built-in ones",
    }
    for name, text in facts.items():
        yield from wrapped(text, f"  {name:7}  ", " " * 11)
    yield ""
    yield from _option_lines(content["options"])
    for profile, values in content["profiles"].items():
        named = (f"{k} = {json.dumps(v, ensure_ascii=False)}" for k, v in values.items())
        yield from wrapped(", ".join(named), f"profile {profile}: ", "    ")
    for text in _docstrings(declared.Options):
        yield ""
        yield from _reflowed(text)


def _option_lines(options: Sequence[Any]) -> Iterator[str]:
    """Lay the options out: name, default, kind, what it may be."""
    if not options:
        yield "no options"
        return
    cells = [
        (o["name"], json.dumps(o["default"], ensure_ascii=False), o["kind"], o["values"])
        for o in options
    ]
    heads = ("OPTION", "DEFAULT", "KIND", "VALUES")
    name, default, kind, _ = (max(map(len, column)) for column in zip(heads, *cells, strict=True))
    for texts in (heads, *cells):
        first = f"{texts[0]:{name}}  {texts[1]:{default}}  {texts[2]:{kind}}  "
        yield from wrapped(texts[3], first, " " * len(first))


def _docstrings(options: type) -> list[str]:
    """Return what the classes of the options say of them, the method's own first."""
    from dataclasses import is_dataclass
    from inspect import cleandoc

    classes = [cls for cls in options.__mro__ if is_dataclass(cls)]
    texts = {cls.__name__: vars(cls).get("__doc__") or "" for cls in classes}
    # A dataclass without a docstring has its signature as one.
    own = (text for name, text in texts.items() if not text.startswith(f"{name}("))
    return [cleandoc(text) for text in own if text]


def _reflowed(text: str) -> Iterator[str]:
    """Yield a docstring as wide as the terminal; what goes on from the line above is indented."""
    entries: list[str] = []
    indented = False
    for line in text.splitlines():
        goes_on = line.startswith(" ") or (entries and entries[-1] and line and not indented)
        indented = indented or line.startswith(" ")
        if goes_on and entries:
            entries[-1] += f" {line.strip()}"
        else:
            entries.append(line)
            indented = indented and bool(line)
    for entry in entries:
        yield from wrapped(entry, "", "    ") or [""]


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
    signs = signs_of(encoding)
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


def add_command(commands: Any) -> None:
    """Add the group of commands to the parser."""
    within = command_group(
        commands,
        "methods",
        "list methods, show one, begin one of your own, check that one conforms",
    )
    command_parser(within, "list", _methods_list, "list the methods", "crossres methods list")
    show = command_parser(
        within,
        "show",
        _methods_show,
        "show a method: its paper and grade, its options with their defaults, its tables",
        "crossres methods show msifla\ncrossres methods show my_method.py:MyMethod --json",
    )
    show.add_argument("method", metavar="NAME", help="its name, or FILE.py:Class")
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
