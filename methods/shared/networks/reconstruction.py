"""The image reconstruction (IR) network of MSIFLA and the cascade of several of them (CMSR2).

Paper section 3.2: an encoder of two parts, a decoder, and residual connections between them.
"""

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from crossres.methods.shared.networks.pointwise import Pointwise

Layout = Literal["stride2", "stride1"]
Output = Literal["difference", "direct"]


class EncoderPart(nn.Sequential):
    """Four convolutions of kernel 3, each followed by ReLU; the first one has the stride."""

    def __init__(self, inputs: int, outputs: int, stride: int, batchnorm: bool) -> None:
        layers: list[nn.Module] = []
        for index in range(4):
            first = index == 0
            layers.append(
                nn.Conv2d(inputs if first else outputs, outputs, 3, stride if first else 1, 1)
            )
            if batchnorm:
                layers.append(nn.BatchNorm2d(outputs))
            layers.append(nn.ReLU(inplace=True))
        super().__init__(*layers)


class IRNetwork(nn.Module):
    """Encoder of two parts of four convolutions, decoder of two deconvolutions and a convolution.

    Residual connections: part one -> output of part two, part one -> first deconvolution.
    "stride2": each part halves the image and each deconvolution doubles it; "stride1": the image
    keeps its size throughout (both widths then are used at full size). With "difference" the
    network adds its output to its input, with "direct" its output is the reconstruction.
    """

    def __init__(
        self,
        widths: tuple[int, int],
        layout: Layout = "stride2",
        output: Output = "difference",
        batchnorm: bool = False,
    ) -> None:
        super().__init__()
        stride = 2 if layout == "stride2" else 1
        kernel = 4 if layout == "stride2" else 3
        first, second = widths
        self.part1 = EncoderPart(3, first, stride, batchnorm)
        self.part2 = EncoderPart(first, second, stride, batchnorm)
        self.between = Pointwise(first, second, stride)
        self.deconv1 = nn.ConvTranspose2d(second, first, kernel, stride, 1)
        self.deconv2 = nn.ConvTranspose2d(first, first, kernel, stride, 1)
        self.last = nn.Conv2d(first, 3, 3, 1, 1)
        self.adds_input = output == "difference"
        self._initialise()

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        if self.adds_input:
            nn.init.zeros_(self.last.weight)

    def forward(self, images: Tensor) -> Tensor:
        """Reconstruct images (B, 3, H, W), on a scale of the caller's choice."""
        first = self.part1(images)
        second = self.part2(first) + self.between(first)
        up = F.relu(_cropped(self.deconv1(second), first) + first, inplace=True)
        up = F.relu(_cropped(self.deconv2(up), images), inplace=True)
        rebuilt: Tensor = self.last(up)
        return images + rebuilt if self.adds_input else rebuilt


def _cropped(larger: Tensor, like: Tensor) -> Tensor:
    """Cut the row or column that doubling a halved odd size adds (a slice costs copies)."""
    if larger.shape[-2:] == like.shape[-2:]:
        return larger
    return larger[..., : like.shape[-2], : like.shape[-1]]


def cascade(networks: nn.ModuleList, images: Tensor, detach: bool = False) -> list[Tensor]:
    """Return the reconstructions x^1, x^2, ... of `images`, each made from the one before it.

    `detach` stops the gradient between networks, so that each loss trains one network alone.
    """
    outputs: list[Tensor] = []
    for network in networks:
        previous = outputs[-1].detach() if outputs and detach else (outputs or [images])[-1]
        outputs.append(network(previous))
    return outputs
