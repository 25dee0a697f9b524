"""Protocols: pure functions from (all images of a raw folder, seed) to a manifest.

Every random choice is a hash of (data set, protocol, seed, purpose, item); docs/protocols.md says
each rule precisely enough to be written again.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from datasets.cards import Card, card
from datasets.draws import draw, ordered, pick
from datasets.errors import InputError
from datasets.manifest import Manifest
from datasets.readers import RawImage
from datasets.source import Raw
from datasets.specs import parse_spec

LR_RATES = (2, 3, 4)
HR, NATIVE = 1, 0


@dataclass(frozen=True)
class _Trial:
    """One application of a protocol: what names its draws, and the images it is about."""

    raw: Raw
    about: Card
    protocol: str
    seed: int
    images: tuple[RawImage, ...]
    notes: tuple[str, ...]

    def names(self, purpose: str) -> tuple[str | int, ...]:
        return (self.raw.dataset, self.protocol, self.seed, purpose)


def build_manifest(raw: Raw, protocol: str | None = None, seed: int = 0) -> Manifest:
    """Return the split of one trial; `protocol` None means the default of the data set's card.

    `protocol` is a name, or a name with options: "mlr-sing[balanced=true]". The seed (>= 0) numbers
    the trial. Raises InputError on an unknown protocol or option, a negative seed, or a raw folder
    with too few identities to split.
    """
    spec = parse_spec(protocol or card(raw.dataset).protocol)
    if spec.name not in PROTOCOLS:
        raise InputError(
            f"unknown protocol {str(spec)!r}; the protocols are {', '.join(PROTOCOLS)}"
        )
    if seed < 0:
        raise InputError(f"seed {seed}: a seed is a whole number from 0")
    return PROTOCOLS[spec.name](raw, seed, spec.options)


def _mlr_sing(raw: Raw, seed: int, options: Mapping[str, str]) -> Manifest:
    """All images of the LR camera(s) are LR (Jiao et al., AAAI 2018)."""
    balanced = _switch("mlr-sing", options, "balanced")
    trial = _trial(raw, "mlr-sing", seed)
    cameras = _lr_cameras(trial)
    lr = {image.path for image in trial.images if image.camid in cameras}
    rates = _balanced_rates(trial, lr) if balanced else _independent_rates(trial, lr)
    return _assemble(trial, rates, "mlr-sing[balanced=true]" if balanced else "mlr-sing")


def _mlr_perid(raw: Raw, seed: int, options: Mapping[str, str]) -> Manifest:
    """Each identity has an LR camera of its own, drawn among the cameras that saw it."""
    _switch("mlr-perid", options)
    if raw.lr_camera is not None:
        raise InputError(f"{raw.dataset} is natively LR, nothing is drawn for it; use mlr-sing")
    trial = _trial(raw, "mlr-perid", seed)
    cameras = _cameras_of(trial.images)
    chosen = {
        pid: pick(camids, *trial.names("lr-camera"), pid)
        for pid, camids in cameras.items()
        if len(camids) > 1
    }
    alone = len(cameras) - len(chosen)
    if alone:
        trial = _with_note(trial, f"{alone} identities seen by one camera stay HR")
    lr = {image.path for image in trial.images if chosen.get(image.pid) == image.camid}
    return _assemble(trial, _independent_rates(trial, lr), "mlr-perid")


PROTOCOLS: dict[str, Callable[[Raw, int, Mapping[str, str]], Manifest]] = {
    "mlr-sing": _mlr_sing,
    "mlr-perid": _mlr_perid,
}


# --- options -----------------------------------------------------------------------


def _switch(protocol: str, options: Mapping[str, str], known: str = "") -> bool:
    """The value of the one option a protocol may have."""
    for key in options:
        if key != known:
            raise InputError(f"protocol {protocol} has no option {key!r}; known: {known or 'none'}")
    value = options.get(known, "false")
    if value not in ("true", "false"):
        raise InputError(f"protocol {protocol}: {known} is true or false, not {value!r}")
    return value == "true"


# --- which images take part -----------------------------------------------------------------------


def _trial(raw: Raw, protocol: str, seed: int) -> _Trial:
    """Leave out what the card says: junk, distractors, one-camera identities, extra shots."""
    about = card(raw.dataset)
    notes = (*raw.notes, about.caveat) if about.caveat else raw.notes
    official = any(image.part for image in raw.images)
    boxed = [image for image in raw.images if image.boxes in ("", "detected")]
    images = tuple(image for image in boxed if image.pid > 0 or not official)
    trial = _Trial(raw, about, protocol, seed, images, notes)
    if about.two_cameras_only:
        trial = _two_cameras_only(trial)
    if about.images_per_camera is not None:
        trial = _few_shots(trial, about.images_per_camera)
    if not trial.images:
        raise InputError(
            f"{raw.folder}: no image is left for this protocol; is the raw folder complete?"
        )
    return trial


def _two_cameras_only(trial: _Trial) -> _Trial:
    cameras = _cameras_of(trial.images)
    kept = tuple(image for image in trial.images if len(cameras[image.pid]) > 1)
    dropped = sum(len(camids) < 2 for camids in cameras.values())
    note = f"{dropped} identities seen by one camera are dropped"
    return _replace(trial, kept, [note] if dropped else [])


def _few_shots(trial: _Trial, shots: int) -> _Trial:
    """Keep the `shots` images of smallest hash of each (pid, camid)."""
    groups: dict[tuple[int, int], list[RawImage]] = {}
    for image in trial.images:
        groups.setdefault((image.pid, image.camid), []).append(image)
    kept = {
        image.path
        for group in groups.values()
        for image in ordered(group, *trial.names("shots"), key=lambda image: image.key)[:shots]
    }
    few = sum(len(group) < shots for group in groups.values())
    note = f"{few} (identity, camera) pairs have fewer than {shots} images; all of them are kept"
    images = tuple(image for image in trial.images if image.path in kept)
    return _replace(trial, images, [note] if few else [])


def _cameras_of(images: Iterable[RawImage]) -> dict[int, list[int]]:
    """pid -> the sorted camids that saw it, in the order of the pids."""
    found: dict[int, set[int]] = {}
    for image in images:
        found.setdefault(image.pid, set()).add(image.camid)
    return {pid: sorted(found[pid]) for pid in sorted(found)}


def _replace(trial: _Trial, images: tuple[RawImage, ...], notes: list[str]) -> _Trial:
    notes_now = (*trial.notes, *notes)
    return _Trial(trial.raw, trial.about, trial.protocol, trial.seed, images, notes_now)


def _with_note(trial: _Trial, note: str) -> _Trial:
    return _replace(trial, trial.images, [note])


# --- what is LR, and at what rate -----------------------------------------------------------------


def _lr_cameras(trial: _Trial) -> tuple[int, ...]:
    """The LR camera(s) of the whole set: measured, said by the card, the first of two, or drawn."""
    if trial.raw.lr_camera is not None:
        return (trial.raw.lr_camera,)
    if trial.about.lr_cameras:
        return trial.about.lr_cameras
    cameras = sorted({image.camid for image in trial.images})
    return (cameras[0] if len(cameras) == 2 else pick(cameras, *trial.names("lr-camera")),)


def _independent_rates(trial: _Trial, lr: set[str]) -> dict[str, int]:
    """path -> rate; each LR image's rate is drawn on its own, uniform over 2, 3, 4."""
    if trial.raw.lr_camera is not None:
        return {image.path: NATIVE if image.path in lr else HR for image in trial.images}
    names = trial.names("rate")
    return {
        image.path: LR_RATES[draw(*names, image.key) % 3] if image.path in lr else HR
        for image in trial.images
    }


def _balanced_rates(trial: _Trial, lr: set[str]) -> dict[str, int]:
    """path -> rate; all LR images in hash order are cut in three, the last part takes the rest."""
    if trial.raw.lr_camera is not None:
        raise InputError(f"{trial.raw.dataset} is natively LR; use mlr-sing without balanced")
    images = [image for image in trial.images if image.path in lr]
    order = ordered(images, *trial.names("balanced"), key=lambda image: image.key)
    third = max(1, len(order) // 3)
    rates = {image.path: HR for image in trial.images}
    for place, image in enumerate(order):
        rates[image.path] = LR_RATES[min(place // third, 2)]
    return rates


# --- train, query and gallery ---------------------------------------------------------------------


def _assemble(trial: _Trial, rates: Mapping[str, int], protocol: str) -> Manifest:
    """Split the identities; LR images of test identities are the queries, HR ones the gallery."""
    train = _train_pids(trial)
    rows = [
        (image.path, image.pid, image.camid, split, rates[image.path])
        for image in trial.images
        if (split := _split_of(image, image.pid in train, rates[image.path] == HR))
    ]
    rows, notes = _without_lost_queries(rows)
    for split in ("train", "query", "gallery"):
        if not any(row[3] == split for row in rows):
            raise InputError(
                f"{trial.raw.folder}: no image is left for {split}; is the raw folder complete?"
            )
    table = pd.DataFrame(rows, columns=["path", "pid", "camid", "split", "rate"])
    return Manifest(trial.raw.dataset, protocol, trial.seed, table, (*trial.notes, *notes))


def _train_pids(trial: _Trial) -> set[int]:
    """Official parts where there are some, else shipped test sets, else half in hash order."""
    pids = sorted({image.pid for image in trial.images})
    if any(image.part for image in trial.images):
        return {image.pid for image in trial.images if image.part == "train"}
    if trial.raw.test_sets:
        lists = list(trial.raw.test_sets.values())
        test = set(lists[trial.seed % len(lists)])
        return set(pids) - test
    return set(ordered(pids, *trial.names("split"))[: len(pids) // 2])


def _split_of(image: RawImage, in_train: bool, is_hr: bool) -> str:
    """The split of an image, "" when it takes no part (an official query that stays HR, say)."""
    if in_train:
        return "train" if image.part in ("", "train") else ""
    split = "gallery" if is_hr else "query"
    return split if image.part in ("", split) else ""


_Row = tuple[str, int, int, str, int]


def _without_lost_queries(rows: list[_Row]) -> tuple[list[_Row], list[str]]:
    """Drop queries whose identity has no gallery image; count those and the distractors."""
    queried = {row[1] for row in rows if row[3] == "query"}
    shown = {row[1] for row in rows if row[3] == "gallery"}
    notes = []
    if queried - shown:
        count = len(queried - shown)
        notes.append(f"{count} test identities have no HR image; their queries are dropped")
    if shown - queried:
        count = len(shown - queried)
        notes.append(f"{count} test identities have no LR image; they are gallery distractors")
    return [row for row in rows if row[3] != "query" or row[1] in shown], notes
