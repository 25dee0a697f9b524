"""What LRAR is, and its options."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from crossres.methods.interface.declaration import Declaration, Grade
from crossres.methods.shared.reid_options import Normalise, ReidOptions, check_rates


@dataclass(frozen=True)
class LrarOptions(ReidOptions):
    """Options of LRAR, beside those of its re-ID network; docs/methods/lrar.md argues each default.

    rates: the levels below HR. rate: of an image, "given" where the data set knows it (else
        estimated from its pixels), or always "estimated".
    length: "variable", or "fixed": all sub-vectors at every level.
    masks: whether there are any. mask_start, mask_lr: their mean at first, their learning rate.
    progressive: masks come one by one; otherwise all are there, and learn, from the start.
    gallery: a gallery image passes with the masks of the "query" level, or with its "own" ones.
    verification: lambda. verif_width: of the hidden layer of MLP.
    triplet: adds Eq. 12 of MSIFLA over the images that are compared at a level.
    """

    parts: int = 1
    label_smoothing: float = 0.0
    test_normalise: Normalise = "none"
    rates: tuple[int, ...] = (2, 3, 4)
    rate: Literal["given", "estimated"] = "given"
    length: Literal["variable", "fixed"] = "variable"
    masks: bool = True
    mask_start: float = 0.0
    mask_lr: float = 1e-2
    progressive: bool = True
    gallery: Literal["query", "own"] = "query"
    verification: float = 1.0
    verif_width: int = 512
    triplet: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_rates(self.rates)
        if self.verification < 0 or self.verif_width < 1 or self.mask_lr <= 0:
            raise ValueError("verification >= 0, verif_width >= 1 and mask_lr > 0 are needed")

    @property
    def levels(self) -> tuple[int, ...]:
        """The rate of each level, from the lowest resolution to HR."""
        return (*sorted(self.rates, reverse=True), 1)


class LrarDeclaration(Declaration):
    """What LRAR is."""

    name: ClassVar[str] = "lrar"
    title: ClassVar[str] = "LRAR"
    grade: ClassVar[Grade] = "faithful structure"
    needs_rate: ClassVar[bool] = True
    reference: ClassVar[str] = (
        "Learning Resolution-Adaptive Representations for Cross-Resolution Person "
        "Re-Identification, arXiv 2207.13037"
    )
    Options: ClassVar[type] = LrarOptions
    small_options: ClassVar[dict[str, Any]] = {"verif_width": 8}
