"""Every re-identification method by name: ours, those of plug-ins, and those in files of a user's.

Methods are imported when they are asked for, so that listing them never loads torch; and what one
of ours declares is there without it, too. One in a file is known by its name once the table that
names the file has been loaded.
"""

import importlib
import os
import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.metadata import EntryPoints, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from crossres.datasets.base.arguments import as_path, as_text, if_given
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.suggest import unknown
from crossres.methods.interface.declaration import Declaration
from crossres.methods.interface.method_files import (
    MethodFile,
    MethodSources,
    declared_in,
    is_file_spec,
    kept_method_file,
    method_of,
    read_sources,
)
from crossres.methods.interface.options import options_as_json, resolve
from crossres.methods.interface.profile import Profile

if TYPE_CHECKING:
    from crossres.methods.interface.method import Method

GROUP = "crossres.methods"
# What `crossres.methods.msifla:Msifla` declares is `declarations.msifla:MsiflaDeclaration` there.
METHODS: dict[str, str] = {
    "msifla": "crossres.methods.msifla:Msifla",
    "judea": "crossres.methods.judea:Judea",
    "sld2l": "crossres.methods.sld2l:Sld2l",
    "sdf": "crossres.methods.sdf:Sdf",
    "sing": "crossres.methods.sing:SingMethod",
    "csr-gan": "crossres.methods.csr_gan:CsrGan",
    "cad-net": "crossres.methods.cad_net:CadNet",
    "intact": "crossres.methods.intact:Intact",
    "pri": "crossres.methods.pri:Pri",
    "pcb-pri": "crossres.methods.pri:PcbPri",
    "apsr": "crossres.methods.apsr:Apsr",
    "rain": "crossres.methods.rain:Rain",
    "ps-hrnet": "crossres.methods.ps_hrnet:PsHrnet",
    "jbim": "crossres.methods.jbim:Jbim",
    "lrar": "crossres.methods.lrar:Lrar",
    "vpfa": "crossres.methods.vpfa:Vpfa",
    "plain": "crossres.methods.plain:Plain",
    "pcb": "crossres.methods.pcb:Pcb",
    "bot": "crossres.methods.bot:Bot",
    "frozen": "crossres.methods.frozen:Frozen",
    "frozen-vpfa": "crossres.methods.vpfa:FrozenVpfa",
}


# Of methods in files, by name: the sources that this process has read to run them, and what a table
# keeps of them.
_read: dict[str, MethodSources] = {}
_kept: dict[str, MethodFile] = {}


def method_names() -> list[str]:
    """List our methods, then those of plug-ins (entry points of the group "crossres.methods")."""
    return [*METHODS, *sorted(set(_plugins()) - set(METHODS))]


def is_method(name: str) -> bool:
    """Say whether there is a method of this name. Plug-ins are only looked for beside ours."""
    return name in METHODS or name in _read or name in _kept or name in _plugins()


def method_class(name: str) -> "type[Method]":
    """Return the class of this name, or of `FILE.py:Class`.

    Raises InputError, listing the known names, if there is none; also for a plug-in or a file that
    cannot be imported, or whose class is no Method.
    """
    from crossres.methods.interface.method import Method

    if is_file_spec(as_text(name, "method")):
        read = read_sources(name)
        of_file = method_of(read)
        if isinstance(getattr(of_file, "name", None), str):  # else the check says so
            _check_free(of_file.name, read)
        return of_file
    sources = method_sources(name)
    if sources is not None:
        return method_of(sources)
    target = _target(name)
    cls = _imported(name, target)
    if not (isinstance(cls, type) and issubclass(cls, Method)):
        raise InputError(f"method {name!r}: {target} is not a subclass of crossres.Method")
    return cls


def declaration(name: str) -> type[Declaration]:
    """Return what a method declares, without torch for one of ours; a plug-in is imported whole.

    Of a method in a file that was not read to run it, what its table keeps. Raises InputError as
    `method_class` does.
    """
    if name in _kept and name not in _read:
        return declared_in(_kept[name])
    if name not in METHODS:
        return method_class(name)
    module, _, attribute = METHODS[name].partition(":")
    room, _, module = module.rpartition(".")
    declared = f"{room}.declarations.{module}:{attribute}Declaration"
    return cast(type[Declaration], _imported(name, declared))


def method_module(name: str) -> str:
    """Return the name of the module that the class of a method stands in. Raises InputError."""
    if name in METHODS:
        return METHODS[name].partition(":")[0]
    return method_class(name).__module__


# --- methods in files -----------------------------------------------------------------------------


def method_sources(name: str) -> MethodSources | None:
    """Return the sources of a method in a file, which make its class anywhere; None for another.

    They are those that were read to run it, else the file as it is now. Raises InputError where
    that is gone, and no package has a method of this name instead.
    """
    return _read[name] if name in _read else sources_now(name)


def sources_now(name: str) -> MethodSources | None:
    """Return the sources of a method in a file as they are now; raises as `method_sources` does."""
    kept = _kept.get(name)
    return read_sources(kept.spec) if kept is not None and _is_there(kept) else None


def register_method(spec: str, folder: Path | None = None) -> MethodFile:
    """Read and run the file of `FILE.py:Class`, relative to `folder`; know its method by name.

    Raises InputError where it cannot be read or run, and for a name that another method has.
    """
    sources = read_sources(as_text(spec, "method"), if_given(folder, "folder", as_path))
    kept = kept_method_file(sources)
    _check_free(kept.name, sources)
    _kept[kept.name] = kept
    register_sources(kept.name, sources)
    return kept


def file_as_now(kept: MethodFile) -> MethodFile | None:
    """Register the file of a table's method as it is now; None: it has become a package since.

    Raises InputError where it is gone, cannot be run, or calls its method otherwise.
    """
    if not _is_there(kept):
        _read.pop(kept.name, None)
        _kept.pop(kept.name, None)
        return None
    now = register_method(kept.spec)
    if now.name != kept.name:
        raise InputError(
            f"{kept.path}: {kept.class_name} is called {now.name!r} now, and {kept.name!r} in the "
            "table; call it so again, or run the table that names the file anew"
        )
    return now


def file_gone(name: str) -> Path | None:
    """Return where the file of a method lay that is no longer there; None for any other method."""
    kept = _kept.get(name)
    if kept is None or Path(kept.path).is_file() or name in _plugins():
        return None
    return Path(kept.path)


def spec_of(name: str) -> str:
    """Return how a method is named on a command line: one in a file by that file."""
    sources = _read.get(name)
    return name if sources is None else sources.spec


def register_sources(name: str, sources: MethodSources) -> None:
    """Know a method by the sources that another process has read."""
    _read[name] = sources


def remember_file(kept: MethodFile) -> None:
    """Know of a method what a table keeps of it; nothing of its file is read or run.

    What was read of it before, perhaps something else, is forgotten. Raises InputError for what is
    damaged, and for a name of ours.
    """
    declared_in(kept)
    if kept.name in METHODS:
        raise InputError(f"method {kept.name} is one of crossres, and in no file {kept.path}")
    _kept[kept.name] = kept
    _read.pop(kept.name, None)


def _is_there(kept: MethodFile) -> bool:
    """Say whether the file of a method is there; False: it has become a package since.

    Raises InputError where it is neither.
    """
    if Path(kept.path).is_file():
        return True
    if kept.name in _plugins():
        return False
    raise InputError(
        f"method {kept.name}: {kept.path} is no longer there; put it back, change its path under "
        "method_files in the table that keeps it, or run the table that names its file now"
    )


def _check_free(name: str, sources: MethodSources) -> None:
    """Raise InputError where another method than that of the file has the name."""
    taken = "crossres" if name in METHODS else _other_package(name, sources)
    if taken:
        raise InputError(
            f"{sources.path}: {sources.class_name} is called {name!r}, as a method of {taken} is; "
            "give it another name"
        )


def _other_package(name: str, sources: MethodSources) -> str | None:
    """Return the module of a plug-in that has the name; None where that is this file, or a copy of
    it that was installed.
    """
    target = _plugins().get(name)
    if target is None:
        return None
    module, _, class_name = target.partition(":")
    same = (module.rpartition(".")[2], class_name) == (sources.path.stem, sources.class_name)
    return None if same else module


# --- options --------------------------------------------------------------------------------------


def resolve_options(name: str, profile: Profile, options: dict[str, Any]) -> dict[str, Any]:
    """Return all options of method `name` as JSON values.

    From its defaults, then the profile, then `options`, the last one winning.
    """
    declared = declaration(name).Options
    return options_as_json(resolve(name, declared, profile.overrides(name, declared), options))


def _target(name: str) -> str:
    """Return "module:class" of a method."""
    target = METHODS.get(as_text(name, "method")) or _plugins().get(name)
    if target is None:
        raise InputError(
            f"{unknown('method', name, method_names())}; one in a file is FILE.py:Class, one of a "
            "package is known once that is installed (pip install -e .)"
        )
    return target


def _imported(name: str, target: str) -> Any:
    module, _, attribute = target.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise InputError(
            f"method {name!r}: cannot import {target} ({error}); install or remove its plug-in"
        ) from error


def _plugins() -> Mapping[str, str]:
    """Return "module:class" of each method of a plug-in, by name."""
    return _points(entry_points, tuple((place, _state_of(place)) for place in sys.path))


@lru_cache(maxsize=1)
def _points(look: Callable[..., EntryPoints], places: tuple[Any, ...]) -> Mapping[str, str]:
    """Look through all installed packages, which takes longer than all else done with a name.

    `places`, where they lie and when those folders changed last, say when to look again.
    """
    del places
    return {point.name: point.value for point in look(group=GROUP)}


def _state_of(place: str) -> int:
    """Return when a place of sys.path changed last, in ns; 0 where there is none."""
    try:
        return os.stat(place or os.curdir).st_mtime_ns  # noqa: PTH116
    except OSError:
        return 0
