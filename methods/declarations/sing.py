"""What SING is, and its options."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from crossres.methods.interface.declaration import Declaration, Grade
from crossres.methods.shared.reid_options import Head, ReidOptions, check_rates


@dataclass(frozen=True)
class SingOptions(ReidOptions):
    """Options of SING, beside those of its re-ID networks; docs/methods/sing.md argues defaults.

    rates: the r_j. models: a SING "per-rate", or "one" that learns from all rates, nothing to fuse.
    sr: "srcnn", or "none": images as they are. sr_widths, sr_output: see SRCNN. sr_lr: its rate.
    alpha: of L_r, pixels in levels of 255. joint: whether CE trains the SRCNN, too.
    triplet: adds Eq. 12 of MSIFLA over all streams, as `plain` has it.
    theta: of w_j; a large one gives the mean of the distances.
    """

    parts: int = 1
    part_head: Head = "pcb"
    label_smoothing: float = 0.0
    rates: tuple[int, ...] = (2, 3, 4)
    models: Literal["per-rate", "one"] = "per-rate"
    sr: Literal["srcnn", "none"] = "srcnn"
    sr_widths: tuple[int, ...] = (64, 32)
    sr_output: Literal["difference", "direct"] = "difference"
    sr_lr: float = 1e-3
    alpha: float = 1.0
    joint: bool = True
    triplet: bool = False
    theta: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_rates(self.rates)
        if len(self.sr_widths) != 2 or min(self.sr_widths) < 1:
            raise ValueError("option sr_widths must be two numbers of channels")
        if self.alpha < 0 or min(self.sr_lr, self.theta) <= 0:
            raise ValueError("alpha must not be negative, sr_lr and theta must be positive")

    @property
    def groups(self) -> list[tuple[int, ...]]:
        """The rates that each SING learns from."""
        return [self.rates] if self.models == "one" else [(rate,) for rate in self.rates]


class SingMethodDeclaration(Declaration):
    """What SING is."""

    name: ClassVar[str] = "sing"
    title: ClassVar[str] = "SING"
    grade: ClassVar[Grade] = "faithful structure"
    reference: ClassVar[str] = "Deep Low-Resolution Person Re-Identification, AAAI 2018"
    Options: ClassVar[type] = SingOptions
    small_options: ClassVar[dict[str, Any]] = {"sr_widths": (4, 4)}
