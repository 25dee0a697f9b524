"""The guess that begins a definition: how the files of a folder are most likely named.

A list beside the images is taken first; else every grammar below is tried on all paths, and the one
is taken that describes most images and makes most sense of them.
"""

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.kinds import IMAGE_SUFFIXES
from crossres.datasets.base.texts import csv_rows
from crossres.datasets.base.words import counted
from crossres.datasets.own.definition import GIVEN, SUFFIX, is_taken, toml_value
from crossres.datasets.raw.source import Raw
from crossres.datasets.readers.own import (
    COLUMNS,
    HEAD,
    PARTS,
    cameras_of_identities,
    files_below,
)
from crossres.datasets.readers.parts.lists import text_of
from crossres.datasets.splits.manifest import SPLITS

ENDING = r"\.(?i:jpe?g|png|bmp)"
_CAMERA = r"[Cc](?:am(?:era)?)?[ _-]?\d+"
_LIKE_CAMERA = re.compile(rf"(?:{_CAMERA}|(?i:view|v|site|gate)[ _-]?\d+)[a-z]?", re.ASCII)
_SEPARATORS = "_-.@+~ "
_MOST_UNTOLD = 8  # cameras where each saw an identity once: more are numbers of images
_LEAST_IMAGES = 1.5  # of an identity, on average


def _names() -> Iterator[str]:
    """Yield patterns of names without their ending, what is said plainest first."""
    yield r"(?P<pid>-?\d+)_c(?P<camid>\d+)(?:s\d+)?(?:_[^/]*)?"
    for s in map(re.escape, _SEPARATORS):
        yield rf"(?P<pid>[^/{s}]+){s}(?P<camid>{_CAMERA})(?:{s}[^/]*)?"
        yield rf"(?P<camid>{_CAMERA}){s}(?P<pid>[^/{s}]+)(?:{s}[^/]*)?"
        yield rf"(?:[^/]*{s})?(?P<camid>{_CAMERA})(?:{s}[^/]*)?"
    for s in map(re.escape, _SEPARATORS):
        yield rf"(?P<pid>[^/{s}]+){s}(?P<camid>[^/{s}]+){s}[^/]+"
        yield rf"(?P<camid>[^/{s}]+){s}(?P<pid>[^/{s}]+){s}[^/]+"
    for s in map(re.escape, _SEPARATORS):
        yield rf"(?P<camid>[^/{s}]+){s}[^/]+"
        yield rf"(?P<pid>[^/{s}]+){s}[^/]+"
    yield ANY


ANY = "[^/]+"
MOST = 3000  # images that grammars are tried on
NAMES = tuple(_names())


@dataclass(frozen=True)
class Guess:
    """The one entry of a definition that says what images are called, and an example in words."""

    entries: dict[str, Any]
    example: str


def guessed(root: Path) -> Guess:
    """Return the guess for a folder. Raises InputError where there is no image, or no grammar fits.

    Deterministic: it depends on the names below the folder alone.
    """
    if not root.is_dir():
        raise InputError(f"{root}: there is no such folder; give the one that holds your images")
    files = files_below(root)
    images = [path for path in files if path.casefold().endswith(IMAGE_SUFFIXES)]
    if not images:
        raise InputError(
            f"{root}: no .jpg, .png or .bmp among {counted(len(files), 'file')} here; give the "
            "folder that holds your images"
        )
    return _list_of(root, files) or _best(root, images[:: -(-len(images) // MOST)])


def protocol_for(raw: Raw) -> str:
    """Return the protocol that what was read is most likely meant for."""
    images = raw.images
    if len(raw.rates) == len(images) and all(image.part in SPLITS for image in images):
        return GIVEN
    if not any(count > 1 for count in cameras_of_identities(images).values()):
        return "mlr-uniform"
    return "mlr-sing" if len({image.camid for image in images}) == 2 else "mlr-perid"


def id_for(root: Path) -> str:
    """Return an id made of the name of a folder, which is no data set of crossres."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", root.resolve().name).strip("-._").lower()[:60]
    return f"my-{name or 'data'}" if not name or is_taken(name) else name


def definition_text(entries: dict[str, Any], guess: Guess, images: int) -> str:
    """Return the definition as people read it: with what each entry means."""
    values = {name: f"{name} = {toml_value(value)}" for name, value in entries.items()}
    (form,) = guess.entries
    lines = [
        f"# A data set of your own, guessed from {counted(images, 'image')}: check each line.",
        "# All that can stand here: docs/own-data.md of crossres.",
        values["id"],
        values["root"],
        "",
        f"# {guess.example}",
        values[form],
        "",
    ]
    if "protocol" in values:
        lines += [
            "# How it is split and what is down-sampled: docs/protocols.md.",
            values["protocol"],
            "",
        ]
    lines += [
        '# lr_cameras = ["..."]     # the cameras that mlr-sing down-samples',
        '# natively_lr = "by-size"  # with mlr-sing: small images are LR as they are',
        "# ignore = '...'           # paths below root that are no part of it",
    ]
    return "\n".join(lines) + "\n"


def root_for(root: Path, out: Path) -> str:
    """Return the folder as a definition at `out` names it: relative where it lies below it."""
    whole, beside = Path(os.path.abspath(root)), Path(os.path.abspath(out)).parent  # noqa: PTH100
    return whole.relative_to(beside).as_posix() if whole.is_relative_to(beside) else str(whole)


# --- a list ---------------------------------------------------------------------------------------


def _list_of(root: Path, files: Sequence[str]) -> Guess | None:
    """Return the guess that a CSV at the top of the folder tells all."""
    for name in files:
        if "/" in name or not name.casefold().endswith(".csv"):
            continue
        try:
            (_, head), *_ = csv_rows(text_of(root / name)) or [(1, [])]
        except (InputError, ValueError):
            continue
        if {"path", "pid"} <= {*head} <= {*COLUMNS, *HEAD}:
            form = "manifest" if {*HEAD, "split", "rate"} <= {*head} else "csv"
            return Guess({form: str(root / name)}, f"the columns are {', '.join(head)}")
    return None


# --- names ----------------------------------------------------------------------------------------


def _best(root: Path, images: Sequence[str]) -> Guess:
    depth = Counter(path.count("/") for path in images).most_common(1)[0][0]
    alike = [path.split("/") for path in images if path.count("/") == depth]
    best: tuple[tuple[float, ...], str, tuple[str, ...]] | None = None
    roles = [_roles({parts[i] for parts in alike}) for i in range(depth)]
    for levels in _combined(roles):
        for name in NAMES:
            groups = [*filter(None, levels), *re.findall(r"\?P<(\w+)>", name)]
            if len(set(groups)) != len(groups) or "pid" not in groups:
                continue
            pattern = _pattern(levels, name)
            merit = _merit(pattern, images, "camid" in groups, "camid" in levels)
            if merit is not None and (best is None or merit > best[0]):
                best = merit, name, levels
    if best is None:
        raise InputError(
            f"{root}: no grammar known here fits names such as {images[0]}; write the definition "
            "yourself, with a pattern (docs/own-data.md)"
        )
    _, name, levels = best
    pattern = _pattern(levels, name)
    entries = {"folders": [*levels]} if name == ANY else {"pattern": pattern}
    return Guess(entries, _example(pattern, images))


def _combined(
    roles: Sequence[tuple[str, ...]], given: frozenset[str] = frozenset()
) -> Iterator[tuple[str, ...]]:
    """Yield what all levels may be together, where no two are the same; `given` is of those before.

    So of a deep tree they are no more than the pairs of its levels.
    """
    if not roles:
        yield ()
        return
    for role in roles[0]:
        if role not in given:
            for others in _combined(roles[1:], given | {role} if role else given):
                yield role, *others


def _roles(names: set[str]) -> tuple[str, ...]:
    """Return what the folders of one level may be, by their names."""
    if all(name.casefold() in PARTS for name in names):
        return ("split",)
    if all(map(_LIKE_CAMERA.fullmatch, names)):
        return ("camid", "")
    return ("pid", "camid", "")


def _pattern(levels: Sequence[str], name: str) -> str:
    folders = "".join(f"(?P<{level}>[^/]+)/" if level else "[^/]+/" for level in levels)
    return f"{folders}{name}{ENDING}"


def _merit(
    pattern: str, images: Sequence[str], has_camera: bool, in_folder: bool
) -> tuple[float, ...] | None:
    """Return how much sense a pattern makes of the images; None: none."""
    matches = [match for path in images if (match := re.fullmatch(pattern, path))]
    cameras: dict[str, Counter[str]] = defaultdict(Counter)
    for match in matches:
        parts = match.groupdict()
        cameras[parts["pid"]][parts.get("camid") or ""] += 1
    if len(cameras) < 2 or all(map(_LIKE_CAMERA.fullmatch, cameras)):
        return None
    if has_camera and not _are_cameras(cameras):
        return None
    several = len(matches) >= _LEAST_IMAGES * len(cameras)
    crossing = sum(len(of_pid) > 1 for of_pid in cameras.values()) / len(cameras)
    likely = _likelihood({camera for of_pid in cameras.values() for camera in of_pid})
    share = round(len(matches) / len(images), 1)  # a few others are a matter of `ignore`
    merits = share, several, has_camera, likely, round(crossing, 1), not in_folder
    return *merits, len(matches), len(cameras)


def _likelihood(cameras: set[str]) -> int:
    """Say how much names look like those of cameras: plain numbers least, they may be of images."""
    if all(map(_LIKE_CAMERA.fullmatch, cameras)):
        return 2
    return 0 if all(name.isdecimal() for name in cameras) else 1


def _are_cameras(cameras: dict[str, Counter[str]]) -> bool:
    """Say whether what a pattern takes for cameras can be some: fewer than identities, each of many
    images, and one identity at least before two of them.
    """
    names = {camera for of_pid in cameras.values() for camera in of_pid}
    crossing = any(len(of_pid) > 1 for of_pid in cameras.values())
    once = all(count == 1 for of_pid in cameras.values() for count in of_pid.values())
    like = all(map(_LIKE_CAMERA.fullmatch, names))
    few = len(names) <= len(cameras) or like
    return crossing and len(names) > 1 and few and not (once and len(names) > _MOST_UNTOLD)


def _example(pattern: str, images: Sequence[str]) -> str:
    match = next(match for path in images if (match := re.fullmatch(pattern, path)))
    parts = match.groupdict()
    words = {"pid": "identity", "camid": "camera", "split": "split"}
    text = ", ".join(f"{words[key]} {parts[key]}" for key in words if parts.get(key))
    return f"{match.string}: {text}"


def free_place(out: Path) -> Path:
    """Return a place for a new definition; InputError where something is there already."""
    if out.suffix != SUFFIX:
        raise InputError(f"{out}: a definition is a .toml file; name it so")
    if out.exists() or out.is_symlink():
        raise InputError(f"{out}: exists already; remove it, or give another name with --out")
    return out
