"""What a reader must find in a mutated folder, worked out again with plain string operations.

Layouts without an entry in INDEXES are judged by the effects of their mutations alone.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from crossres.datasets import RawImage

JUNK = ("thumbs.db", "desktop.ini", "__macosx", "caviarb", "readme", "readme.txt", "readme.md")
DIGITS = set("0123456789")
SYSU_LISTS = ("train.txt", "val.txt", "test_probe.txt", "test_gallery.txt")


@dataclass(frozen=True)
class Refusal:
    """The folder must be refused; the error names one of these (the raw folder: not found)."""

    paths: tuple[Path, ...]


def _junk(name: str) -> bool:
    return name.startswith(".") or name.casefold() in (*JUNK, "crossres-twin.json")


def _names(folder: Path) -> list[str]:
    if not os.path.isdir(folder):  # noqa: PTH112
        return []
    return [name for name in os.listdir(folder) if not _junk(name)]  # noqa: PTH208


def _number(text: str, least: int, most: int | None = None) -> bool:
    return least <= len(text) <= (most or least) and set(text) <= DIGITS


def _stem(name: str, suffix: str) -> str:
    """The name without the suffix in any case; "" when it has another."""
    return name[: -len(suffix)] if name[-len(suffix) :].lower() == suffix else ""


Parsed = tuple[int, int] | None  # pid, camid


def _viper(name: str, folder: str) -> Parsed:
    parts = _stem(name, ".bmp").split("_")
    if len(parts) != 2 or not _number(parts[0], 3) or not _number(parts[1], 1, 3):
        return None
    return int(parts[0]), ("cam_a", "cam_b").index(folder)


def _caviar(name: str, _folder: str) -> Parsed:
    stem = _stem(name, ".jpg")
    if not _number(stem, 7) or not 1 <= int(stem[4:]) <= 20:
        return None
    return int(stem[:4]), 1 if int(stem[4:]) <= 10 else 2


def _pku(name: str, _folder: str) -> Parsed:
    parts = _stem(name, ".png").split("_")
    if list(map(len, parts)) != [3, 2, 1] or not set("".join(parts)) <= DIGITS:
        return None
    return (int(parts[0]), int(parts[1])) if 1 <= int(parts[2]) <= 8 else None


def _market(name: str, _folder: str) -> Parsed:
    parts = _stem(name, ".jpg").split("_")
    if len(parts) != 4 or not (parts[0] == "-1" or _number(parts[0], 4)):
        return None
    camera = parts[1]
    well = len(camera) == 4 and camera[0] == "c" and camera[2] == "s"
    if not well or camera[1] not in "123456" or camera[3] not in "123456":
        return None
    if not _number(parts[2], 6) or not _number(parts[3], 2):
        return None
    return int(parts[0]), int(camera[1])


def _sysu_flat(name: str, folder: str) -> Parsed:
    parts = _stem(name, ".jpg").split("_")
    if len(parts) != 2 or not _number(parts[0], 5) or not _number(parts[1], 5):
        return None
    return int(parts[0]), int(folder[-1])


def _images(
    folder: Path, parts: dict[str, str], parse: Callable[[str, str], Parsed]
) -> list[RawImage] | Refusal:
    """All names of the parts (folder -> meaning; "" is the raw folder itself), or what is wrong."""
    images, wrong = [], []
    for part, meaning in parts.items():
        part_folder = folder / part if part else folder
        some = False
        for name in _names(part_folder):
            parsed = parse(name, part)
            some = some or parsed is not None
            if parsed is None or not os.path.isfile(part_folder / name):  # noqa: PTH113
                wrong.append(part_folder / name)
            else:
                images.append(RawImage(f"{part}/{name}" if part else name, *parsed, meaning))
        if not some:
            return Refusal((folder,))
    return _checked(folder, images, wrong)


def _checked(folder: Path, images: list[RawImage], wrong: list[Path]) -> list[RawImage] | Refusal:
    keys = Counter(image.key for image in images)
    wrong += [folder / key for key, count in keys.items() if count > 1]
    of = {part: {i.pid for i in images if (i.part == "train") == part} for part in (True, False)}
    if any(image.part for image in images) and any(pid > 0 for pid in of[True] & of[False]):
        wrong.append(folder)
    if wrong:
        return Refusal(tuple(wrong))
    return sorted(images, key=lambda image: image.path)


def _sysu(folder: Path) -> list[RawImage] | Refusal:
    cameras = ("cam_0", "cam_1")
    flat = all(any(_sysu_flat(name, part) for name in _names(folder / part)) for part in cameras)
    if not flat:
        return _sysu_nested(folder)
    expected = (*cameras, *SYSU_LISTS)
    strange = [folder / name for name in _names(folder) if name not in expected]
    images = _images(folder, {"cam_0": "", "cam_1": ""}, _sysu_flat)
    if isinstance(images, Refusal) or strange:
        return Refusal((*strange, *(images.paths if isinstance(images, Refusal) else ())))
    return images


def _camera(name: str) -> str:
    """The digit that a camera folder of the nested layout is called by; "" for other names."""
    prefix = name[:-1].lower()
    prefix = prefix[:-1] if prefix[-1:] in ("_", "-") else prefix
    return name[-1] if name[-1] in DIGITS and prefix in ("", "c", "cam", "camera") else ""


def _sysu_nested(folder: Path) -> list[RawImage] | Refusal:
    cameras = [name for name in _names(folder) if _camera(name)]
    folders = [name for name in cameras if os.path.isdir(folder / name)]  # noqa: PTH112
    if len(folders) != 2 or len({_camera(name) for name in folders}) != 2:
        return Refusal((folder,))
    images: list[RawImage] = []
    wrong = [folder / name for name in _names(folder) if name not in (*folders, *SYSU_LISTS)]
    for camera in folders:
        for parent, name, parsed in _nested(folder / camera):
            if parsed is None:
                wrong.append(parent / name)
            else:
                path = f"{camera}/{parent.name}/{name}"
                images.append(RawImage(path, parsed, int(_camera(camera))))
    checked = _checked(folder, images, wrong)
    return Refusal((*checked.paths, folder)) if isinstance(checked, Refusal) else checked


def _nested(camera: Path) -> Iterator[tuple[Path, str, int | None]]:
    for identity in _names(camera):
        if not _number(identity, 1, 9) or not os.path.isdir(camera / identity):  # noqa: PTH112
            yield camera, identity, None
            continue
        for name in _names(camera / identity):
            parent = camera / identity
            plain = name.isascii() and name.isprintable() and "\\" not in name
            stem = any(_stem(name, s) for s in (".jpg", ".jpeg", ".png", ".bmp"))
            usable = plain and stem and os.path.isfile(parent / name)  # noqa: PTH113
            yield parent, name, int(identity) if usable else None


MARKET = {"bounding_box_train": "train", "bounding_box_test": "gallery", "query": "query"}
INDEXES: dict[str, Callable[[Path], list[RawImage] | Refusal]] = {
    "caviar": lambda folder: _images(folder, {"": ""}, _caviar),
    "mlr-viper": lambda folder: _images(folder, {"cam_a": "", "cam_b": ""}, _viper),
    "mlr-pku": lambda folder: _images(folder, {"": ""}, _pku),
    "mlr-market": lambda folder: _images(folder, MARKET, _market),
    "mlr-sysu": _sysu,
    "mlr-sysu nested": _sysu,
}
