"""What JBIM is, and its options."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from crossres.methods.declarations.sing import SingMethodDeclaration, SingOptions
from crossres.methods.interface.declaration import Grade


@dataclass(frozen=True)
class JbimOptions(SingOptions):
    """Options of JBIM, beside those of SING; docs/methods/jbim.md argues each default.

    lr_branch: without it, JBIM is SING. beta: the weight of the distance in the LR branch.
    gallery_view: an LR branch takes gallery images "down-sampled" by its rate, or "as-is".
    """

    lr_branch: bool = True
    beta: float = 1.0
    gallery_view: Literal["down-sampled", "as-is"] = "down-sampled"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.beta < 0:
            raise ValueError("option beta must not be negative")


class JbimDeclaration(SingMethodDeclaration):
    """What JBIM is."""

    name: ClassVar[str] = "jbim"
    title: ClassVar[str] = "JBIM"
    grade: ClassVar[Grade] = "our reading"
    reference: ClassVar[str] = (
        "Joint Bilateral-Resolution Identity Modeling for Cross-Resolution Person "
        "Re-Identification, International Journal of Computer Vision 2022"
    )
    Options: ClassVar[type] = JbimOptions
