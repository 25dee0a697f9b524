"""What the plain re-ID network is, and its options."""

from dataclasses import dataclass
from typing import ClassVar

from crossres.methods.interface.declaration import Declaration, Grade
from crossres.methods.shared.reid_options import ReidOptions


@dataclass(frozen=True)
class PlainOptions(ReidOptions):
    """Options of the plain network, those of any re-ID network.

    networks: so many networks that share nothing but their batches, their features side by side:
        what more networks bring of themselves, whatever else a method does with them.
    """

    networks: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.networks < 1:
            raise ValueError("option networks must be at least 1")


class PlainDeclaration(Declaration):
    """What the plain re-ID network is."""

    name: ClassVar[str] = "plain"
    title: ClassVar[str] = "Plain re-ID network"
    grade: ClassVar[Grade] = "control"
    reference: ClassVar[str] = "the re-ID network of MSIFLA (paper Figure 4) alone"
    Options: ClassVar[type] = PlainOptions
