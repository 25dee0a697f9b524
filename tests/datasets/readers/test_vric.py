"""VRIC: three lists, and which images are natively LR, measured by one open rule."""

import pytest

from crossres.datasets import InputError, Source, open_raw
from crossres.datasets.readers import reader


@pytest.fixture
def folder(make, tmp_path):
    return make("vric", tmp_path)[0]


def read(root):
    return open_raw("vric", Source(root), root / "no-cache")


def test_what_has_fewer_pixels_than_the_median_training_image_is_lr(folder):
    raw = read(folder)
    assert raw.native_lr == {
        "train_images/1_1.jpg",
        "train_images/2_3.jpg",
        "probe_images/1_1.jpg",
        "gallery_images/5_2.jpg",  # 49 x 50, the median being 50 x 50
    }
    expected = "natively LR: the 4 of 9 images whose width x height is below 2500, the median"
    assert any(expected in note for note in raw.notes)


def test_test_pids_are_no_train_pids(folder):
    images = read(folder).images
    pids = {part: {i.pid for i in images if i.part == part} for part in ("train", "query")}
    assert pids == {"train": {1, 2, 3}, "query": {1_000_001, 1_000_005}}


def test_a_vehicle_of_number_zero_is_no_distractor(folder):
    file = folder / "vric_train.txt"
    file.write_text(file.read_text().replace(" 3 5", " 0 5"))
    assert 999_999 in {image.pid for image in read(folder).images}


def test_windows_line_ends_and_blank_lines_are_passed_over(folder):
    expected = read(folder)
    file = folder / "vric_probe.txt"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n\r\n") + b"  \r\n")
    assert read(folder) == expected


def test_images_in_no_list_are_passed_over(folder):
    (folder / "probe_images" / "other.jpg").write_bytes(b"not even an image")
    assert not any("other" in image.path for image in read(folder).images)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("5_2.jpg 5", "'5_2.jpg 5' is not <file>.jpg <vehicle number> <camera number>"),
        ("5_2 5 2", "'5_2 5 2' is not <file>.jpg"),
        ("../x.jpg 5 2", "is not <file>.jpg"),
        ("5_2.jpg 5 c2", "is not <file>.jpg"),
        ("5_9.jpg 5 2", "there is no 5_9.jpg in gallery_images; unpack the data set again"),
        ("5_2.jpg 5 2", "5_2.jpg is listed before; remove one of the lines"),
    ],
)
def test_a_wrong_line_is_named(line, problem, folder):
    with (folder / "vric_gallery.txt").open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(InputError) as caught:
        read(folder)
    assert "vric_gallery.txt: line 3: " in str(caught.value)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["train", "probe", "gallery"])
def test_an_empty_list_is_named(name, folder):
    (folder / f"vric_{name}.txt").write_text("\n")
    with pytest.raises(InputError, match=rf"vric_{name}\.txt: lists no image"):
        read(folder)


def test_a_file_that_cannot_be_measured_is_named(folder):
    (folder / "train_images" / "1_1.jpg").write_bytes(b"<html>")
    with pytest.raises(InputError, match=r"1_1\.jpg: not a whole JPEG, PNG or BMP image"):
        read(folder)


def test_a_list_that_is_missing_makes_it_no_raw_folder(folder):
    (folder / "vric_probe.txt").unlink()
    with pytest.raises(InputError, match=r"no raw folder of vric here; expected VRIC/{train"):
        read(folder)


def test_images_open(folder):
    pixels = reader("vric").open_image(folder, "gallery_images/1_1.jpg")
    assert pixels.shape == (51, 50, 3)
