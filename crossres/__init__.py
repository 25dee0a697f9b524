"""The roof: the command line `crossres`, and the one door for other people's code.

`from crossres import Method, check_method, evaluate, ...`; a name is loaded when first asked for.
"""

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_DOOR = {
    "InputError": "datasets",
    "Manifest": "datasets",
    "PixelStore": "datasets",
    "Source": "datasets",
    "build_manifest": "datasets",
    "draw_twin": "datasets",
    "open_raw": "datasets",
    "open_store": "datasets",
    "Method": "methods",
    "Profile": "methods",
    "Run": "methods",
    "TrainSet": "methods",
    "check_method": "methods",
    "load_method": "methods",
    "method_class": "methods",
    "method_names": "methods",
    "Limits": "benchmark.limits",
    "Record": "benchmark",
    "evaluate": "benchmark",
    "load_profile": "benchmark",
    "load_table": "benchmark",
    "read_records": "benchmark",
    "run_table": "benchmark",
    "hold_gate": "reports.gate",
    "write_report": "reports",
}
__all__ = sorted([*_DOOR, "main"])


def __getattr__(name: str) -> Any:
    if name not in _DOOR:
        raise AttributeError(f"module 'crossres' has no attribute {name!r}")
    _check_rooms()
    return getattr(importlib.import_module(_DOOR[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_DOOR])


def _check_rooms() -> None:
    """Find a foreign package under the name of one of our rooms before it is imported.

    A mere folder of that name where one works is none: where ours is on the path, it comes first.
    """
    here = Path(__file__).resolve().parent.parent
    for room in ("datasets", "methods", "benchmark", "reports"):
        spec = importlib.util.find_spec(room)
        if (spec is None or spec.origin is None) and str(here) not in sys.path:
            sys.path.append(str(here))
            spec = importlib.util.find_spec(room)
        origin = Path(spec.origin).resolve() if spec and spec.origin else None
        if origin is None or origin.parent.parent != here or not _is_ours(origin):
            sys.exit(
                f"crossres: the package {room!r} found at {origin or 'no place'} is not "
                "crossres's own; another package of that name is installed. Install crossres in "
                "an environment of its own: python -m venv .venv && .venv/bin/pip install crossres"
            )


def _is_ours(origin: Path) -> bool:
    return b" room" in origin.read_bytes()[:200]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns 0 (done), 1 (ran, the answer is no) or 2 (unusable input)."""
    _check_rooms()
    from crossres.command_line import run
    from datasets.arguments import as_several

    return run(None if arguments is None else as_several(arguments, "arguments", _word))


def _word(argument: Any, what: str) -> str:
    """A word of a command line: text, a path or a number."""
    from datasets.arguments import as_path

    return str(argument) if isinstance(argument, str | int) else str(as_path(argument, what))
