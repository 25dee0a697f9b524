"""A trial: one application of a protocol to one raw folder, and the images that take part in it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from crossres.datasets.base.draws import ordered
from crossres.datasets.base.errors import InputError
from crossres.datasets.cards import Card
from crossres.datasets.protocols.options import NONE, Options, official
from crossres.datasets.raw.source import Raw
from crossres.datasets.readers import RawImage


@dataclass(frozen=True)
class Trial:
    """What names the draws of a trial, and the images it is about.

    `drawn_as` is the protocol that names the draws: `mlr-multi` splits and rates as `mlr-sing`
    does. `images` show identities; `strangers` are the junk (pid -1) and the distractors of pid 0.
    """

    raw: Raw
    card: Card
    drawn_as: str
    seed: int
    options: Options
    images: tuple[RawImage, ...]
    strangers: tuple[RawImage, ...] = ()
    notes: tuple[str, ...] = ()

    def names(self, purpose: str) -> tuple[str | int, ...]:
        return (self.raw.dataset, self.drawn_as, self.seed, purpose)

    @property
    def official(self) -> bool:
        """Return whether official parts decide who trains."""
        return any(image.part for image in self.images)

    def noting(self, *notes: str) -> "Trial":
        """Return the same trial with more notes."""
        return replace(self, notes=(*self.notes, *notes))


def open_trial(
    raw: Raw, drawn_as: str, seed: int, options: Options, keep_parts: bool = False
) -> Trial:
    """Choose the images: one kind of boxes, and what the card says of cameras and shots.

    Official parts that do not decide who trains (CUHK03-NP) are pooled unless `keep_parts`.
    """
    dataset_card = raw.card
    notes = (*raw.notes, dataset_card.caveat) if dataset_card.caveat else raw.notes
    parts = keep_parts or official(raw)
    marked = any(image.part for image in raw.images)
    chosen = [image for image in raw.images if _is_wanted(image, options.values.get("boxes", NONE))]
    people = tuple(image for image in chosen if image.pid > 0 or not marked)
    strangers = tuple(image for image in chosen if image.pid <= 0 and marked)
    if not parts:
        people = tuple(replace(image, part="") for image in people)
    trial = Trial(raw, dataset_card, drawn_as, seed, options, people, strangers, notes)
    if dataset_card.two_cameras_only:
        trial = _two_cameras_only(trial)
    if dataset_card.images_per_camera is not None:
        trial = _few_shots(trial, dataset_card.images_per_camera)
    if not trial.images:
        kinds = " or ".join(sorted({f"boxes={image.boxes}" for image in raw.images if image.boxes}))
        raise InputError(
            f"{raw.folder}: no image is left for this protocol; "
            + (f"use {kinds}" if kinds else "is the raw folder complete?")
        )
    return trial


def _is_wanted(image: RawImage, boxes: str) -> bool:
    return not image.boxes or boxes in (NONE, "merged", image.boxes)


def _two_cameras_only(trial: Trial) -> Trial:
    cameras = cameras_of(trial.images)
    images = tuple(image for image in trial.images if len(cameras[image.pid]) > 1)
    dropped = sum(len(camids) < 2 for camids in cameras.values())
    note = f"{dropped} identities seen by one camera are dropped"
    return replace(trial, images=images).noting(*([note] if dropped else []))


def _few_shots(trial: Trial, shots: int) -> Trial:
    """Keep the `shots` images of smallest hash of each (pid, camid)."""
    groups: dict[tuple[int, int], list[RawImage]] = {}
    for image in trial.images:
        groups.setdefault((image.pid, image.camid), []).append(image)
    paths = {
        image.path
        for group in groups.values()
        for image in ordered(group, *trial.names("shots"), key=lambda image: image.key)[:shots]
    }
    few = sum(len(group) < shots for group in groups.values())
    note = f"{few} (identity, camera) pairs have fewer than {shots} images; all of them are kept"
    images = tuple(image for image in trial.images if image.path in paths)
    return replace(trial, images=images).noting(*([note] if few else []))


def cameras_of(images: Iterable[RawImage]) -> dict[int, list[int]]:
    """Return pid -> the sorted camids that saw it, in the order of the pids."""
    cameras: dict[int, set[int]] = {}
    for image in images:
        cameras.setdefault(image.pid, set()).add(image.camid)
    return {pid: sorted(cameras[pid]) for pid in sorted(cameras)}
