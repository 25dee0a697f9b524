"""SRCNN (Dong et al. 2014): super-resolution of the luminance by three convolutions.

The colour stays: what the network adds to the luminance is added to red, green and blue alike.
"""

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from crossres.methods.shared.loss_recording import recorded_loss

Output = Literal["difference", "direct"]
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


def luminance(images: Tensor) -> Tensor:
    """Return Y of YCbCr, (B, 1, H, W) in [0, 1], of images (B, 3, H, W) in [0, 1]."""
    return (images * images.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)


def luminance_loss(rebuilt: Tensor, target: Tensor) -> Tensor:
    """Return 1/2 ||rebuilt - target||^2 on Y in levels of 255: pixels summed, images averaged."""
    gap = 255.0 * (luminance(rebuilt) - luminance(target))
    return recorded_loss("reconstruction", gap.square().sum((1, 2, 3)).mean() / 2)


class SRCNN(nn.Module):
    """9 x 9 -> widths[0], ReLU, 5 x 5 -> widths[1], ReLU, 5 x 5 -> 1, on Y, padded with zeros.

    "direct": the last convolution paints Y, as published; "difference": it paints what is added
    to Y, and starts at nothing, so that an untrained network leaves images as they are.
    """

    def __init__(self, widths: tuple[int, ...], output: Output = "difference") -> None:
        super().__init__()
        first, second = widths
        self.conv1 = nn.Conv2d(1, first, 9, 1, 4)
        self.conv2 = nn.Conv2d(first, second, 5, 1, 2)
        self.conv3 = nn.Conv2d(second, 1, 5, 1, 2)
        self.adds_input = output == "difference"
        for layer in (self.conv1, self.conv2, self.conv3):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        if self.adds_input:
            nn.init.zeros_(self.conv3.weight)

    def forward(self, images: Tensor) -> Tensor:
        """Restore images (B, 3, H, W) in [0, 1] that have the size of the target; not clipped."""
        y = luminance(images)
        hidden = F.relu(self.conv2(F.relu(self.conv1(y), inplace=True)), inplace=True)
        painted: Tensor = self.conv3(hidden)
        return images + (painted if self.adds_input else painted - y)
