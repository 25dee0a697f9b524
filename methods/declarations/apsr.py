"""What APSR is, and its options."""

from dataclasses import dataclass
from typing import ClassVar

from crossres.methods.declarations.pri import PriDeclaration, PriOptions, Weights


@dataclass(frozen=True)
class ApsrOptions(PriOptions):
    """Options of APSR: those of PRI with alpha in the place of P; docs/methods/apsr.md argues."""

    weights: Weights = "end-to-end"
    branch_weight: float = 0.0


class ApsrDeclaration(PriDeclaration):
    """What APSR is."""

    name: ClassVar[str] = "apsr"
    title: ClassVar[str] = "APSR"
    reference: ClassVar[str] = (
        "Adaptive super-resolution for person re-identification with low-resolution images, "
        "Pattern Recognition 2021"
    )
    Options: ClassVar[type] = ApsrOptions
