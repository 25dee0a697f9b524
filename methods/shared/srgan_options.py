"""Options that all methods with an SRGAN share."""

from dataclasses import dataclass

from crossres.methods.shared.reid_options import ReidOptions


@dataclass(frozen=True)
class SrganOptions(ReidOptions):
    """Options of an SRGAN, beside those of the re-ID networks.

    sr_width, sr_blocks, sr_batchnorm: of the generator, see ResidualSR.
    sr_lr: of the generator and of what judges it. adversarial: weight of the GAN loss; 0: no GAN.
    judge_widths: of the discriminator.
    """

    sr_width: int = 64
    sr_blocks: int = 16
    sr_batchnorm: bool = True
    sr_lr: float = 1e-4
    adversarial: float = 1e-3
    judge_widths: tuple[int, ...] = (64, 128, 256, 512)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sr_width < 1 or self.sr_blocks < 0 or self.sr_lr <= 0 or self.adversarial < 0:
            raise ValueError(
                "sr_width and sr_lr must be positive, sr_blocks and adversarial not negative"
            )
        if min(self.judge_widths, default=0) < 1:
            raise ValueError("option judge_widths must be numbers of channels")
