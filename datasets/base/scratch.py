"""Folders for what a process needs while it runs; the next one removes those of killed ones."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from crossres.datasets.base.files import held, remove_unless_held

PREFIX = "crossres_"
LETTERS = len(PREFIX) + 8  # of the name of a folder
_NAME = re.compile(PREFIX + "[a-z0-9_]{8}")


@contextmanager
def scratch_folder(root: Path | None = None) -> Iterator[Path]:
    """Yield an empty folder in `root` (the system's temporary folder), gone when the block ends."""
    root = Path(tempfile.gettempdir()) if root is None else root
    with suppress(OSError):
        for path in sorted(root.glob(f"{PREFIX}*")):
            if _NAME.fullmatch(path.name):
                remove_unless_held(path)
    with held(lambda: Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))) as folder:
        yield folder
