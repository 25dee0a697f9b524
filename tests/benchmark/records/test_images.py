"""Thumbnails in a results folder: each once, in files that are never changed."""

from pathlib import Path

import numpy as np
import pytest

from crossres.benchmark.records.artifacts import Arrays
from crossres.benchmark.records.images import ImageFolder, Thumbnail, images_path
from crossres.datasets.base.files import digest_of

PIXELS = digest_of(b"pixels")


def images(*numbers: int) -> Arrays:
    """Thumbnails whose content tells their number."""
    files = [f"image {number}".encode() for number in numbers]
    return {
        "numbers": np.array(numbers, np.int32),
        "names": np.array([f"{number}.png" for number in numbers], dtype=str),
        "content": np.frombuffer(b"".join(files), np.uint8),
        "ends": np.cumsum([len(file) for file in files], dtype=np.int64),
    }


def files(folder: Path) -> list[Path]:
    return sorted(images_path(folder, PIXELS).iterdir())


def test_each_image_is_written_once(tmp_path: Path) -> None:
    folder = ImageFolder(tmp_path)
    assert folder.numbers(PIXELS).tolist() == []
    folder.add(PIXELS, images(4, 100, 7))
    folder.add(PIXELS, images(7, 5, 100, 20000))
    folder.add(PIXELS, images(4, 5))
    folder.add(PIXELS, images())
    assert len(files(tmp_path)) == 2
    for opened in (folder, ImageFolder(tmp_path)):
        assert opened.numbers(PIXELS).tolist() == [4, 5, 7, 100, 20000]
    assert ImageFolder(tmp_path).read(PIXELS) == {
        number: Thumbnail(f"{number}.png", f"image {number}".encode())
        for number in (4, 5, 7, 100, 20000)
    }
    assert folder.read("0" * 64) == {}


def test_what_another_run_wrote_meanwhile_counts(tmp_path: Path) -> None:
    ours, others = ImageFolder(tmp_path), ImageFolder(tmp_path)
    ours.add(PIXELS, images(1))
    others.add(PIXELS, images(1, 2))
    ours.add(PIXELS, images(1, 2))
    assert len(files(tmp_path)) == 2


def test_the_same_images_are_the_same_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        ImageFolder(tmp_path / name).add(PIXELS, images(3, 1))
    (a,), (b,) = files(tmp_path / "a"), files(tmp_path / "b")
    assert (a.name, a.read_bytes()) == (b.name, b.read_bytes())


@pytest.mark.parametrize("damage", ["torn", "foreign", "ends", "names", "empty", "huge", "pickle"])
def test_damaged_files_are_named_and_cost_only_their_images(tmp_path: Path, damage: str) -> None:
    ImageFolder(tmp_path).add(PIXELS, images(1, 2))
    ImageFolder(tmp_path).add(PIXELS, images(3))
    path = next(p for p in files(tmp_path) if len(np.load(p)["numbers"]) == 2)
    arrays = images(1, 2)
    match damage:
        case "torn":
            path.write_bytes(path.read_bytes()[:200])
        case "foreign":
            path.write_bytes(b"GIF89a")
        case "ends":
            np.savez(path, **arrays | {"ends": np.array([9, 5])})  # type: ignore[arg-type]
        case "names":
            np.savez(path, **arrays | {"names": np.array(["one"])})  # type: ignore[arg-type]
        case "empty":
            del arrays["content"]
            np.savez(path, **arrays)  # type: ignore[arg-type]
        case "huge":
            content, ends = np.zeros(10**5, np.uint8), np.array([1, 10**5])
            np.savez(path, **arrays | {"content": content, "ends": ends})  # type: ignore[arg-type]
        case "pickle":
            names = np.array(["a", None], dtype=object)
            np.savez(path, **arrays | {"names": names})  # type: ignore[arg-type]
    folder = ImageFolder(tmp_path)
    assert set(folder.read(PIXELS)) == {3}
    assert folder.numbers(PIXELS).tolist() == [3]
    assert folder.problems == (f"{path}: not readable thumbnails (it is damaged); delete it",)
    folder.add(PIXELS, images(1, 2))  # they are written again, under another name or the same
    assert set(folder.numbers(PIXELS)) == {1, 2, 3}
