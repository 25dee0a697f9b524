"""A 1 x 1 convolution with a stride."""

from torch import Tensor, nn

LEAST_CHANNELS = 8


class Pointwise(nn.Conv2d):
    """A convolution of kernel 1 with a stride, safe for any number of channels.

    oneDNN 3.12 writes beyond its memory where such a convolution has a stride, fewer than 8 input
    channels and AVX2 kernels; with so few it is computed on every `step`-th row and column.
    """

    def __init__(self, inputs: int, outputs: int, step: int, *, bias: bool = True) -> None:
        self.step = step if inputs < LEAST_CHANNELS else 1
        super().__init__(inputs, outputs, 1, 1 if inputs < LEAST_CHANNELS else step, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, inputs, H, W) to (B, outputs, ceil(H / step), ceil(W / step))."""
        return super().forward(x[..., :: self.step, :: self.step])
