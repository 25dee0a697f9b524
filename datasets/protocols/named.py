"""The protocols by name: what each is made of, its options and defaults, its gallery rule."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from crossres.datasets.base.errors import InputError
from crossres.datasets.protocols import roles
from crossres.datasets.protocols.options import NONE, Options, has_native_lr
from crossres.datasets.protocols.rates import HR, NATIVE, Rates, camera_rates, independent_rates
from crossres.datasets.protocols.subset import subset_3561
from crossres.datasets.protocols.trial import Trial, open_trial
from crossres.datasets.protocols.validation import held_out
from crossres.datasets.protocols.vru import half_rates, uniform, uniform_rates, vru
from crossres.datasets.raw.source import Raw
from crossres.datasets.splits.manifest import DEFAULT_GRID, DEFAULT_KERNEL, SPLITS, Manifest

Build = Callable[[Raw, int, Options, str], Manifest]


@dataclass(frozen=True)
class Protocol:
    """A protocol: `build(raw, seed, options, canonical text)`, and what belongs to it.

    `options` are names with their defaults, NONE where unset; `gallery` is the rule under which its
    headline numbers are read, "single-shot" or "multi-shot".
    """

    build: Build
    options: Mapping[str, str]
    gallery: str


# --- LR against HR --------------------------------------------------------------------------------


def _mlr_sing(raw: Raw, seed: int, options: Options, text: str) -> Manifest:
    """Split into LR queries and an HR gallery, LR by one camera."""
    trial, rates = camera_rates(open_trial(raw, "mlr-sing", seed, options))
    return _lr_against_hr(trial, rates, text)


def _mlr_perid(raw: Raw, seed: int, options: Options, text: str) -> Manifest:
    """Split into LR queries and an HR gallery, LR by one camera of each identity."""
    trial, rates = camera_rates(open_trial(raw, "mlr-perid", seed, options))
    return _lr_against_hr(trial, rates, text)


def _lr_against_hr(trial: Trial, rates: Rates, text: str) -> Manifest:
    trial = held_out(trial)
    train, notes = roles.train_rows(trial, rates)
    return roles.manifest(trial, text, [*train, *_lr_test(trial, rates)], notes)


def _lr_test(trial: Trial, rates: Rates) -> list[roles.Row]:
    strangers = trial.strangers if trial.options.on("distractors") else ()
    zero = [image for image in strangers if image.pid == 0]
    return roles.test_rows(trial, rates, roles.lr_against_hr(trial), zero)


def _market_3561(raw: Raw, seed: int, options: Options, text: str) -> Manifest:
    """Split as `mlr-perid`, with a training subset of the size that papers state."""
    if raw.dataset != "mlr-market":
        raise InputError(f"market-3561 is the training set size of mlr-market, not {raw.dataset}")
    trial, rates = camera_rates(open_trial(raw, "mlr-perid", seed, options))
    subset = subset_3561(trial)
    trial = held_out(trial)
    train, notes = roles.train_rows(trial, rates)
    rows = [row for row in train if row[0] in subset]
    notes.append(f"market-3561 keeps {len(rows)} of {len(train)} training images")
    return roles.manifest(trial, text, [*rows, *_lr_test(trial, rates)], notes)


def _fixed_r(raw: Raw, seed: int, options: Options, text: str) -> Manifest:
    """Split with all queries at one rate, and the training images of the base protocol."""
    if has_native_lr(raw):
        raise InputError(f"{raw.dataset} is natively LR, no rate can be fixed; use mlr-sing")
    trial, rates = camera_rates(open_trial(raw, options["base"], seed, options))
    trial = held_out(trial)
    train, notes = roles.train_rows(trial, rates)
    rate = int(options["rate"])
    test = [row if row[3] != "query" else (*row[:4], rate) for row in _lr_test(trial, rates)]
    return roles.manifest(trial, text, [*train, *test], notes)


# --- the official lists ---------------------------------------------------------------------------


def _mlr_official(raw: Raw, seed: int, options: Options, text: str) -> Manifest:
    """Split by the official lists: queries down-sampled, gallery HR."""
    opened = open_trial(raw, "mlr-official", seed, options, keep_parts=True)
    drawn, train_rates = _official_train(_with_lists(opened, text))
    drawn = held_out(drawn)
    train, notes = roles.train_rows(drawn, train_rates)
    trial = replace(drawn, drawn_as=opened.drawn_as)
    rates = _query_rates(trial)
    test = roles.test_rows(trial, rates, roles.by_part(trial), trial.strangers)
    return roles.manifest(trial, text, [*train, *test], notes)


def _query_rates(trial: Trial) -> Rates:
    everyone = (*trial.images, *trial.strangers)
    if trial.raw.native_lr:
        return {i.path: NATIVE if i.path in trial.raw.native_lr else HR for i in everyone}
    return independent_rates(trial, everyone, {i.path for i in trial.images if i.part == "query"})


def _official_train(trial: Trial) -> tuple[Trial, Rates]:
    """Return the trial drawn as `train` says (natively LR sets: as itself), and its rates."""
    if trial.options["train"] == "hr" or trial.raw.native_lr:
        return trial, _query_rates(trial)
    return camera_rates(replace(trial, drawn_as=trial.options["train"]))


def _mlr_mixed(raw: Raw, seed: int, options: Options, text: str) -> Manifest:
    """Split by the official lists, LR or HR as the cameras say."""
    opened = open_trial(raw, options["base"], seed, options, keep_parts=True)
    trial, rates = camera_rates(_with_lists(opened, text))
    trial = held_out(trial)
    train, notes = roles.train_rows(trial, rates)
    test = roles.test_rows(trial, rates, roles.by_part(trial), trial.strangers)
    return roles.manifest(trial, text, [*train, *test], notes)


def _with_lists(trial: Trial, text: str) -> Trial:
    if not any(image.part == "query" for image in trial.images):
        raise InputError(
            f"{text} needs official query and gallery images; {trial.raw.dataset} has none here"
        )
    return trial


# --- as it is given -------------------------------------------------------------------------------


def _given(raw: Raw, seed: int, options: Options, text: str) -> Manifest:
    """Split as a user's own list says of each image; nothing is drawn."""
    import pandas as pd

    del options  # kernel and grid are in the text
    rows = [(i.path, i.pid, i.camid, i.part, raw.rates.get(i.path)) for i in raw.images]
    if any(rate is None or part not in SPLITS for *_, part, rate in rows):
        raise InputError(
            f"{text} needs a list that tells split (train, query or gallery) and rate of each "
            f"image; that of {raw.dataset} does not: use another protocol"
        )
    missing = [split for split in SPLITS if split not in {row[3] for row in rows}]
    if missing:
        raise InputError(f"{raw.folder}: its list has no image of the split {missing[0]}; add some")
    table = pd.DataFrame(rows, columns=["path", "pid", "camid", "split", "rate"])
    return Manifest(raw.dataset, text, seed, table, raw.notes)


# --- the names ------------------------------------------------------------------------------------

_ALL = {"kernel": DEFAULT_KERNEL, "grid": DEFAULT_GRID, "validation": "false"}
_ANY = {**_ALL, "boxes": "detected", "train_ids": NONE}
_SPLIT = {**_ANY, "splits": "hash"}
_LISTS = {"probe": "official", "distractors": "false"}
_SING = {"balanced": "false", "lr_camera": NONE, **_SPLIT, **_LISTS}
_PERID = {**_SPLIT, **_LISTS}
_FIXED = {"rate": "4", "base": "mlr-sing", "lr_camera": NONE, **_SPLIT, **_LISTS}
_OFFICIAL = {"train": "mlr-perid", "distractors": "true", **_ANY}
_MIXED = {"base": "mlr-sing", "lr_camera": NONE, "distractors": "true", **_ANY}
_VRU = {**_ALL, "train_ids": "1415", "test_ids": "486", "test_list": "8000"}
_UNIFORM = {
    **_ALL,
    **dict.fromkeys(("train_ids", "test_ids"), NONE),
    **{"splits": "hash", "distractors": "true"},
}
_GIVEN = {"kernel": DEFAULT_KERNEL, "grid": DEFAULT_GRID}

PROTOCOLS: dict[str, Protocol] = {
    "mlr-sing": Protocol(_mlr_sing, _SING, "single-shot"),
    "mlr-perid": Protocol(_mlr_perid, _PERID, "single-shot"),
    "mlr-multi": Protocol(_mlr_sing, _SING, "multi-shot"),
    "mlr-official": Protocol(_mlr_official, _OFFICIAL, "multi-shot"),
    "mlr-mixed": Protocol(_mlr_mixed, _MIXED, "multi-shot"),
    "fixed-r": Protocol(_fixed_r, _FIXED, "single-shot"),
    "market-3561": Protocol(_market_3561, _PERID, "single-shot"),
    "vru-uniform4": Protocol(vru(uniform_rates), _VRU, "single-shot"),
    "vru-half": Protocol(vru(half_rates), _VRU, "single-shot"),
    "mlr-uniform": Protocol(uniform, _UNIFORM, "single-shot"),
    "given": Protocol(_given, _GIVEN, "multi-shot"),
}
