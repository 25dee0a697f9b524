"""A decoder with skip connections: the feature maps of a trunk's stages -> an image.

From the deepest map upwards, nearest-neighbour up-sampling to the size of the map before it, which
is put beside it (as in U-Net, Ronneberger et al. 2015), then convolution.
"""

from typing import Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Output = Literal["direct", "difference"]


class Decoder(nn.Module):
    """For maps with these channels, as `backbones.stages` gives them (`stage_channels`).

    `width`: channels at the size of the image, doubled with every map below it. A block is a 3 x 3
    convolution, batch normalisation and ReLU. Last come a 3 x 3 convolution and, for an image,
    "direct", a sigmoid, or, for what is to be added to one, "difference", tanh, at first 0.
    """

    def __init__(self, channels: tuple[int, ...], width: int, output: Output = "direct") -> None:
        super().__init__()
        blocks, below = [], channels[-1]
        for level, skip in enumerate(reversed((0, *channels[:-1])), start=1):
            outputs = width << (len(channels) - level)
            conv = nn.Conv2d(below + skip, outputs, 3, 1, 1, bias=False)
            nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
            blocks.append(nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)))
            below = outputs
        self.blocks = nn.ModuleList(blocks)
        self.last = nn.Conv2d(width, 3, 3, 1, 1)
        self.squash = torch.tanh if output == "difference" else torch.sigmoid
        if output == "difference":
            nn.init.zeros_(self.last.weight)
            nn.init.zeros_(cast(Tensor, self.last.bias))

    def forward(self, maps: list[Tensor], size: tuple[int, int]) -> Tensor:
        """Paint (B, 3, *size) in [0, 1] or [-1, 1] from maps (B, channels[k], h_k, w_k).

        The deepest map comes last.
        """
        x, *skips = reversed(maps)
        for block, skip in zip(self.blocks, [*skips, None], strict=True):
            target = size if skip is None else (skip.shape[2], skip.shape[3])
            if x.shape[-2:] != target:
                x = F.interpolate(x, target)
            x = block(x if skip is None else torch.cat([x, skip], 1))
        return self.squash(self.last(x))
