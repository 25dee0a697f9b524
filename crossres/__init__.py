"""The roof: the command line `crossres`, and the one door for other people's code.

`from crossres import Method, check_method, evaluate, ...`; a name is loaded when first asked for.
The names are those of `__init__.pyi`.
"""

from collections.abc import Sequence
from typing import Any

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__all__ += ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns 0 (done), 1 (ran, the answer is no) or 2 (unusable input)."""
    from crossres.cli import run

    if arguments is None:
        return run()
    from crossres.datasets.base.arguments import as_several

    return run(as_several(arguments, "arguments", _word))


def _word(argument: Any, label: str) -> str:
    """Return a word of a command line: text, a path or a number."""
    from crossres.datasets.base.arguments import as_path

    return str(argument) if isinstance(argument, str | int) else str(as_path(argument, label))
