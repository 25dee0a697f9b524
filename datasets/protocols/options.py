"""The options of protocols: their values and defaults, one wording of every complaint.

An option at its default never appears in the protocol's canonical text, so a new option leaves the
digests of all that do not use it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.suggest import did_you_mean, unknown
from crossres.datasets.cards import Card
from crossres.datasets.raw.source import Raw
from crossres.datasets.splits.spec import Spec, parse_spec

_YES_NO = ("true", "false")
_CAMERA_RULES = ("mlr-sing", "mlr-perid")
CHOICES: Mapping[str, tuple[str, ...]] = {
    "balanced": _YES_NO,
    "kernel": ("box", "bilinear", "bicubic", "lanczos", "cv2_linear_noaa", "cv2_cubic_noaa"),
    "grid": ("native", "input"),
    "boxes": ("detected", "labeled", "merged"),
    "probe": ("official", "all"),
    "distractors": _YES_NO,
    "validation": _YES_NO,
    "splits": ("hash", "shipped"),
    "rate": ("1", "2", "3", "4", "6", "8"),
    "base": _CAMERA_RULES,
    "train": (*_CAMERA_RULES, "hr"),
    "test_list": ("8000", "2400", "1200"),
}
_OF_TESTED_PARTS = ("distractors", "test_list")
LEAST = {"lr_camera": 0, "train_ids": 1, "test_ids": 1}  # whole numbers from here
_DIGITS = 9  # of a whole number: far beyond any data set
NONE = ""  # the default of an option that is not set


@dataclass(frozen=True)
class Options:
    """The options of a protocol by name: all `values`, NONE where not set, and those `changed`."""

    values: Mapping[str, str]
    changed: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.values[name]

    def on(self, name: str) -> bool:
        """Return whether a true/false option is true; one that the protocol lacks is false."""
        return self.values.get(name) == "true"

    def number(self, name: str) -> int | None:
        """Return a whole number, None where it is not set."""
        text = self.values.get(name, NONE)
        return int(text) if text else None


def read_options(raw: Raw, spec: Spec, options: Mapping[str, str]) -> Options:
    """Check the options of `spec` against a protocol's (name -> default), and fill in the defaults.

    Raises InputError on an unknown option, a value outside its range, or one that is not the
    default and that the data set has no use for.
    """
    defaults = {**options, **{key: value for key, value in _of_set(raw).items() if key in options}}
    for key, value in spec.options.items():
        check_option(spec.name, options, key, value)
    values = {**defaults, **{key: plain(value) for key, value in spec.options.items()}}
    changed = {key: value for key, value in values.items() if value != defaults[key]}
    if values.get("base") == "mlr-perid" and "lr_camera" in changed:
        raise InputError("lr_camera fixes one camera for the whole set; it needs base=mlr-sing")
    for key, value in changed.items():
        _refuse_useless(raw, key, value)
        if key in _OF_TESTED_PARTS and "validation" in changed:
            raise InputError(
                f"{key}={value}: validation=true takes nothing from the parts that are tested; "
                "leave one of the two out"
            )
    return Options(values, changed)


def canonical(name: str, options: Options) -> str:
    """Return the canonical text of a protocol: options sorted by name, without the defaults."""
    return str(Spec(name, options.changed))


def of_card(card: Card) -> dict[str, str]:
    """Return the defaults that depend on the data set's card."""
    default = parse_spec(card.protocol).name
    rule = default if default in _CAMERA_RULES else card.camera_rule or "mlr-sing"
    return {"base": rule, "train": rule}


def _of_set(raw: Raw) -> dict[str, str]:
    """Return the defaults that depend on the data set, also on what lies in its raw folder."""
    shipped = raw.test_sets or official(raw)
    return {**of_card(raw.card), "splits": "shipped" if shipped else "hash"}


def official(raw: Raw) -> bool:
    """Return whether the official parts decide who trains, under every protocol."""
    return raw.card.test_identities is None and any(image.part for image in raw.images)


def has_native_lr(raw: Raw) -> bool:
    """Return whether mlr-sing takes LR images as they are: of one camera, or of a user's own set.

    Not of a set of ours where they are no matter of the camera (VRIC): mlr-sing refuses it.
    """
    return raw.lr_camera is not None or (raw.own is not None and bool(raw.native_lr))


def check_option(protocol: str, options: Mapping[str, str], key: str, value: str) -> None:
    """Raise InputError on an option that the protocol lacks, or a value outside its range."""
    if key not in options:
        raise unknown("option", key, options, f"protocol {protocol}")
    if key in LEAST:
        digits = value.isascii() and value.isdecimal() and len(value) <= _DIGITS
        if not digits or int(value) < LEAST[key]:
            raise InputError(
                f"protocol {protocol}: {key} is a whole number from {LEAST[key]}, not {value!r}"
            )
    elif value not in CHOICES[key]:
        near = did_you_mean(value, CHOICES[key])
        raise InputError(
            f"protocol {protocol}: {key} is {_any_of(CHOICES[key])}, not {value!r}{near}"
        )


def plain(value: str) -> str:
    """Drop the leading zeros of numbers, so that equal options have equal texts."""
    return str(int(value)) if value.isdecimal() else value


def _any_of(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}"


def _refuse_useless(raw: Raw, key: str, value: str) -> None:
    """Refuse what would change the name of a split and nothing else."""
    queries = official(raw) and any(image.part == "query" for image in raw.images)
    reasons = {
        "boxes": _no_such_boxes(raw, value),
        "probe": not queries and "has no official queries that decide",
        "distractors": not queries and "marks no distractors",
        "splits": _no_other_split(raw, value),
        "lr_camera": has_native_lr(raw) and "is natively LR",
        "balanced": has_native_lr(raw) and "is natively LR",
        "train": bool(raw.native_lr) and "is natively multi-resolution",
    }
    if reason := reasons.get(key):
        raise InputError(f"{key}={value}: {raw.dataset} {reason}; leave this option out")


def _no_such_boxes(raw: Raw, value: str) -> str | bool:
    kinds = {image.boxes for image in raw.images} - {NONE}
    if not kinds:
        return "offers no choice of boxes"
    return value != "merged" and value not in kinds and f"holds no {value} boxes here"


def _no_other_split(raw: Raw, value: str) -> str | bool:
    if value == "hash":
        return official(raw) and "is split by its official parts"
    return "ships no lists of test identities in this layout"
