"""The control: a re-ID network on the images as they are, nothing reconstructed.

It shares backbone, losses, batches and schedule with MSIFLA, whose gain is measured against it.
"""

from typing import cast

import torch
from torch import Tensor, nn

from crossres.methods.declarations.plain import PlainDeclaration, PlainOptions
from crossres.methods.interface.run import Run
from crossres.methods.interface.training_data import TrainSet
from crossres.methods.shared.networks.reid import ReidNetwork, joined, part_loss
from crossres.methods.shared.reid_options import ReidOptions
from crossres.methods.shared.tensors import normalise, to_tensor
from crossres.methods.shared.torch_method import TorchMethod
from crossres.methods.shared.torch_tools import device_of
from crossres.methods.shared.training.loop import Iteration
from crossres.methods.shared.training.schedule import make_optimiser, set_rate


class PlainNetwork(nn.Module):
    """Re-ID networks that take images on the scale [0, 1]; mostly one."""

    def __init__(self, options: ReidOptions, reid: list[ReidNetwork]) -> None:
        super().__init__()
        self.options, self.reid = options, nn.ModuleList(reid)

    def loss(self, images: Tensor, labels: Tensor, mask: Tensor | None) -> Tensor:
        """Return paper Eq. 13 on images (B, 3, H, W) as they are, summed over the networks."""
        inputs = normalise(images) if mask is None else normalise(images) * mask
        outputs = [network(inputs) for network in self.reid]
        losses = [part_loss(f, logits, labels, self.options) for f, logits in outputs]
        return torch.stack(losses).sum()

    def features(self, images: Tensor) -> Tensor:
        """Return the features (B, networks * parts * D) of images (B, 3, H, W) in [0, 1]."""
        return joined(self.each(images), self.options)

    def each(self, images: Tensor) -> list[Tensor]:
        """Return the features (B, parts * D) of each network; images (B, 3, H, W) in [0, 1]."""
        normalised = normalise(images)
        return [cast(ReidNetwork, network).features(normalised) for network in self.reid]


class Plain(PlainDeclaration, TorchMethod[PlainNetwork]):
    """A part-based ResNet trained on HR and LR images alike."""

    options: PlainOptions

    def build(self, identities: int, run: Run, pretrained: bool) -> PlainNetwork:
        numbers = range(1, self.options.networks + 1)
        reid = [self.reid_network(identities, run, number, pretrained) for number in numbers]
        return PlainNetwork(self.options, reid)

    def train(self, network: PlainNetwork, train: TrainSet, run: Run) -> None:
        o = self.options
        reid = make_optimiser(o.optimiser, network.parameters(), o.reid_lr, o.reid_weight_decay)
        for now in self.iterations(network, train, run):
            set_rate(reid, now.rate(o.reid_lr, o.reid_warmup))
            reid.zero_grad()
            _loss(network, now).backward()  # type: ignore[no-untyped-call]
            reid.step()


def _loss(network: PlainNetwork, now: Iteration) -> Tensor:
    device = device_of(network)
    images = to_tensor(now.batch.images(), device)
    return network.loss(images, now.labels(device), now.mask(len(images), device))
