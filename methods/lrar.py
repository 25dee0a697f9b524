"""LRAR: learning resolution-adaptive representations (Wu, Liu, Wang et al., arXiv 2207.13037).

The code of an image has m sub-vectors, and the resolution level k of the query (1: the lowest, m:
HR) says how many are compared; a mask for each level makes the trunk itself adapt to it:

    d(p, g) = ||cat(v^p_1, .., v^p_k) - cat(v^g_1, .., v^g_k)||
    X^l <- X^l * sigmoid(M^l_k)             after each residual block l
    L = CE(W^T z) + lambda BCE(sigmoid(MLP(z_i - z_j))),     z = cat(v_1, .., v_k, 0)

Masks are added and trained one by one from the output side, those above them frozen.
Faithful structure: the sizes, the pairs and the schedule are ours. The level comes from the rate.
"""

from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from crossres.methods.declarations.lrar import LrarDeclaration, LrarOptions
from crossres.methods.interface.method import Distances, Embeddings
from crossres.methods.interface.run import Run
from crossres.methods.interface.training_data import Images, TrainSet
from crossres.methods.shared.loss_recording import recorded_loss
from crossres.methods.shared.losses.reid import batch_hard_triplet, smoothed_cross_entropy
from crossres.methods.shared.networks.masks import MaskedTrunk
from crossres.methods.shared.networks.reid import ReidNetwork, joined
from crossres.methods.shared.networks.resolution import RateEstimator
from crossres.methods.shared.tensors import in_batches, normalise, to_device, to_tensor
from crossres.methods.shared.torch_method import TorchMethod
from crossres.methods.shared.torch_tools import device_of, seeded
from crossres.methods.shared.training.descent import descend
from crossres.methods.shared.training.loop import Iteration
from crossres.methods.shared.training.schedule import make_optimiser
from crossres.methods.shared.training.streams import require_variants, streams


class LrarNetwork(nn.Module):
    """A trunk with masks, the part heads behind it, the MLP that compares codes.

    The channels of every part are shared out among the sub-vectors.
    """

    def __init__(self, options: LrarOptions, reid: ReidNetwork) -> None:
        super().__init__()
        o, self.options, self.reid = options, options, reid
        self.trunk = MaskedTrunk(reid.trunk, len(o.levels), o.mask_start, o.masks)
        reid.trunk = nn.Identity()
        size, width, count = reid.parts * reid.size, o.verif_width, len(o.levels)
        self.same = nn.Sequential(nn.Linear(size, width), nn.ReLU(), nn.Linear(width, 1))
        self.resolution = RateEstimator()
        ends = [reid.size * (k + 1) // count for k in range(count)]
        self.ends = ends if o.length == "variable" else [reid.size] * count

    def levels_of(self, estimated: Tensor, known: Tensor | None) -> Tensor:
        """Return the level (B,) int64 nearest to the known rates or, where 0, to the estimates."""
        rates = estimated
        if known is not None:
            rates = torch.where(known > 0, known.to(estimated.dtype), estimated)
        return (rates[:, None] - rates.new_tensor(self.options.levels)).abs().argmin(1)

    def sub_vectors(self, images: Tensor, levels: Tensor) -> Tensor:
        """Return v_1 to v_m of each part, (P, B, D), of normalised images at these levels."""
        features = self.reid.features(self.trunk(images, levels))
        return features.view(len(images), self.reid.parts, -1).transpose(0, 1)

    def padded(self, vectors: Tensor, levels: Tensor) -> Tensor:
        """Return z: sub-vectors (P, B, D), zero beyond the level (B,) of each image."""
        ends = torch.tensor(self.ends, device=vectors.device)[levels]
        return vectors * (torch.arange(self.reid.size, device=vectors.device) < ends[:, None])

    def loss(self, now: Iteration) -> Tensor:
        """Return L on a batch: its HR images, their variants and LR images, each at its level.

        Where gallery images take the masks of the query, HR images are there once for each level.
        """
        o, device = self.options, device_of(self)
        s, count = streams(now, o.rates, device), len(o.levels)
        rates = np.delete(now.batch.train.rates[now.batch.indices], now.batch.hr)
        known = to_device(rates, device)
        native = self.levels_of(self.resolution(s.native) if len(known) else known.float(), known)
        high_levels = list(range(count)) if o.gallery == "query" else [count - 1]
        of_high = [k for k in [*high_levels, *map(o.levels.index, o.rates)] for _ in s.high]
        levels = torch.cat([native.new_tensor(of_high), native])
        labels = torch.cat([s.labels[0].repeat(len(high_levels)), *s.labels[1:]])
        images = torch.cat([s.high.repeat(len(high_levels), 1, 1, 1), s.low, s.native])
        vectors = self.sub_vectors(now.erased(normalise(images)), levels)
        logits = torch.baddbmm(self.reid.bias, self.padded(vectors, levels), self.reid.weight)
        kinds = [len(s.high) * len(high_levels), len(s.low), len(s.native)]
        split = zip(torch.split(logits, kinds, 1), torch.split(labels, kinds), strict=True)
        each = [smoothed_cross_entropy(p, y, o.label_smoothing) for p, y in split if len(y)]
        terms = [torch.stack(each).mean()]
        for k in range(count):
            rows = levels >= k
            if rows.sum() > 1:
                codes = self.padded(vectors[:, rows], levels[rows].clamp_max(k))
                terms.append(self.comparison_loss(codes, labels[rows]))
        return torch.stack(terms).sum()

    def comparison_loss(self, codes: Tensor, labels: Tensor) -> Tensor:
        """Return lambda L_verif over ordered pairs of codes (P, B, D), and Eq. 12 where asked."""
        o = self.options
        loss = codes.new_zeros(())
        if o.triplet:
            loss = batch_hard_triplet(codes, labels, o.margin, o.hardest)
        if o.verification > 0:
            # The first layer of MLP is linear, so it takes codes rather than all differences.
            first, relu, last = cast(nn.Linear, self.same[0]), self.same[1], self.same[2]
            inner = F.linear(codes.transpose(0, 1).flatten(1), first.weight)
            guessed = last(relu(inner[:, None] - inner[None] + first.bias))[:, :, 0]
            pairs = ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
            same_identity = (labels[:, None] == labels[None])[pairs].to(guessed.dtype)
            verif = F.binary_cross_entropy_with_logits(guessed[pairs], same_identity)
            loss = loss + o.verification * recorded_loss("verification", verif)
        return loss

    def passes(self, images: Tensor) -> Tensor:
        """Return sub-vectors (B, m, P, D) of images (B, 3, H, W) in [0, 1] at every level."""
        o, inputs = self.options, normalise(images)
        lowest = torch.zeros(len(images), dtype=torch.int64, device=inputs.device)
        count = len(o.levels) if o.masks else 1
        passed = [self.sub_vectors(inputs, lowest + k) for k in range(count)]
        return torch.stack(passed).permute(2, 0, 1, 3).expand(len(images), len(o.levels), -1, -1)

    def embedding(self, passes: Tensor, levels: Tensor) -> Tensor:
        """Join what is compared at level 1, 2, ..., m, then the level: (B, D')."""
        at_level, blocks = passes[torch.arange(len(levels)), levels], []
        for k, end in enumerate(self.ends):
            passed = passes[:, k] if self.options.gallery == "query" else at_level
            blocks.append(joined([passed[:, :, :end].flatten(1)], self.options))
        return torch.cat([*blocks, levels[:, None].to(passes.dtype)], 1)


class Lrar(LrarDeclaration, TorchMethod[LrarNetwork]):
    """A code whose length and whose trunk adapt to the resolution of the query."""

    options: LrarOptions

    def build(self, identities: int, run: Run, pretrained: bool) -> LrarNetwork:
        reid = self.reid_network(identities, run, 1, pretrained)
        with seeded(run.seed_for("initial weights", "LRAR")):
            return LrarNetwork(self.options, reid)

    def train(self, network: LrarNetwork, train: TrainSet, run: Run) -> None:
        o = self.options
        require_variants(self.name, o.rates, train)
        network.resolution.fit(train)
        masks, trunk = list(network.trunk.masks), network.trunk
        modules = (trunk.layers, network.reid, network.same)
        unmasked = [weight for module in modules for weight in module.parameters()]
        reid = make_optimiser(o.optimiser, unmasked, o.reid_lr, o.reid_weight_decay)
        parts = [(reid, o.reid_lr, o.reid_warmup)]
        if masks:
            parts.append((make_optimiser(o.optimiser, masks, o.mask_lr, 0), o.mask_lr, 0))
        for now in self.iterations(network, train, run):
            if o.progressive:
                trunk.added = -(-(now.step + 1) * len(masks) // now.total)
            trunk.frozen = o.progressive
            descend(now, parts, [network.loss(now)])
        trunk.frozen = False

    def embed(self, images: Images) -> Embeddings:
        return self._embedded(images, None)

    def embed_rated(self, images: Images, rates: NDArray[np.int64]) -> Embeddings:
        return self._embedded(images, rates if self.options.rate == "given" else None)

    def _embedded(self, images: Images, rates: NDArray[np.int64] | None) -> Embeddings:
        network, device = self.fitted()
        known = None if rates is None else torch.from_numpy(rates.astype(np.int64)).to(device)

        def passes(batch: Images) -> Tensor:
            tensor = to_tensor(batch, device)
            passed = network.passes(tensor)
            return passed + network.passes(tensor.flip(3)) if self.options.embed_flip else passed

        def estimated(batch: Images) -> Tensor:
            return cast(Tensor, network.resolution(to_tensor(batch, device)))

        with self.testing():
            levels = network.levels_of(in_batches(images, estimated), known)
            embedded = network.embedding(in_batches(images, passes), levels)
            return np.ascontiguousarray(embedded.cpu().numpy())

    def distances(self, query: Embeddings, gallery: Embeddings) -> Distances:
        """Compare a query by the sub-vectors, and under the masks, of its own level."""
        network = self.fitted()[0]
        distances, start = np.zeros((len(query), len(gallery))), 0
        for k, end in enumerate(network.ends):
            block, rows = slice(start, start + network.reid.parts * end), query[:, -1] == k
            distances[rows] = super().distances(query[rows, block], gallery[:, block])
            start = block.stop
        return distances
