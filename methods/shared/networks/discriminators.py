"""The discriminator of adversarial training (Goodfellow et al. 2014).

Fully convolutional, so that it judges patches of images (PatchGAN) and feature maps alike.
"""

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn


class Discriminator(nn.Module):
    """Maps of any size, (B, inputs, h, w) -> a logit for each patch, (B, 1, h', w').

    A 4 x 4 convolution and LeakyReLU 0.2 for each of `widths` halve the map, rounding up, down to
    1 x 1; a 3 x 3 convolution makes the logits. `batchnorm`: between the two, but for the first;
    it needs more than one image or position, so that images are best judged together.
    """

    def __init__(self, inputs: int, widths: tuple[int, ...], batchnorm: bool = False) -> None:
        super().__init__()
        blocks = []
        for k, (before, after) in enumerate(pairwise((inputs, *widths))):
            norm = batchnorm and k > 0
            layers: list[nn.Module] = [nn.Conv2d(before, after, 4, 2, 1, bias=not norm)]
            layers += [nn.BatchNorm2d(after)] if norm else []
            blocks.append(nn.Sequential(*layers, nn.LeakyReLU(0.2, inplace=True)))
        self.blocks = nn.ModuleList(blocks)
        self.last = nn.Conv2d((inputs, *widths)[-1], 1, 3, 1, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """Return logits of patches: positive ones say real, negative ones fake."""
        for block in self.blocks:
            height, width = maps.shape[2:]
            odd = height % 2 + width % 2
            maps = block(F.pad(maps, (0, width % 2, 0, height % 2)) if odd else maps)
        logits: Tensor = self.last(maps)
        return logits
