"""What CSR-GAN is, and its options."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from crossres.methods.interface.declaration import Declaration, Grade
from crossres.methods.shared.srgan_options import SrganOptions


@dataclass(frozen=True)
class CsrGanOptions(SrganOptions):
    """Options of CSR-GAN beside those of its SRGANs; docs/methods/csr-gan.md argues each default.

    stages: generators in series; 0: no super-resolution. grid: images enter a "stage" shrunk to
    its share of the height and are doubled by it, or keep the size of the "input" all the way.
    gan_from: the share of the schedule before which generators learn from MSE alone. vgg_map,
    vgg_output: weights b and c of the losses on an ImageNet VGG-19, which only a profile with
    ImageNet weights has. rate: that of an image is "given" by the data set where known, or always
    "estimated" from the pixels.
    """

    stages: int = 3
    gan_from: float = 0.05
    vgg_map: float = 2e-6
    vgg_output: float = 1.0
    grid: Literal["stage", "input"] = "stage"
    rate: Literal["given", "estimated"] = "given"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.stages <= 3 or not 0 <= self.gan_from <= 1:
            raise ValueError("stages must be 0, 1, 2 or 3, gan_from between 0 and 1")
        if min(self.vgg_map, self.vgg_output) < 0:
            raise ValueError("vgg_map and vgg_output must not be negative")
        if self.grid == "input" and self.stages > 2:
            raise ValueError(
                'stages must be at most 2 with grid = "input": no rate above 4 is seen'
            )


class CsrGanDeclaration(Declaration):
    """What CSR-GAN is."""

    name: ClassVar[str] = "csr-gan"
    title: ClassVar[str] = "CSR-GAN"
    grade: ClassVar[Grade] = "faithful structure"
    needs_rate: ClassVar[bool] = True
    reference: ClassVar[str] = (
        "Cascaded SR-GAN for Scale-Adaptive Low Resolution Person Re-identification, IJCAI 2018"
    )
    Options: ClassVar[type] = CsrGanOptions
    small_options: ClassVar[dict[str, Any]] = {
        "sr_width": 4,
        "sr_blocks": 1,
        "judge_widths": (4, 4),
        "gan_from": 0.3,
    }
