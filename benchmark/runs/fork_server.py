"""What the process that workers are copies of has otherwise: it imports this, and nobody else does.

It lives as long as its driver, and says what its copies cannot even begin with.
"""

import atexit
import os
import sys
import traceback
from pickle import UnpicklingError
from types import TracebackType

atexit.register(os._exit, 0)  # to take torch apart again takes seconds where others are at work


def _say_unless_untold(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Print an exception, but not that half a task was read: its driver has died telling it."""
    last = [frame for frame, _ in traceback.walk_tb(trace)][-1]
    reads_task = last.f_globals["__name__"] == "multiprocessing.spawn"
    if not (reads_task and kind in (EOFError, UnpicklingError)):
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _say_unless_untold
