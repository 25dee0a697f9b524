"""What MSIFLA is, and its options."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from crossres.methods.interface.declaration import Declaration, Grade
from crossres.methods.shared.reid_options import ReidOptions

VERSIONS = (4, 3, 2, 1)  # V of section 3.2: what the IR networks are trained to take


@dataclass(frozen=True)
class MsiflaOptions(ReidOptions):
    """Options of MSIFLA, beside those of its re-ID networks; docs/msifla.md argues each default.

    scales: the rates of the targets in cascade order; (3, 2, 1) in the paper, (1,) its Baseline.
    reid: a re-ID network "per-scale" (MR2L), or one "shared" by all scales.
    reid_sees: the re-ID networks see their "own" scale each, as in the paper, or all of them the
        "last" reconstruction: a control, which has the networks but not the scales.
    ir_layout, ir_widths, ir_batchnorm, ir_output: see reconstruction.IRNetwork.
    ir_space: IR networks work on "unit" values in [0, 1] or on ImageNet-"normalised" ones.
    ir_loss: Eq. 1-3 as the "mean" or the "sum" over pixels.
    ir_detach: no gradient from one IR network to those before it.
    ir_lr, ir_weight_decay: of the IR networks.
    ir_warmup: the share of the schedule before re-ID gradients reach the IR networks.
    reid_grad_to_ir: whether they ever do.
    steps: "separate" steps after either backward pass, and the optimiser keeps the moments of the
        IR networks apart for L_IR and for L_ReID, whose steps have the rate ir_reid_lr;
        "alternating": with one optimiser and one rate for both; "accumulated": one step for both.
    ir_first: iterations of L_IR alone before the joint training, as a multiple of its length.
    ir_images: L_IR takes at most so many of the HR images of a batch; 0: all.
    reid_inputs: re-ID networks train on the "batch", or also on the LR variants of its HR images.
    """

    scales: tuple[int, ...] = (3, 2, 1)
    reid: Literal["per-scale", "shared"] = "per-scale"
    reid_sees: Literal["own", "last"] = "own"
    ir_layout: Literal["stride2", "stride1"] = "stride2"
    ir_widths: tuple[int, ...] = (64, 128)
    ir_batchnorm: bool = False
    ir_output: Literal["difference", "direct"] = "difference"
    ir_space: Literal["unit", "normalised"] = "unit"
    ir_loss: Literal["mean", "sum"] = "mean"
    ir_detach: bool = False
    ir_lr: float = 3e-3
    ir_weight_decay: float = 0.0
    ir_warmup: float = 0.0
    reid_grad_to_ir: bool = True
    steps: Literal["separate", "alternating", "accumulated"] = "separate"
    ir_reid_lr: float = 3e-4
    ir_first: float = 0.0
    ir_images: int = 0
    reid_inputs: Literal["batch", "batch+variants"] = "batch"

    def __post_init__(self) -> None:
        super().__post_init__()
        different = set(self.scales)
        if not different or different - set(VERSIONS) or len(different) < len(self.scales):
            raise ValueError("option scales must be a list of different rates out of 4, 3, 2, 1")
        if len(self.ir_widths) != 2 or min(self.ir_widths) < 1:
            raise ValueError("option ir_widths must be two numbers of channels")
        if self.ir_lr <= 0 or self.ir_weight_decay < 0 or not 0 <= self.ir_warmup <= 1:
            raise ValueError("ir_lr must be positive, ir_weight_decay >= 0, 0 <= ir_warmup <= 1")
        if self.ir_reid_lr <= 0 or min(self.ir_first, self.ir_images) < 0:
            raise ValueError("ir_reid_lr must be positive, ir_first and ir_images >= 0")


class MsiflaDeclaration(Declaration):
    """What MSIFLA is."""

    name: ClassVar[str] = "msifla"
    title: ClassVar[str] = "MSIFLA"
    grade: ClassVar[Grade] = "faithful structure"
    reference: ClassVar[str] = (
        "Multi-Scale Image- and Feature-Level Alignment for Cross-Resolution Person "
        "Re-Identification, Remote Sensing 2024, 16(2), 278"
    )
    Options: ClassVar[type] = MsiflaOptions
    small_options: ClassVar[dict[str, Any]] = {"ir_widths": (4, 8)}
