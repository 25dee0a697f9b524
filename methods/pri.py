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

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossres.methods.interface.method import Grade
from crossres.methods.interface.run import Run
from crossres.methods.interface.training_data import Images, TrainSet
from crossres.methods.shared.loss_recording import recorded_loss
from crossres.methods.shared.networks.adaptive import Predictor, Recovery, soft_labels
from crossres.methods.shared.networks.reid import ReidNetwork, joined, part_loss
from crossres.methods.shared.reid_options import Head, ReidOptions
from crossres.methods.shared.tensors import normalise
from crossres.methods.shared.torch_method import TorchMethod
from crossres.methods.shared.torch_tools import device_of, seeded
from crossres.methods.shared.training.descent import descend
from crossres.methods.shared.training.loop import Iteration
from crossres.methods.shared.training.schedule import make_optimiser
from crossres.methods.shared.training.streams import require_variants, streams

Weights = Literal["labels", "end-to-end", "uniform"]


@dataclass(frozen=True)
class PriOptions(ReidOptions):
    """Options of PRI, beside those of its re-ID network; docs/methods/pri.md argues each default.

    factors: the k. sr: an "edsr", or "none": all branches leave images as they are.
    sr_width, sr_blocks: of the body of the R_k. sr_lr: its learning rate.
    weights: P learns from the "labels" q, "end-to-end" from L_id, or is "uniform".
    tau: of q. fusion: f(x) as written, a "sum", or at test the feature of the "best" branch alone.
    predictor_width: channels of its first convolution.
    rec_weight, branch_weight, pred_weight: of L_rec, of the first half of L_id, of L_pred.
    """

    parts: int = 1
    factors: tuple[int, ...] = (1, 2, 3, 4)
    sr: Literal["edsr", "none"] = "edsr"
    sr_width: int = 64
    sr_blocks: int = 8
    sr_lr: float = 1e-4
    weights: Weights = "labels"
    tau: float = 0.02
    fusion: Literal["sum", "best"] = "sum"
    predictor_width: int = 32
    rec_weight: float = 100.0
    branch_weight: float = 1.0
    pred_weight: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        different = set(self.factors)
        if not different or different - {1, 2, 3, 4} or len(different) < len(self.factors):
            raise ValueError("option factors must be a list of different ones of 1, 2, 3, 4")
        if min(self.sr_width, self.sr_blocks, self.predictor_width, self.sr_lr, self.tau) <= 0:
            raise ValueError("sr_width, sr_blocks, sr_lr, predictor_width, tau must be positive")
        if min(self.rec_weight, self.branch_weight, self.pred_weight) < 0:
            raise ValueError("rec_weight, branch_weight and pred_weight must not be negative")


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
            return images.new_full((len(images), count), 1.0 / count).log()
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
        each = self.reid.features(inputs).reshape(count, len(images), -1)
        weights = self.log_weights(images).exp()
        if self.options.fusion == "best":
            weights = F.one_hot(weights.argmax(1), count)
        return joined([(each * weights.T[:, :, None]).sum(0)], self.options)


class Pri(TorchMethod[PriNetwork]):
    """Recovery branches for several factors, fused as a predictor says that suits the image."""

    name: ClassVar[str] = "pri"
    title: ClassVar[str] = "PRI"
    grade: ClassVar[Grade] = "our reading"
    reference: ClassVar[str] = (
        "Prediction and Recovery for Adaptive Low-Resolution Person Re-Identification, ECCV 2020"
    )
    Options: ClassVar[type] = PriOptions
    small_options: ClassVar[dict[str, Any]] = {"sr_width": 4, "sr_blocks": 1}
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


@dataclass(frozen=True)
class PcbPriOptions(PriOptions):
    """Options of PCB + PRI: those of PRI with the six parts of PCB."""

    parts: int = 6
    part_head: Head = "pcb"
    label_smoothing: float = 0.0


class PcbPri(Pri):
    """PRI whose re-ID network is PCB."""

    name: ClassVar[str] = "pcb-pri"
    title: ClassVar[str] = "PCB + PRI"
    Options: ClassVar[type] = PcbPriOptions
