"""Users' own crops: every form of a definition, names as numbers, and what is refused."""

import os
from dataclasses import replace

import pytest

from crossres.datasets import InputError
from crossres.datasets.cards import BY_SIZE, Layout
from crossres.datasets.readers.own import numbered, read
from crossres.datasets.readers.parts.listing import collecting_strays
from tests.datasets.own_crops import PATTERN, PEOPLE, crop, station

LAYOUT = Layout(pattern=PATTERN, definition="station.toml")


def test_names_are_numbered_in_the_order_of_their_characters(tmp_path):
    content = read(station(tmp_path), LAYOUT)
    assert {(image.pid, image.camid) for image in content.images} == {
        (pid, camid) for pid in range(1, 9) for camid in (1, 2)
    }
    assert dict(content.names.pids) == dict(enumerate(PEOPLE, start=1))
    assert dict(content.names.camids) == {1: "hall", 2: "north-gate"}


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        (["7", "0012", "-1"], [7, 12, -1]),
        (["7", "007"], [2, 1]),
        (["7", "x"], [1, 2]),
        (["b", "a", "b"], [2, 1, 2]),
        (["1234567890"], [1]),
        (["٣", "4"], [2, 1]),
        (["é", "z"], [2, 1]),
    ],
)
def test_whole_numbers_stay_and_all_else_is_counted(names, numbers):
    by_name = numbered(names)
    assert [by_name[name] for name in names] == numbers
    assert numbered(names[::-1]) == by_name


def test_numbers_need_no_names(tmp_path):
    for pid in ("0003", "0004"):
        crop(tmp_path / pid / "a.jpg")
    content = read(tmp_path, Layout(folders=("pid",)))
    assert [image.pid for image in content.images] == [3, 4]
    assert not content.names.pids


def test_views_are_cameras_and_a_camera_stands_for_its_views(tmp_path):
    for person in ("alice", "bob"):
        for camera in ("gate-left", "gate-right", "hall-left"):
            crop(tmp_path / f"{person}_{camera}.png")
    pattern = r"(?P<pid>\w+?)_(?P<camid>\w+)-(?P<view>\w+)\.png"
    content = read(tmp_path, Layout(pattern=pattern, lr_cameras=("gate",)))
    assert dict(content.names.camids) == {1: "gate/left", 2: "gate/right", 3: "hall/left"}
    assert content.lr_cameras == (1, 2)
    assert read(tmp_path, Layout(pattern=pattern, lr_cameras=("gate/right",))).lr_cameras == (2,)


def test_splits_by_many_names(tmp_path):
    names = {"bounding_box_train": "train", "Query": "query", "bounding_box_test": "gallery"}
    for folder, pid in (("bounding_box_train", "a"), ("Query", "b"), ("bounding_box_test", "b")):
        crop(tmp_path / folder / pid / "0.png")
    content = read(tmp_path, Layout(folders=("split", "pid")))
    assert {i.path.partition("/")[0]: i.part for i in content.images} == names


def test_a_list_in_any_order_of_columns(tmp_path):
    station(tmp_path / "crops", ["alice", "bob"], ["hall"])
    file = tmp_path / "list.csv"
    file.write_text(
        "pid;path;rate;split\n"
        "bob;day1/bob@hall@1.png;0;gallery\n"
        "bob;day0/bob@hall@0.png;4;query\n"
        "alice;day0/alice@hall@0.png;1;train\n"
    )
    content = read(tmp_path / "crops", Layout(list_file=str(file)))
    assert [(i.path[:4], i.pid, i.camid, i.part) for i in content.images] == [
        ("day0", 1, -1, "train"),
        ("day0", 2, -1, "query"),
        ("day1", 2, -1, "gallery"),
    ]
    assert sorted(content.rates.values()) == [0, 1, 4]
    assert content.native_lr == {"day1/bob@hall@1.png"}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "line 1: there is no column path; begin the file with path,pid"),
        (["path,person", "a.png,x"], "line 1: unknown column 'person'"),
        (["path,split", "a.png,train"], "there is no column pid"),
        (["path,pid,pid", "a.png,x,y"], "a column stands twice"),
        (["path,pid", "a.png"], "line 2: 1 field, the header has 2"),
        (["path,pid", "a.png,x", "a.png,y"], "line 3: a.png stands in line 2, too"),
        (["path,pid", "../b.png,x"], "is no path below"),
        (["path,pid", "/etc/passwd,x"], "is no path below"),
        (["path,pid", "none.png,x"], "there is no file .*none.png; correct the path or root"),
        (["path,pid,rate", "a.png,x,5"], "the rate is '5'; give one of 0, 1, 2"),
        (["path,pid", "a.png,", "b.png,y"], "1 image of 2 have no pid, the first is a.png"),
        (["path,pid,camid", "a.png,x,1", "b.png,y,"], "1 image of 2 have no camid.*or of none"),
        (["path,pid,split", "a.png,x,tain", "b.png,y,test"], "did you mean 'train'"),
        (["path,pid,split", "a.png,x,train", "b.png,x,test", "c.jpg,y,test"], "in both"),
        (["path,pid", "a.png,x", "b.png,x"], "all of 1 identity; two at least"),
        (["path,pid", '"a.png,x'], "line 2: a quote is not closed"),
    ],
)
def test_a_wrong_line_of_a_list_is_named(lines, message, tmp_path):
    for name in ("a.png", "b.png", "c.jpg"):
        crop(tmp_path / name)
    file = tmp_path / "list.csv"
    file.write_text("".join(f"{line}\n" for line in lines))
    with pytest.raises(InputError, match=message) as refused:
        read(tmp_path, Layout(list_file=str(file)))
    assert "list.csv" in str(refused.value) or "b.png" in str(refused.value)


def test_images_outside_the_pattern_are_counted_and_the_first_is_named(tmp_path):
    station(tmp_path)
    crop(tmp_path / "day0" / "unknown.png")
    (tmp_path / "photo.webp").write_bytes(b"RIFF")
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / ".hidden.png").write_text("")
    (tmp_path / "Thumbs.db").write_text("")
    message = r"station.toml: 2 of 34 images in .* the first is day0/unknown\.png.*`ignore`"
    with pytest.raises(InputError, match=message):
        read(tmp_path, LAYOUT)
    with collecting_strays() as strays:
        assert len(read(tmp_path, LAYOUT).images) == 32
    assert [path.name for path in strays] == ["unknown.png", "photo.webp"]
    assert len(read(tmp_path, replace(LAYOUT, ignore=r".*unknown.*|.*\.webp")).images) == 32


def test_what_cannot_be_meant_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"holds no image that station\.toml describes"):
        read(tmp_path, LAYOUT)
    crop(tmp_path / "day0" / "alice@hall@0.png")
    with pytest.raises(InputError, match="all of 1 identity"):
        read(tmp_path, LAYOUT)
    crop(tmp_path / "day0" / "bob@hall@0.png")
    with pytest.raises(InputError, match=r"unknown camera 'gate'.*known are hall"):
        read(tmp_path, replace(LAYOUT, lr_cameras=("gate",)))
    with pytest.raises(InputError, match="no camera is told"):
        read(tmp_path, Layout(pattern=r".*/(?P<pid>\w+)@.*", natively_lr=("gate",)))
    crop(tmp_path / "day0" / "bob@hall@0.jpg")
    with pytest.raises(InputError, match="but for the suffix; remove or rename"):
        read(tmp_path, replace(LAYOUT, pattern=PATTERN.replace("png", "(?:png|jpg)")))


def test_junk_without_a_split_is_left_out_and_noted(tmp_path):
    for pid in ("-1", "5", "6"):
        crop(tmp_path / f"{pid}_c1.jpg")
    layout = Layout(pattern=r"(?P<pid>-?\d+)_c(?P<camid>\d)\.jpg")
    content = read(tmp_path, layout)
    assert [image.pid for image in content.images] == [5, 6]
    assert content.notes == ("1 image of pid -1 (junk) left out",)


def test_links_are_followed_and_loops_end(tmp_path):
    station(tmp_path / "elsewhere", ["alice", "bob"])
    (tmp_path / "crops").mkdir()
    (tmp_path / "crops" / "week").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "again").symlink_to(tmp_path / "crops")
    assert len(read(tmp_path / "crops", replace(LAYOUT, pattern=rf"week/{PATTERN}")).images) == 8


def test_names_that_no_manifest_could_hold_are_refused(tmp_path):
    station(tmp_path)
    crop(tmp_path / "day0" / "a\xa0b@hall@0.png")
    wide = r"[^/]+/(?P<pid>[^@]+)@(?P<camid>[a-z-]+)@\d+\.png"
    assert len(read(tmp_path, replace(LAYOUT, pattern=wide)).images) == 33
    odd = tmp_path / "day0" / os.fsdecode(b"caf\xe9.png")
    try:
        odd.write_bytes(b"")
    except OSError:
        pytest.skip("this file system takes no such name")
    with pytest.raises(InputError, match="sign that cannot stand in a manifest; rename it"):
        read(tmp_path, LAYOUT)


def test_small_images_are_natively_lr(tmp_path):
    sizes = {"a": (40, 80), "b": (20, 40), "c": (21, 40), "d": (40, 80), "e": (44, 84)}
    for name, size in sizes.items():
        crop(tmp_path / name / "0.png", size)
    layout = Layout(folders=("pid",), natively_lr=BY_SIZE)
    assert read(tmp_path, layout).native_lr == {"b/0.png"}
    crop(tmp_path / "b" / "0.png", (40, 80))
    with pytest.raises(InputError, match="no image has at most a quarter"):
        read(tmp_path, layout)
    (tmp_path / "a" / "0.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    with pytest.raises(InputError, match=r"a/0\.png: not a whole JPEG"):
        read(tmp_path, layout)


def test_cameras_may_be_natively_lr(tmp_path):
    content = read(station(tmp_path, shots=1), replace(LAYOUT, natively_lr=("hall",)))
    assert len(content.native_lr) == len(PEOPLE)
    assert all("@hall@" in path for path in content.native_lr)
