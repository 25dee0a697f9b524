"""The package that `crossres methods new` writes: templates, and what is put in for a name."""

import importlib.util
import keyword
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import write_atomically
from crossres.methods.interface.registry import is_method

LONGEST = 64
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_TAKEN = ("Options", "ReidOptions", "TorchMethod")  # by classes that the module imports or has
# What a file is called, by its template.
FILES = {
    "pyproject.toml.j2": "pyproject.toml",
    "module.py.j2": "{module}.py",
    "test_module.py.j2": "test_{module}.py",
    "table.toml.j2": "{name}.toml",
    "README.md.j2": "README.md",
}


def new_method(name: str, out: Path) -> list[Path]:
    """Write the package of a method called so into `out`/NAME, and return its files.

    Raises InputError for a name that a package, a module or a class cannot have, and where there is
    something of that name already: nothing is overwritten.
    """
    names = _names(name)
    folder = out / name
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise InputError(
            f"{folder}: is there already, and is left as it is; give another name or --out"
        ) from None
    except OSError as error:
        raise InputError(f"{folder}: cannot be made ({error.strerror})") from error
    written = []
    for template, file in FILES.items():
        path = folder / file.format(**names)
        write_atomically(path, _filled(template, names))
        written.append(path)
    return written


def _filled(template: str, names: dict[str, str]) -> str:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
    )
    return environment.get_template(template).render(names)


def _names(name: str) -> dict[str, str]:
    """Return what is put in for a name: itself, its module, its class and a title."""
    for fault in _faults(name):
        raise InputError(f"{name!r} {fault}; give another name")
    return {
        "name": name,
        "module": _module(name),
        "class_name": _class_name(name),
        "title": name.replace("-", " ").capitalize(),
    }


def _module(name: str) -> str:
    return name.replace("-", "_")


def _class_name(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("-"))


def _faults(name: str) -> Iterator[str]:
    if not _NAME.fullmatch(name) or len(name) > LONGEST:
        yield (
            f"must be small letters and digits, with single hyphens between words, {LONGEST} of "
            "them at most"
        )
    module = _module(name)
    if is_method(name):
        yield "is a method already"
    if keyword.iskeyword(module) or keyword.issoftkeyword(module):
        yield "is a word of Python"
    if module in sys.stdlib_module_names or importlib.util.find_spec(module) is not None:
        yield f"would be the module {module}, which is here already"
    if _class_name(name) in _TAKEN:
        yield "would give its class a name that the module has already"
