"""The losses of a training, told to whoever watches it from wherever in it they are computed.

They pass through unchanged, so that a formula names its terms where it stands.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import SupportsFloat, TypeVar

from crossres.methods.interface.run import unheard

Note = Callable[[str, SupportsFloat], None]
_Loss = TypeVar("_Loss", bound=SupportsFloat)

_hearer: ContextVar[Note] = ContextVar("hearer", default=unheard)


@contextmanager
def heard_by(note: Note) -> Iterator[None]:
    """Inside, `note` is told what is `noted`: mostly the `note` of a Run."""
    token = _hearer.set(note)
    try:
        yield
    finally:
        _hearer.reset(token)


def noted(name: str, loss: _Loss) -> _Loss:
    """The loss itself, after it was told under this name."""
    _hearer.get()(name, loss)
    return loss
