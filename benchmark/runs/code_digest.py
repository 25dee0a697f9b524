"""The digest of the code that makes a result: what it does, not how it is written down.

Comments, docstrings and layout do not count; any other change to a module that a cell runs does. Of
a method in a file that is the file, and what it imports from beside it, wherever it lies.
"""

import ast
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

from crossres.benchmark.records.cell import canonical_json
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import digest_of
from crossres.datasets.base.python_source import imported_names
from crossres.methods.interface.method_files import Source
from crossres.methods.interface.registry import method_module, method_sources, sources_now

ROOMS = ("crossres.datasets", "crossres.methods", "crossres.benchmark")
DOORS = ("crossres", *ROOMS)
_AS_JSON = (str, int, bool, type(None))
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
BLOCKS = "crossres.methods."  # where the modules lie that `import crossres` gives a method
# They only look up by name what is a root of its own, or are data with a version of their own
# that the cell carries: a method or twin more must not make every other result old.
LEFT_OUT = (
    "crossres.methods.interface.registry",
    "crossres.datasets.twins",
    "crossres.datasets.cards",
)

Modules = Mapping[tuple[str, str], tuple[str, tuple[str, ...]]]
"""By the name of a module and the SHA-256 of its file: its digest, and what it imports."""

_known: dict[tuple[str, str], tuple[str, tuple[str, ...]]] = {}


def cell_code(
    method: str,
    *readers: str,
    specs: dict[str, ModuleSpec | None] | None = None,
    now: bool = False,
) -> str:
    """Return the code digest of cells of this method and these readers, given by name.

    `specs`: see `code_digest`. Of a method in a file it is that of the sources that would run here;
    with `now`, of the file as it is now. Raises InputError for an unknown method, and where its
    code is gone.
    """
    sources = sources_now(method) if now else method_sources(method)
    if sources is None:
        return code_digest([*cell_roots(*readers), method_module(method)], specs)
    return code_digest(cell_roots(*readers), specs, sources.sources)


def cell_roots(*readers: str) -> list[str]:
    """Return the modules, but for its method's, that a cell of these readers begins with."""
    return [
        "crossres.benchmark.runs.cell",
        *(f"crossres.datasets.readers.{reader}" for reader in readers),
    ]


def code_digest(
    roots: Iterable[str],
    specs: dict[str, ModuleSpec | None] | None = None,
    sources: Mapping[str, Source] | None = None,
) -> str:
    """Hash the modules `roots` and all first-party modules that they import: SHA-256 in hex.

    First-party are our rooms and the top-level packages of the roots themselves (plug-ins); a name
    that is imported through one of our doors is the module that it stands in. `specs` keeps where
    modules lie for the next digests, while the same files are there. `sources` are those of a
    method in a file, by the names that they import each other by.
    Raises InputError when a root has no source file.
    """
    specs = {} if specs is None else specs
    roots = sorted(set(roots))
    plugins = {root.partition(".")[0] for root in roots} - {"crossres"}
    packages = (*ROOMS, *sorted(plugins))
    digests: dict[str, str] = {}
    waiting = list(roots)
    for name, source in sorted((sources or {}).items()):
        digests[f"beside {name}" if name else "the file"], imported = _known_source(name, source)
        waiting += [m for i in imported for m in _behind_door(i, specs) if _is_in(m, ROOMS)]
    while waiting:
        name = waiting.pop()
        path = None if name in digests or _is_in(name, LEFT_OUT) else _source(name, specs)
        if path is not None:
            digests[name], imported = _read(name, path, path.stat().st_mtime_ns)
            behind = imported
            if _is_in(name, plugins):  # our own modules import each other past the doors
                behind = tuple(m for i in imported for m in _behind_door(i, specs))
            waiting += [module for module in behind if _is_in(module, packages)]
        elif name in roots and name not in digests:
            raise InputError(f"module {name} has no source file; a method must live in a .py file")
    return digest_of(canonical_json(digests))


def _is_in(name: str, packages: Iterable[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def _behind_door(name: str, specs: dict[str, ModuleSpec | None]) -> Iterable[str]:
    """Return the module that a name of a door stands in, or the name itself.

    Of `import crossres`, whose names are looked up as it runs, all that a method is made of.
    """
    if name == "crossres.*":
        return [module for module in _door("crossres", specs).values() if module.startswith(BLOCKS)]
    door, _, public = name.rpartition(".")
    return [_door(door, specs).get(public, name)] if door in DOORS else [name]


def _door(package: str, specs: dict[str, ModuleSpec | None]) -> Mapping[str, str]:
    """Return the modules that the names of a door stand in."""
    spec = _spec(package, specs)
    if spec is None or spec.origin is None:
        return {}
    return _read_door(package, Path(spec.origin).with_suffix(".pyi"))


@cache
def _read_door(package: str, stub: Path) -> Mapping[str, str]:
    imports = [n for n in ast.parse(stub.read_bytes()).body if isinstance(n, ast.ImportFrom)]
    return {
        alias.asname or alias.name: f"{package}.{node.module}"
        for node in imports
        for alias in node.names
    }


def _source(name: str, specs: dict[str, ModuleSpec | None]) -> Path | None:
    """Return the file of a module; None for what is none (a class, say) or has no source."""
    spec = _spec(name, specs)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return Path(spec.origin)


def _spec(name: str, specs: dict[str, ModuleSpec | None]) -> ModuleSpec | None:
    """Return `importlib.util.find_spec` without importing what the module lies in.

    That would import torch, too: a class is looked for as if its module were a package.
    """
    if name in specs:
        return specs[name]
    package = name.rpartition(".")[0]
    path: Sequence[str] | None = None
    if package:
        around = _spec(package, specs)
        if around is None or around.submodule_search_locations is None:
            return None
        path = around.submodule_search_locations
    candidates = (finder.find_spec(name, path) for finder in sys.meta_path)
    specs[name] = next((spec for spec in candidates if spec is not None), None)
    return specs[name]


def known_modules() -> Modules:
    """Return what this process knows of modules, for `learn_modules` in another one."""
    return dict(_known)


def learn_modules(modules: Modules) -> None:
    """Take over what another process found out: reading the syntax of a module takes long."""
    _known.update(modules)


@cache
def _read(name: str, path: Path, mtime: int) -> tuple[str, tuple[str, ...]]:
    """Return the digest of a module, and what it imports; cached while its file is the same."""
    del mtime
    return _known_source(name, Source(str(path), path.name == "__init__.py", path.read_bytes()))


def _known_source(name: str, source: Source) -> tuple[str, tuple[str, ...]]:
    key = name, digest_of(source.content)
    if key not in _known:
        _known[key] = _parsed(name, source)
    return _known[key]


def _parsed(name: str, source: Source) -> tuple[str, tuple[str, ...]]:
    tree = ast.parse(source.content, filename=source.path)
    package = name if source.is_package else name.rpartition(".")[0]
    imported = tuple(sorted(set(imported_names(tree, package))))
    return digest_of(canonical_json(_plain(tree))), imported


def _plain(node: Any) -> Any:
    """Return a syntax tree as JSON values, without empty fields: they differ between Pythons."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, ast.AST):
        return node if isinstance(node, _AS_JSON) else repr(node)
    content: dict[str, Any] = {"": type(node).__name__}
    for name in node._fields:
        value: Any = getattr(node, name, None)
        if name == "body" and isinstance(node, _DOCUMENTED) and _has_docstring(node):
            value = value[1:]
        if type(value) is str:  # most are names: half of the time of all
            content[name] = value
        elif value is not None and value != []:
            content[name] = _plain(value)
    return content


def _has_docstring(
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef,
) -> bool:
    return ast.get_docstring(node, clean=False) is not None
