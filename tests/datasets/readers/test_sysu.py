"""SYSU: three accepted layouts, and two other sets of that name that are refused by name."""

import pytest
from PIL import Image

from crossres.datasets import InputError, Source, open_raw
from crossres.datasets.readers import reader


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


# --- a table of the user's ------------------------------------------------------------------------


def test_a_table_is_read_whatever_the_names(make_table, tmp_path):
    folder = tmp_path / "root" / "mine"
    truth = sorted(make_table(folder), key=lambda image: image.path)
    for root in (folder, folder.parent, tmp_path, folder / "some", folder / "images.csv"):
        raw = read(root)
        assert (raw.folder, list(raw.images)) == (folder, truth)
    pixels = reader("sysu").open_image(folder, truth[0].path)
    assert pixels.shape == (70, 30, 3)


def test_a_table_is_believed_before_the_folders_beside_it(make, tmp_path):
    folder, truth = make("mlr-sysu", tmp_path)
    lines = [f"{image.path},{image.pid + 7},{image.camid}" for image in truth[:-1]]
    (folder / "images.csv").write_text("\n".join(["path,pid,cam", *lines]))
    assert [image.pid for image in read(folder).images] == [image.pid + 7 for image in truth[:-1]]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("some/a.jpg,1", "2 fields; each line has three: path,pid,cam"),
        ("some/a.jpg,1,2,3", "4 fields"),
        ("some/a.jpg,x,2", "pid 'x' is not a whole number"),
        ("some/a.jpg,-1,2", "pid '-1' is not a whole number"),
        ("some/a.jpg,1,", "cam '' is not a whole number"),
        ("some/a.jpg,1,7", "camera 7 is a third one; the set has two cameras"),
        ("some/b.jpg,1,2", "there is no file some/b.jpg; correct the path"),
        ("some/a.txt,1,2", "'some/a.txt' is not the path of an image"),
        (",1,2", "'' is not the path of an image"),
        ("some\\a.jpg,1,2", "is not the path of an image"),
        ("../mine/some/a.jpg,1,2", "is not below the folder of the table"),
        ("/some/a.jpg,1,2", "is not below the folder of the table"),
        ("some//a.jpg,1,2", "is not below the folder of the table"),
        ('"some/a.jpg,1,2', "a quote is not closed, so it is not CSV"),
        ("some/where 0/2z.PNG,0,2", "some/where 0/2z.PNG is listed before"),
    ],
)
def test_a_wrong_line_of_the_table_is_named(line, problem, make_table, tmp_path):
    make_table(tmp_path / "mine")
    Image.new("RGB", (9, 9)).save(tmp_path / "mine" / "some" / "a.jpg")
    file = tmp_path / "mine" / "images.csv"
    before = file.read_text().rstrip().splitlines()
    file.write_text("\n".join([*before, line]) + "\n")
    with pytest.raises(InputError) as caught:
        read(tmp_path)
    assert f"images.csv: line {len(before) + 1}: " in str(caught.value)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "\n", "a.jpg,1,2\n", "path|pid|cam\n", "Path,Pid,Cam\n"])
def test_a_table_without_its_header_is_named(content, tmp_path):
    (tmp_path / "images.csv").write_text(content)
    with pytest.raises(InputError, match=r"line 1: no header.*; begin it with path,pid,cam"):
        read(tmp_path)


def test_a_table_that_is_not_text_is_named(tmp_path):
    (tmp_path / "images.csv").write_bytes(b"PK\x03\x04\xff")
    with pytest.raises(InputError, match=r"images\.csv: line 1 is not UTF-8 text"):
        read(tmp_path)


def test_a_table_of_no_image_is_named(tmp_path):
    (tmp_path / "images.csv").write_text("path,pid,cam\n")
    with pytest.raises(InputError, match="holds no image"):
        read(tmp_path)
