"""What SLD²L is, and its options."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from crossres.methods.interface.declaration import Declaration, Grade
from crossres.methods.shared.classic.libraries import LOADS


@dataclass(frozen=True)
class Sld2lOptions:
    """Options of SLD²L; docs/methods/sld2l.md argues the defaults.

    cells, pixels: of the grid, and pixels a side of a cell. clusters: groups of blocks, found by
    k-means; 0 is an ablation, features as they are. atoms: of each dictionary. patches: blocks of
    each kind that a cluster learns from, at most. rounds: of the alternating minimisation.
    gamma, sparsity, ridge, rank, eta: of Eq. 1. push: of Eq. 2. metric: "fisher", a discriminant
    of `size` axes with `rho` as ridge, or "euclidean". most_axes: of the PCA before it.
    """

    cells: tuple[int, ...] = (16, 6)
    pixels: int = 8
    clusters: int = 32
    atoms: int = 64
    patches: int = 2000
    rounds: int = 15
    gamma: float = 1.0
    sparsity: float = 0.01
    ridge: float = 0.01
    rank: float = 0.01
    eta: float = 0.1
    push: float = 0.5
    metric: Literal["fisher", "euclidean"] = "fisher"
    most_axes: int = 300
    size: int = 60
    rho: float = 1e-1

    def __post_init__(self) -> None:
        if len(self.cells) != 2 or min(self.cells) < 2:
            raise ValueError("option cells must be two numbers, rows and columns, of 2 or more")
        counts = (self.pixels, self.atoms, self.patches, self.rounds, self.most_axes, self.size)
        if min(counts) < 1 or self.clusters < 0:
            raise ValueError(
                "pixels, atoms, patches, rounds, most_axes and size must be at least 1, "
                "clusters 0 or more"
            )
        if min(self.gamma, self.sparsity, self.rank, self.eta) < 0 or not 0 <= self.push < 1:
            raise ValueError("weights must not be negative, push must be in 0..1, below 1")
        if min(self.ridge, self.rho) <= 0:
            raise ValueError("ridge and rho must be positive")


class Sld2lDeclaration(Declaration):
    """What SLD²L is."""

    name: ClassVar[str] = "sld2l"
    title: ClassVar[str] = "SLD²L"
    grade: ClassVar[Grade] = "our reading"
    reference: ClassVar[str] = (
        "Super-Resolution Person Re-Identification with Semi-Coupled Low-Rank Discriminant "
        "Dictionary Learning, CVPR 2015"
    )
    loads: ClassVar[tuple[str, ...]] = LOADS
    Options: ClassVar[type] = Sld2lOptions
    small_options: ClassVar[dict[str, Any]] = {
        "cells": (4, 2),
        "pixels": 4,
        "clusters": 2,
        "atoms": 4,
        "patches": 20,
        "rounds": 2,
    }
