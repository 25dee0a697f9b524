"""What methods with an SRGAN share beside its options: a generator and a discriminator."""

from typing import Literal

from torch import nn

from crossres.methods.interface.run import Run
from crossres.methods.shared.networks.discriminators import Discriminator
from crossres.methods.shared.networks.residual_sr import ResidualSR
from crossres.methods.shared.srgan_options import SrganOptions
from crossres.methods.shared.torch_tools import seeded


def build_generator(
    options: SrganOptions, run: Run, key: int, upscale: Literal[1, 2]
) -> ResidualSR:
    """Build a generator; the same seed and key start from the same weights."""
    with seeded(run.seed_for("initial weights", "generator", key)):
        return ResidualSR(options.sr_width, options.sr_blocks, options.sr_batchnorm, upscale)


def build_discriminator(options: SrganOptions, run: Run, key: int) -> nn.Module:
    """Build a discriminator of images; the same seed and key start from the same weights."""
    with seeded(run.seed_for("initial weights", "discriminator", key)):
        return Discriminator(3, options.judge_widths)
