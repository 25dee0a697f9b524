"""What BoT is, and its options."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from crossres.methods.interface.declaration import Declaration, Grade
from crossres.methods.shared.reid_options import Head, Normalise, ReidOptions


@dataclass(frozen=True)
class BotOptions(ReidOptions):
    """Options of BoT: those of a re-ID network with BoT's values; docs/methods/bot.md argues each.

    Each trick has a value without it: reid_warmup 0, erase 0, label_smoothing 0, part_head "none"
    (no BNNeck), centre_weight 0; the last stride is the profile's.
    test_feature: the feature "after" the BNNeck (f_i) or "before" it (f_t). test_normalise "whole"
        compares by the cosine, "none" by Euclidean distance.
    lr_drop_again_at: after this share of the schedule rates are multiplied by lr_drop once more.
    centre_weight: beta of Eq. 6. centre_lr: of the centres, which learn by gradient descent.
    """

    parts: int = 1
    part_head: Head = "bnneck"
    margin: float = 0.3
    test_normalise: Normalise = "whole"
    reid_lr: float = 3.5e-4
    lr_drop_at: float = 1 / 3
    reid_warmup: float = 1 / 12
    crop: int = 10
    erase: float = 0.5
    test_feature: Literal["after", "before"] = "after"
    lr_drop_again_at: float = 7 / 12
    centre_weight: float = 5e-4
    centre_lr: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0 <= self.lr_drop_again_at <= 1.0:
            raise ValueError("option lr_drop_again_at must lie between 0 and 1")
        if self.centre_weight < 0 or self.centre_lr <= 0:
            raise ValueError("centre_weight must not be negative, centre_lr must be positive")


class BotDeclaration(Declaration):
    """What BoT is."""

    name: ClassVar[str] = "bot"
    title: ClassVar[str] = "BoT"
    grade: ClassVar[Grade] = "control"
    reference: ClassVar[str] = (
        "Bag of Tricks and A Strong Baseline for Deep Person Re-identification, CVPRW 2019"
    )
    Options: ClassVar[type] = BotOptions
