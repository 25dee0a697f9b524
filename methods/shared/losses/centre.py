"""The centre loss of Wen et al. (ECCV 2016): an identity's features gather around a learned centre.

In the form of the Bag of Tricks: the mean over the images, the centres stepped on their own.
"""

import torch
from torch import Tensor, nn
from torch.optim import SGD

from crossres.methods.shared.checkpoints import kept
from crossres.methods.shared.loss_recording import recorded_loss


class Centres(nn.Module):
    """A centre for each of C identities, (C, D), drawn from a standard normal distribution."""

    def __init__(self, identities: int, size: int) -> None:
        super().__init__()
        self.centres = nn.Parameter(torch.randn(identities, size))

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Return the mean over the images of ||f - c_y||^2; features (B, D), labels (B,)."""
        return recorded_loss("centre", (features - self.centres[labels]).square().sum(1).mean())


def centre_optimiser(centres: Centres, rate: float, weight: float) -> SGD:
    """Return gradient descent at `rate` on the centre loss, of which `weight` times counts."""
    return kept(SGD(centres.parameters(), rate / weight))
