"""Drawing the parts of a report: one that fails shows its reason and costs none of the others.

A failure is a bug of ours, so it is logged; the tests of the project raise at such a line.
"""

import logging
from collections.abc import Callable
from typing import TypeVar

from markupsafe import Markup

from crossres.datasets.base.errors import printable

T = TypeVar("T")
U = TypeVar("U")

_log = logging.getLogger(__name__)


class Parts:
    """Draws parts and remembers why some could not be drawn."""

    def __init__(self) -> None:
        self.failed: list[str] = []

    def draw(self, part: str, make: Callable[[], T], instead: Callable[[str], U]) -> T | U:
        """Return what `make` returns or, where it raises, what `instead` makes of the reason."""
        try:
            return make()
        except Exception as error:
            text = printable(" ".join(str(error).split()))
            reason = f"{part} could not be drawn ({type(error).__name__}: {text})"
            self.failed.append(reason)
            _log.warning("%s; the rest of the report is there", reason)
            _log.debug("where it failed", exc_info=True)
            return instead(reason)


def nothing(reason: str) -> None:
    """Put nothing in the place of a part without which its surroundings can do."""
    del reason


def paragraph(reason: str) -> Markup:
    """Return what stands in the place of a part of a page."""
    return Markup('<p class="notes failed" role="note">{}.</p>').format(reason)
