"""All evaluation rules together, checked against one another, and their application."""

from dataclasses import dataclass
from typing import Literal, get_args

from crossres.benchmark.metrics.equal_rows import SelfMatches
from crossres.benchmark.metrics.measure import Distances, ImageIds, SameCamera, as_dict, measure
from crossres.benchmark.metrics.per_query import AveragePrecision, Ties
from crossres.benchmark.metrics.shared_galleries import measure_shared
from crossres.datasets.base.arguments import as_choice, as_flag, as_whole
from crossres.datasets.base.errors import InputError

EvaluationRule = Literal["single-shot", "multi-shot", "shared"]


@dataclass(frozen=True)
class Rules:
    """The options of `evaluate`; docs/protocols.md, "Evaluation", says what each does.

    `repetitions` (from 1) and `seed` are used by the gallery rule "shared" only; `self_matches`
    is settled before the rules are applied.
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

    def apply(self, distances: Distances, ids: ImageIds) -> dict[str, float]:
        """The numbers that `evaluate` returns; raises InputError as `measure` does."""
        self.check()
        if self.gallery == "shared":
            return measure_shared(
                distances,
                ids,
                self.same_camera,
                separate_cameras=self.separate_cameras,
                ap=self.ap,
                repetitions=self.repetitions,
                seed=self.seed,
            )
        found = measure(
            distances,
            ids,
            self.gallery,
            self.same_camera,
            separate_cameras=self.separate_cameras,
            ap=self.ap,
            ties=self.ties,
        )
        return as_dict(found)


_CHOICES = {
    "gallery": EvaluationRule,
    "same_camera": SameCamera,
    "ap": AveragePrecision,
    "ties": Ties,
    "self_matches": SelfMatches,
}
