"""JBIM: joint bilateral-resolution identity modeling (Zheng, Hong, Jiao, Wu et al., IJCV 2022).

SING lifts an LR image to HR and learns its identity there. JBIM adds, for every rate r, a branch
G_r that learns what an identity looks like in LR images as they are,

    L_r = L_r of SING + CE(G_r(x_1/r)) + CE(G_r(x_l)),

and compares query q and gallery image g in either resolution, with the w_j of SING:

    D(q, g) = sum_j w_j (||F_j(SR_j(q)) - F_j(g)|| + beta ||G_j(q) - G_j(g_1/r_j)||).

Our reading: the text was not at hand. Known are the two branches and the ensemble over the rates.
"""

from typing import cast

import torch
from torch import Tensor, nn

from crossres.methods.declarations.jbim import JbimDeclaration, JbimOptions
from crossres.methods.interface.method import Distances, Embeddings
from crossres.methods.interface.run import Run
from crossres.methods.interface.training_data import TrainSet
from crossres.methods.shared.fusion import fused_distances, packed
from crossres.methods.shared.networks.views import LowViews
from crossres.methods.shared.torch_tools import device_of
from crossres.methods.shared.training.loop import Iteration
from crossres.methods.shared.training.streams import streams
from crossres.methods.sing import SingMethod, SingNetwork

LR_BRANCH = 10  # with the rate, it names the first weights of G_r


class JbimNetwork(SingNetwork):
    """SR_j and F_j of SING; `reid` holds the F_j, then the G_j."""

    options: JbimOptions

    def __init__(self, options: JbimOptions, sr: list[nn.Module], reid: list[nn.Module]) -> None:
        super().__init__(options, sr, reid)
        self.views = LowViews(options.rates)

    def loss(self, now: Iteration, j: int) -> Tensor:
        """Return L_r of one rate on a batch; a kind of image that the batch lacks adds nothing."""
        s = streams(now, self.options.groups[j], device_of(self))
        branch = len(self.options.groups) + j
        terms = self.identity_terms(now, branch, [s.low, s.native], s.labels[1:])
        return super().loss(now, j) + torch.stack(terms).sum()

    def features(self, images: Tensor) -> Tensor:
        """Pack the features of all F_j, then G_j, in either role, and the weights.

        Of images (B, 3, H, W) in [0, 1].
        """
        groups, weights = self.options.groups, self.weights(images)
        query = [self.feature(j, sr(images)) for j, sr in enumerate(self.sr)]
        gallery = [self.feature(j, images) for j in range(len(groups))]
        for branch, rates in enumerate(groups, start=len(groups)):
            query.append(self.feature(branch, images))
            gallery.append(self.feature(branch, self.gallery_view(images, rates)))
        return packed(query, gallery, torch.cat([weights, self.options.beta * weights], 1))

    def gallery_view(self, images: Tensor, rates: tuple[int, ...]) -> Tensor:
        """Return gallery images as the LR branch of these rates takes them, by the middle rate."""
        if self.options.gallery_view == "as-is":
            return images
        return cast(Tensor, self.views(images, sorted(rates)[len(rates) // 2]))


class Jbim(JbimDeclaration, SingMethod):
    """SING with a second re-ID network for each rate, which learns from LR images unlifted."""

    options: JbimOptions

    def build(self, identities: int, run: Run, pretrained: bool) -> SingNetwork:
        o, sing = self.options, super().build(identities, run, pretrained)
        if not o.lr_branch:
            return sing
        keys = [LR_BRANCH + (rates[0] if o.models == "per-rate" else 1) for rates in o.groups]
        low = [self.reid_network(identities, run, key, pretrained) for key in keys]
        return JbimNetwork(o, list(sing.sr), [*sing.reid, *low])

    def train(self, network: SingNetwork, train: TrainSet, run: Run) -> None:
        super().train(network, train, run)
        if isinstance(network, JbimNetwork):
            network.views.fit(train)

    def distances(self, query: Embeddings, gallery: Embeddings) -> Distances:
        branches = 2 if self.options.lr_branch else 1
        return fused_distances(query, gallery, branches * len(self.options.groups))
