"""RAIN: resolution adaptation and re-identification network (Chen, Li, Du, Wang, AAAI 2019).

It is CAD-Net (methods/cad_net.py) without its second encoder and its discriminator of images, with
a discriminator D_j of the maps f_j at several depths instead of one:

    L = L_cls(pooled f_5) + lambda_rec (|G(f_H) - x_H| + |G(f_L) - x_H|)
          + sum_j lambda_F [log D_j(f_j,H) + log(1 - D_j(f_j,L))]

Our reading: which depths, all layers and constants; docs/methods/cad-net.md argues them.
"""

from crossres.methods.cad_net import CadNet
from crossres.methods.declarations.rain import RainDeclaration


class Rain(RainDeclaration, CadNet):
    """One encoder, aligned at several depths, whose maps must suffice to paint the HR image."""
