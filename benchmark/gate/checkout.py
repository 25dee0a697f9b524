"""The checkout that a folder lies in: which commit, of which date.

The date is that of the commit, or SOURCE_DATE_EPOCH where it is set: no clock is read.
"""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from crossres.benchmark.records.commit import LONG, changes_words, commit_at, git


@dataclass(frozen=True)
class Checkout:
    """`commit` in hex digits, its `date` as YYYY-MM-DD; `changed`: tracked files differ from it,
    None where that is not known.
    """

    commit: str
    date: str
    changed: bool | None

    @property
    def words(self) -> str:
        """ "commit 1a2b3c4d5e6f of 2026-01-31, with changes"."""
        return f"commit {self.commit[:LONG]} of {self.date}{changes_words(self.changed)}"


def checkout_of(folder: Path) -> Checkout | None:
    """Return the checkout that holds `folder`; None where there is none, or git is missing."""
    commit = commit_at(folder)
    if commit is None:
        return None
    stamp = os.environ.get("SOURCE_DATE_EPOCH") or git(
        folder, "show", "--no-patch", "--format=%ct", commit.hash
    )
    return Checkout(commit.hash, _date(stamp or ""), commit.changed)


def _date(stamp: str) -> str:
    """Turn seconds since 1970 into a date in UTC."""
    try:
        return datetime.fromtimestamp(int(stamp), UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return "an unknown date"
