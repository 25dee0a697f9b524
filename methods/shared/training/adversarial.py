"""Adversarial training: the two losses, and a step of the discriminator."""

import torch.nn.functional as F
from torch import Tensor, nn

from crossres.methods.shared.loss_recording import recorded_loss
from crossres.methods.shared.training.descent import Part, descend
from crossres.methods.shared.training.loop import Iteration


def adversarial_loss(logits: Tensor, real: bool) -> Tensor:
    """Return the mean of -log sigmoid(z), or of -log(1 - sigmoid(z)) where not `real`.

    It is 0 of no images.
    """
    return F.softplus(-logits if real else logits).sum() / max(logits.numel(), 1)


def discriminator_loss(discriminator: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """Return what the discriminator minimises; no gradient reaches what made `real` and `fake`."""
    return adversarial_loss(discriminator(real.detach()), real=True) + adversarial_loss(
        discriminator(fake.detach()), real=False
    )


def discriminator_step(
    now: Iteration, part: Part, discriminator: nn.Module, real: Tensor, fake: Tensor
) -> None:
    """Make a step of the discriminator's own optimiser.

    What the generator's loss leaves in the discriminator's gradients is dropped at its next step.
    """
    descend(
        now, [part], [recorded_loss("discriminator", discriminator_loss(discriminator, real, fake))]
    )
