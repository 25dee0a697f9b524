"""A module that a test writes, which workers find under its name."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest


@contextmanager
def written_module(
    folder: Path, name: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ModuleType]:
    """Write a module into a folder from which it can be imported, and import it."""
    (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(folder))
    importlib.invalidate_caches()
    yield importlib.import_module(name)
    sys.modules.pop(name, None)
