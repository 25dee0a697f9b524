"""The guess that begins a definition: common ways of naming, and what is no guess."""

import pytest

import crossres.datasets.own.guess as guess_module
from crossres.datasets import InputError, Source, open_raw
from crossres.datasets.own.definition import card_from
from crossres.datasets.own.guess import guessed, id_for, protocol_for
from tests.datasets.own_crops import crop, station

PEOPLE = ("ann", "ben", "cleo", "dan", "ed")


def drawn(folder, grammar, cameras=("1", "2"), people=PEOPLE, shots=2):
    for number, person in enumerate(people, start=1):
        for camera in cameras:
            for shot in range(shots):
                crop(folder / grammar.format(p=person, n=number, c=camera, s=shot))
    return folder


def seen(folder):
    """What the guess makes of a folder: identities, cameras, protocol."""
    guess = guessed(folder)
    entries = {"id": "x", "root": str(folder), "protocol": "mlr-sing", **guess.entries}
    raw = open_raw(card_from("x", entries, folder), Source(), folder)
    return raw.card.identities, raw.card.cameras, protocol_for(raw)


@pytest.mark.parametrize(
    ("grammar", "cameras", "expected"),
    [
        ("{n:04d}_c{c}s1_{s:06d}_00.jpg", "123", (5, 3, "mlr-perid")),
        ("train/{n:04d}_c{c}_f{s:07d}.jpg", "12", (5, 2, "mlr-sing")),
        ("{p}_cam{c}_{s}.jpg", "12", (5, 2, "mlr-sing")),
        ("cam{c}_{p}_{s}.jpg", "12", (5, 2, "mlr-sing")),
        ("{p}_{c}_{s}.png", "ab", (5, 2, "mlr-sing")),
        ("{p}-{c}-{s}.bmp", ("hall", "gate"), (5, 2, "mlr-sing")),
        ("{c}@{p}@{s}.png", ("hall", "gate"), (5, 2, "mlr-sing")),
        ("{p}/{s}.jpg", ("",), (5, 0, "mlr-uniform")),
        ("{p}_{s}.jpg", ("",), (5, 0, "mlr-uniform")),
        ("{p}/{c}_{s}.jpg", ("c1", "c2", "c3"), (5, 3, "mlr-perid")),
        ("{p}/{c}/{s}.jpg", ("hall", "gate"), (5, 2, "mlr-sing")),
        ("{c}/{p}/{s}.jpg", ("hall", "gate"), (5, 2, "mlr-sing")),
        ("cam{c}/{p}_{s}.JPG", "12", (5, 2, "mlr-sing")),
        ("site1/{p}/cam{c}_{s}.jpg", "12", (5, 2, "mlr-sing")),
        ("day{s}/{p}@{c}@{s}.png", ("hall", "north-gate"), (5, 2, "mlr-sing")),
        ("day{s}/{p}/{c}/{s}.png", ("hall", "north"), (5, 2, "mlr-sing")),
        ("a/b/day{s}/c{s}/d{s}/{p}/{c}/{s}.png", ("hall", "north"), (5, 2, "mlr-sing")),
        ("{p}/cam{c}/a/b/c/{s}.jpg", "12", (5, 2, "mlr-sing")),
        ("{p}/cam{c}/2020/0{s}/02/{s}.jpg", "12", (5, 2, "mlr-sing")),
        ("cam{c}/{p}/a/b/c/{s}.jpg", "12", (5, 2, "mlr-sing")),
        ("{p}/a/b/c/d/cam{c}_{s}.jpg", "12", (5, 2, "mlr-sing")),
        ("a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/{p}/{c}/{s}.png", ("hall", "north"), (5, 2, "mlr-sing")),
    ],
)
def test_common_names_are_understood(grammar, cameras, expected, tmp_path):
    assert seen(drawn(tmp_path, grammar, cameras)) == expected


def test_numbers_of_images_are_no_cameras(tmp_path):
    folder = drawn(tmp_path, "{p}_x_{s:03d}.jpg", [""], shots=12)
    assert seen(folder) == (5, 0, "mlr-uniform")


def test_a_split_in_folders(tmp_path):
    drawn(tmp_path, "train/{p}_{c}_{s}.jpg")
    drawn(tmp_path, "query/{p}_{c}_{s}.jpg", "1", ["fay", "guy"], 1)
    drawn(tmp_path, "gallery/{p}_{c}_{s}.jpg", "2", ["fay", "guy"], 1)
    assert "(?P<split>" in guessed(tmp_path).entries["pattern"]
    assert seen(tmp_path) == (7, 2, "mlr-sing")


def test_a_list_beside_the_images_comes_first(tmp_path):
    drawn(tmp_path, "{p}_{c}_{s}.jpg")
    (tmp_path / "boxes.csv").write_text("path,x,y\n")
    (tmp_path / "crops.csv").write_text(
        "path,pid,split,rate\nann_1_0.jpg,ann,train,1\nben_1_0.jpg,ben,query,4\n"
        "ben_2_0.jpg,ben,gallery,1\n"
    )
    assert guessed(tmp_path).entries == {"csv": str(tmp_path / "crops.csv")}
    assert seen(tmp_path) == (2, 0, "given")


def test_the_guess_depends_on_the_names_alone(tmp_path):
    first = guessed(drawn(tmp_path / "a", "{p}_{c}_{s}.jpg"))
    assert guessed(drawn(tmp_path / "b", "{p}_{c}_{s}.jpg", "21", PEOPLE[::-1])) == first


def test_what_nobody_could_guess_is_said(tmp_path):
    with pytest.raises(InputError, match="there is no such folder"):
        guessed(tmp_path / "none")
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(InputError, match=r"no \.jpg, \.png or \.bmp among 1 file here"):
        guessed(tmp_path)
    crop(tmp_path / "one.jpg")
    with pytest.raises(InputError, match=r"no grammar known here fits .* one\.jpg"):
        guessed(tmp_path)


def test_an_id_is_never_one_of_crossres(tmp_path):
    assert id_for(tmp_path / "Caviar") == "my-caviar"
    assert id_for(tmp_path / "My crops (2)") == "my-crops-2"
    assert id_for(tmp_path / "日本") == "my-data"


def test_the_guess_shows_an_example(tmp_path):
    example = guessed(station(tmp_path)).example
    assert example == "day0/alice@hall@0.png: identity alice, camera hall"


def test_of_many_images_some_are_enough(tmp_path, monkeypatch):
    whole = guessed(drawn(tmp_path, "{p}_{c}_{s}.jpg", "123", shots=9))
    monkeypatch.setattr(guess_module, "MOST", 40)
    assert guessed(tmp_path).entries == whole.entries
