"""VeRi-776: names that tell everything, lists that may be missing, labels that are never opened."""

import os
import re

import pytest

from crossres.datasets import InputError, Source, build_manifest, open_raw, verify_raw


@pytest.fixture
def folder(make, tmp_path):
    return make("mlr-veri", tmp_path)[0]


def read(root):
    return open_raw("mlr-veri", Source(root), root / "no-cache")


def refusal(root):
    with pytest.raises(InputError) as caught:
        read(root)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_cameras_have_two_digits(folder):
    assert {image.camid for image in read(folder).images} == {1, 2, 3, 19, 20}


def test_training_rows_of_the_official_lists_are_those_of_a_camera_of_each_vehicle(folder):
    raw = read(folder)
    usual = build_manifest(raw, None, 4)
    assert usual.protocol == "mlr-official"
    train = usual.rows("train").reset_index(drop=True)
    assert train.equals(build_manifest(raw, "mlr-perid", 4).rows("train").reset_index(drop=True))
    by_camera = build_manifest(raw, "mlr-official[train=mlr-sing]", 4)
    assert not train.equals(by_camera.rows("train").reset_index(drop=True))
    assert build_manifest(raw, "mlr-official[train=mlr-perid]", 4).digest == usual.digest
    assert set(usual.rows("query")["rate"]) <= {2, 3, 4}
    assert set(usual.rows("gallery")["rate"]) == {1}


def test_without_lists_the_folders_are_taken_as_they_are(folder):
    expected = read(folder)
    for file in folder.glob("*.txt"):
        file.unlink()
    for file in folder.glob("*.xml"):
        file.unlink()
    assert read(folder) == expected


@pytest.mark.parametrize("damage", ["gone", "empty", "pipe", "huge", "garbage"])
def test_label_files_are_never_opened(damage, folder):
    expected = read(folder)
    file = folder / "train_label.xml"
    file.unlink()
    if damage == "empty":
        file.touch()
    elif damage == "pipe":
        os.mkfifo(file)
    elif damage == "huge":
        with file.open("wb") as stream:
            stream.truncate(1 << 40)
    elif damage == "garbage":
        file.write_bytes(bytes(range(256)))
    assert read(folder) == expected


def test_a_list_decides_and_verify_tells_what_it_leaves_out(folder, tmp_path):
    file = folder / "name_test.txt"
    first, *others = file.read_text().split()
    file.write_text("\r\n".join(others))
    left_out = f"image_test/{first}"
    assert left_out not in {image.path for image in read(folder).images}
    verdict = verify_raw("mlr-veri", Source(folder), tmp_path / "cache", "names")
    findings = {finding.check: finding.items for finding in verdict.findings}
    assert findings["extra"] == (left_out,)


def test_queries_that_are_not_in_image_test_are_told_and_are_no_fault(folder, tmp_path):
    query = next(image for image in read(folder).images if image.part == "query")
    name = query.path.partition("/")[2]
    (folder / "image_test" / name).unlink()
    file = folder / "name_test.txt"
    file.write_text("\n".join(line for line in file.read_text().split() if line != name))
    verdict = verify_raw("mlr-veri", Source(folder), tmp_path / "cache", "names")
    (finding,) = [finding for finding in verdict.findings if finding.check == "queries"]
    assert (finding.items, finding.wrong) == ((query.path,), False)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("0001_c001_00030600", "0001_c001_00030601", "there is no 0001_c001_00030601_1.jpg in "),
        ("0001_c001", "0001_c021", "is not <pid, 4 digits>_c<camera 001..020>_<frame, 8 digits>"),
        ("0001_c001", "0001_c000", "is not <pid, 4 digits>_c<camera 001..020>_<frame, 8 digits>"),
        ("0001_c001", "../image_query/0001_c001", "is not <pid, 4 digits>_c<camera 001..020>"),
        ("00030605_1.jpg", "0003", "is not <pid, 4 digits>_c<camera 001..020>"),
        (
            "0001_c001_00030605_1.jpg",
            "0001_c001_00030600_1.jpg",
            "_00030600_1.jpg is listed before",
        ),
    ],
)
def test_a_wrong_line_is_named(old, new, words, folder):
    file = folder / "name_train.txt"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    message = refusal(folder)
    assert re.search(r"name_train\.txt: line \d+: ", message)
    assert words in message


def test_an_empty_list_and_a_folder_in_its_place(folder):
    file = folder / "name_query.txt"
    file.write_text("\r\n \n")
    assert refusal(folder) == (f"{file}: lists no image; remove it, or unpack the data set again")
    file.unlink()
    file.mkdir()
    assert refusal(folder).startswith(f"{file}: is a folder, not a file; ")


def test_cityflow_which_has_the_same_folders_is_not_taken_for_it(folder):
    for part in ("train", "query", "test"):
        for number, file in enumerate(sorted((folder / f"image_{part}").iterdir()), start=1):
            file.rename(file.with_name(f"{number:06d}.jpg"))
    assert "no raw folder of mlr-veri here; expected VeRi/{image_train" in refusal(folder)
