"""The reference of the Python door, made from its code: every name of `crossres.__all__`.

The code is read by griffe and not run, so that signatures stand as they were written: types by the
names that they have there, and what a name stands for below.
"""

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import griffe

import crossres
from tools.site.markdown import escaped
from tools.site.templates import rendered

REPOSITORY = Path(__file__).resolve().parents[2]
ROOMS = ("datasets", "methods", "benchmark", "reports")
TOPICS = {
    "crossres.benchmark.metrics": "Evaluating features",
    "crossres.benchmark.compare": "Evaluating features",
    "crossres.benchmark.gate": "The gate",
    "crossres.benchmark": "Tables, runs and records",
    "crossres.reports": "Tables, runs and records",
    "crossres.datasets": "Data",
    "crossres.methods.interface": "A method",
    "crossres.methods.shared": "Networks and their training",
    "crossres": "Everything else",
}
"""What a name belongs to, by the longest of these that its module begins with."""
ORDER = list(dict.fromkeys(TOPICS.values()))
NAMED = (griffe.Function, griffe.Class)
LINE = 84  # characters of a signature, before it has a line for each parameter


@dataclass(frozen=True)
class Member:
    """A function or property of a class."""

    name: str
    signature: str
    text: str


@dataclass(frozen=True)
class Entry:
    """The section of a name: its code, its docstring as Markdown, and what it refers to."""

    name: str
    kind: str
    signature: str
    text: str
    types: dict[str, str] = field(default_factory=dict)
    members: list[Member] = field(default_factory=list)
    inherits: list[str] = field(default_factory=list)


def page() -> str:
    """Return the page: a section for each public name, by what it belongs to."""
    with tempfile.TemporaryDirectory() as folder:
        package = _package(Path(folder))
        topics: dict[str, list[Entry]] = {topic: [] for topic in ORDER}
        for name in sorted(crossres.__all__, key=str.casefold):
            target = _resolved(package, name)
            topics[_topic(target.canonical_path)].append(_entry(name, target, package))
    return rendered("python.md.j2", topics={topic: e for topic, e in topics.items() if e})


def _package(folder: Path) -> griffe.Module:
    """Read crossres as an ordinary install has it: its rooms are folders of the package."""
    package = folder / "crossres"
    package.mkdir()
    for path in (REPOSITORY / "crossres").iterdir():
        (package / path.name).symlink_to(path)
    for room in ROOMS:
        (package / room).symlink_to(REPOSITORY / room)
    read = griffe.load(
        "crossres", search_paths=[folder], try_relative_path=False, allow_inspection=False
    )
    assert isinstance(read, griffe.Module)
    return read


def _resolved(package: griffe.Module, name: str) -> griffe.Object:
    member = package[name]
    return member.final_target if isinstance(member, griffe.Alias) else member


def _topic(path: str) -> str:
    begins = [module for module in TOPICS if f"{path}.".startswith(f"{module}.")]
    return TOPICS[max(begins, key=len)]


def _entry(name: str, target: griffe.Object, package: griffe.Module) -> Entry:
    text = _text(target)
    if isinstance(target, griffe.Function):
        types = _named_types(target, package)
        return Entry(name, "function", _signature(name, target), text, types)
    assert isinstance(target, griffe.Class)
    bases = [str(base).partition("[")[0] for base in target.bases]
    return Entry(
        name,
        "class",
        _signature(name, target),
        text,
        _named_types(target, package),
        list(_members(target)),
        [base for base in bases if base in crossres.__all__],
    )


def _signature(name: str, target: griffe.Function | griffe.Class) -> str:
    """Return `name(parameters) -> result`, on one line or with a line for each parameter."""
    parts: list[str] = []
    kind = griffe.ParameterKind
    keyword_only = False
    for parameter in target.parameters:
        if parameter.name in ("self", "cls"):
            continue
        if parameter.kind is kind.keyword_only and not keyword_only:
            keyword_only = True
            parts.append("*")
        stars = {kind.var_positional: "*", kind.var_keyword: "**"}.get(parameter.kind, "")
        keyword_only = keyword_only or stars == "*"
        typed = f"{stars}{parameter.name}"
        if parameter.annotation is not None:
            typed += f": {_quoted(parameter.annotation)}"
        if parameter.default is not None and not stars:
            equals = "=" if parameter.annotation is None else " = "
            typed += f"{equals}{_quoted(parameter.default)}"
        parts.append(typed)
    result = ""
    if isinstance(target, griffe.Function) and target.returns is not None:
        result = f" -> {_quoted(target.returns)}"
    line = f"{name}({', '.join(parts)}){result}"
    if len(line) <= LINE:
        return line
    return "\n".join([f"{name}(", *(f"    {part}," for part in parts), f"){result}"])


def _quoted(value: griffe.Expr | str) -> str:
    """Return code with the quotation marks that the code has."""
    text = str(value)
    return text if '"' in text else text.replace("'", '"')


def _members(target: griffe.Class) -> Iterator[Member]:
    """Yield the public functions and properties of a class that have a docstring of their own."""
    for name, member in target.members.items():
        if name.startswith("_") or member.is_alias or member.docstring is None:
            continue
        if isinstance(member, griffe.Function):
            yield Member(name, _signature(name, member), _text(member))
        elif isinstance(member, griffe.Attribute) and "property" in member.labels:
            yield Member(name, f"{name}: {member.annotation}", _text(member))


def _named_types(target: griffe.Function | griffe.Class, package: griffe.Module) -> dict[str, str]:
    """Return what types of ours are that the signatures name, and that have no section."""
    types: dict[str, str] = {}
    for path in _paths(target):
        name = path.rpartition(".")[2]
        if name in crossres.__all__ or name == target.name or not path.startswith("crossres."):
            continue
        named = _resolved(package, path.removeprefix("crossres."))
        if isinstance(named, griffe.Attribute):
            types[name] = f"`{_quoted(named.value or '')}`"
        elif isinstance(named, griffe.Class):
            types[name] = f"`{path}`: {_first_sentence(named)}"
    return types


def _first_sentence(target: griffe.Object) -> str:
    """Return what a docstring says first, as the end of a sentence."""
    text = " ".join(target.docstring.value.split()) if target.docstring else ""
    sentence = text.split(". ")[0].removesuffix(".")
    small = sentence if sentence[1:2].isupper() else f"{sentence[:1].lower()}{sentence[1:]}"
    return escaped(small)


def _paths(target: griffe.Function | griffe.Class) -> Iterator[str]:
    """Yield the whole names of the types in the signatures of a function, or of a class."""
    functions = [target]
    if isinstance(target, griffe.Class):
        yield from (base.canonical_path for base in target.bases if isinstance(base, griffe.Expr))
        functions += [m for m in target.members.values() if m.is_function and m.name[0] != "_"]
    for function in functions:
        returns = [function.returns] if isinstance(function, griffe.Function) else []
        for annotation in [*(p.annotation for p in function.parameters), *returns]:
            if isinstance(annotation, griffe.Expr):
                names = annotation.iterate(flat=True)
                yield from (n.canonical_path for n in names if isinstance(n, griffe.ExprName))


def _text(target: griffe.Object) -> str:
    """Return the docstring as Markdown; lines that hang below their first one are a list."""
    text = target.docstring.value if target.docstring else ""
    named = [p.name for p in target.parameters] if isinstance(target, NAMED) else []
    parts = _with_code(text, named).split("\n\n")
    return _linked("\n\n".join(map(_paragraph, parts)), target.name)


def _with_code(text: str, parameters: list[str]) -> str:
    """Mark as code what is told of parameters ("seeds: ..."), and names with underscores."""
    described = "|".join(map(re.escape, parameters)) or "(?!)"
    before_colon = r"(?=(?:[,;] \w+| \([^()]*\))*:)"
    names = re.compile(rf"(?<![\w`])((?:{described}){before_colon}|[a-z][a-z\d]*_\w+)(?![\w`])")
    pieces = re.split(r"(`[^`]*`|\"[^\"\n]*\")", text)
    return "".join(p if p[:1] in ("`", '"') else names.sub(r"`\1`", p) for p in pieces)


def _paragraph(part: str) -> str:
    if "\n " not in part:
        return escaped(part)
    items = re.split(r"\n(?! )", part)
    return "\n".join(f"- {escaped(' '.join(item.split()))}" for item in items)


def _linked(text: str, own: str) -> str:
    """Lead names of the door to their sections."""
    names = "|".join(re.escape(name) for name in crossres.__all__ if name != own)
    return re.sub(rf"`({names})`", lambda name: f"[{name[0]}](#{name[1].lower()})", text)
