"""SING: super-resolution and identity joint learning (Jiao, Zheng, Wu, Zhu, Gong, AAAI 2018).

For every rate r an SRCNN and a re-ID network F behind it learn from one hybrid loss,

    L_r = alpha/2 ||SR_r(x_1/r) - x_h||^2 + CE(x_h) + CE(SR_r(x_1/r)) + CE(SR_r(x_l)),

x_h an HR image, x_1/r its variant of rate r, x_l a native LR image. Query q and gallery image g
are sum_j w_j ||F_j(SR_j(q)) - F_j(g)|| apart, w_j = exp(-(rho - r_j)^2 / theta^2), rho the rate of
q. Faithful structure: loss, streams, SRCNN and fusion are as in the authors' public code; the trunk
is the suite's. Our reading: rho is read from the pixels.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from crossres.methods.declarations.sing import SingMethodDeclaration, SingOptions
from crossres.methods.interface.method import Distances, Embeddings
from crossres.methods.interface.run import Run
from crossres.methods.interface.training_data import Images, TrainSet
from crossres.methods.shared.fusion import fitting_weights, fused_distances, packed
from crossres.methods.shared.losses.reid import batch_hard_triplet, smoothed_cross_entropy
from crossres.methods.shared.networks.reid import joined
from crossres.methods.shared.networks.resolution import RateEstimator
from crossres.methods.shared.networks.srcnn import SRCNN, luminance_loss
from crossres.methods.shared.tensors import normalise
from crossres.methods.shared.torch_method import TorchMethod
from crossres.methods.shared.torch_tools import device_of, seeded
from crossres.methods.shared.training.descent import descend
from crossres.methods.shared.training.loop import Iteration
from crossres.methods.shared.training.schedule import make_optimiser
from crossres.methods.shared.training.streams import require_variants, streams


class SingNetwork(nn.Module):
    """SR_j and F_j for every j, and the estimator of rho."""

    def __init__(self, options: SingOptions, sr: list[nn.Module], reid: list[nn.Module]) -> None:
        super().__init__()
        self.options, self.sr, self.reid = options, nn.ModuleList(sr), nn.ModuleList(reid)
        self.resolution = RateEstimator()

    def loss(self, now: Iteration, j: int) -> Tensor:
        """Return L_r of one SING on a batch; a kind of image that the batch lacks adds nothing."""
        o, s = self.options, streams(now, self.options.groups[j], device_of(self))
        lifted, native = self.sr[j](s.low), self.sr[j](s.native)
        images = [s.high, *(x if o.joint else x.detach() for x in (lifted, native))]
        terms = self.identity_terms(now, j, images, s.labels)
        if o.sr == "srcnn" and len(lifted):
            terms.append(o.alpha * luminance_loss(lifted, s.target))
        return torch.stack(terms).sum()

    def identity_terms(
        self, now: Iteration, index: int, images: list[Tensor], labels: Sequence[Tensor]
    ) -> list[Tensor]:
        """Return CE of each kind of image in the batch, by the re-ID network of this index."""
        o = self.options
        features, logits = self.reid[index](now.erased(normalise(torch.cat(images))))
        split = zip(logits.split([len(y) for y in labels], 1), labels, strict=True)
        terms = [smoothed_cross_entropy(p, y, o.label_smoothing) for p, y in split if len(y)]
        if o.triplet:
            of_all = torch.cat(list(labels))
            terms.append(batch_hard_triplet(features, of_all, o.margin, o.hardest))
        return terms

    def features(self, images: Tensor) -> Tensor:
        """Pack F_j(SR_j(x)) and F_j(x) of all j and the weights w_j; (B, 3, H, W) in [0, 1]."""
        count = len(self.reid)
        query = [self.feature(j, self.sr[j](images)) for j in range(count)]
        gallery = [self.feature(j, images) for j in range(count)]
        return packed(query, gallery, self.weights(images))

    def weights(self, images: Tensor) -> Tensor:
        """Return the w_j, (B, J), of images (B, 3, H, W) as queries."""
        rates = tuple(group[0] for group in self.options.groups)
        return fitting_weights(self.resolution(images), rates, self.options.theta)

    def feature(self, index: int, images: Tensor) -> Tensor:
        """Return the feature of the re-ID network of this index; (B, 3, H, W) in [0, 1]."""
        return joined([self.reid[index].features(normalise(images))], self.options)  # type: ignore[operator]


class SingMethod(SingMethodDeclaration, TorchMethod[SingNetwork]):
    """One SRCNN and one re-ID network for each rate, their distances fused."""

    options: SingOptions

    def build(self, identities: int, run: Run, pretrained: bool) -> SingNetwork:
        o, sr, reid = self.options, list[nn.Module](), list[nn.Module]()
        for rates in o.groups:
            key = rates[0] if o.models == "per-rate" else 1
            reid.append(self.reid_network(identities, run, key, pretrained))
            with seeded(run.seed_for("initial weights", "SRCNN", key)):
                srcnn = o.sr == "srcnn"
                sr.append(SRCNN(o.sr_widths, o.sr_output) if srcnn else nn.Identity())
        return SingNetwork(o, sr, reid)

    def train(self, network: SingNetwork, train: TrainSet, run: Run) -> None:
        o = self.options
        require_variants(self.name, o.rates, train)
        network.resolution.fit(train)
        learned = network.reid.parameters()
        reid = make_optimiser(o.optimiser, learned, o.reid_lr, o.reid_weight_decay)
        parts = [(reid, o.reid_lr, o.reid_warmup)]
        if o.sr == "srcnn":
            sr = make_optimiser(o.optimiser, network.sr.parameters(), o.sr_lr, 0)
            parts.append((sr, o.sr_lr, 0))
        for now in self.iterations(network, train, run):
            descend(now, parts, (network.loss(now, j) for j in range(len(o.groups))))

    def distances(self, query: Embeddings, gallery: Embeddings) -> Distances:
        return fused_distances(query, gallery, len(self.options.groups))

    def reconstructions(self, images: Images) -> dict[str, Images]:
        """Return SR_j(x) for each j, clipped to uint8; nothing without SR."""
        network = self.fitted()[0]
        labels = ["SR_x" + "x".join(map(str, rates)) for rates in self.options.groups]
        branches = zip(labels, network.sr, strict=True) if self.options.sr == "srcnn" else ()
        return {label: self.rebuilt(images, sr) for label, sr in branches}
