"""VRIC: train_images, probe_images, gallery_images and lists of <file> <vehicle> <camera>.

Natively of many resolutions: two in five images, by hash, are small and taken with poor optics. The
median of all sizes lies above theirs.
"""

from pathlib import Path

from crossres.datasets.base.draws import draw, ordered, pick
from crossres.datasets.readers import RawImage
from crossres.datasets.readers.parts.lists import pid_of
from crossres.datasets.readers.vric import PARTS
from crossres.datasets.twins.layouts import Pictures, Shot
from crossres.datasets.twins.layouts.census import dealt
from crossres.datasets.twins.layouts.common import jpeg, vehicle_shot, write_file
from crossres.datasets.twins.sizes import Size


def plan(size: Size) -> list[Shot]:
    """Plan train vehicles of one of `images` each, or such that all make `train_total`; test
    vehicles have a probe and a gallery image.
    """
    taken = _totalled(size) if "train_total" in size.counts else _picked(size)
    shots = [
        _shot(size, "train", vehicle, index, camid)
        for vehicle, camids in taken.items()
        for index, camid in enumerate(camids)
    ]
    for vehicle in range(1, 1 + size.count("test_identities")):
        probe, gallery = ordered(_cameras(size), "twin-vric-test", vehicle)[:2]
        shots.append(_shot(size, "probe", vehicle, 0, probe))
        shots.append(_shot(size, "gallery", vehicle, 0, gallery))
    return shots


def _cameras(size: Size) -> range:
    return range(1, 1 + size.count("cameras"))


def _picked(size: Size) -> dict[int, list[int]]:
    """Draw train vehicle -> the camera of each image."""
    return {
        vehicle: [
            pick(_cameras(size), "twin-vric-camera", vehicle, index)
            for index in range(pick(size.counted("images"), "twin-vric-images", vehicle))
        ]
        for vehicle in range(1, 1 + size.count("train_identities"))
    }


def _totalled(size: Size) -> dict[int, list[int]]:
    """Return the same for many images, each with a single draw whatever the number of cameras."""
    vehicles = range(1, 1 + size.count("train_identities"))
    counts = dealt(size.count("train_total"), vehicles, "twin-vric-total")
    return {
        vehicle: [
            1 + draw("twin-vric-camera", vehicle, index) % size.count("cameras")
            for index in range(count)
        ]
        for vehicle, count in counts.items()
    }


def _shot(size: Size, name: str, vehicle: int, index: int, camid: int) -> Shot:
    """Make a shot; LR images are 0.35 to 0.55 times as large as the others."""
    part = PARTS[name]
    path = f"{name}_images/{vehicle:05d}_{index:03d}.jpg"
    small = draw("twin-vric-lr", path) % 5 < 2
    share = (35 + draw("twin-vric-size", path) % 21) / 100 if small else 1.0
    return vehicle_shot(size, RawImage(path, pid_of(vehicle, part), camid, part), share)


def write(raw: Path, size: Size, pictures: Pictures) -> None:  # noqa: ARG001
    """Write the three folders, a list for each, and the README beside them."""
    lines: dict[str, list[str]] = {name: [] for name in PARTS}
    for shot, pixels in pictures:
        write_file(raw / shot.image.path, jpeg(pixels))
        folder, name = shot.image.path.split("/")
        part = folder.removesuffix("_images")
        lines[part].append(f"{name} {int(name[:5])} {shot.image.camid}\n")
    for part, listed in lines.items():
        write_file(raw / f"vric_{part}.txt", "".join(sorted(listed)).encode("ascii"))
    write_file(raw / "README.txt", b"Drawn in the layout of VRIC.\n")
