"""A method in a file of a user's own, `FILE.py:Class`, used without packaging.

The file is read together with what it imports from its own folder. These sources are all that a
process, here or on another machine, needs to make the class; nothing else of the folder can be
imported, so that no code goes into a result that its code digest does not know.
"""

import ast
import importlib.util
import json
import re
import sys
import threading
import traceback
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field, make_dataclass
from functools import cached_property
from importlib.abc import ExecutionLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from crossres.datasets.base.errors import InputError, reason
from crossres.datasets.base.files import digest_of
from crossres.datasets.base.places import user_path
from crossres.datasets.base.python_source import imported_names
from crossres.datasets.base.suggest import did_you_mean
from crossres.methods.interface.declaration import Declaration, declaration_faults
from crossres.methods.interface.options import options_as_json

if TYPE_CHECKING:
    from crossres.methods.interface.method import Method

MAIN = ""  # the name of the file itself among its sources
SUFFIX = ".py"
# What a table keeps of one; the modules that it loads do not matter once it has run.
_DECLARED = tuple(
    name for name in Declaration.__annotations__ if name not in ("name", "loads", "Options")
)
_LOADING = threading.RLock()
_QUOTED = re.compile(r"'(\w+)'")


@dataclass(frozen=True)
class Source:
    """A Python file as it was read: where, whether it is the `__init__.py` of a package, bytes."""

    path: str
    is_package: bool
    content: bytes


@dataclass(frozen=True)
class MethodSources:
    """A method in a file, with all that makes its class; goes to workers as it is.

    `sources`: the file itself under MAIN, and by the names that import them the files of its folder
    that it imports, directly or not.
    """

    class_name: str
    sources: Mapping[str, Source]

    @property
    def path(self) -> Path:
        """Where the file was read."""
        return Path(self.sources[MAIN].path)

    @property
    def spec(self) -> str:
        """The method as it is named on a command line."""
        return f"{self.path}:{self.class_name}"

    @cached_property
    def digest(self) -> str:
        """The SHA-256 (hex) of names and bytes."""
        files = sorted(self.sources.items())
        return digest_of(*(f"{name} {digest_of(s.content)}\n".encode() for name, s in files))


@dataclass(frozen=True)
class MethodFile:
    """What a table keeps of a method in a file: its name, its place, and what it declares.

    `path` is a whole one; `declared` is JSON of Declaration, the options as their defaults. So a
    results folder can be reported where the file is gone, and without running any of it.
    """

    name: str
    path: str
    class_name: str
    declared: str

    @property
    def spec(self) -> str:
        """The method as it is named on a command line."""
        return f"{self.path}:{self.class_name}"


def is_file_spec(text: str) -> bool:
    """Say whether a text names a method by a file: `FILE.py:Class`, or a .py file alone."""
    return text.rpartition(":")[0].endswith(SUFFIX) or text.endswith(SUFFIX)


def read_sources(spec: str, folder: Path | None = None) -> MethodSources:
    """Read the file of `FILE.py:Class`, relative to `folder`, and what it imports from beside it.

    Nothing is run. Raises InputError where a file cannot be read or is no Python.
    """
    name, _, class_name = spec.rpartition(":")
    if not name.endswith(SUFFIX) or not class_name.isidentifier():
        raise InputError(f"{spec}: name a file and the class of the method in it: FILE.py:Class")
    path = (folder or Path()) / user_path(name)
    sources: dict[str, Source] = {}
    waiting = {MAIN: (path, False)}
    while waiting:
        importing = next(iter(waiting))
        file, is_package = waiting.pop(importing)
        sources[importing], imported = _read(importing, file, is_package=is_package)
        beside = _files_beside(path.parent, imported)
        waiting |= {name: place for name, place in beside.items() if name not in sources}
    return MethodSources(class_name, sources)


def method_of(sources: MethodSources) -> "type[Method]":
    """Run the file, once for the same sources, and return the class of the method.

    Raises InputError, naming file and line, where that fails or the class is no Method.
    """
    from crossres.methods.interface.method import Method

    path = sources.path
    with _LOADING:
        key = str(path), sources.digest
        if key not in _modules:
            _modules[key] = _run(sources)
        module = _modules[key]
    cls = getattr(module, sources.class_name, None)
    classes = {n: c for n, c in vars(module).items() if isinstance(c, type)}
    methods = [
        n for n, c in classes.items() if issubclass(c, Method) and c.__module__ == module.__name__
    ]
    if cls is None:
        listed = f"its methods are {', '.join(methods)}" if methods else "it has no method at all"
        near = did_you_mean(sources.class_name, methods)
        raise InputError(f"{path}: there is no class {sources.class_name!r}{near}; {listed}")
    if not (isinstance(cls, type) and issubclass(cls, Method)):
        raise InputError(
            f"{path}: {sources.class_name} is no method; derive it from crossres.Method or "
            "crossres.TorchMethod"
        )
    return cls


def kept_method_file(sources: MethodSources) -> MethodFile:
    """Return what a table keeps of it. Raises InputError for a class that cannot stand in one."""
    cls = method_of(sources)
    for fault in declaration_faults(cls):
        raise InputError(
            f"{sources.path}: {sources.class_name}: {fault.text}; "
            f"`crossres methods check {sources.spec}` tells more"
        )
    values = {name: getattr(cls, name) for name in _DECLARED}
    try:
        values["options"] = options_as_json(cls.Options())
        declared = json.dumps(values, sort_keys=True, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{sources.path}: {sources.class_name}: options must have plain values as defaults "
            f"({' '.join(str(error).split())})"
        ) from error
    return MethodFile(cls.name, str(sources.path.absolute()), sources.class_name, declared)


def declared_in(kept: MethodFile) -> type[Declaration]:
    """Make of what a table keeps a Declaration, whose options take what they took then.

    Raises InputError where it is none.
    """
    try:
        values = json.loads(kept.declared)
        options = [(n, _hint(v), field(default=_default(v))) for n, v in values["options"].items()]
        # What a later version declares beside that has a default.
        content = {n: values[n] for n in _DECLARED if n in values or not hasattr(Declaration, n)}
        made = make_dataclass("Options", options, frozen=True)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"method {kept.name}: what is kept of {kept.path} is damaged") from error
    return type("KeptDeclaration", (Declaration,), {**content, "name": kept.name, "Options": made})


def _hint(default: Any) -> Any:
    """Return the type of an option of which only the default is kept: what it takes is known."""
    if isinstance(default, list):
        return tuple[Any, ...]
    return float if isinstance(default, float) else Any


def _default(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


# --- reading --------------------------------------------------------------------------------------


def _read(name: str, path: Path, *, is_package: bool) -> tuple[Source, set[str]]:
    """Read a file that must be Python; return it, and the dotted names that it imports."""
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such file; correct its path") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({reason(error)})") from error
    package = name if is_package else name.rpartition(".")[0]
    imported = set(imported_names(_tree(str(path), content), package))
    return Source(str(path.absolute()), is_package, content), imported


def _tree(path: str, content: bytes) -> ast.AST:
    try:
        return ast.parse(content, filename=path)
    except SyntaxError as error:
        line = f", line {error.lineno}" if error.lineno else ""
        raise InputError(f"{path}{line}: {error.msg}; correct it") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise InputError(f"{path}: is no Python source ({error})") from error


def _files_beside(folder: Path, imported: set[str]) -> dict[str, tuple[Path, bool]]:
    """Return the files of the folder that have these names, packages before what is in them.

    With each: whether it is the `__init__.py` of a package.
    """
    parts = [words for words in (name.split(".") for name in sorted(imported)) if all(words)]
    beside: dict[str, tuple[Path, bool]] = {}
    for words in parts:
        # A file called like a module of Python itself is not meant, nor is one called like us.
        if words[0] in sys.stdlib_module_names or words[0] == "crossres":
            continue
        for depth in range(1, len(words) + 1):
            name, stem = ".".join(words[:depth]), folder.joinpath(*words[:depth])
            if name in beside:
                continue
            init, module = stem / "__init__.py", stem.with_name(f"{stem.name}{SUFFIX}")
            if init.is_file():
                beside[name] = init, True
            elif module.is_file():
                beside[name] = module, False
            else:
                break
    return beside


# --- running --------------------------------------------------------------------------------------

_modules: dict[tuple[str, str], ModuleType] = {}


class _Loader(ExecutionLoader):
    """Makes a module of a source that was read before."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def get_filename(self, fullname: str) -> str:
        del fullname
        return self._source.path

    def get_source(self, fullname: str) -> str:
        del fullname
        return importlib.util.decode_source(self._source.content)

    def is_package(self, fullname: str) -> bool:
        del fullname
        return self._source.is_package

    def spec(self, name: str) -> ModuleSpec:
        """Return the spec of the module under this name."""
        spec = importlib.util.spec_from_file_location(name, self._source.path, loader=self)
        assert spec is not None
        if self._source.is_package:
            spec.submodule_search_locations = []  # nothing but what was read with it
        return spec


class _Finder(MetaPathFinder):
    """Finds what the file that ran last has beside it."""

    def __init__(self) -> None:
        self.sources: Mapping[str, Source] = {}

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        del path, target
        return None if name not in self.sources else _Loader(self.sources[name]).spec(name)


_finder = _Finder()


def _run(sources: MethodSources) -> ModuleType:
    """Run the file as a module of its own name, with what lies beside it.

    Modules of other files that are called alike are out of the way meanwhile.
    """
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    beside = {name: source for name, source in sources.sources.items() if name != MAIN}
    name = f"crossres_method_file_{digest_of(str(sources.path).encode())[:12]}"
    spec = _Loader(sources.sources[MAIN]).spec(name)
    module = importlib.util.module_from_spec(spec)
    aside = {n: sys.modules.pop(n) for n in beside if n in sys.modules}
    _finder.sources = beside
    sys.modules[name] = module
    try:
        assert spec.loader is not None
        with redirect_stdout(sys.stderr):  # that of a command is its answer, JSON perhaps
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise _fault(sources, error) from error
    finally:
        foreign = {n: m for n, m in aside.items() if not isinstance(m.__loader__, _Loader)}
        sys.modules.update(foreign)
    return module


def _fault(sources: MethodSources, error: BaseException) -> InputError:
    """Say in one line where in the file, or in what lies beside it, what went wrong."""
    paths = {source.path for source in sources.sources.values()}
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename in paths]
    where = f"{frames[-1].filename}, line {frames[-1].lineno}" if frames else str(sources.path)
    text = " ".join(str(error).split())
    if isinstance(error, ImportError):
        remedy = "install it in this environment, or put it beside the file"
        if "relative import" in text:
            remedy = "of a file beside it write `import NAME`"
        elif error.name == "crossres":
            near = did_you_mean("".join(_QUOTED.findall(text)[:1]), dir(sys.modules["crossres"]))
            return InputError(f"{where}: {text.partition(' (')[0]}{near}; correct the name")
        return InputError(f"{where}: {text or type(error).__name__}; {remedy}")
    kind = type(error).__name__
    return InputError(f"{where}: {kind}{f': {text}' if text else ''}; importing it must not fail")
