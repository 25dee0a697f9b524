"""RAIN: resolution adaptation and re-identification network (Chen, Li, Du, Wang, AAAI 2019).

It is CAD-Net (methods/cad_net.py) without its second encoder and its discriminator of images, with
a discriminator D_j of the maps f_j at several depths instead of one:

    L = L_cls(pooled f_5) + lambda_rec (|G(f_H) - x_H| + |G(f_L) - x_H|)
          + sum_j lambda_F [log D_j(f_j,H) + log(1 - D_j(f_j,L))]

Our reading: which depths, all layers and constants; docs/methods/cad-net.md argues them.
"""

from dataclasses import dataclass
from typing import ClassVar

from crossres.methods.cad_net import CadNet, CadNetOptions
from crossres.methods.interface.method import Grade


@dataclass(frozen=True)
class RainOptions(CadNetOptions):
    """Options of RAIN: those of CAD-Net with other defaults."""

    depths: tuple[int, ...] = (3, 4, 5)
    second: bool = False
    image_weight: float = 0.0


class Rain(CadNet):
    """One encoder, aligned at several depths, whose maps must suffice to paint the HR image."""

    name: ClassVar[str] = "rain"
    title: ClassVar[str] = "RAIN"
    grade: ClassVar[Grade] = "our reading"
    reference: ClassVar[str] = (
        "Learning Resolution-Invariant Deep Representations for Person Re-Identification, AAAI 2019"
    )
    Options: ClassVar[type] = RainOptions
