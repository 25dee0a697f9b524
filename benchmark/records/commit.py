"""The commit that a folder's git repository is at, and whether its files differ from it."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TIMEOUT = 2  # seconds for git: on a slow disk a run does not wait to hear of changes
SHORT, LONG = 7, 12  # digits of a hash below a drawing, as many as git shows, and in sentences


@dataclass(frozen=True)
class Commit:
    """A commit by its whole hash; `changed`: whether tracked files differ from it, None where that
    is not known.
    """

    hash: str
    changed: bool | None

    @property
    def short(self) -> str:
        """ "1a2b3c4", with + where files differ from it and ? where that is not known."""
        return self.hash[:SHORT] + {True: "+", False: "", None: "?"}[self.changed]

    @property
    def words(self) -> str:
        """ "commit 1a2b3c4d5e6f, with changes"."""
        return f"commit {self.hash[:LONG]}{changes_words(self.changed)}"


def changes_words(changed: bool | None) -> str:
    """Return what follows a commit in a sentence; "" where files do not differ from it."""
    return {True: ", with changes", False: "", None: ", changes unknown"}[changed]


def commit_at(folder: Path) -> Commit | None:
    """Return the commit of the repository that holds `folder`; None where there is none, or no git.

    In a repository of another user git says only which commit it is, as no more than that can be
    asked without running programs that the repository names.
    """
    digits = git(folder, "-c", "safe.directory=*", "rev-parse", "--verify", "HEAD")
    if not digits:
        return None
    changes = git(folder, "status", "--porcelain", "--untracked-files=no", "--no-renames")
    return Commit(digits, None if changes is None else bool(changes))


def git(folder: Path, *arguments: str) -> str | None:
    """Return what git prints; None where it fails, takes too long or cannot be called."""
    # What else a hook or a user sets (GIT_DIR) is about another repository than the folder's.
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith("GIT_CONFIG")
    }
    environment["GIT_OPTIONAL_LOCKS"] = "0"
    quiet: dict[str, Any] = {"capture_output": True, "text": True, "errors": "replace"}
    try:
        process = subprocess.run(
            ["git", "-C", str(folder), *arguments], timeout=TIMEOUT, env=environment, **quiet
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return process.stdout.strip() if process.returncode == 0 else None
