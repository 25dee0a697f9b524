"""What JUDEA is, and its options."""

from dataclasses import dataclass
from typing import Any, ClassVar

from crossres.methods.interface.declaration import Declaration, Grade
from crossres.methods.shared.classic.libraries import LOADS


@dataclass(frozen=True)
class JudeaOptions:
    """Options of JUDEA; docs/methods/judea.md argues the defaults.

    cells: rows and columns of the grid. scales: pixels a side of a cell, normal scale first; one
    scale alone is an ablation. most_axes: of the PCA of each scale. size: k, numbers a scale.
    alpha: weight of HCMD, 0 is an ablation. beta, rho: of Eq. 2, rho as a share of the mean
    eigenvalue of the other terms of the denominator.
    """

    cells: tuple[int, ...] = (16, 6)
    scales: tuple[int, ...] = (8, 4)
    most_axes: int = 300
    size: int = 60
    alpha: float = 1.0
    beta: float = 1.0
    rho: float = 1e-2

    def __post_init__(self) -> None:
        if len(self.cells) != 2 or min(self.cells) < 2:
            raise ValueError("option cells must be two numbers, rows and columns, of 2 or more")
        if not self.scales or min(self.scales) < 1:
            raise ValueError("option scales must list pixels a side of a cell, 1 or more")
        if min(self.most_axes, self.size) < 1:
            raise ValueError("options most_axes and size must be at least 1")
        if min(self.alpha, self.beta) < 0 or self.beta > 1 or self.rho <= 0:
            raise ValueError("alpha must be 0 or more, beta in 0..1, rho positive")


class JudeaDeclaration(Declaration):
    """What JUDEA is."""

    name: ClassVar[str] = "judea"
    title: ClassVar[str] = "JUDEA"
    grade: ClassVar[Grade] = "our reading"
    reference: ClassVar[str] = (
        "Multi-Scale Learning for Low-Resolution Person Re-Identification, ICCV 2015"
    )
    loads: ClassVar[tuple[str, ...]] = LOADS
    Options: ClassVar[type] = JudeaOptions
    small_options: ClassVar[dict[str, Any]] = {"cells": (4, 2), "scales": (4, 2)}
