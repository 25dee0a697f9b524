"""What VPFA is, and its options."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from crossres.methods.declarations.frozen import FrozenDeclaration, FrozenOptions
from crossres.methods.declarations.plain import PlainDeclaration, PlainOptions
from crossres.methods.interface.declaration import Grade
from crossres.methods.shared.reid_options import check_rates

Start = Literal["identity", "random"]


@dataclass(frozen=True)
class PanningOptions:
    """Options of panning, whatever network the features are of.

    rates: the rates that have a block; () is the ablation, the frozen features as they are.
    rate: "given" takes an image's rate from the data set (an oracle, as in the paper) where it is
        known; "estimated" never does, but guesses it from the frozen feature.
    pairs: Eq. 2 over "images", as in the authors' code, or over the mean features of "identities".
    start: of a block: the "identity" (a last layer of zeros), or torch's "random" weights.
    vp_width; vp_epochs; vp_batch; vp_lr; vp_weight_decay: of the blocks and of the estimator. The
        rate of learning is halved after each quarter of the epochs.
    """

    rates: tuple[int, ...] = (2, 3, 4)
    rate: Literal["given", "estimated"] = "given"
    pairs: Literal["images", "identities"] = "images"
    start: Start = "identity"
    vp_width: int = 2048
    vp_epochs: int = 120
    vp_batch: int = 32
    vp_lr: float = 2e-4
    vp_weight_decay: float = 1e-5

    def check_panning(self) -> None:
        """Check the values. Raises ValueError."""
        if self.rates:
            check_rates(self.rates)
        if min(self.vp_width, self.vp_epochs, self.vp_batch) < 1:
            raise ValueError("options vp_width, vp_epochs and vp_batch must be at least 1")
        if self.vp_lr <= 0 or self.vp_weight_decay < 0:
            raise ValueError("vp_lr must be positive and vp_weight_decay not negative")


@dataclass(frozen=True)
class VpfaOptions(PanningOptions, PlainOptions):
    """Options of VPFA, beside those of the re-ID network behind its features.

    embed_flip: the frozen feature is the mean of an image's and its mirror image's, in training,
        too, as in the authors' code.
    features: the re-ID network learns from "all" training images, as method `plain` does, or from
        the "hr" ones alone: a network that knows nothing of low resolution.
    """

    embed_flip: bool = True
    features: Literal["all", "hr"] = "all"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_panning()


@dataclass(frozen=True)
class FrozenVpfaOptions(PanningOptions, FrozenOptions):
    """Options of VPFA on frozen features, and those of the features.

    embed_flip: as in VPFA.
    """

    embed_flip: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_panning()


class VpfaDeclaration(PlainDeclaration):
    """What VPFA is."""

    name: ClassVar[str] = "vpfa"
    title: ClassVar[str] = "VPFA"
    grade: ClassVar[Grade] = "faithful structure"
    needs_rate: ClassVar[bool] = True
    reference: ClassVar[str] = (
        "Looking Alike From Far to Near: Enhancing Cross-Resolution Re-Identification via Feature "
        "Vector Panning, arXiv 2510.00936"
    )
    Options: ClassVar[type] = VpfaOptions
    small_options: ClassVar[dict[str, Any]] = {"vp_width": 8, "vp_epochs": 2}


class FrozenVpfaDeclaration(FrozenDeclaration):
    """What VPFA on frozen features is."""

    name: ClassVar[str] = "frozen-vpfa"
    title: ClassVar[str] = "VPFA on frozen features"
    grade: ClassVar[Grade] = "faithful structure"
    needs_rate: ClassVar[bool] = True
    reference: ClassVar[str] = VpfaDeclaration.reference
    Options: ClassVar[type] = FrozenVpfaOptions
    small_options: ClassVar[dict[str, Any]] = {
        **FrozenDeclaration.small_options,
        **VpfaDeclaration.small_options,
    }
