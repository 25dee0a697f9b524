"""Counting: the published numbers of a card beside what a raw folder holds."""

from collections.abc import Sequence
from dataclasses import dataclass

from crossres.datasets.cards import Card, Count
from crossres.datasets.readers import RawImage

Group = tuple[str, str, int, str]  # part, boxes, camid, kind
_MOST = 3  # differences of parts that are said where the totals fit


@dataclass(frozen=True)
class CountCheck:
    """One published number (`what`: images, identities or cameras) beside the one found.

    `fits`: whether this is no fault, equal or not.
    """

    group: str
    what: str
    found: int
    expected: int
    fits: bool

    def __str__(self) -> str:
        """Return "12 of 1,501 identities", "train: 13,000 images, not 12,936"."""
        part = "" if self.group == "all" else f"{self.group}: "
        if self.found < self.expected:
            return f"{part}{self.found:,} of {self.expected:,} {self.what}"
        return f"{part}{self.found:,} {self.what}, not {self.expected:,}"


def tallies(card: Card, images: Sequence[RawImage]) -> list[CountCheck]:
    """Check every published number of the card, except those of boxes that the folder lacks.

    A card without numbers for its parts is compared with its totals.
    """
    boxes = {image.boxes for image in images}
    counts = [count for count in card.counts if not count.boxes or count.boxes in boxes]
    return _tallies(counts if card.counts else [_total(card)], images)


def differences(card: Card, images: Sequence[RawImage]) -> tuple[CountCheck, ...]:
    """Return in what a raw folder differs from its card, for people; () when it does not.

    Its totals, identities first; where these fit, the first of the parts that do not.
    """
    wrong = [tally for tally in tallies(card, images) if not tally.fits]
    if not wrong:
        return ()
    totals = {tally.what: tally for tally in _tallies([_total(card)], images)}
    if {count.boxes for count in card.counts} - {image.boxes for image in images}:
        del totals["images"]  # the total counts boxes that the folder does not hold
    order = ("identities", "images", "cameras")
    wrong_totals = [totals[noun] for noun in order if noun in totals and not totals[noun].fits]
    return tuple(wrong_totals or wrong[:_MOST])


def _total(card: Card) -> Count:
    return Count(images=card.images, identities=card.identities, cameras=card.cameras or None)


def _tallies(counts: Sequence[Count], images: Sequence[RawImage]) -> list[CountCheck]:
    groups: dict[Group, list[int]] = {}
    for image in images:
        group = image.part, image.boxes, image.camid, _kind(image)
        groups.setdefault(group, []).append(image.pid)
    return [tally for count in counts for tally in _compared(count, groups)]


def _compared(count: Count, groups: dict[Group, list[int]]) -> list[CountCheck]:
    group_pids = {group: pids for group, pids in groups.items() if _belongs(group, count)}
    identities = [pids for (*_, kind), pids in group_pids.items() if kind == "known"]
    numbers = {
        "images": (sum(map(len, group_pids.values())), count.images),
        "identities": (len({pid for pids in identities for pid in pids}), count.identities),
        "cameras": (len({camid for _, _, camid, _ in group_pids} - {-1}), count.cameras),
    }
    return [
        CountCheck(str(count), noun, actual, number, _fits(count, noun, actual, number))
        for noun, (actual, number) in numbers.items()
        if number is not None
    ]


def _fits(count: Count, noun: str, actual: int, number: int) -> bool:
    near = abs(actual - number) <= count.within * number
    return near or (noun == "images" and actual in count.also)


def _belongs(group: Group, count: Count) -> bool:
    part, boxes, camid, kind = group
    return (
        count.part in ("", part)
        and count.boxes in ("", boxes)
        and count.camid in (None, camid)
        and count.kind in ("", kind)
    )


def _kind(image: RawImage) -> str:
    """Return "known" is one of the identities; pid 0 is one, too, where a set has no parts."""
    if image.pid < 0:
        return "junk"
    return "known" if image.pid > 0 or not image.part else "distractors"
