"""CUHK03-NP, the second layout of CUHK03: folders of both boxes in the style of Market-1501."""

import shutil

import pytest
from PIL import Image

from crossres.datasets import InputError, Source, open_raw
from crossres.datasets.readers import reader


@pytest.fixture
def folder(make_np, tmp_path):
    make_np(tmp_path / "root" / "cuhk03-np")
    return tmp_path / "root" / "cuhk03-np"


def read(root):
    return open_raw("mlr-cuhk03", Source(root), root / "no-cache")


def test_the_index_is_the_truth_from_above_and_below(make_np, tmp_path):
    folder = tmp_path / "root" / "cuhk03-np"
    truth = sorted(make_np(folder), key=lambda image: image.path)
    for root in (folder, folder.parent, tmp_path, folder / "detected", folder / "labeled"):
        raw = read(root)
        assert (raw.folder, list(raw.images)) == (folder, truth)
    assert {image.camid for image in truth} == {1, 2}
    assert not raw.test_sets
    assert any("no test list is shipped" in note for note in raw.notes)


def test_digits_and_letters_after_the_view_are_not_the_view(folder):
    images = {image.path: image for image in read(folder).images}
    image = images["detected/bounding_box_train/0001_c2_21c3.png"]
    assert (image.pid, image.camid) == (1, 2)


def test_images_open_whatever_their_names_say(folder):
    formats = set()
    for image in read(folder).images:
        with Image.open(folder / image.path) as opened:
            formats.add(opened.format)
        pixels = reader("cuhk03").open_image(folder, image.path)
        assert pixels.shape == (80, 30 + image.pid % 7, 3)
        assert reader("cuhk03").source_file(folder, image.path) == folder / image.path
    assert formats == {"JPEG", "PNG"}


@pytest.mark.parametrize("missing", ["detected", "labeled"])
def test_one_kind_of_boxes_is_enough(missing, folder):
    truth = [image for image in read(folder).images if image.boxes != missing]
    shutil.rmtree(folder / missing)
    assert list(read(folder.parent).images) == truth


def test_the_usual_file_is_preferred_beside_it(folder, make):
    usual, truth = make("mlr-cuhk03", folder.parent)
    raw = read(folder.parent)
    assert (raw.folder, list(raw.images)) == (usual, truth)
    assert read(folder).folder == folder


@pytest.mark.parametrize("name", ["0001_c3_1.png", "0001_c12_1.png", "1_001_1_01.png"])
def test_a_name_outside_the_grammar_is_named(name, folder):
    (folder / "labeled" / "query" / name).write_bytes(b"")
    with pytest.raises(InputError, match="outside the grammar <pid, 4 digits>_c<view 1") as caught:
        read(folder)
    assert name in str(caught.value)


def test_a_kind_of_boxes_that_lacks_a_part_is_named(folder):
    shutil.rmtree(folder / "labeled" / "query")
    with pytest.raises(InputError, match="query: cannot be listed"):
        read(folder)


def test_a_missing_image_is_named(folder):
    path = read(folder).images[0].path
    (folder / path).unlink()
    with pytest.raises(InputError, match=f"{path}: the file is missing"):
        reader("cuhk03").open_image(folder, path)
