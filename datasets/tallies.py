"""Counting: the published numbers of a card beside what a raw folder holds."""

from collections.abc import Sequence
from dataclasses import dataclass

from datasets.cards import Card, Count
from datasets.readers import RawImage


@dataclass(frozen=True)
class Tally:
    """One published number (`what`: images, identities or cameras) beside the one found.

    `asserted` False: the number is known second-hand only, so a difference is told but is no fault.
    """

    group: str
    what: str
    found: int
    expected: int
    asserted: bool = True

    @property
    def fits(self) -> bool:
        """Whether this is no fault."""
        return self.found == self.expected or not self.asserted


def tallies(about: Card, images: Sequence[RawImage]) -> list[Tally]:
    """Every published number of the card, but for boxes of a kind that the folder does not hold.

    A card without numbers for its parts is compared with its totals.
    """
    counts = about.counts or (
        Count(images=about.images, identities=about.identities, cameras=about.cameras),
    )
    boxes = {image.boxes for image in images}
    return [
        tally
        for count in counts
        if not count.boxes or count.boxes in boxes
        for tally in _compared(count, images)
    ]


def _compared(count: Count, images: Sequence[RawImage]) -> list[Tally]:
    group = [image for image in images if _belongs(image, count)]
    found = {
        "images": len(group),
        "identities": len({image.pid for image in group if _is_known(image)}),
        "cameras": len({image.camid for image in group}),
    }
    expected = {
        "images": count.images,
        "identities": count.identities,
        "cameras": count.cameras,
    }
    return [
        Tally(str(count), what, found[what], number, count.asserted)
        for what, number in expected.items()
        if number is not None
    ]


def _belongs(image: RawImage, count: Count) -> bool:
    return (
        count.part in ("", image.part)
        and count.boxes in ("", image.boxes)
        and count.camid in (None, image.camid)
        and count.kind in ("", _kind(image))
    )


def _kind(image: RawImage) -> str:
    if image.pid < 0:
        return "junk"
    return "known" if _is_known(image) else "distractors"


def _is_known(image: RawImage) -> bool:
    """Whether the image shows one of the identities; pid 0 is one where a set has no parts."""
    return image.pid > 0 or (image.pid == 0 and not image.part)
