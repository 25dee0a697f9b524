"""SYSU: two accepted layouts, and two other sets of that name that are refused by name."""

import pytest
from PIL import Image

from datasets import InputError, Source, open_raw


def read(root):
    return open_raw("mlr-sysu", Source(root), root / "no-cache")


def test_the_nested_layout_is_read(make_nested, tmp_path):
    truth = make_nested(tmp_path / "SYSU")
    truth = sorted(truth, key=lambda image: image.path)
    for root in (tmp_path / "SYSU", tmp_path, tmp_path / "SYSU" / "cam2"):
        assert list(read(root).images) == truth


@pytest.mark.parametrize("name", ["cam1/0001/notes.txt", "cam1/x/a.jpg", "extra/1/a.jpg"])
def test_strange_names_in_the_nested_layout_are_named(name, make_nested, tmp_path):
    make_nested(tmp_path)
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(InputError, match="outside the grammar <camera>/<id>/<file>"):
        read(tmp_path)


def test_the_lists_of_the_flat_layout_may_lie_beside(make, tmp_path):
    folder, truth = make("mlr-sysu", tmp_path)
    for name in ("train.txt", "val.txt", "test_probe.txt", "test_gallery.txt"):
        (folder / name).write_text("cam_0/00000_00000.jpg 0\n")
    assert list(read(tmp_path).images) == truth


def sysu_mm01(folder):
    for camera in range(1, 7):
        (folder / f"cam{camera}" / "0001").mkdir(parents=True)
        Image.new("RGB", (9, 9)).save(folder / f"cam{camera}" / "0001" / "0001.jpg")
    (folder / "exp").mkdir()


def cuhk_sysu(folder):
    (folder / "Image" / "SSM").mkdir(parents=True)
    Image.new("RGB", (9, 9)).save(folder / "Image" / "SSM" / "s1.jpg")
    (folder / "annotation").mkdir()


@pytest.mark.parametrize("name", ["SYSU-MM01", "renamed"])
@pytest.mark.parametrize(("maker", "title"), [(sysu_mm01, "SYSU-MM01"), (cuhk_sysu, "CUHK-SYSU")])
def test_the_other_sysu_sets_are_refused_by_name(maker, title, name, tmp_path):
    folder = tmp_path / (title if name == "SYSU-MM01" else name)
    maker(folder)
    below = next(child for child in sorted(folder.iterdir()) if child.is_dir())
    for root in (folder, tmp_path, below):
        with pytest.raises(InputError, match=f"this is {title}.*two-camera SYSU set"):
            read(root)


def test_the_right_set_is_found_beside_the_wrong_ones(make, tmp_path):
    sysu_mm01(tmp_path / "SYSU-MM01")
    cuhk_sysu(tmp_path / "CUHK-SYSU")
    folder, truth = make("mlr-sysu", tmp_path)
    raw = read(tmp_path)
    assert (raw.folder, list(raw.images)) == (folder, truth)


def test_two_cameras_of_sysu_mm01_are_still_refused_by_its_name(make_nested, tmp_path):
    make_nested(tmp_path / "SYSU-MM01")
    with pytest.raises(InputError, match="this is SYSU-MM01"):
        read(tmp_path)
