"""What PS-HRNet is, and its options."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from crossres.methods.interface.declaration import Declaration, Grade
from crossres.methods.shared.reid_options import Normalise, ReidOptions, check_rates


@dataclass(frozen=True)
class PsHrnetOptions(ReidOptions):
    """Options of PS-HRNet; docs/methods/ps-hrnet.md argues each default.

    trunk: "hrnet_w32" of timm, or the last four maps of the "profile"'s, the deepest one first.
    part_width: of the linear layer before the classifier; dropout: behind it. It has no parts.
    test_normalise: anything but "none" is the cosine of the sum over an image and its mirror image.
    lr_drop_again_at: after this share of the schedule the rate is multiplied by lr_drop once more.
    sr: "vdsr", or "none": images as they are. sr_width, sr_blocks: see VDSR.
    teacher: whether there is one. rates: of the x_l, one drawn for each HR image of a batch.
    ce_weight, sr_weight, distil_weight: the 1.15, 0.5 and 0.5 of L.
    """

    parts: int = 1
    part_width: int = 512
    margin: float = 0.3
    test_normalise: Normalise = "whole"
    embed_flip: bool = True
    optimiser: Literal["adam", "adamw", "sgd"] = "sgd"
    reid_lr: float = 0.0085
    lr_drop_at: float = 30 / 71
    lr_drop_again_at: float = 60 / 71
    reid_warmup: float = 5 / 71
    crop: int = 10
    trunk: Literal["hrnet_w32", "profile"] = "hrnet_w32"
    dropout: float = 0.5
    sr: Literal["vdsr", "none"] = "vdsr"
    sr_width: int = 64
    sr_blocks: int = 18
    teacher: bool = True
    rates: tuple[int, ...] = (2, 3, 4)
    ce_weight: float = 1.15
    sr_weight: float = 0.5
    distil_weight: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.parts, self.part_head) != (1, "none"):
            raise ValueError('ps-hrnet pools in its own way: parts is 1 and part_head "none"')
        check_rates(self.rates)
        if not 0.0 <= self.lr_drop_again_at <= 1.0 or not 0.0 <= self.dropout < 1.0:
            raise ValueError("lr_drop_again_at and dropout must lie between 0 and 1")
        weights = (self.ce_weight, self.sr_weight, self.distil_weight)
        if min(self.sr_width, self.sr_blocks) < 1 or min(weights) < 0:
            raise ValueError("sr_width and sr_blocks must be at least 1, no weight negative")


class PsHrnetDeclaration(Declaration):
    """What PS-HRNet is."""

    name: ClassVar[str] = "ps-hrnet"
    title: ClassVar[str] = "PS-HRNet"
    grade: ClassVar[Grade] = "faithful structure"
    reference: ClassVar[str] = (
        "Deep High-Resolution Representation Learning for Cross-Resolution Person "
        "Re-Identification, IEEE TIP 2021"
    )
    Options: ClassVar[type] = PsHrnetOptions
    small_options: ClassVar[dict[str, Any]] = {
        "trunk": "profile",
        "part_width": 8,
        "sr_width": 4,
        "sr_blocks": 1,
        "crop": 1,
    }
