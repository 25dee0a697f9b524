"""The changes of changes.toml: checked, and applied to a copy of the code."""

import hashlib
import json
import os
import shutil
import tomllib
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from crossres.reports.wording import slug

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
ROOMS = ("crossres", "datasets", "methods", "benchmark", "reports")
PLATFORM = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "PYTHONHASHSEED")


@dataclass(frozen=True)
class Edit:
    """A text that stands exactly once in a file, and what stands there afterwards."""

    file: str
    before: str
    after: str


@dataclass(frozen=True)
class Change:
    """One change: edits of the code, or an environment, or other arguments of the commands."""

    name: str
    kind: str
    edit: tuple[Edit, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    run: tuple[str, ...] = ()
    check: tuple[str, ...] = ()

    @property
    def slug(self) -> str:
        """The name as that of a folder."""
        return slug(self.name.lower())

    @property
    def harmful(self) -> bool:
        """Whether the gate must not let it pass."""
        return self.kind != "clean"


def load_changes() -> list[Change]:
    """All changes in the order of the file; ValueError where two of them have one name."""
    content = tomllib.loads((HERE / "changes.toml").read_text(encoding="utf-8"))
    changes = [_change(entry) for entry in content["change"]]
    twice = {change.name for change in changes if sum(c.slug == change.slug for c in changes) > 1}
    if twice:
        raise ValueError(f"changes.toml: {sorted(twice)} stand there twice")
    return changes


def _change(entry: dict[str, Any]) -> Change:
    edits = tuple(Edit(**edit) for edit in entry.pop("edit", []))
    lists = {name: tuple(entry.pop(name, ())) for name in ("run", "check")}
    change = Change(edit=edits, **lists, **entry)
    if change.kind not in ("bug", "leak", "clean"):
        raise ValueError(f"changes.toml, {change.name}: unknown kind {change.kind!r}")
    return change


def write_changed(change: Change, folder: Path) -> None:
    """Copy the code into `folder`, as it is installed, and apply the edits.

    Raises ValueError where one does not fit.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for room in ROOMS:
        leave = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / room, folder / installed(room), ignore=leave)
    for edit in change.edit:
        path = folder / installed(edit.file)
        path.write_text(edited(edit, path.read_text(encoding="utf-8")), encoding="utf-8")


def installed(path: str) -> Path:
    """Where a file or folder of the repository lies beside the installed package."""
    return Path(path) if Path(path).parts[0] == "crossres" else Path("crossres", path)


def edited(edit: Edit, text: str) -> str:
    """The text of the file with the edit; ValueError unless `before` stands there exactly once."""
    count = text.count(edit.before)
    if count != 1:
        raise ValueError(f"{edit.file}: {count} times there, not once: {edit.before!r}")
    return text.replace(edit.before, edit.after)


def plain_environment() -> dict[str, str]:
    """Return the environment of this process without what a run may be given otherwise."""
    return {name: value for name, value in os.environ.items() if name not in PLATFORM}


def digest_of_study(change: Change) -> str:
    """Of the change and of all that a cell runs."""
    content = json.dumps(asdict(change), sort_keys=True) + _digest_of_code()
    return hashlib.sha256(content.encode()).hexdigest()


@cache
def _digest_of_code() -> str:
    found = hashlib.sha256()
    for room in ROOMS[1:4]:
        for path in sorted((REPOSITORY / room).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                found.update(path.relative_to(REPOSITORY).as_posix().encode())
                found.update(path.read_bytes())
    return found.hexdigest()
