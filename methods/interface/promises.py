"""The promises of a method as data, and what has been found out about each."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from crossres.datasets.base.build import build
from crossres.datasets.base.texts import read_toml

_FILE = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True)
class Promise:
    """A promise: its id, the check that it belongs to, its text, and how to mend a broken one."""

    id: str
    check: str
    text: str
    remedy: str


@dataclass(frozen=True)
class Checked:
    """A promise, and whether a method keeps it; None: that could not be found out.

    `seen`: what breaks it, or why it could not be checked.
    """

    promise: Promise
    holds: bool | None
    seen: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        promise = self.promise
        broken = {"seen": self.seen, "remedy": promise.remedy} if self.holds is False else {}
        unknown = {"seen": self.seen} if self.holds is None else {}
        return {
            "check": promise.check,
            "promise": promise.text,
            "holds": self.holds,
            **broken,
            **unknown,
        }


@cache
def promises() -> dict[str, Promise]:
    """Return all promises by id, in order."""
    entries = read_toml(_FILE, "promise")["promise"]
    listed = [build(Promise, entry, f"promise {n}") for n, entry in enumerate(entries, start=1)]
    return {promise.id: promise for promise in listed}
