"""What a gate lets pass."""

from dataclasses import dataclass

from benchmark.metrics import METRICS
from datasets.arguments import as_flag, as_number, as_several, as_text
from datasets.errors import InputError
from datasets.suggest import unknown


@dataclass(frozen=True)
class Limits:
    """What the gate lets pass; metrics and tolerance are fractions.

    `false_alarms` is the chance that a check of results which are as good as the baseline's raises
    any alarm about metrics, half of it for drops and half for gains. `tolerance`: a row whose mean
    drops by more fails, whatever chance could explain. `gains` False lets results be too good,
    `training` False lets training begin with other losses (which are tested at a rate of false
    alarms of their own, a tenth of `false_alarms`).
    `exact`: all must be equal to the bit. `time`, `memory`: the largest ratios to the baseline's.
    `other_seeds`: results of other seeds are compared, unpaired. Raises InputError when a value
    makes no sense.
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

    def __post_init__(self) -> None:
        object.__setattr__(self, "metrics", tuple(as_several(self.metrics, "metrics", as_text)))
        for name in ("gains", "training", "exact", "other_seeds"):
            as_flag(getattr(self, name), name.replace("_", " "))
        for name in ("false_alarms", "tolerance", "time", "memory"):
            if getattr(self, name) is not None:
                as_number(getattr(self, name), name.replace("_", " "))
        others = [metric for metric in self.metrics if metric not in METRICS]
        if others or not self.metrics:
            raise unknown("metric", others[0] if others else "", METRICS, "gate")
        if self.false_alarms is None or not 0 < self.false_alarms < 1:
            raise InputError(f"false alarms: {self.false_alarms} is no rate between 0 and 1")
        if self.tolerance is not None and not 0 <= self.tolerance <= 1:
            raise InputError(f"tolerance: {100 * self.tolerance:g} points are not in 0 to 100")
        for name, ratio in (("time", self.time), ("memory", self.memory)):
            if ratio is not None and ratio <= 0:
                raise InputError(f"{name}: a ratio must be above 0, not {ratio}")
        if self.exact and self.other_seeds:
            raise InputError("other seeds cannot be equal to the bit; leave out one of the two")

    @property
    def one_side(self) -> float:
        """The share of the false alarms that drops have, and gains where they are watched."""
        return self.false_alarms / 2 if self.gains else self.false_alarms

    @property
    def training_alarms(self) -> float:
        """The chance of a false alarm about the losses with which training begins."""
        return self.false_alarms / 10
