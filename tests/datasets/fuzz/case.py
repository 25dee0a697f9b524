"""The nouns of the fuzzer: a case, what is done to its raw folder, and its dice."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from crossres.datasets import draw

T = TypeVar("T")


class Kind(StrEnum):
    """What a mutation may do to the outcome."""

    HARMLESS = "harmless"  # nothing may change: neither the manifest nor the pixels
    PIXELS = "pixels"  # the manifest must stay; the store may refuse the file or show others
    BROKEN = "broken"  # the manifest must stay; the store must refuse the file
    NAMES = "names"  # what the names on disk say decides
    REFUSED = "refused"  # must be refused
    ANY = "any"  # a manifest or a refusal


@dataclass(frozen=True)
class Effect:
    """One mutation that was made; `path` is what an error should name."""

    mutation: str
    kind: Kind
    path: Path


@dataclass
class Dice:
    """A stream of draws that depends on the number of the case alone."""

    case: int
    thrown: int = 0

    def below(self, bound: int) -> int:
        self.thrown += 1
        return draw("fuzz", self.case, self.thrown) % bound

    def pick(self, choices: list[T] | tuple[T, ...]) -> T:
        return choices[self.below(len(choices))]

    def bytes(self, length: int) -> bytes:
        words = (draw("fuzz", self.case, self.thrown, n) for n in range(length // 8 + 1))
        self.thrown += 1
        return b"".join(word.to_bytes(8, "big") for word in words)[:length]


@dataclass
class Case:
    """One raw folder that is mutated and read.

    Everything lies below `home`: the raw folder below `home/top/inner`, what nothing may read below
    `home/secret`, what links may lead to below `home/elsewhere`.
    """

    number: int
    layout: str
    home: Path
    folder: Path
    dice: Dice
    effects: list[Effect] = field(default_factory=list)
    copied: bool = False

    @property
    def dataset(self) -> str:
        return self.layout.split()[0]

    @property
    def inner(self) -> Path:
        return self.home / "top" / "inner"

    def files(self) -> list[Path]:
        """The files of the raw folder, sorted, links not followed."""
        return sorted(
            Path(folder, name)
            for folder, _, names in os.walk(os.fsencode(self.folder))
            for folder, name in ((os.fsdecode(folder), os.fsdecode(name)) for name in names)
        )

    def folders(self) -> list[Path]:
        """The raw folder and the folders in it, sorted."""
        return sorted(
            Path(os.fsdecode(folder)) for folder, _, _ in os.walk(os.fsencode(self.folder))
        )

    def only(self, *kinds: Kind) -> bool:
        """Whether nothing but effects of these kinds was made."""
        return all(effect.kind in kinds for effect in self.effects)


def head(file: Path) -> bytes:
    """The content of a file; of a sparse one that was made huge, its beginning."""
    with file.open("rb") as stream:
        return stream.read(1 << 20)


def replace(file: Path, content: bytes) -> None:
    """Give the file new content without touching the template that it is linked to."""
    file.unlink()
    file.write_bytes(content)


Mutation = Callable[[Case], tuple[Kind, Path] | None]
"""Changes the raw folder and says what that may do, and to what; None where it does not apply."""
