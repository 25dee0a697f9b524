"""What a user's own set holds, in numbers that tell whether its definition was meant so."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median_low
from typing import Any

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.words import counted
from crossres.datasets.cards import Card
from crossres.datasets.raw.source import Raw
from crossres.datasets.readers import Names
from crossres.datasets.readers.own import cameras_of_identities
from crossres.datasets.readers.parts.images import image_size

MOST_SIZES = 2000  # images whose headers are read
NAMED = 5  # names that lines for people hold


@dataclass(frozen=True)
class Range:
    """The least, the middle and the largest of some whole numbers."""

    least: int
    median: int
    most: int

    def __str__(self) -> str:
        """Return "1 to 12 (median 4)", or one number where all are the same."""
        if self.least == self.most:
            return str(self.least)
        return f"{self.least} to {self.most} (median {self.median})"


@dataclass(frozen=True)
class Summary:
    """Counts of a raw folder as its definition reads it.

    `crossing` identities were seen by two cameras or more. `parts` are images by split where the
    set has one. `heights` and `widths`, in pixels, are of `measured` images, evenly spread over all
    (None where none can be read); `unreadable` are the errors of others among them. `names` are
    those of identities and cameras, where they are no numbers.
    """

    images: int
    identities: int
    cameras: int
    crossing: int
    per_identity: Range
    parts: dict[str, int]
    natively_lr: int
    measured: int
    heights: Range | None
    widths: Range | None
    unreadable: tuple[str, ...]
    names: Names
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    def facts(self) -> dict[str, str]:
        """Return it for people, by what is told; "" where there is nothing to tell."""
        sizes = f"height {self.heights}, width {self.widths} pixels"
        some = f" (of {self.measured:,} images)" if self.measured < self.images else ""
        crossing = f"{self.crossing:,} of {self.identities:,} seen by two cameras or more"
        parts = ", ".join(f"{count:,} {part or 'test'}" for part, count in self.parts.items())
        return {
            "images": f"{self.images:,}",
            "identities": f"{self.identities:,}{_named(self.names.pids)}",
            "cameras": f"{self.cameras}{_named(self.names.camids)}" if self.cameras else "not told",
            "crossing": crossing if self.cameras else "",
            "per identity": f"{self.per_identity} images",
            "split": parts if set(self.parts) != {""} else "",
            "natively LR": f"{self.natively_lr:,} images" if self.natively_lr else "",
            "sizes": f"{sizes}{some}" if self.heights else "",
            "unreadable": _unreadable(self.unreadable),
            "note": "; ".join(self.notes),
        }


def summarised(raw: Raw) -> Summary:
    """Return the summary of a raw folder; headers of images are read."""
    images, folder = raw.images, raw.folder
    known = [image for image in images if image.pid > 0 or not image.part]
    per_identity = Counter(image.pid for image in known)
    crossing = cameras_of_identities(known)
    step = max(1, -(-len(images) // MOST_SIZES))
    chosen = sorted(images, key=lambda image: image.path)[::step]
    sizes, unreadable = [], []
    for image in chosen:
        try:
            sizes.append(image_size(folder / image.path))
        except InputError as error:
            unreadable.append(str(error))
    parts = Counter(image.part for image in images)
    return Summary(
        images=len(images),
        identities=len(per_identity),
        cameras=len({image.camid for image in images} - {-1}),
        crossing=sum(count > 1 for count in crossing.values()),
        per_identity=_range([*per_identity.values()]) or Range(0, 0, 0),
        parts={part: parts[part] for part in sorted(parts)},
        natively_lr=len(raw.native_lr),
        measured=len(sizes),
        heights=_range([height for _, height in sizes]),
        widths=_range([width for width, _ in sizes]),
        unreadable=tuple(unreadable),
        names=raw.names,
        notes=raw.notes,
    )


def title_of(card: Card) -> str:
    """Return what a user's own set is called before its facts."""
    return f"{card.id}: custom data, {card.layout} below {card.folder}"


def _range(numbers: Sequence[int]) -> Range | None:
    return Range(min(numbers), median_low(numbers), max(numbers)) if numbers else None


def _named(names: Mapping[int, str]) -> str:
    texts = [f"{number} = {names[number]}" for number in sorted(names)]
    more = ", ..." if len(texts) > NAMED else ""
    return f" ({', '.join(texts[:NAMED])}{more})" if texts else ""


def _unreadable(errors: Sequence[str]) -> str:
    if not errors:
        return ""
    return f"{counted(len(errors), 'image')}, the first: {errors[0]}"
