"""The command line as a user meets it: called in this process, or started in one of its own.

A process of its own loads torch, and for cells a fork server that loads it once more: ten seconds.
It is for what only a process shows; all else is called.
"""

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

import crossres

Answered = subprocess.CompletedProcess[str]


def called(folder: Path, cache: Path, *arguments: str | Path) -> Answered:
    """Call the command line in `folder`, with this cache; what it prints is what is returned."""
    words, out, err = [str(argument) for argument in arguments], io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        patch.chdir(folder)
        patch.setenv("CROSSRES_CACHE", str(cache))
        try:
            code = crossres.main(words)
        except SystemExit as end:  # --help
            code = int(end.code or 0)
    return Answered(words, code, out.getvalue(), err.getvalue())


def started(folder: Path, cache: Path, *arguments: str | Path) -> Answered:
    """Start the command line as a process in `folder`, with this cache."""
    return subprocess.run(
        [sys.executable, "-m", "crossres", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=folder,
        env=os.environ | {"CROSSRES_CACHE": str(cache)},
        check=False,
    )
