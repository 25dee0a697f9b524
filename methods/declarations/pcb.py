"""What PCB is, and its options."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from crossres.methods.interface.declaration import Declaration, Grade
from crossres.methods.shared.reid_options import Head, ReidOptions


@dataclass(frozen=True)
class PcbOptions(ReidOptions):
    """Options of PCB: those of a re-ID network with PCB's values; docs/methods/pcb.md argues each.

    test_feature: the pooled parts "g" (channels each), or what the classifiers see, "h" (part_width
        each).
    triplet: add the batch-hard triplet loss, which PCB does without (margin, triplet_normalise).
    trunk_rate: the trunk's learning rate as a share of reid_lr, that of the new layers.
    """

    parts: int = 6
    part_head: Head = "pcb"
    label_smoothing: float = 0.0
    optimiser: Literal["adam", "adamw", "sgd"] = "sgd"
    reid_lr: float = 0.1
    lr_drop_at: float = 2 / 3
    test_feature: Literal["g", "h"] = "g"
    triplet: bool = False
    trunk_rate: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.trunk_rate <= 0:
            raise ValueError("option trunk_rate must be positive")


class PcbDeclaration(Declaration):
    """What PCB is."""

    name: ClassVar[str] = "pcb"
    title: ClassVar[str] = "PCB"
    grade: ClassVar[Grade] = "control"
    reference: ClassVar[str] = (
        "Beyond Part Models: Person Retrieval with Refined Part Pooling (and a Strong "
        "Convolutional Baseline), ECCV 2018"
    )
    Options: ClassVar[type] = PcbOptions
