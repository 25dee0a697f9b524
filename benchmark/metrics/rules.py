"""The rules of an evaluation: which gallery, which of its images count, AP and ties."""

from dataclasses import dataclass
from typing import Literal, get_args

from crossres.datasets.base.arguments import as_choice, as_flag, as_whole
from crossres.datasets.base.errors import InputError

GalleryRule = Literal["single-shot", "multi-shot"]
EvaluationRule = Literal["single-shot", "multi-shot", "shared"]
SameCamera = Literal["drop", "keep"]
AveragePrecision = Literal["standard", "trapezoid"]
Ties = Literal["order", "half"]
SelfMatches = Literal["auto", "drop", "keep"]
GALLERY_RULES: tuple[GalleryRule, ...] = get_args(GalleryRule)


@dataclass(frozen=True)
class Rules:
    """The rules of one evaluation; docs/protocols.md, "Evaluation", says what each does.

    `repetitions` (from 1) and `seed` are used by the gallery rule "shared" only. Records are
    measured by the defaults, under each of GALLERY_RULES.
    """

    gallery: EvaluationRule = "multi-shot"
    same_camera: SameCamera = "drop"
    separate_cameras: bool = False
    ap: AveragePrecision = "standard"
    ties: Ties = "order"
    repetitions: int = 100
    seed: int = 0
    self_matches: SelfMatches = "auto"

    def check(self) -> None:
        """Raise InputError for an unknown value, and for rules that exclude one another."""
        for name, kind in _CHOICES.items():
            as_choice(getattr(self, name), get_args(kind), name)
        as_flag(self.separate_cameras, "separate_cameras")
        for name in ("repetitions", "seed"):
            as_whole(getattr(self, name), name)
        if self.separate_cameras and self.same_camera == "keep":
            raise InputError("separate_cameras needs same_camera 'drop'; 'keep' ignores cameras")
        if self.ties == "half" and self.gallery != "single-shot":
            raise InputError("ties 'half' is for the gallery rule single-shot only; use 'order'")


_CHOICES = {
    "gallery": EvaluationRule,
    "same_camera": SameCamera,
    "ap": AveragePrecision,
    "ties": Ties,
    "self_matches": SelfMatches,
}
