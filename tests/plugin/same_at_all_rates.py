"""A re-ID network whose features of an image and of its down-sampled variants are pulled together.

Backbone, head, losses, batches and schedule are those of crossres's own rows, as the profile says.
"""

from dataclasses import dataclass

import numpy as np
import torch.nn.functional as F

from crossres import (
    ReidOptions,
    TorchMethod,
    device_of,
    joined,
    kept,
    make_optimiser,
    normalise,
    part_loss,
    recorded_loss,
    set_rate,
    to_tensor,
)


@dataclass(frozen=True)
class Options(ReidOptions):
    """pull: weight of the squared distance between features at full and at a lower resolution."""

    pull: float = 1.0


class SameAtAllRates(TorchMethod):
    """The plain network, and features that are to be the same at all rates."""

    name = "same-at-all-rates"
    title = "Same at all rates"
    grade = "control"
    reference = "the plain re-ID network with features pulled together over rates"
    Options = Options

    def build(self, identities, run, pretrained):
        """Return the network with the profile's backbone and the head that the options say."""
        return self.reid_network(identities, run, scale=1, pretrained=pretrained)

    def train(self, network, train, run):
        """Adjust the network; the loop draws, augments, reports progress and keeps checkpoints."""
        o, device, weights = self.options, device_of(network), network.parameters()
        optimiser = make_optimiser(o.optimiser, weights, o.reid_lr, o.reid_weight_decay)
        rates = kept(np.random.default_rng(run.seed_for("rates")))
        for now in self.iterations(network, train, run):
            set_rate(optimiser, now.rate(o.reid_lr, o.reid_warmup))
            features, logits = network(now.inputs(device))
            loss = part_loss(features, logits, now.labels(device), o)
            if o.pull and len(now.batch.hr) > 1:
                lower = now.batch.versions((int(rates.integers(2, 5)),))[0]
                pulled, _ = network(normalise(to_tensor(lower, device)))
                apart = F.mse_loss(pulled, features[:, now.batch.hr].detach())
                loss = loss + o.pull * recorded_loss("pull", apart)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()

    def features(self, images):
        """Return embeddings (B, D) of images (B, 3, H, W) in [0, 1]; `embed` follows from it."""
        network, _ = self.fitted()
        return joined([network.features(normalise(images))], self.options)
