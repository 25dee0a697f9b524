"""What SDF is, and its options."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from crossres.methods.interface.declaration import Declaration, Grade
from crossres.methods.shared.classic.libraries import LOADS


@dataclass(frozen=True)
class SdfOptions:
    """Options of SDF; docs/methods/sdf.md argues the defaults.

    cells: rows and columns of the grid. scales: pixels a side of a cell, the largest is full scale.
    most_axes: of the PCA of each scale. metric: of d(s), "euclidean", or "fisher", in the space of
    a linear discriminant of `size` axes with `rho` as ridge. degree: of the polynomial.
    positives: LR-HR pairs of one person to learn from, at most; negatives: as many times more of
    two. folds: of persons; pairs are measured by a metric learned without theirs. landmarks, cost:
    of the kernel machine, a large cost bends the surface more. surface: False takes d at full scale
    instead, an ablation.
    """

    cells: tuple[int, ...] = (16, 6)
    scales: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7, 8)
    most_axes: int = 300
    metric: Literal["euclidean", "fisher"] = "fisher"
    size: int = 60
    rho: float = 1e-2
    degree: int = 3
    positives: int = 2000
    negatives: int = 10
    landmarks: int = 64
    folds: int = 2
    cost: float = 1.0
    surface: bool = True

    def __post_init__(self) -> None:
        if len(self.cells) != 2 or min(self.cells) < 2:
            raise ValueError("option cells must be two numbers, rows and columns, of 2 or more")
        if not 0 <= self.degree < len(set(self.scales)) == len(self.scales):
            raise ValueError("option scales must list more different numbers than degree")
        if min(self.scales) < 1 or self.rho <= 0:
            raise ValueError("scales must be at least 1, rho positive")
        if min(self.most_axes, self.size, self.positives, self.negatives) < 1:
            raise ValueError("most_axes, size, positives and negatives must be at least 1")
        if min(self.folds, self.landmarks) < 1 or self.cost <= 0:
            raise ValueError("folds and landmarks must be at least 1, cost positive")


class SdfDeclaration(Declaration):
    """What SDF is."""

    name: ClassVar[str] = "sdf"
    title: ClassVar[str] = "SDF"
    grade: ClassVar[Grade] = "our reading"
    reference: ClassVar[str] = (
        "Scale-Adaptive Low-Resolution Person Re-Identification via Learning a Discriminating "
        "Surface, IJCAI 2016"
    )
    loads: ClassVar[tuple[str, ...]] = LOADS
    Options: ClassVar[type] = SdfOptions
    small_options: ClassVar[dict[str, Any]] = {"cells": (4, 2), "scales": (1, 2, 3, 4, 5)}
