"""MSMT17: both versions, four lists, every oddity one clear line."""

import re
import shutil

import pytest

from crossres.datasets import InputError, Source, build_manifest, open_raw, verify_raw

PROTOCOLS = ["mlr-perid", "mlr-sing", "mlr-official[train=mlr-sing]", "fixed-r[rate=2]"]


@pytest.fixture
def folder(make, tmp_path):
    return make("mlr-msmt17", tmp_path)[0]


def read(root):
    return open_raw("mlr-msmt17", Source(root), root / "no-cache")


def refusal(root):
    with pytest.raises(InputError) as caught:
        read(root)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def change(file, old, new):
    text = file.read_bytes().decode()
    assert old in text
    file.write_bytes(text.replace(old, new, 1).encode())


def test_images_of_validation_train_and_pids_of_train_and_test_never_collide(folder):
    images = read(folder).images
    train, query, gallery = (
        {i.pid for i in images if i.part == part} for part in ("train", "query", "gallery")
    )
    assert train == {999_999, 1, 2, 1040}
    assert query == gallery == {1_000_000, 1_000_001, 1_000_007, 1_003_059}
    validated = {f"train/{line.split()[0]}" for line in (folder / "list_val.txt").open()}
    assert len(validated) > 3
    assert validated < {i.path for i in images if i.part == "train"}


def test_camera_15_of_the_name_is_camera_15(folder):
    assert {i.camid for i in read(folder).images} == {1, 2, 15}


# --- both versions --------------------------------------------------------------------------------


def test_version_2_is_read_to_its_index_and_says_that_faces_are_masked(make_v2, tmp_path):
    index = make_v2(tmp_path / "MSMT17_V2")
    raw = read(tmp_path)
    assert list(raw.images) == sorted(index, key=lambda image: image.path)
    assert "version 2 of MSMT17, whose faces are masked" in raw.notes[0]
    assert raw.notes[0] in build_manifest(raw).notes


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_both_versions_have_the_same_split_under_two_digests(protocol, make, make_v2, tmp_path):
    make("mlr-msmt17", tmp_path / "1")
    make_v2(tmp_path / "2" / "MSMT17_V2")
    first, second = (build_manifest(read(tmp_path / name), protocol, 3) for name in "12")
    renamed = second.table.assign(
        path=second.table["path"].str.replace(r"^mask_(\w+)_v2", r"\1", regex=True)
    )
    assert renamed.equals(first.table)
    assert first.digest != second.digest
    assert first.notes != second.notes


def test_of_two_versions_side_by_side_one_must_be_given(make, make_v2, tmp_path):
    make("mlr-msmt17", tmp_path)
    make_v2(tmp_path / "MSMT17_V2")
    assert re.search(
        r"MSMT17_V1 and .*MSMT17_V2: more than one raw folder of this layout; give one of them",
        refusal(tmp_path),
    )
    assert read(tmp_path / "MSMT17_V2").folder == tmp_path / "MSMT17_V2"
    assert read(tmp_path / "MSMT17_V1" / "train").folder == tmp_path / "MSMT17_V1"


def test_two_versions_in_one_folder_are_refused(folder, make_v2, tmp_path):
    make_v2(tmp_path / "other")
    for name in ("mask_train_v2", "mask_test_v2"):
        shutil.move(tmp_path / "other" / name, folder)
    assert refusal(folder) == (
        f"{folder}: holds both versions of MSMT17, train and mask_train_v2; "
        "give each a folder of its own, with its lists"
    )


# --- lists ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["train", "val", "query", "gallery"])
def test_a_missing_or_empty_list_is_named(name, folder):
    file = folder / f"list_{name}.txt"
    file.write_text("\r\n\n")
    assert refusal(folder) == f"{file}: lists no image; unpack the data set again"
    file.unlink()
    assert refusal(folder) == f"{file}: the file is missing; unpack the data set again"


def test_without_any_list_the_message_says_what_belongs_there(folder):
    for file in folder.glob("*.txt"):
        file.unlink()
    assert "no raw folder of mlr-msmt17 here; expected MSMT17_V1/{train,test}" in refusal(folder)
    assert "list_{train,val,query,gallery}.txt" in refusal(folder)


def test_a_list_that_was_cut_within_a_line_is_told_with_the_line(folder):
    file = folder / "list_query.txt"
    file.write_bytes(file.read_bytes()[:-9])
    assert re.search(r"list_query\.txt: line 8: '.*' is not <pid, 4 digits>/", refusal(folder))


def test_a_list_that_was_cut_between_lines_leaves_images_that_verify_tells(folder, tmp_path):
    file = folder / "list_gallery.txt"
    lines = [line for line in file.read_text().splitlines() if line]
    kept = [line for line in lines if not line.startswith("3059/")][:-1]
    left = {f"test/{line.split()[0]}" for line in lines if line not in kept}
    file.write_text("\n".join(kept))
    query = folder / "list_query.txt"
    rest = [line for line in query.read_text().splitlines() if not line.startswith("3059/")]
    left |= {
        f"test/{p}"
        for p in (line.split()[0] for line in query.read_text().splitlines())
        if p[:4] == "3059"
    }
    query.write_text("\n".join(rest))
    verdict = verify_raw("mlr-msmt17", Source(folder), tmp_path / "cache", "names")
    (extra,) = [finding for finding in verdict.findings if finding.check == "extra"]
    assert set(extra.items) == left | {"test/0000/0000_099_02_0303noon_0016_0.jpg"}
    assert not verdict.as_expected


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("0303noon_0016_0", "0303noon_0017_0", "there is no 0000/0000_"),
        ("0001/0001_", "0001/0007_", "is given to identity 1; correct the line"),
        (".jpg 7", ".jpg 1", "is given to identity 1; correct the line, or get the list again"),
        ("_15_0303", "_16_0303", "is not <pid, 4 digits>/<pid>_<image, 3 digits>_<camera 01..15>"),
        ("_15_0303", "_00_0303", "is not <pid, 4 digits>/<pid>_<image, 3 digits>_<camera 01..15>"),
        ("0000/0000_", "0000/../0000/0000_", "is not <pid, 4 digits>/"),
        ("0000/0000_", "/etc/0000_", "is not <pid, 4 digits>/"),
        ("0303noon", "0303night", "is not <pid, 4 digits>/"),
        (".jpg 3059", ".jpg", "is not <pid, 4 digits>/"),
        (".jpg 3059", ".jpg ３０５９", "is not <pid, 4 digits>/"),
        ("0000/0000_", "0042/0042_", "is given to identity 0"),
    ],
)
def test_a_wrong_line_is_named(old, new, words, folder):
    change(folder / "list_query.txt", old, new)
    message = refusal(folder)
    assert re.search(r"list_query\.txt: line \d+: ", message)
    assert words in message


def test_an_identity_that_has_no_folder(folder):
    change(folder / "list_query.txt", "0000/0000_000", "0042/0042_000")
    change(folder / "list_query.txt", "02_0303noon_0016_0.jpg 0", "02_0303noon_0016_0.jpg 42")
    assert "there is no 0042/0042_000" in refusal(folder)


@pytest.mark.parametrize(("one", "other"), [("query", "gallery"), ("train", "val"), ("val", "val")])
def test_an_image_that_is_listed_twice(one, other, folder):
    line = (folder / f"list_{one}.txt").read_text().split("\n")[0].strip()
    with (folder / f"list_{other}.txt").open("a") as file:
        file.write(f"\n{line}\n")
    assert f"{line.split()[0]} is listed before, here or in another list; remove" in refusal(folder)


def test_images_of_identities_that_no_list_names_are_passed_over(folder):
    expected = read(folder).images
    shutil.copytree(folder / "test" / "0001", folder / "test" / "4000")
    (folder / "train" / "notes").mkdir()
    assert read(folder).images == expected
