"""The checkout that a folder lies in: which commit, of which date.

The date is that of the commit, or SOURCE_DATE_EPOCH where it is set: no clock is read.
"""

import os
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

TIMEOUT = 10  # seconds for git


@dataclass(frozen=True)
class Checkout:
    """`commit` in hex digits, its `date` as YYYY-MM-DD; `changed`: tracked files differ from it."""

    commit: str
    date: str
    changed: bool

    @property
    def words(self) -> str:
        """ "commit 1a2b3c4d5e6f of 2026-01-31, with changes"."""
        return f"commit {self.commit[:12]} of {self.date}" + ", with changes" * self.changed


def checkout_of(folder: Path) -> Checkout | None:
    """Return the checkout that holds `folder`; None where there is none, or git is missing."""
    head = _git(folder, "show", "--no-patch", "--format=%H %ct", "HEAD")
    if not head:
        return None
    commit, _, stamp = head.partition(" ")
    changed = bool(_git(folder, "status", "--porcelain", "--untracked-files=no"))
    return Checkout(commit, _date(os.environ.get("SOURCE_DATE_EPOCH") or stamp), changed)


def _date(stamp: str) -> str:
    """Turn seconds since 1970 into a date in UTC."""
    try:
        return datetime.fromtimestamp(int(stamp), UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return "an unknown date"


def _git(folder: Path, *arguments: str) -> str:
    """Return the output of git; "" where it fails or cannot be called."""
    command = ["git", "-C", str(folder), *arguments]
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    quiet: dict[str, Any] = {"capture_output": True, "text": True, "errors": "replace"}
    try:
        process = subprocess.run(command, timeout=TIMEOUT, env=environment, **quiet)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return process.stdout.strip() if process.returncode == 0 else ""
