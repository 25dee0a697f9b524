"""What frozen features are, and their options."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from crossres.methods.interface.declaration import Declaration, Grade
from crossres.methods.interface.options import LATER
from crossres.methods.shared.reid_options import Normalise


@dataclass(frozen=True)
class FrozenOptions:
    """Options of frozen features.

    model: "efficientnet-lite0", "timm:NAME" or "timm:NAME.TAG", "torchvision:NAME", or one that was
        released for re-identification, "torchreid:NAME", say.
    weights_file: of a released model: the name of its file in the folder of --weights-dir; without
        it the first whose name begins with NAME.
    pretrained: false leaves it with random weights, drawn by the seed: what its structure alone is
        worth.
    stage: which map of a model of timm, counted from the finest; 0: the last.
    pool: "mean" and "max" are over the positions of each part of the map; "own" is what the model's
        classifier sees, a class token, say, or what the authors of a released model compare, and
        knows no parts.
    parts: horizontal parts of the map.
    input_size: [height, width] that images are brought to; []: as the profile has them.
    test_normalise: L2-normalise the feature ("network" and "whole": there is one network).
    embed_flip: add the feature of the mirrored image.
    """

    model: str = "efficientnet-lite0"
    pretrained: bool = True
    stage: int = 0
    pool: Literal["mean", "max", "own"] = "mean"
    parts: int = 1
    input_size: tuple[int, ...] = ()
    test_normalise: Normalise = "whole"
    embed_flip: bool = False
    weights_file: str | None = field(default=None, metadata=LATER)

    def __post_init__(self) -> None:
        """Check the values. Raises ValueError."""
        if self.parts < 1 or self.stage < 0:
            raise ValueError("option parts must be at least 1, stage at least 0")
        if self.pool == "own" and self.parts > 1:
            raise ValueError('option pool = "own" knows no parts')
        if len(self.input_size) not in (0, 2) or any(side < 1 for side in self.input_size):
            raise ValueError("option input_size must be [height, width] in pixels, or []")
        if self.weights_file is not None and Path(self.weights_file).name != self.weights_file:
            raise ValueError(
                "option weights_file must be the name of a file in the folder of --weights-dir, "
                f"without folders, not {self.weights_file!r}"
            )


class FrozenDeclaration(Declaration):
    """What frozen features are."""

    name: ClassVar[str] = "frozen"
    title: ClassVar[str] = "Frozen features"
    grade: ClassVar[Grade] = "control"
    uses_backbone: ClassVar[bool] = False
    reference: ClassVar[str] = "features of a network that others trained, nothing learned"
    Options: ClassVar[type] = FrozenOptions
    small_options: ClassVar[dict[str, Any]] = {"model": "timm:test_resnet", "pretrained": False}
