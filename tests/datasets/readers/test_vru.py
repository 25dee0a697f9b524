"""VRU: lists of both spellings, numbers with and without zeros, every oddity one clear line."""

import pytest

from crossres.datasets import InputError, Source, open_raw
from crossres.datasets.readers import reader


@pytest.fixture
def folder(make, tmp_path):
    return make("mlr-vru", tmp_path)[0]


@pytest.fixture
def lists(folder):
    return folder / "train_test_split"


def read(root):
    return open_raw("mlr-vru", Source(root), root / "no-cache")


def test_test_sets_are_pids_by_the_names_of_the_lists(folder):
    assert dict(read(folder).test_sets) == {
        "1200": (1_000_001, 1_000_002),
        "2400": (1_000_001, 1_000_002, 1_000_007),
        "8000": (1_000_001, 1_000_002, 1_000_007),
    }
    assert list(read(folder).test_sets) == ["1200", "2400", "8000"]


def test_train_and_test_pids_never_collide_and_none_is_a_distractor(folder):
    images = read(folder).images
    train, test = ({i.pid for i in images if i.part == part} for part in ("train", "test"))
    assert 7 in train  # and in the test lists
    assert not train & test
    assert min(train | test) > 0
    assert {image.camid for image in images} == {-1}


def test_the_other_spelling_of_the_lists_is_read(folder, lists):
    expected = read(folder)
    (lists / "train_list.txt").rename(lists / "train.txt")
    (lists / "test_list_2400.txt").rename(lists / "test.txt")
    (lists / "test_list_1200.txt").unlink()
    (lists / "test_list_8000.txt").unlink()
    raw = read(folder)
    assert raw.images == expected.images
    assert dict(raw.test_sets) == {"3": expected.test_sets["2400"]}


def test_the_usual_spelling_is_believed_before_the_other(folder, lists):
    expected = read(folder)
    (lists / "train.txt").write_text("77 1\n")
    (lists / "test.txt").write_text("77 1\n")
    assert read(folder) == expected


def test_unlisted_images_and_other_files_among_the_pictures_are_passed_over(folder):
    (folder / "Pic" / "notes.txt").write_text("mine")
    assert not any("77" in image.path for image in read(folder).images)


def test_zeros_before_the_number_do_not_matter_on_either_side(folder):
    expected = [(image.pid, image.part) for image in read(folder).images]
    for image in read(folder).images:
        name = image.path.removeprefix("Pic/")
        (folder / image.path).rename(folder / "Pic" / name.zfill(12))
    renamed = read(folder).images
    assert sorted((image.pid, image.part) for image in renamed) == sorted(expected)
    assert all(reader("vru").open_image(folder, image.path).any() for image in renamed)


def test_a_line_given_twice_is_one_image(folder, lists):
    expected = read(folder)
    with (lists / "train_list.txt").open("a") as file:
        file.write("0011 0\n")
    assert read(folder) == expected


def test_a_byte_order_mark_is_passed_over(folder, lists):
    expected = read(folder)
    content = (lists / "train_list.txt").read_bytes()
    (lists / "train_list.txt").write_bytes(b"\xef\xbb\xbf" + content)
    assert read(folder) == expected


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("12", "'12' is not <image number> <vehicle number>"),
        ("12 3 4", "'12 3 4' is not <image number>"),
        ("a 1", "'a 1' is not"),
        ("5 -1", "'5 -1' is not"),
        ("５ 1", "is not <image number>"),
        ("5 1234567", "is not <image number>"),
        ("5000 1", "there is no image 5000 in Pic; unpack the data set again"),
        ("5 2", "image 5 is of another vehicle or part in line 1 of test_list_1200.txt"),
        ("11 0", "image 11 is of another vehicle or part in line 1 of train_list.txt"),
    ],
)
def test_a_wrong_line_is_named(line, problem, folder, lists):
    with (lists / "test_list_2400.txt").open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")
    with pytest.raises(InputError) as caught:
        read(folder)
    assert "test_list_2400.txt: line 6: " in str(caught.value)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_two_pictures_of_one_number_are_refused(folder):
    (folder / "Pic" / "011.jpg").write_bytes((folder / "Pic" / "0011.jpg").read_bytes())
    with pytest.raises(InputError, match=r"0011\.jpg: has the same number as 011\.jpg; remove"):
        read(folder)


def test_a_list_that_is_not_text_is_named(folder, lists):
    (lists / "train_list.txt").write_bytes(b"\xff\xfe1")
    with pytest.raises(InputError, match=r"train_list\.txt: line \d+ is not UTF-8 text"):
        read(folder)


def test_without_a_test_list_nothing_is_guessed(folder, lists):
    for file in lists.glob("test*"):
        file.unlink()
    with pytest.raises(InputError, match=r"train_test_split: train_list\.txt .* are needed"):
        read(folder)


def test_without_a_train_list_it_is_not_the_raw_folder(folder, lists):
    (lists / "train_list.txt").unlink()
    with pytest.raises(InputError, match=r"no raw folder of mlr-vru here; expected VRU/Pic"):
        read(folder)


def test_no_camera_is_no_count_that_differs(folder):
    notes = read(folder).notes
    assert any("11 of 172,137 images" in note for note in notes)
    assert not any("cameras" in note for note in notes)
