"""What a gate lets pass."""

import math
from dataclasses import dataclass

from crossres.benchmark.metrics.by_rate import NAMES
from crossres.datasets.base.arguments import as_flag, as_number, as_several, as_text
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.suggest import unknown

BOUND = 0.2  # of a metric: a change beyond it is an alarm, whatever the scatter says
NEGLIGIBLE = 0.001  # of a metric: less is never an alarm, however surely it is there


@dataclass(frozen=True)
class Limits:
    """What the gate lets pass; metrics and tolerance are fractions.

    `false_alarms` is the chance that a check of results which are as good as the baseline's raises
    any alarm about metrics, half of it for drops and half for gains. `tolerance`: a row whose mean
    drops by more fails, whatever chance could explain. `gains` False lets results be too good,
    `training` False lets training begin with other losses (which are tested at a rate of false
    alarms of their own, a tenth of `false_alarms`).
    `exact`: all must be equal to the bit. `time`, `memory`: the largest ratios to the baseline's.
    `other_seeds`: results of other seeds are compared, unpaired. `must_find`: a check that could
    not have found a true drop of this size in the first of `metrics`, in whichever row it is, does
    not pass (1: with whatever it finds in rows that have this metric, it does). Raises InputError
    when a value makes no sense.
    """

    metrics: tuple[str, ...] = ("mAP", "rank1")
    false_alarms: float = 0.01
    tolerance: float | None = None
    gains: bool = True
    training: bool = True
    exact: bool = False
    time: float | None = None
    memory: float | None = None
    other_seeds: bool = False
    must_find: float = 0.03

    def __post_init__(self) -> None:
        object.__setattr__(self, "metrics", tuple(as_several(self.metrics, "metrics", as_text)))
        for name in ("gains", "training", "exact", "other_seeds"):
            as_flag(getattr(self, name), name.replace("_", " "))
        for name in ("false_alarms", "must_find", "tolerance", "time", "memory"):
            optional = name in ("tolerance", "time", "memory")
            if not (optional and getattr(self, name) is None):
                as_number(getattr(self, name), name.replace("_", " "))
        strange = [metric for metric in self.metrics if metric not in NAMES]
        if strange or not self.metrics:
            raise unknown("metric", strange[0] if strange else "", NAMES, "gate")
        if not 0 < self.false_alarms < 1:
            raise InputError(f"false alarms: {self.false_alarms} is no rate between 0 and 1")
        if self.tolerance is not None and not 0 <= self.tolerance <= 1:
            raise InputError(f"tolerance: {100 * self.tolerance:g} points are not in 0 to 100")
        if not 0 < self.must_find <= 1:
            raise InputError(
                f"must find: {100 * self.must_find:g} points are not above 0 and up to 100"
            )
        for name, ratio in (("time", self.time), ("memory", self.memory)):
            if ratio is not None and not 0 < ratio < math.inf:
                raise InputError(f"{name}: a ratio must be above 0 and finite, not {ratio}")
        if self.exact and self.other_seeds:
            raise InputError("other seeds cannot be equal to the bit; leave out one of the two")

    @property
    def one_side(self) -> float:
        """The share of the false alarms that drops have, and gains where they are watched."""
        return self.false_alarms / 2 if self.gains else self.false_alarms

    @property
    def bound(self) -> float:
        """The least drop of a mean that fails, whatever chance could explain."""
        return BOUND if self.tolerance is None else min(BOUND, self.tolerance)

    @property
    def training_alarms(self) -> float:
        """The chance of a false alarm about the losses with which training begins."""
        return self.false_alarms / 10
