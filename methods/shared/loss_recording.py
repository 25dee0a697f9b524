"""Recording the losses of a training where they are computed.

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
def recording_losses(record: RecordLoss) -> Iterator[None]:
    """Pass each `recorded_loss` inside to `record`, mostly the `record_loss` of a Run."""
    token = _recorder.set(record)
    try:
        yield
    finally:
        _recorder.reset(token)


def recorded_loss(name: str, loss: _Loss) -> _Loss:
    """Record the loss under this name and return it."""
    _recorder.get()(name, loss)
    return loss
