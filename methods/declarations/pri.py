"""What PRI and PCB + PRI are, and their options."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from crossres.methods.interface.declaration import Declaration, Grade
from crossres.methods.shared.reid_options import Head, ReidOptions

Weights = Literal["labels", "end-to-end", "uniform"]


@dataclass(frozen=True)
class PriOptions(ReidOptions):
    """Options of PRI, beside those of its re-ID network; docs/methods/pri.md argues each default.

    factors: the k. sr: an "edsr", or "none": all branches leave images as they are.
    sr_width, sr_blocks: of the body of the R_k. sr_lr: its learning rate.
    weights: P learns from the "labels" q, "end-to-end" from L_id, or is "uniform".
    tau: of q. fusion: f(x) as written, a "sum", or at test the feature of the "best" branch alone.
    predictor_width: channels of its first convolution.
    rec_weight, branch_weight, pred_weight: of L_rec, of the first half of L_id, of L_pred.
    """

    parts: int = 1
    factors: tuple[int, ...] = (1, 2, 3, 4)
    sr: Literal["edsr", "none"] = "edsr"
    sr_width: int = 64
    sr_blocks: int = 8
    sr_lr: float = 1e-4
    weights: Weights = "labels"
    tau: float = 0.02
    fusion: Literal["sum", "best"] = "sum"
    predictor_width: int = 32
    rec_weight: float = 100.0
    branch_weight: float = 1.0
    pred_weight: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        different = set(self.factors)
        if not different or different - {1, 2, 3, 4} or len(different) < len(self.factors):
            raise ValueError("option factors must be a list of different ones of 1, 2, 3, 4")
        if min(self.sr_width, self.sr_blocks, self.predictor_width, self.sr_lr, self.tau) <= 0:
            raise ValueError("sr_width, sr_blocks, sr_lr, predictor_width, tau must be positive")
        if min(self.rec_weight, self.branch_weight, self.pred_weight) < 0:
            raise ValueError("rec_weight, branch_weight and pred_weight must not be negative")


@dataclass(frozen=True)
class PcbPriOptions(PriOptions):
    """Options of PCB + PRI: those of PRI with the six parts of PCB."""

    parts: int = 6
    part_head: Head = "pcb"
    label_smoothing: float = 0.0


class PriDeclaration(Declaration):
    """What PRI is."""

    name: ClassVar[str] = "pri"
    title: ClassVar[str] = "PRI"
    grade: ClassVar[Grade] = "our reading"
    reference: ClassVar[str] = (
        "Prediction and Recovery for Adaptive Low-Resolution Person Re-Identification, ECCV 2020"
    )
    Options: ClassVar[type] = PriOptions
    small_options: ClassVar[dict[str, Any]] = {"sr_width": 4, "sr_blocks": 1}


class PcbPriDeclaration(PriDeclaration):
    """What PCB + PRI is."""

    name: ClassVar[str] = "pcb-pri"
    title: ClassVar[str] = "PCB + PRI"
    Options: ClassVar[type] = PcbPriOptions
