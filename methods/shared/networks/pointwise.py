"""A 1 x 1 convolution with a stride."""

from torch import Tensor, nn


class Pointwise(nn.Conv2d):
    """A convolution of kernel 1 on every `step`-th row and column.

    The same as a stride. oneDNN 3.12 itself writes beyond its memory where a convolution of kernel
    1 has a stride, fewer than 8 input channels and AVX2 kernels.
    """

    def __init__(self, inputs: int, outputs: int, step: int, *, bias: bool = True) -> None:
        super().__init__(inputs, outputs, 1, bias=bias)
        self.step = step

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, inputs, H, W) to (B, outputs, ceil(H / step), ceil(W / step))."""
        return super().forward(x[..., :: self.step, :: self.step])
