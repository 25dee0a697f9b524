"""Record the losses of a training where they are computed, for whoever watches it.

They pass through unchanged, so that a formula names its terms where it stands.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import SupportsFloat, TypeVar

from crossres.methods.interface.run import ignore_loss

RecordLoss = Callable[[str, SupportsFloat], None]
_Loss = TypeVar("_Loss", bound=SupportsFloat)

_recorder: ContextVar[RecordLoss] = ContextVar("recorder", default=ignore_loss)


@contextmanager
def losses_go_to(record: RecordLoss) -> Iterator[None]:
    """Inside, `record` gets each `watched_loss`: mostly the `record_loss` of a Run."""
    token = _recorder.set(record)
    try:
        yield
    finally:
        _recorder.reset(token)


def watched_loss(name: str, loss: _Loss) -> _Loss:
    """Return the loss itself, after it was recorded under this name."""
    _recorder.get()(name, loss)
    return loss
