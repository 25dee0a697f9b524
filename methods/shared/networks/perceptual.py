"""The perceptual losses of SRGAN: distances between what a VGG-19 sees in two images."""

from pathlib import Path

import torch.nn.functional as F
from torch import Tensor, nn

from crossres.methods.shared.loss_recording import recorded_loss
from crossres.methods.shared.networks.imagenet_weights import load_pretrained, vgg19_weights
from crossres.methods.shared.networks.optional_libraries import torchvision_models
from crossres.methods.shared.tensors import normalise

SIDE = 224
POOL4 = 28  # layers up to the fourth pooling, the embedding of SRGAN's public code


class Perceptual(nn.Module):
    """Mean squared differences of a frozen VGG's feature maps and of its last layer's numbers."""

    def __init__(self, vgg: nn.Module) -> None:
        super().__init__()
        self.vgg = vgg.eval().requires_grad_(requires_grad=False)

    def forward(self, rebuilt: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return two losses, of maps after pool4 and of 1000 logits.

        Of images (B, 3, h, w) in [0, 1].
        """
        maps, logits = self._maps_and_logits(rebuilt)
        target_maps, target_logits = self._maps_and_logits(target)
        errors = F.mse_loss(maps, target_maps), F.mse_loss(logits, target_logits)
        return recorded_loss("VGG maps", errors[0]), recorded_loss("VGG output", errors[1])

    def _maps_and_logits(self, images: Tensor) -> tuple[Tensor, Tensor]:
        size = (SIDE, SIDE)
        images = normalise(F.interpolate(images, size, mode="bilinear", antialias=True))
        maps = self.vgg.features[:POOL4](images)  # type: ignore[index,operator]
        pooled = self.vgg.avgpool(self.vgg.features[POOL4:](maps))  # type: ignore[index,operator]
        return maps, self.vgg.classifier(pooled.flatten(1))  # type: ignore[operator]


def imagenet_perceptual(folder: Path | None) -> Perceptual:
    """Load ImageNet weights from `folder` or by torchvision. InputError if out of reach."""
    vgg = torchvision_models().vgg19(weights=None)
    load_pretrained(vgg, vgg19_weights(folder), "those of a VGG-19 in torchvision's names")
    return Perceptual(vgg)
