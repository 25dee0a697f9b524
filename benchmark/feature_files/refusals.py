"""What is said of a file that cannot be evaluated: what it is, what it holds, and what helps."""

from collections.abc import Callable, Collection
from pathlib import Path

from crossres.benchmark.feature_files.kinds import FOLDER, Contents, Kind
from crossres.benchmark.feature_files.names import (
    FEATURES,
    IDS,
    NUMBER,
    known_names,
    other_names,
    plain,
)
from crossres.benchmark.feature_files.stored import Stored, StoredArray
from crossres.datasets.base.errors import InputError

MOST_SHOWN = 12
UNLABELLED = {"features", "paths"}  # what `crossres embed --images` writes without a pattern
READ = (
    ".npz, a folder of .npy files, .mat, HDF5 and safetensors are read "
    "(docs/evaluating.md#what-it-reads)"
)


def foreign(path: Path, kind: Kind) -> InputError:
    """Return the error about a file of a kind that is not read."""
    contents = safely(lambda: kind.contents(path))
    holds = f"; holds {_listed(contents)}" if contents else ""
    return InputError(f"{path}: {kind.name}{holds}; {READ}; {_remedy(path, kind, contents)}")


def lacking(path: Path, kind: Kind, stored: Stored, missing: list[str]) -> InputError:
    """Return the error about a file or a folder that lacks arrays."""
    contents = contents_of(stored)
    holds = f"holds {_listed(contents)}" if contents else "holds no array"
    verb = "is" if len(missing) == 1 else "are"
    noun = "folder" if kind is FOLDER else "file"
    others = [other for name in missing[:1] for other in other_names(name)]
    also = f" ({' or '.join(others)} would do, too)" if others else ""
    if missing == [NUMBER]:
        also = " (how many of the first rows are queries)"
    return InputError(
        f"{path}: {', '.join(missing)} {verb} missing{also}; the {noun} {holds}; "
        f"{_remedy(path, kind, contents)}"
    )


def contents_of(stored: Stored) -> Contents:
    """Return the shapes and types of the first arrays in words, "" where these cannot be told."""
    return {
        name: _words(array) if place < MOST_SHOWN else ""
        for place, (name, array) in enumerate(stored.items())
    }


def _words(array: StoredArray) -> str:
    return safely(lambda: {"words": array.words()}).get("words", "")


def safely(read: Callable[[], Contents]) -> Contents:
    """Read what a file holds; nothing where it is damaged, for it is refused in any case."""
    try:
        return read()
    except Exception:  # each reader raises errors of its own
        return {}


def _listed(contents: Contents) -> str:
    items = list(contents.items())[:MOST_SHOWN]
    more = len(contents) - len(items)
    names = ", ".join(f"{name} {kind}".strip() for name, kind in items)
    return names + (f" and {more} more" if more else "")


def _remedy(path: Path, kind: Kind, contents: Contents) -> str:
    """Say how to convert the file: in Python, with its own names as far as these are known."""
    saved = ", ".join(f"{name}={_expression(name, contents)}" for name in (*FEATURES, *IDS))
    saves = f"numpy.savez('features.npz', {saved})"
    if {*contents} == UNLABELLED:
        return "`crossres embed --images DIR --pattern REGEX` writes whom the images show, too"
    if kind.opens and (contents or not kind.open):
        return f"{kind.advice}: {kind.opens.format(path=repr(str(path)))}; {saves}"
    if kind.advice not in ("", Kind.advice):
        return kind.advice
    return f"in the program that wrote it, save arrays with {saves}"


def _expression(name: str, contents: Collection[str]) -> str:
    """Return the Python that gets from `f` what is called `name` here; dots if that is unknown."""
    names = [array for array in contents if known_names().get(plain(array)) == name]
    return f"f[{names[0]!r}]" if names else "..."
