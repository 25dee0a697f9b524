"""What INTACT is, and its options."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from crossres.methods.interface.declaration import Declaration, Grade
from crossres.methods.shared.srgan_options import SrganOptions


@dataclass(frozen=True)
class IntactOptions(SrganOptions):
    """Options of INTACT, beside those of its SRGAN; docs/methods/intact.md argues each default.

    sr: "residual", or "none": images as they are. association_from: the share of the schedule that
    the first two stages take, side by side. identity, association: weights b and c; c = 0: no
    critic. reid_tuning: what the re-ID network's learning rate is multiplied by in stage 3, where
    it learns from HR and super-resolved images; 0 keeps it fixed.
    """

    lr_drop_at: float = 0.75
    sr_blocks: int = 8
    sr_batchnorm: bool = False
    sr: Literal["residual", "none"] = "residual"
    association_from: float = 0.5
    adversarial: float = 1e-5
    identity: float = 1e-4
    association: float = 1e-4
    reid_tuning: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0 <= self.association_from <= 1.0:
            raise ValueError("option association_from must lie between 0 and 1")
        if min(self.identity, self.association, self.reid_tuning) < 0:
            raise ValueError("identity, association and reid_tuning must not be negative")


class IntactDeclaration(Declaration):
    """What INTACT is."""

    name: ClassVar[str] = "intact"
    title: ClassVar[str] = "INTACT"
    grade: ClassVar[Grade] = "our reading"
    reference: ClassVar[str] = (
        "Inter-Task Association Critic for Cross-Resolution Person Re-Identification, CVPR 2020"
    )
    Options: ClassVar[type] = IntactOptions
    small_options: ClassVar[dict[str, Any]] = {
        "sr_width": 4,
        "sr_blocks": 1,
        "judge_widths": (4, 4),
    }
