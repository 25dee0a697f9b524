"""Options that all methods with a re-ID network share."""

from dataclasses import dataclass
from typing import Literal

Head = Literal["none", "pcb", "bnneck"]
Hardest = Literal["per-part", "per-image"]
Normalise = Literal["network", "whole", "none"]


@dataclass(frozen=True)
class ReidOptions:
    """Options of a re-ID network, its training and its test; docs/msifla.md argues each default.

    parts: horizontal parts of the feature map (4 in the paper).
    part_head: what follows the pooling of a part. "none": its mean is the feature; "pcb": a linear
        layer to part_width, batch normalisation, ReLU; "bnneck": batch normalisation between the
        feature of the triplet loss and that of the classifier and of the test.
    label_smoothing: e of Eq. 10. margin: m of Eq. 12.
    triplet_normalise: L2-normalise part features before Eq. 12.
    hardest: Eq. 12 looks for the hardest positive and negative "per-part", or "per-image", by the
        distance of all parts together.
    test_normalise: L2-normalise the feature of each re-ID network, the whole one, or nothing.
    embed_flip: add the feature of the mirrored image at test.
    optimiser; reid_lr; reid_weight_decay: of the re-ID networks (SGD has momentum 0.9).
    lr_drop_at, lr_drop: after this share of the schedule all rates are multiplied by lr_drop.
    reid_warmup: the share of the schedule over which reid_lr grows linearly from zero.
    mean_from: the share of the schedule after which weights are averaged over the iterations; 1:
        those of the last iteration count.
    flip: probability of mirroring a training image, its LR variants with it.
    crop: zero padding in pixels, followed by a random crop, the same for an image and its variants.
    erase: probability of erasing a random rectangle from what a re-ID network sees.
    """

    parts: int = 4
    part_head: Head = "none"
    part_width: int = 256
    label_smoothing: float = 0.1
    margin: float = 0.5
    triplet_normalise: bool = False
    hardest: Hardest = "per-part"
    test_normalise: Normalise = "network"
    embed_flip: bool = False
    optimiser: Literal["adam", "adamw", "sgd"] = "adam"
    reid_lr: float = 3e-4
    reid_weight_decay: float = 5e-4
    lr_drop_at: float = 0.5
    lr_drop: float = 0.1
    reid_warmup: float = 0.0
    mean_from: float = 1.0
    flip: float = 0.5
    crop: int = 0
    erase: float = 0.0

    def __post_init__(self) -> None:
        shares = ("label_smoothing", "lr_drop_at", "reid_warmup", "mean_from", "flip", "erase")
        for name in shares:
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"option {name} must lie between 0 and 1")
        if self.parts < 1 or self.part_width < 1 or self.crop < 0:
            raise ValueError("options parts and part_width must be at least 1, crop at least 0")
        if min(self.margin, self.reid_weight_decay) < 0 or min(self.reid_lr, self.lr_drop) <= 0:
            raise ValueError("margin and decay must not be negative, rates must be positive")


def check_rates(rates: tuple[int, ...]) -> None:
    """Raise ValueError unless the option `rates` lists different rates that variants have."""
    if not rates or set(rates) - {2, 3, 4} or len(set(rates)) < len(rates):
        raise ValueError("option rates must be a list of different rates out of 2, 3, 4")
