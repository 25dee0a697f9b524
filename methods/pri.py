"""PRI: prediction, recovery and identification (Han, Huang, Chen, Wang, Tan, ECCV 2020).

Branch R_k takes an image for one that was down-sampled by k and undoes it; one re-ID network sees
what all branches make; a predictor P says how much each of them counts for this image:

    f(x)   = sum_k P_k(x) f(R_k(x))
    L_rec  = sum_k ||R_k(x_1/k) - x_h||_1                  x_1/k: the HR image x_h down-sampled by k
    L_id   = mean_k (CE + triplet of f(R_k(x))) + (CE + triplet of f(x))
    L_pred = KL(q || P(x))           q_k = exp(-m_k / tau) / sum_j exp(-m_j / tau)
    m_k    = d(f(R_k(x)), its farthest positive) - d(f(R_k(x)), its nearest negative)

so that P learns, though nobody knows the best factor. Our reading: the idea is the paper's;
networks, metric and constants are ours (docs/methods/pri.md).
"""

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossres.methods.declarations.pri import PcbPriDeclaration, PriDeclaration, PriOptions
from crossres.methods.interface.run import Run
from crossres.methods.interface.training_data import Images, TrainSet
from crossres.methods.shared.loss_recording import recorded_loss
from crossres.methods.shared.networks.adaptive import Predictor, Recovery, soft_labels
from crossres.methods.shared.networks.reid import ReidNetwork, joined, part_loss
from crossres.methods.shared.tensors import normalise
from crossres.methods.shared.torch_method import TorchMethod
from crossres.methods.shared.torch_tools import device_of, seeded
from crossres.methods.shared.training.descent import descend
from crossres.methods.shared.training.loop import Iteration
from crossres.methods.shared.training.schedule import make_optimiser
from crossres.methods.shared.training.streams import require_variants, streams


class PriNetwork(nn.Module):
    """The branches R_k, the predictor P and the re-ID network f."""

    def __init__(self, options: PriOptions, reid: ReidNetwork) -> None:
        super().__init__()
        o, count = options, len(options.factors)
        self.options, self.reid, self.predictor = o, reid, Predictor(o.predictor_width, count)
        self.recovery = Recovery(o.sr_width, o.sr_blocks, count) if o.sr == "edsr" else None

    def recovered(self, images: Tensor) -> Tensor:
        """Return R_k(x) of all k, (K, B, 3, H, W), of images (B, 3, H, W) in [0, 1]."""
        if self.recovery is None:
            return images.expand(len(self.options.factors), *images.shape)
        recovered: Tensor = self.recovery(images)
        return recovered

    def branch(self, index: int, images: Tensor) -> Tensor:
        """Return R_k(x) of the factor with this index."""
        return self.recovered(images)[index]

    def log_weights(self, images: Tensor) -> Tensor:
        """Return log P (B, K) of images (B, 3, H, W) in [0, 1]."""
        count = len(self.options.factors)
        if self.options.weights == "uniform":
            return images.new_full((images.shape[0], count), 1.0 / count).log()
        log_p: Tensor = self.predictor(normalise(images))
        return log_p

    def loss(self, now: Iteration) -> Tensor:
        """Return the sum of all losses: L_rec on variants of HR images, the others on the batch."""
        o, count = self.options, len(self.options.factors)
        s = streams(now, o.factors, device_of(self))
        images, labels = torch.cat([s.high, s.native]), torch.cat([s.labels[0], s.labels[2]])
        inputs = now.erased(normalise(self.recovered(images).flatten(0, 1)))
        each = [x.reshape(o.parts, count, len(images), -1) for x in self.reid(inputs)]
        log_p = self.log_weights(images)
        weights = log_p if o.weights == "end-to-end" else log_p.detach()
        fused = [(x * weights.exp().T[:, :, None]).sum(1) for x in each]
        terms = [part_loss(fused[0], fused[1], labels, o)]
        alone = (part_loss(each[0][:, k], each[1][:, k], labels, o) for k in range(count))
        terms += [o.branch_weight / count * loss for loss in alone]
        if self.recovery is not None and len(s.high):
            lifted = self.recovery(s.low).reshape(count, count, *s.high.shape)
            error = F.l1_loss(torch.cat([lifted[k, k] for k in range(count)]), s.target)
            terms.append(o.rec_weight * count * recorded_loss("recovery", error))
        if o.weights == "labels":
            q = soft_labels(each[0].detach(), fused[0].detach(), labels, o.tau)
            divergence = F.kl_div(log_p, q, reduction="batchmean")
            terms.append(o.pred_weight * recorded_loss("prediction", divergence))
        return torch.stack(terms).sum()

    def features(self, images: Tensor) -> Tensor:
        """Return f(x), (B, parts * D), of images (B, 3, H, W) in [0, 1]."""
        count = len(self.options.factors)
        inputs = normalise(self.recovered(images).flatten(0, 1))
        each = self.reid.features(inputs).reshape(count, images.shape[0], -1)
        weights = self.log_weights(images).exp()
        if self.options.fusion == "best":
            weights = F.one_hot(weights.argmax(1), count)
        return joined([(each * weights.T[:, :, None]).sum(0)], self.options)


class Pri(PriDeclaration, TorchMethod[PriNetwork]):
    """Recovery branches for several factors, fused as a predictor says that suits the image."""

    options: PriOptions

    def build(self, identities: int, run: Run, pretrained: bool) -> PriNetwork:
        o, reid = self.options, self.reid_network(identities, run, 1, pretrained)
        with seeded(run.seed_for("initial weights", "recovery and prediction")):
            return PriNetwork(o, reid)

    def train(self, network: PriNetwork, train: TrainSet, run: Run) -> None:
        o = self.options
        require_variants(self.name, set(o.factors) - {1}, train)
        judges = [*network.reid.parameters(), *network.predictor.parameters()]
        reid = make_optimiser(o.optimiser, judges, o.reid_lr, o.reid_weight_decay)
        parts = [(reid, o.reid_lr, o.reid_warmup)]
        if network.recovery is not None:
            sr = make_optimiser("adam", network.recovery.parameters(), o.sr_lr, 0)
            parts.append((sr, o.sr_lr, 0))
        for now in self.iterations(network, train, run):
            descend(now, parts, [network.loss(now)])

    def reconstructions(self, images: Images) -> dict[str, Images]:
        """Return R_k(x) of each k, clipped to uint8; nothing without SR."""
        network = self.fitted()[0]
        branches = enumerate(self.options.factors if self.options.sr == "edsr" else ())
        return {f"R_{k}": self.rebuilt(images, partial(network.branch, j)) for j, k in branches}


class PcbPri(PcbPriDeclaration, Pri):
    """PRI whose re-ID network is PCB."""
