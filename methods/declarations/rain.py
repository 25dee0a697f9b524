"""What RAIN is, and its options."""

from dataclasses import dataclass
from typing import ClassVar

from crossres.methods.declarations.cad_net import CadNetDeclaration, CadNetOptions
from crossres.methods.interface.declaration import Grade


@dataclass(frozen=True)
class RainOptions(CadNetOptions):
    """Options of RAIN: those of CAD-Net with other defaults."""

    depths: tuple[int, ...] = (3, 4, 5)
    second: bool = False
    image_weight: float = 0.0


class RainDeclaration(CadNetDeclaration):
    """What RAIN is."""

    name: ClassVar[str] = "rain"
    title: ClassVar[str] = "RAIN"
    grade: ClassVar[Grade] = "our reading"
    reference: ClassVar[str] = (
        "Learning Resolution-Invariant Deep Representations for Person Re-Identification, AAAI 2019"
    )
    Options: ClassVar[type] = RainOptions
