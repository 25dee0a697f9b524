"""Sets without cameras: one gallery image of each test identity, LR queries.

MLR-VRU with its shipped lists, and users' own sets.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from crossres.datasets.base.draws import draw, pick
from crossres.datasets.base.errors import InputError
from crossres.datasets.protocols import roles
from crossres.datasets.protocols.options import Options
from crossres.datasets.protocols.rates import HR, LR_RATES, independent_rates
from crossres.datasets.protocols.trial import Trial, open_trial
from crossres.datasets.protocols.validation import held_out
from crossres.datasets.raw.source import Raw
from crossres.datasets.readers import RawImage
from crossres.datasets.splits.manifest import UNKNOWN_CAMERA, Manifest

TrainRate = Callable[[Trial, RawImage], int]


def uniform_rates(trial: Trial, image: RawImage) -> int:
    """Return the rate of a training image, uniform over 1, 2, 3, 4."""
    return (HR, *LR_RATES)[draw(*trial.names("train-rate"), image.key) % 4]


def half_rates(trial: Trial, image: RawImage) -> int:
    """Return the rate of a training image: one half unchanged, the others uniform over 2, 3, 4."""
    if draw(*trial.names("train-half"), image.key) % 2:
        return LR_RATES[draw(*trial.names("rate"), image.key) % 3]
    return HR


def vru(train_rate: TrainRate) -> Callable[[Raw, int, Options, str], Manifest]:
    """Return the protocol with these training rates; all else is drawn as `vru-uniform4`."""

    def build(raw: Raw, seed: int, options: Options, text: str) -> Manifest:
        listed = _listed(raw, options["test_list"], text)
        trial = held_out(open_trial(raw, "vru-uniform4", seed, options))
        if trial.options.on("validation"):
            listed = {image.pid for image in trial.images if image.part == "test"}
        rates = {
            image.path: train_rate(trial, image) for image in trial.images if image.part == "train"
        }
        train, notes = roles.train_rows(trial, rates)
        test, more = _test_rows(trial, listed)
        return roles.manifest(trial, text, [*train, *test], [*notes, *more])

    return build


def uniform(raw: Raw, seed: int, options: Options, text: str) -> Manifest:
    """Split a user's own set without cameras: by its own parts, or half of the identities train."""
    if raw.own is None or any(image.camid != UNKNOWN_CAMERA for image in raw.images):
        raise InputError(
            f"{text} is made for sets of your own that tell no cameras; {raw.dataset} "
            + ("is none" if raw.own is None else "tells them: use mlr-sing or mlr-perid")
        )
    if raw.native_lr:
        raise InputError(f"{raw.dataset} has natively LR images; use mlr-sing, which leaves these")
    trial = held_out(open_trial(raw, "mlr-uniform", seed, options))
    training = roles.train_pids(trial)
    rates = {image.path: uniform_rates(trial, image) for image in trial.images}
    train, notes = roles.train_rows(trial, rates)
    queries = {image.path for image in trial.images if image.part == "query"}
    if queries:
        test_rates = independent_rates(trial, (*trial.images, *trial.strangers), queries)
        by_part = roles.by_part(trial)
        test, more = roles.test_rows(trial, test_rates, by_part, trial.strangers), list[str]()
    else:
        others = tuple(replace(i, part="test") for i in trial.images if i.pid not in training)
        test, more = _test_rows(replace(trial, images=others), {image.pid for image in others})
    return roles.manifest(trial, text, [*train, *test], [*notes, *more])


def _listed(raw: Raw, name: str, text: str) -> set[int]:
    """Return the pids of a shipped test list."""
    if not any(image.part == "test" for image in raw.images):
        raise InputError(f"{text} is made for mlr-vru; {raw.dataset} has no test lists of its kind")
    if name not in raw.test_sets:
        names = ", ".join(raw.test_sets) or "none"
        raise InputError(f"{raw.folder}: no test list {name}; there are {names} (test_list=...)")
    return set(raw.test_sets[name])


def _test_rows(trial: Trial, listed: set[int]) -> tuple[list[roles.Row], list[str]]:
    """Put one image of each of the first `test_ids` identities with several into the gallery."""
    images = [image for image in trial.images if image.part == "test" and image.pid in listed]
    counts = Counter(image.pid for image in images)
    usable = sorted(pid for pid, count in counts.items() if count > 1)
    pids, notes = roles.limited(trial, usable, "test_ids", "test-ids")
    groups: dict[int, list[RawImage]] = {pid: [] for pid in sorted(pids)}
    for image in images:
        if image.pid in groups:
            groups[image.pid].append(image)
    names = trial.names("gallery")
    in_gallery = {
        pick(group, *names, key=lambda image: image.key).path for group in groups.values()
    }
    chosen = [image for group in groups.values() for image in group]
    rates = independent_rates(trial, chosen, {image.path for image in chosen} - in_gallery)
    return [
        roles.row(image, "gallery" if image.path in in_gallery else "query", rates[image.path])
        for image in chosen
    ], notes
