"""Profile files: how large an experiment is (input size, networks, schedule, device).

A profile is a TOML file; the built-in ones lie in profiles/, a user's own is given by its path.
One that says `extends = "quick"` is that built-in profile but for what it says itself; only whether
it is of the paper's size it must say itself.
"""

import re
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from statistics import median
from typing import Any

from crossres.datasets.base.arguments import as_path, if_given
from crossres.datasets.base.bounds import checked_count
from crossres.datasets.base.build import build, checked, hints_of
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.places import user_path
from crossres.datasets.base.suggest import did_you_mean, unknown
from crossres.datasets.base.texts import check_name, read_toml
from crossres.methods.interface.profile import BackboneSpec, Profile, TrainSpec
from crossres.methods.interface.registry import declaration, is_method, method_names

FOLDER = Path(__file__).parents[1] / "profiles"
MOST_PIXELS, MOST_OF_BACKBONE, MOST_OF_TRAINING = 4096, 4096, 10_000_000
DEVICES = r"cpu|auto|cuda(:\d+)?"
ENTRIES = {**hints_of(Profile), "typical_seconds": dict}
del ENTRIES["weights_dir"]  # not of a profile, but of a machine
NO_CONTENT = ("weights_dir", "paper_size", "warning", "reid", "needs")


def profile_names() -> list[str]:
    """Return the names of the built-in profiles, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_profile(name: str | Path, weights_dir: Path | str | None = None) -> Profile:
    """Return the built-in profile of that name, or the profile file at that path.

    `weights_dir`: a folder with ImageNet weights for machines without network. Raises InputError
    naming the file and the entry when anything in it is unknown or ill-typed.
    """
    path = _find(name)
    profile = _profile(f"profile {path}", _read(path))
    return replace(profile, weights_dir=if_given(weights_dir, "weights_dir", as_path))


def stated_seconds(name: str | Path) -> dict[str, Any]:
    """Return what this profile says of how long cells of each method take, for `typical_seconds`.

    It maps a method to a number, or to a list of tables of which the first one whose other entries
    equal the resolved options counts.
    """
    stated: dict[str, Any] = _read(_find(name)).get("typical_seconds", {})
    return stated


def typical_seconds(stated: Mapping[str, Any], method: str, options: Mapping[str, Any]) -> float:
    """Return the seconds that a cell of `method` usually takes, by `stated_seconds`.

    Else the median of what is stated of other methods, so that the times of these are not corrected
    by a wild guess; 60 where nothing is.
    """
    for entry in _entries(stated.get(method, [])):
        if all(options.get(key) == value for key, value in entry.items() if key != "seconds"):
            return float(entry["seconds"])
    others = [float(_entries(seconds)[0]["seconds"]) for seconds in stated.values()]
    return median(others) if others else 60.0


def _entries(seconds: Any) -> list[dict[str, Any]]:
    return seconds if isinstance(seconds, list) else [{"seconds": seconds}]


def profile_content(profile: Profile, method: str) -> dict[str, Any]:
    """Return the profile as JSON values, as far as it concerns cells of `method`.

    `methods` holds what it says of the options of this method, be it by `reid` or by `methods`.
    Left out is what decides no result: where weights lie (what they are is in the record's
    digests, Record.initial), what is said of the numbers (Record.standing) and what cells take.
    """
    names = [field.name for field in fields(profile) if field.name not in NO_CONTENT]
    overrides = profile.overrides(method, declaration(method).Options) if is_method(method) else {}
    methods = {method: overrides} if overrides else {}
    return {name: getattr(profile, name) for name in names} | {"methods": methods}


def _find(name: str | Path) -> Path:
    if str(as_path(name, "profile")) in profile_names():
        return FOLDER / f"{name}.toml"
    if Path(name).suffix != ".toml":
        raise InputError(
            f"unknown profile {str(name)!r}{did_you_mean(name, profile_names())}; "
            f"the built-in profiles are "
            f"{', '.join(profile_names())}; one of your own is given by the path of its .toml file"
        )
    return user_path(name)


def _read(path: Path) -> dict[str, Any]:
    """Return the entries of a profile file, over those of the built-in profile that it extends.

    Tables are merged entry by entry; `epochs` and `iterations` take each other's place.
    """
    content = read_toml(path, "profile")
    if "extends" not in content:
        return content
    name = content.pop("extends")
    if name not in profile_names() or FOLDER / f"{name}.toml" == path:
        choices = ", ".join(profile_names())
        raise InputError(f"profile {path}: extends must be one of {choices}, not {name!r}")
    base = _read(FOLDER / f"{name}.toml")
    base.pop("paper_size", None)
    if {"epochs", "iterations"} & set(content.get("train", {})):
        base["train"] = {
            key: value
            for key, value in base["train"].items()
            if key not in ("epochs", "iterations")
        }
    return _merged(base, content)


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    both = {
        key: _merged(base[key], value)
        for key, value in over.items()
        if isinstance(value, dict) and isinstance(base.get(key), dict)
    }
    return {**base, **over, **both}


def _profile(where: str, content: dict[str, Any]) -> Profile:
    values = checked(where, content, ENTRIES, ("name", "height", "width", "backbone", "train"))
    _check_typical(where, values.pop("typical_seconds", {}))
    profile = Profile(**values)
    check_name(f"{where}: name", profile.name)
    if not re.fullmatch(DEVICES, profile.device):
        raise InputError(f"{where}: device {profile.device!r} must be cpu, cuda, cuda:N or auto")
    for side in ("height", "width"):
        checked_count(getattr(profile, side), f"{where}: {side} in pixels", MOST_PIXELS, least=8)
    _check_counts(f"{where}, train", profile.train, MOST_OF_TRAINING)
    _check_counts(f"{where}, backbone", profile.backbone, MOST_OF_BACKBONE)
    build(TrainSpec, profile.train, f"{where}, train")
    build(BackboneSpec, profile.backbone, f"{where}, backbone", required=("name",))
    _check_methods(where, profile.methods)
    _check_needs(where, profile)
    return profile


def _check_counts(where: str, entries: dict[str, Any], most: int) -> None:
    """Raise InputError for a number that is not from 1 to `most`."""
    for name, value in entries.items():
        for number in value if isinstance(value, list) else [value]:
            if isinstance(number, int | float) and not isinstance(number, bool):
                checked_count(number, f"{where}: {name}", most)


def _check_methods(where: str, methods: dict[str, Any]) -> None:
    for method, options in methods.items():
        if not is_method(method):
            raise unknown("method", method, method_names(), where)
        if not isinstance(options, dict):
            raise InputError(f"{where}: methods.{method} must be a table of options")


def _check_needs(where: str, profile: Profile) -> None:
    named = [name for name, value in profile.needs.items() if isinstance(value, dict)]
    for method in named:
        if not is_method(method):
            raise unknown("method", method, method_names(), f"{where}, needs")
    for method in (*named, ""):
        profile.needs_of(method)


def _check_typical(where: str, stated: dict[str, Any]) -> None:
    for method, value in stated.items():
        entries = value if isinstance(value, list) else [{"seconds": value}]
        for entry in entries:
            seconds = entry.get("seconds") if isinstance(entry, dict) else None
            if type(seconds) not in (int, float) or not seconds or seconds <= 0:
                raise InputError(
                    f"{where}: typical_seconds.{method} must be a positive number, or a list of "
                    "tables with `seconds` and the options it holds for"
                )
