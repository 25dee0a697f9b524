"""Real counts, dealt out by simple rules: who is seen by which cameras, how many images each.

For the twins of size `full`, whose totals per camera are those of the real set.
"""

from collections.abc import Sequence
from typing import TypeVar

from crossres.datasets.base.draws import draw, ordered

T = TypeVar("T", int, tuple[int, int])


def sightings(
    people: Sequence[int], seen_by: Sequence[int], per_camera: Sequence[int], *names: str | int
) -> list[tuple[int, int]]:
    """Return the (pid, camid) pairs, sorted, where `seen_by[k]` of the people are seen by k + 1
    cameras and `per_camera[c]` of them by camera c + 1.

    Each takes the cameras with most places left, which fills every place if the counts allow it.
    Raises ValueError when they do not.
    """
    left = list(per_camera)
    numbers = [number for number, count in enumerate(seen_by, start=1) for _ in range(count)]
    pairs = []
    for pid, number in zip(ordered(people, *names), numbers, strict=True):
        chosen = sorted(range(len(left)), key=lambda c: (-left[c], draw(*names, pid, c)))[:number]
        for camera in chosen:
            left[camera] -= 1
            pairs.append((pid, camera + 1))
    if any(left):
        raise ValueError(f"no such sightings: {left} places are left of {list(per_camera)}")
    return sorted(pairs)


def dealt(total: int, takers: Sequence[T], *names: str | int) -> dict[T, int]:
    """Deal `total` out evenly to the takers; the remainder goes to the first in hash order."""
    each, more = divmod(total, len(takers))
    lucky = set(ordered(takers, *names)[:more])
    return {taker: each + (taker in lucky) for taker in takers}
