"""The control: one re-ID network on the images as they are, nothing reconstructed.

It shares backbone, losses, batches and schedule with MSIFLA, whose gain is measured against it.
"""

from typing import ClassVar, cast

from torch import Tensor, nn

from methods.interface import Grade, Run, TrainSet
from methods.shared.loop import Iteration, iterations
from methods.shared.pixels import normalise, to_tensor
from methods.shared.reid import ReidNetwork, ReidOptions, joined, part_loss
from methods.shared.torch_method import TorchMethod
from methods.shared.training import device_of, make_optimiser, set_rate


class PlainNetwork(nn.Module):
    """A re-ID network that takes images on the scale [0, 1]."""

    def __init__(self, options: ReidOptions, reid: ReidNetwork) -> None:
        super().__init__()
        self.options, self.reid = options, reid

    def loss(self, images: Tensor, labels: Tensor, mask: Tensor | None) -> Tensor:
        """Paper Eq. 13 on images (B, 3, H, W) as they are."""
        seen = normalise(images) if mask is None else normalise(images) * mask
        features, logits = self.reid(seen)
        return part_loss(features, logits, labels, self.options)

    def features(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] -> (B, parts * D)."""
        return joined([self.reid.features(normalise(images))], self.options)


class Plain(TorchMethod):
    """A part-based ResNet trained on HR and LR images alike."""

    name: ClassVar[str] = "plain"
    title: ClassVar[str] = "Plain re-ID network"
    grade: ClassVar[Grade] = "control"
    reference: ClassVar[str] = "the re-ID network of MSIFLA (paper Figure 4) alone"
    Options: ClassVar[type] = ReidOptions
    options: ReidOptions

    def build(self, identities: int, run: Run, pretrained: bool) -> PlainNetwork:
        return PlainNetwork(self.options, self.reid_network(identities, run, 1, pretrained))

    def train(self, network: nn.Module, train: TrainSet, run: Run) -> None:
        o, whole = self.options, cast(PlainNetwork, network)
        reid = make_optimiser(o.optimiser, whole.parameters(), o.reid_lr, o.reid_weight_decay)
        for now in iterations(train, self.profile.train, o, run):
            set_rate(reid, now.rate(o.reid_lr, o.reid_warmup))
            reid.zero_grad()
            _loss(whole, now).backward()  # type: ignore[no-untyped-call]
            reid.step()


def _loss(network: PlainNetwork, now: Iteration) -> Tensor:
    device = device_of(network)
    images = to_tensor(now.batch.images(), device)
    return network.loss(images, now.labels(device), now.mask(len(images), device))
