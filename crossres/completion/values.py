"""The values of arguments: names that crossres knows, rows of a table, keys of records, paths.

Names are read from where they stand without importing it: a TAB must not wait for numpy.
"""

import argparse
import ast
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

from crossres.arguments import names as comma_list
from crossres.arguments import user_path

OF_FOLDERS = frozenset(("DIR", "ROOT", "RESULTS", "OTHER", "FOLDER", "WEIGHTS"))  # metavars
MOST_KEYS = 200  # no list of more of them helps
Given = Mapping[str, str]


@dataclass(frozen=True)
class Value:
    """What an argument may be, and a few words about it."""

    text: str
    about: str = ""


def values_of(action: argparse.Action, current: str, given: Given) -> tuple[list[Value], str]:
    """Return the values of an argument of which `current` is there, and which paths beside.

    `given` are the other arguments. In a list with commas, only its last entry is completed.
    """
    if action.choices is not None:
        return [Value(str(choice)) for choice in action.choices], ""
    metavar = str(action.metavar)
    if action.type is user_path or action.type is Path:
        return [], "folders" if metavar in OF_FOLDERS else "files"
    known, paths = VALUES.get(action.dest, (_none, ""))
    if metavar.startswith("FILE.py"):
        return [], "files"
    possible = list(known(given))
    if action.type is not comma_list:
        return possible, paths
    before, comma, _ = current.rpartition(",")
    taken = before.split(",")
    entries = (value for value in possible if value.text not in taken)
    return [Value(f"{before}{comma}{value.text}", value.about) for value in entries], paths


# --- names that crossres knows --------------------------------------------------------------------


def tables(_: Given) -> Iterator[Value]:
    """Yield the built-in tables."""
    for name, content in _files_of("benchmark", "tables").items():
        if "rows" in content:  # else it is a file of claims
            yield Value(name, str(content.get("title", "")))


def profiles(_: Given) -> Iterator[Value]:
    """Yield the built-in profiles."""
    return (Value(name) for name in _files_of("benchmark", "profiles"))


def datasets(_: Given) -> Iterator[Value]:
    """Yield the data sets that have a card."""
    cards = _toml(_folder("datasets") / "cards.toml")
    return (Value(name, str(card["title"])) for name, card in cards.items())


def methods(_: Given) -> Iterator[Value]:
    """Yield our methods, then those of plug-ins."""
    from importlib.metadata import entry_points

    ours = _literal("methods", "interface/registry.py", "METHODS")
    plugins = {point.name for point in entry_points(group="crossres.methods")}
    return map(Value, (*ours, *sorted(plugins - {*ours})))


def protocols(_: Given) -> Iterator[Value]:
    """Yield the protocols, without options."""
    return map(Value, _literal("datasets", "protocols/named.py", "PROTOCOLS"))


def sizes(_: Given) -> Iterator[Value]:
    """Yield the sizes of twins."""
    return map(Value, _toml(_folder("datasets") / "twins" / "sizes.toml"))


def metrics(_: Given) -> Iterator[Value]:
    """Yield the metrics over all queries."""
    return map(Value, _literal("benchmark", "metrics/measure.py", "METRICS"))


def claims(_: Given) -> Iterator[Value]:
    """Yield the built-in claims that have a name."""
    beside = (name for name in _files_of("benchmark", "tables") if name.startswith("claims-"))
    return (Value(name.removeprefix("claims-")) for name in beside)


def devices(_: Given) -> Iterator[Value]:
    """Yield the devices that a machine may have."""
    return map(Value, ("cpu", "cuda", "auto"))


def models(_: Given) -> Iterator[Value]:
    """Yield what the name of a network begins with."""
    yield Value("efficientnet-lite0")
    yield Value("timm:", "any network of timm")
    yield Value("torchvision:", "any network of torchvision")
    for code_base in ("torchreid", "transreid", "clipreid", "solider"):
        yield Value(f"{code_base}:", "released for re-identification")


def in_cache(given: Given) -> Iterator[Value]:
    """Yield the kinds of what lies in the cache, and the data sets."""
    yield from map(Value, ("twins", "stores", "archives", "leftovers"))
    yield from datasets(given)


def _none(_: Given) -> Iterator[Value]:
    return iter(())


# --- what files say -------------------------------------------------------------------------------


def rows(given: Given) -> Iterator[Value]:
    """Yield the rows of the table that is given, by their numbers: labels have blanks."""
    name = given.get("table", "")
    content = _files_of("benchmark", "tables").get(name) or _toml(user_path(name))
    for number, row in enumerate(content.get("rows", ()), start=1):
        yield Value(str(number), str(row.get("label", "")))
    if "oracle" in content:
        yield Value("oracle", str(content["oracle"].get("label", "")))


def keys(given: Given) -> Iterator[Value]:
    """Yield the keys of the records of a results folder, or of all those in results/."""
    folder = given.get("results")
    folders = [user_path(folder)] if folder else sorted(Path("results").glob("*"))
    paths = (path for place in folders for path in sorted(place.glob("records/*.json")))
    return (Value(path.stem, path.parts[-3]) for path in islice(paths, MOST_KEYS))


def failed_keys(given: Given) -> Iterator[Value]:
    """Yield the keys of the failed cells of a results folder, with their titles."""
    logs = sorted(user_path(given.get("results", "")).glob("failures/*.log"))
    for log in logs[:MOST_KEYS]:
        title = log.read_text(encoding="utf-8", errors="replace").partition("\n")[0]
        yield Value(log.stem, title)


VALUES: dict[str, tuple[Callable[[Given], Iterator[Value]], str]] = {
    "table": (tables, "files"),
    "profile": (profiles, "files"),
    "dataset": (datasets, "files"),
    "datasets": (datasets, "files"),
    "method": (methods, "files"),
    "protocol": (protocols, ""),
    "size": (sizes, ""),
    "metrics": (metrics, ""),
    "claims": (claims, "files"),
    "device": (devices, ""),
    "model": (models, ""),
    "rows": (rows, ""),
    "row": (rows, ""),
    "key": (keys, ""),
    "keys": (failed_keys, ""),
    "names": (in_cache, ""),
}
"""By the name of an argument: its values, and which paths it may be, too."""


# --- reading --------------------------------------------------------------------------------------


@cache
def _folder(room: str) -> Path:
    """Return where a room lies: a folder of the package, or of a clone."""
    spec = find_spec(f"crossres.{room}")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def _files_of(room: str, folder: str) -> dict[str, dict[str, Any]]:
    """Return the contents of the TOML files in a folder of a room, by name."""
    paths = {path.stem: path for path in (_folder(room) / folder).glob("*.toml")}
    return {name: _toml(paths[name]) for name in sorted(paths)}


@cache
def _toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _literal(room: str, file: str, variable: str) -> Sequence[str]:
    """Return the texts in a tuple, or the keys of a dict, that a module assigns to a variable."""
    tree = ast.parse((_folder(room) / file).read_text(encoding="utf-8"))
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if [getattr(target, "id", "") for target in targets] != [variable]:
            continue
        value = getattr(node, "value", None)
        entries = value.keys if isinstance(value, ast.Dict) else getattr(value, "elts", ())
        return [str(entry.value) for entry in entries if isinstance(entry, ast.Constant)]
    return ()
