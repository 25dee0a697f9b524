"""A contest: functions of ours and of peers that do the same, and so must give the same number."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from tools.performance.figures import Ratio, ratio_of
from tools.performance.timing import take_turns

Function = Callable[[], float]
"""Returns what it computed, so far as one number can say it; NaN where that is of another kind."""


class Disagreement(Exception):
    """A peer that did not compute what we did: a ratio of their times would say nothing."""


@dataclass(frozen=True)
class Contest:
    """Functions by name, and which of ours is divided by which peer.

    seconds: of CPU that the rounds take, about; within: how far two results may be apart.
    """

    subject: str
    ours: Mapping[str, Function]
    peers: Mapping[str, Function]
    pairs: tuple[tuple[str, str], ...]
    seconds: float
    within: float = 1e-6

    def ratios(self) -> Iterator[Ratio]:
        """Measure all in turns. Raises Disagreement."""
        functions = {**self.ours, **self.peers}
        results = {name: function() for name, function in functions.items()}
        for ours, peer in self.pairs:
            gap = abs(results[ours] - results[peer])
            if not math.isnan(gap) and gap > self.within:
                raise Disagreement(
                    f"{self.subject}: {ours} gives {results[ours]}, {peer} {results[peer]}"
                )
        times = take_turns(functions, self.seconds)
        for ours, peer in self.pairs:
            yield ratio_of(self.subject, (ours, peer), times[ours], times[peer])
