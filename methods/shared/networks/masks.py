"""Channel masks after the residual blocks of a trunk, one for each resolution level."""

import torch
from torch import Tensor, nn

from crossres.methods.shared.networks.backbones import SmallResNet


class MaskedTrunk(nn.Module):
    """X -> X * sigmoid(M_k) after each residual block of a trunk, k the level of the image.

    Masks start at random around `start` and are added one by one from the output side: the last
    `added` of them are in force, and of these only the first learns where `frozen` is set.
    """

    def __init__(self, trunk: nn.Module, levels: int, start: float, masked: bool = True) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            _flat(trunk.layers if isinstance(trunk, SmallResNet) else trunk)
        )
        sizes = [_channels(layer) for layer in self.layers if _is_block(layer)] if masked else []
        self.masks = nn.ParameterList(torch.randn(levels, size) + start for size in sizes)
        self.added, self.frozen = len(sizes), False

    def forward(self, images: Tensor, levels: Tensor) -> Tensor:
        """Map images (B, 3, H, W) of levels (B,) int64 from 0 to features (B, channels, h, w)."""
        x, block = images, 0
        for layer in self.layers:
            x = layer(x)
            if not _is_block(layer) or len(self.masks) == 0:
                continue
            first = len(self.masks) - self.added
            if block >= first:
                mask = (
                    self.masks[block].detach()
                    if self.frozen and block > first
                    else self.masks[block]
                )
                x = x * torch.sigmoid(mask)[levels][:, :, None, None]
            block += 1
        return x


def _flat(module: nn.Module) -> list[nn.Module]:
    """List the layers of nested sequences, one after another."""
    if not isinstance(module, nn.Sequential):
        return [module]
    return [layer for child in module for layer in _flat(child)]


def _is_block(layer: nn.Module) -> bool:
    """Say whether a layer is a residual block: once sequences are flat, it alone has convolutions.

    (timm's normalisation has its activation below it.)
    """
    return any(isinstance(child, nn.Conv2d) for child in layer.children())


def _channels(block: nn.Module) -> int:
    """Return the output channels of a residual block: of its last layer, shortcut or not."""
    return [m.out_channels for m in block.modules() if isinstance(m, nn.Conv2d)][-1]
