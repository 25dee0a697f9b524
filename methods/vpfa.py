"""VPFA: frozen re-ID features, LR ones "panned" to HR by a residual MLP per down-sampling rate.

Liu, Yuan, Li, Zhang, Niu, arXiv 2510.00936. With phi the frozen feature of an image and r its rate,

    VP_r(phi) = phi + tanh(MLP_r(phi)),   MLP_r: three hidden layers of LayerNorm and ReLU    (1)
    L_r       = mean over HR training images of (VP_r(phi(x_{1/r})) - phi(x_h))^2             (2)

and at test an LR image of rate r is compared by VP_r(phi), an HR image by phi. Blocks, loss and
schedule are those of the authors' code; phi is our re-ID network (theirs: a TransReID ViT), and
the estimator of r is our own. docs/methods/vpfa.md argues each default.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from crossres.datasets.base.errors import InputError
from crossres.methods.declarations.vpfa import (
    FrozenVpfaDeclaration,
    FrozenVpfaOptions,
    PanningOptions,
    Start,
    VpfaDeclaration,
    VpfaOptions,
)
from crossres.methods.frozen import FrozenNetwork, all_numbers, frozen_network
from crossres.methods.interface.method import Embeddings
from crossres.methods.interface.run import Run
from crossres.methods.interface.training_data import Images, TrainSet
from crossres.methods.plain import Plain, PlainNetwork
from crossres.methods.shared.checkpoints import steps
from crossres.methods.shared.loss_recording import recorded_loss
from crossres.methods.shared.networks.reid import ReidNetwork, joined
from crossres.methods.shared.tensors import in_batches, to_tensor
from crossres.methods.shared.torch_method import TorchMethod
from crossres.methods.shared.torch_tools import device_of, seeded
from crossres.methods.shared.training.schedule import make_optimiser, set_rate, total_iterations
from crossres.methods.shared.training.streams import require_variants


def hidden(inputs: int, width: int, layers: int) -> list[nn.Module]:
    """Build fully connected layers, each followed by LayerNorm and ReLU."""
    sizes = [inputs, *[width] * layers]
    return [
        module
        for before, after in pairwise(sizes)
        for module in (nn.Linear(before, after), nn.LayerNorm(after), nn.ReLU())
    ]


class Panning(nn.Module):
    """VP_r of Eq. 1: features (B, D) of LR images -> pseudo-HR features (B, D)."""

    def __init__(self, size: int, width: int, start: Start) -> None:
        super().__init__()
        last = nn.Linear(width, size)
        if start == "identity":
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
        self.offset = nn.Sequential(*hidden(size, width, 3), last, nn.Tanh())

    def forward(self, features: Tensor) -> Tensor:
        """Pan features (B, D); each number moves by less than 1."""
        panned: Tensor = features + self.offset(features)
        return panned


class VpfaNetwork(nn.Module):
    """The network whose features are frozen, a block a rate, and the estimator of the rate."""

    def __init__(
        self,
        options: VpfaOptions | FrozenVpfaOptions,
        plain: PlainNetwork | FrozenNetwork,
        size: int,
    ) -> None:
        super().__init__()
        self.options, self.plain = options, plain
        width = options.vp_width
        self.panning = nn.ModuleList(Panning(size, width, options.start) for _ in options.rates)
        self.estimator = nn.Sequential(
            *hidden(size, width, 1), nn.Linear(width, 1 + len(options.rates))
        )
        self.rates = (1, *options.rates)  # what the estimator tells apart

    def frozen(self, images: Tensor) -> Tensor:
        """Return phi, (B, D), not normalised, of images (B, 3, H, W) in [0, 1]."""
        features = torch.cat(self.plain.each(images), 1)
        if not self.options.embed_flip:
            return features
        return (features + torch.cat(self.plain.each(images.flip(3)), 1)) / 2

    def loss(self, hr: Tensor, lr: Tensor) -> Tensor:
        """Return Eq. 2 summed over the rates, whose blocks share nothing, + the estimator's loss.

        hr (B, D): frozen features of HR images; lr (R, B, D): of their LR variants, rate by rate.
        """
        errors = [F.mse_loss(block(x), hr) for block, x in zip(self.panning, lr, strict=True)]
        guesses = self.estimator(torch.cat([hr, *lr]))
        classes = torch.arange(len(self.rates), device=hr.device).repeat_interleave(len(hr))
        panning = recorded_loss("panning", torch.stack(errors).sum())
        return panning + recorded_loss("rate", F.cross_entropy(guesses, classes))

    def guessed(self, features: Tensor) -> Tensor:
        """Return the likeliest rate (B,) int64 out of 1 and the rates that have a block."""
        rates = torch.tensor(self.rates, device=features.device)
        return rates[self.estimator(features).argmax(1)]

    def rates_of(self, features: Tensor, known: Tensor | None) -> Tensor:
        """Return the rate whose block each image takes (1: none), (B,) int64.

        Of known rates, 0 is guessed and one without a block takes the nearest that has one.
        """
        guessed = self.guessed(features)
        if known is None or self.options.rate == "estimated" or not self.options.rates:
            return guessed
        with_block = torch.tensor(self.options.rates, device=features.device)
        nearest = with_block[(known[:, None] - with_block).abs().argmin(1)]
        return torch.where(known == 0, guessed, torch.where(known == 1, known, nearest))

    def panned(self, features: Tensor, rates: Tensor) -> Tensor:
        """Return the embedding: features (B, D) moved by the block of their rate, normalised."""
        moved = features.clone()
        for rate, block in zip(self.options.rates, self.panning, strict=True):
            moved[rates == rate] = block(features[rates == rate])
        return joined([moved], self.options)


class PannedFeatures(TorchMethod[Any]):
    """How a method embeds whose network is a VpfaNetwork, whatever its features are of."""

    def embed(self, images: Images) -> Embeddings:
        return self._embedded(images, None)

    def embed_rated(self, images: Images, rates: NDArray[np.int64]) -> Embeddings:
        return self._embedded(images, rates)

    def _embedded(self, images: Images, rates: NDArray[np.int64] | None) -> Embeddings:
        network, device = cast("tuple[VpfaNetwork, torch.device]", self.fitted())
        known = None if rates is None else torch.from_numpy(rates.astype(np.int64)).to(device)
        with self.testing():
            features = in_batches(images, lambda x: network.frozen(to_tensor(x, device)))
            embedded = network.panned(features, network.rates_of(features, known))
            return np.ascontiguousarray(embedded.cpu().numpy())

    def embedding_graph(self, images: Tensor) -> Tensor:
        """Return the embeddings of images (B, 3, H, W) in [0, 1], whose rates are estimated."""
        network = cast(VpfaNetwork, self.fitted()[0])
        features = network.frozen(images)
        rates, moved = network.rates_of(features, None), features
        for rate, block in zip(network.options.rates, network.panning, strict=True):
            moved = torch.where((rates == rate)[:, None], block(features), moved)
        return joined([moved], network.options)


class Vpfa(VpfaDeclaration, PannedFeatures, Plain):
    """Vector-panning feature alignment on top of the plain re-ID network."""

    options: VpfaOptions

    def build(self, identities: int, run: Run, pretrained: bool) -> VpfaNetwork:  # type: ignore[override]
        plain = super().build(identities, run, pretrained)
        size = sum(reid.parts * reid.size for reid in cast("list[ReidNetwork]", plain.reid))
        with seeded(run.seed_for("initial weights", "VP")):
            return VpfaNetwork(self.options, plain, size)

    def train(self, network: VpfaNetwork, train: TrainSet, run: Run) -> None:  # type: ignore[override]
        """Train the re-ID network as method `plain`, then the blocks on its frozen features."""
        o = self.options
        check_pairs(self.name, o, train)
        reid_data = hr_only(train) if o.features == "hr" else train
        first = total_iterations(self.profile.train_spec, reid_data.labels)
        total = first + panning_steps(o, train)
        super().train(cast(PlainNetwork, network.plain), reid_data, run.part(0, total))
        if o.rates:
            pairs = features_of_pairs(network.eval(), train)
            learn(network, *pairs, run.part(first, total))


class FrozenVpfa(FrozenVpfaDeclaration, PannedFeatures):
    """Vector-panning feature alignment on top of a network that others trained."""

    options: FrozenVpfaOptions

    def build(self, identities: int, run: Run, pretrained: bool) -> VpfaNetwork:  # noqa: ARG002
        frozen = frozen_network(self.options, self.profile, run, pretrained)
        with seeded(run.seed_for("initial weights", "VP")):
            return VpfaNetwork(self.options, frozen, frozen.size)

    def train(self, network: VpfaNetwork, train: TrainSet, run: Run) -> None:
        """Train the blocks on features that stay as they are."""
        check_pairs(self.name, self.options, train)
        if self.options.rates:
            total = panning_steps(self.options, train)
            learn(network, *features_of_pairs(network.eval(), train), run.part(0, total))

    def parameter_count(self) -> int:
        return all_numbers(self.fitted()[0])


def check_pairs(name: str, options: PanningOptions, train: TrainSet) -> None:
    """Raise InputError where a training set has no pairs of an HR image and its variants."""
    require_variants(name, options.rates, train)
    if len(train.hr) == 0:
        raise InputError(f"{name} needs HR training images; this training set has none")


def panning_steps(options: PanningOptions, train: TrainSet) -> int:
    """Return how many steps the blocks are trained."""
    rows = len(train.hr) if options.pairs == "images" else len(set(train.labels[train.hr]))
    return options.vp_epochs * -(-rows // options.vp_batch) if options.rates else 0


def hr_only(train: TrainSet) -> TrainSet:
    """Return the HR images of a training set, of the identities that have any, no variants."""
    hr = train.hr
    labels = np.unique(train.labels[hr], return_inverse=True)[1].astype(np.int64)
    rows = np.arange(len(hr))
    return TrainSet(train.images[hr], labels, train.camids[hr], train.rates[hr], {}, rows)


def features_of_pairs(network: VpfaNetwork, train: TrainSet) -> tuple[Tensor, Tensor]:
    """Return frozen features of the HR images (M, D) and of their LR variants (R, M, D).

    Where the option says so, one row is the mean over the HR images of an identity.
    """
    device = device_of(network)
    versions = [train.images[train.hr], *(train.variants[rate] for rate in network.options.rates)]
    with torch.no_grad():
        hr, *lr = (
            in_batches(images, lambda x: network.frozen(to_tensor(x, device)))
            for images in versions
        )
    stacked = torch.stack([hr, *lr])
    if network.options.pairs == "identities":
        labels = train.labels[train.hr]
        means = [stacked[:, np.flatnonzero(labels == label)].mean(1) for label in np.unique(labels)]
        stacked = torch.stack(means, 1)
    return stacked[0], stacked[1:]


def learn(network: VpfaNetwork, hr: Tensor, lr: Tensor, run: Run) -> None:
    """Train blocks and estimator on all pairs once an epoch."""
    o, generator = network.options, np.random.default_rng(run.seed_for("pairs"))
    learned = [*network.panning.parameters(), *network.estimator.parameters()]
    adam = make_optimiser("adam", learned, o.vp_lr, o.vp_weight_decay)

    def batches() -> Iterator[tuple[int, NDArray[np.int64]]]:
        for epoch in range(o.vp_epochs):
            order = generator.permutation(len(hr))
            for rows in np.split(order, range(o.vp_batch, len(order), o.vp_batch)):
                yield epoch, rows

    for _, (epoch, rows) in steps(run, o.vp_epochs * -(-len(hr) // o.vp_batch), batches()):
        set_rate(adam, o.vp_lr * 0.5 ** (4 * epoch // o.vp_epochs))
        adam.zero_grad()
        network.loss(hr[rows], lr[:, rows]).backward()  # type: ignore[no-untyped-call]
        adam.step()
