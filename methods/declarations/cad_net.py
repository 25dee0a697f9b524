"""What CAD-Net is, and its options."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from crossres.methods.interface.declaration import Declaration, Grade
from crossres.methods.shared.reid_options import ReidOptions, check_rates


@dataclass(frozen=True)
class CadNetOptions(ReidOptions):
    """Options of CAD-Net, beside those of its encoders; docs/methods/cad-net.md argues defaults.

    rates: out of which that of x_L is drawn. depths: whose maps have a D_F; 1: the stem of E, 2:
        its first stage, and so on. second: whether there is an F; where not, v is the pooled f.
    feature_weight, rec_weight, image_weight: lambda_F, lambda_rec, lambda_I; 0 leaves a term away.
    native: natively LR images are LR ones in (1), (3) and (4), "aligned", or in (4), "classified".
    batches: (4) is over the HR and the LR images apart, "apart", or over all of them, "mixed".
    adversary: E and G minimise (1) and (3) as printed, "minimax", or minimise -log D of what is LR
        or painted, "non-saturating". adversary_widths; adversary_lr: of D_F and D_I.
    decoder_width: channels of G at the size of the image. output: G paints the image, "direct", or
        what is added to its input, "difference". embedding: what of v is compared.
    """

    parts: int = 1
    label_smoothing: float = 0.0
    margin: float = 2.0
    optimiser: Literal["adam", "adamw", "sgd"] = "sgd"
    reid_lr: float = 1e-3
    rates: tuple[int, ...] = (2, 3, 4)
    depths: tuple[int, ...] = (5,)
    second: bool = True
    feature_weight: float = 1.0
    rec_weight: float = 1.0
    image_weight: float = 1.0
    native: Literal["aligned", "classified"] = "aligned"
    batches: Literal["apart", "mixed"] = "apart"
    adversary: Literal["non-saturating", "minimax"] = "non-saturating"
    adversary_widths: tuple[int, ...] = (64, 128, 256, 512)
    adversary_lr: float = 1e-4
    decoder_width: int = 32
    output: Literal["direct", "difference"] = "direct"
    embedding: Literal["both", "f", "g"] = "both"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_rates(self.rates)
        if min(self.feature_weight, self.rec_weight, self.image_weight) < 0:
            raise ValueError("feature_weight, rec_weight, image_weight must not be negative")
        if min((self.decoder_width, *self.adversary_widths)) < 1 or self.adversary_lr <= 0:
            raise ValueError("decoder_width, adversary_widths and adversary_lr must be positive")
        if self.embedding == "g" and not self.second:
            raise ValueError('embedding = "g" needs second = true')

    @property
    def aligned_depths(self) -> tuple[int, ...]:
        """The depths that do have a D_F."""
        return self.depths if self.feature_weight > 0 else ()


class CadNetDeclaration(Declaration):
    """What CAD-Net is."""

    name: ClassVar[str] = "cad-net"
    title: ClassVar[str] = "CAD-Net"
    grade: ClassVar[Grade] = "faithful structure"
    reference: ClassVar[str] = (
        "Recover and Identify: A Generative Dual Model for Cross-Resolution Person "
        "Re-Identification, ICCV 2019"
    )
    Options: ClassVar[type] = CadNetOptions
    small_options: ClassVar[dict[str, Any]] = {"adversary_widths": (4, 4), "decoder_width": 2}
