"""The residual super-resolution network of SRGAN (Ledig et al. 2017) and EDSR (Lim et al. 2017).

With batch normalisation it is SRGAN's generator, without it EDSR's body.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def conv3(inputs: int, outputs: int) -> nn.Conv2d:
    """Return a 3 x 3 convolution that keeps size and variance, its bias zero at first."""
    layer = nn.Conv2d(inputs, outputs, 3, 1, 1)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer


def norm(width: int, batchnorm: bool) -> nn.Module:
    """Return batch normalisation where asked, else the identity."""
    return nn.BatchNorm2d(width) if batchnorm else nn.Identity()


class ResidualBlock(nn.Module):
    """x + norm(conv(ReLU(norm(conv(x)))))."""

    def __init__(self, width: int, batchnorm: bool) -> None:
        super().__init__()
        self.conv1, self.norm1 = conv3(width, width), norm(width, batchnorm)
        self.conv2, self.norm2 = conv3(width, width), norm(width, batchnorm)
        if not batchnorm:  # else many blocks in series would multiply the variance
            with torch.no_grad():
                self.conv2.weight.mul_(0.1)

    def forward(self, x: Tensor) -> Tensor:
        hidden = F.relu(self.norm1(self.conv1(x)), inplace=True)
        branch: Tensor = self.norm2(self.conv2(hidden))
        return x + branch


class ResidualSR(nn.Module):
    """conv, ReLU, `blocks` residual blocks, conv + the first layer, [pixel shuffle, ReLU], conv.

    The last convolution paints what is added to the input, which is enlarged bilinearly for
    upscale = 2, and starts at nothing: an untrained network leaves images as they are.
    """

    def __init__(
        self, width: int, blocks: int, batchnorm: bool = False, upscale: Literal[1, 2] = 1
    ) -> None:
        super().__init__()
        self.head = conv3(3, width)
        self.blocks = nn.Sequential(*(ResidualBlock(width, batchnorm) for _ in range(blocks)))
        self.tail = nn.Sequential(conv3(width, width), norm(width, batchnorm))
        self.enlarge = conv3(width, 4 * width) if upscale == 2 else None
        self.last = conv3(width, 3)
        nn.init.zeros_(self.last.weight)

    def forward(self, images: Tensor) -> Tensor:
        """Map images (B, 3, h, w) in [0, 1] to (B, 3, upscale h, upscale w), not clipped."""
        first = F.relu(self.head(images))
        hidden = first + self.tail(self.blocks(first))
        if self.enlarge is not None:
            hidden = F.relu(F.pixel_shuffle(self.enlarge(hidden), 2), inplace=True)
            images = F.interpolate(images, scale_factor=2.0, mode="bilinear")
        painted: Tensor = self.last(hidden)
        return images + painted
