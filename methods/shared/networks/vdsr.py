"""VDSR with channel attention (VDSR-CA of PS-HRNet): what is to be added to an image, in 20 layers.

VDSR is Kim, Lee, Lee, CVPR 2016; the attention is that of squeeze-and-excitation networks.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ChannelAttention(nn.Module):
    """Scales each channel by what two 1 x 1 convolutions make of the means of all channels."""

    def __init__(self, width: int, reduction: int = 16) -> None:
        super().__init__()
        few = max(1, width // reduction)
        self.squeeze, self.excite = nn.Conv2d(width, few, 1), nn.Conv2d(few, width, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """Scale the channels of maps (B, width, H, W)."""
        few = F.relu(self.squeeze(maps.mean((2, 3), keepdim=True)))
        return maps * torch.sigmoid(self.excite(few))


class VDSR(nn.Module):
    """A convolution, `blocks` of convolution, attention and ReLU, a convolution; adds its input.

    All convolutions are 3 x 3 without bias; initial weights as in He et al. 2015 (fan out).
    """

    def __init__(self, width: int = 64, blocks: int = 18) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.ReLU(inplace=True)]
        for _ in range(blocks):
            conv = nn.Conv2d(width, width, 3, 1, 1, bias=False)
            layers += [conv, ChannelAttention(width), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(width, 3, 3, 1, 1, bias=False))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        """Restore images (B, 3, H, W), on the scale of its input."""
        rebuilt: Tensor = images + self.layers(images)
        return rebuilt
