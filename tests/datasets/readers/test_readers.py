"""Every layout is read to its true index, found one level up or down, and refused by name."""

import contextlib
import io
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from crossres.datasets import CARDS, InputError, Source, build_manifest, open_raw
from crossres.datasets.readers import RawImage, reader

REPO = Path(__file__).resolve().parents[3]
SETS_OF_FILES = [name for name in CARDS if name != "mlr-cuhk03"]  # that one is a single file
JUNK = ("Thumbs.db", ".DS_Store", "._0001001.jpg", "desktop.ini")


def read(dataset, root):
    return open_raw(dataset, Source(root), Path(os.devnull))  # a cache that cannot be written


def test_the_index_is_the_truth(dataset, make, tmp_path):
    folder, truth = make(dataset, tmp_path)
    raw = read(dataset, folder)
    assert list(raw.images) == truth
    assert raw.folder == folder
    assert raw.source == "partial"  # of the set, a few images


def test_the_raw_folder_is_found_from_above_and_below(dataset, make, tmp_path):
    folder, truth = make(dataset, tmp_path / "inner")
    below = [child for child in folder.iterdir() if child.is_dir()]
    (tmp_path / "inner" / "another").mkdir()
    for root in [tmp_path / "inner", tmp_path, *below]:
        assert list(read(dataset, root).images) == truth, root


def test_one_root_may_hold_every_raw_folder(make, tmp_path):
    truths = {dataset: make(dataset, tmp_path) for dataset in CARDS}
    for dataset, (folder, truth) in truths.items():
        raw = read(dataset, tmp_path)
        assert (raw.folder, list(raw.images)) == (folder, truth)


def test_a_raw_folder_under_another_name_is_found(dataset, make, tmp_path):
    folder, truth = make(dataset, tmp_path)
    folder.rename(tmp_path / "mine")
    assert list(read(dataset, tmp_path).images) == truth
    assert read(dataset, tmp_path).folder == tmp_path / "mine"


def test_of_two_raw_folders_the_usual_name_wins_else_one_must_be_given(make, tmp_path):
    usual, _ = make("mlr-viper", tmp_path)
    copy, _ = make("mlr-viper", tmp_path / "x")
    copy.rename(tmp_path / "A-copy")
    assert read("mlr-viper", tmp_path).folder == usual
    usual.rename(tmp_path / "B-copy")
    with pytest.raises(InputError, match=r"A-copy and .*B-copy: more than one raw folder"):
        read("mlr-viper", tmp_path)


def test_junk_is_ignored_everywhere(dataset, make, tmp_path):
    folder, truth = make(dataset, tmp_path)
    for parent in [folder, *(child for child in folder.rglob("*") if child.is_dir())]:
        for name in JUNK:
            (parent / name).write_bytes(b"junk")
        (parent / "__MACOSX").mkdir()
        (parent / "__MACOSX" / "._x.jpg").write_bytes(b"junk")
    (tmp_path / "__MACOSX" / folder.name).mkdir(parents=True)
    assert list(read(dataset, tmp_path).images) == truth


def test_caviar_b_is_ignored_beside_and_inside(make, tmp_path):
    folder, truth = make("caviar", tmp_path)
    for parent in (tmp_path, folder):
        (parent / "CAVIARb").mkdir()
        (parent / "CAVIARb" / "0001001.jpg").write_bytes((folder / "0001001.jpg").read_bytes())
    assert list(read("caviar", tmp_path).images) == truth
    with pytest.raises(InputError, match="no raw folder of caviar"):
        read("caviar", make("mlr-viper", tmp_path / "other")[0])


@pytest.mark.parametrize("dataset", SETS_OF_FILES)
def test_upper_case_suffixes_are_read(dataset, make, tmp_path):
    folder, truth = make(dataset, tmp_path)
    for image in truth:
        path = folder / image.path
        path.rename(path.with_suffix(path.suffix.upper()))
    raw = read(dataset, tmp_path)
    assert [image.key for image in raw.images] == [image.key for image in truth]
    assert all(image.path[-4:].isupper() for image in raw.images)


@pytest.mark.parametrize(
    ("dataset", "name", "grammar"),
    [
        ("caviar", "0001021.jpg", "<person, 4 digits><image 001..020>.jpg"),
        ("caviar", "0001000.jpg", "<person, 4 digits><image 001..020>.jpg"),
        ("mlr-viper", "cam_b/12_45.bmp", "<id, 3 digits>_<angle>.bmp"),
        ("mlr-market", "query/0001_c7s1_000001_01.jpg", "<camera 1..6>"),
        ("mlr-market", "bounding_box_train/0001_c1_f0000001.jpg", "<frame, 6 digits>"),
        ("mlr-market", "bounding_box_test/0001_c1s1_000001_01.jpg.jpg", "<box, 2 digits>"),
        ("mlr-sysu", "cam_1/1_00001.jpg", "<id, 5 digits>"),
        ("mlr-sysu", "cam_2/00001_00001.jpg", "cam_<0|1>"),
        ("mlr-pku", "001_01_9.png", "<orientation 1..8>"),
        ("mlr-duke", "query/0001_c9_f0000001.jpg", "<camera 1..8>"),
        ("mlr-duke", "query/-1_c1_f0000001.jpg", "<pid, 4 digits>"),
        ("mlr-duke", "bounding_box_test/0001_c1s1_000001_01.jpg", "<frame, 7 digits>"),
        ("mlr-pku", "００1_01_2.png", "<orientation 1..8>"),
    ],
)
def test_a_name_outside_the_grammar_is_named(dataset, name, grammar, make, tmp_path):
    folder, _ = make(dataset, tmp_path)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"")
    with pytest.raises(InputError) as caught:
        read(dataset, tmp_path)
    assert "outside the grammar" in str(caught.value)
    assert grammar in str(caught.value)
    assert name.rpartition("/")[2] in str(caught.value) or name.split("/")[0] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_order_of_the_folder_does_not_matter(dataset, make, tmp_path, monkeypatch):
    make(dataset, tmp_path)
    expected = read(dataset, tmp_path)
    digest = build_manifest(expected).digest
    true_listdir, true_scandir = os.listdir, os.scandir
    for seed in range(3):

        def shuffled(path=".", seed=seed):
            names = true_listdir(path)
            random.Random(seed).shuffle(names)
            return names

        @contextlib.contextmanager
        def scanned(path=".", seed=seed):
            with true_scandir(path) as entries:
                listed = list(entries)
            random.Random(seed).shuffle(listed)
            yield listed

        monkeypatch.setattr(os, "listdir", shuffled)
        monkeypatch.setattr(os, "scandir", scanned)
        raw = read(dataset, tmp_path)
        assert raw == expected
        assert build_manifest(raw).digest == digest


def test_neither_hash_seed_locale_nor_process_matters(make, tmp_path):
    for dataset in CARDS:
        make(dataset, tmp_path)
    code = (
        "import sys, pathlib\nfrom crossres import datasets as d\n"
        "root = pathlib.Path(sys.argv[1])\n"
        "for name in sys.argv[2:]:\n"
        "    raw = d.open_raw(name, d.Source(root), root / 'cache')\n"
        "    print(name, d.build_manifest(raw, seed=4).digest)\n"
    )
    outputs = set()
    for hash_seed, locale in (("0", "C"), ("1", "C.UTF-8"), ("4242", "C")):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "LC_ALL": locale}
        command = [sys.executable, "-c", code, str(tmp_path), *CARDS]
        process = subprocess.run(
            command, capture_output=True, text=True, check=True, cwd=REPO, env=environment
        )
        outputs.add(process.stdout)
    here = "".join(
        f"{name} {build_manifest(read(name, tmp_path), seed=4).digest}\n" for name in CARDS
    )
    assert outputs == {here}


def test_a_missing_folder_says_what_to_get(dataset, tmp_path):
    with pytest.raises(InputError, match="there is no such folder") as caught:
        read(dataset, tmp_path / "missing")
    assert CARDS[dataset].folder in str(caught.value)
    with pytest.raises(InputError, match=f"no raw folder of {dataset} here") as caught:
        read(dataset, tmp_path)
    for text in (str(tmp_path), CARDS[dataset].layout, CARDS[dataset].obtain):
        assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_data_set_lists_the_known(tmp_path):
    with pytest.raises(InputError, match=r"unknown data set 'mars'.*mlr-market"):
        read("mars", tmp_path)


@pytest.mark.parametrize("dataset", SETS_OF_FILES)
@pytest.mark.parametrize("damage", ["truncated", "text", "empty", "missing"])
def test_a_damaged_image_is_named(dataset, damage, make, tmp_path):
    folder, truth = make(dataset, tmp_path)
    file = folder / truth[0].path
    if damage == "missing":
        file.unlink()
    else:
        content = file.read_bytes()
        bad = {"truncated": content[: len(content) * 2 // 3], "text": b"<html>", "empty": b""}
        file.write_bytes(bad[damage])
    with pytest.raises(InputError) as caught:
        reader(CARDS[dataset].reader).open_image(folder, truth[0].path)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_truncated_image_is_refused_whatever_others_asked_of_the_decoder(
    make, tmp_path, monkeypatch
):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    folder, truth = make("mlr-pku", tmp_path)
    file = folder / truth[0].path
    file.write_bytes(file.read_bytes()[:3000])
    with pytest.raises(InputError, match="not a whole"):
        reader("pku").open_image(folder, truth[0].path)


def test_images_are_decoded_by_content_to_rgb(tmp_path):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (9, 7, 3), dtype=np.uint8)
    open_image = reader("pku").open_image
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "BMP")
    (tmp_path / "bmp.png").write_bytes(stream.getvalue())
    assert np.array_equal(open_image(tmp_path, "bmp.png"), pixels)
    Image.fromarray(pixels[..., 0]).save(tmp_path / "grey.png")
    assert np.array_equal(open_image(tmp_path, "grey.png"), np.stack([pixels[..., 0]] * 3, -1))
    Image.fromarray(pixels).save(tmp_path / "x.gif")
    with pytest.raises(InputError, match=r"x\.gif: not a whole JPEG, PNG or BMP image"):
        open_image(tmp_path, "x.gif")


def test_a_twins_marker_is_the_source(make, tmp_path):
    folder, _ = make("mlr-viper", tmp_path)
    (folder / "crossres-twin.json").write_text('{"size": "quick", "version": 3}')
    raw = read("mlr-viper", tmp_path)
    assert raw.source == "twin:quick:3"
    assert raw.notes == ()
    (folder / "crossres-twin.json").write_text('{"size": "quick"}')
    with pytest.raises(InputError, match=r"crossres-twin\.json: not the marker of a twin"):
        read("mlr-viper", tmp_path)


def test_unexpected_counts_are_noted_not_refused(make, tmp_path):
    make("mlr-viper", tmp_path)
    raw = read("mlr-viper", tmp_path)
    assert raw.other_counts == ("8 of 632 identities", "16 of 1,264 images")
    assert raw.notes == tuple(f"the raw folder: {words}" for words in raw.other_counts)


def test_two_files_of_one_name_are_refused(make, tmp_path):
    folder, _ = make("caviar", tmp_path)
    (folder / "0001001.JPG").write_bytes((folder / "0001001.jpg").read_bytes())
    with pytest.raises(InputError, match="0001001: two files differ only in their suffix"):
        read("caviar", tmp_path)


def test_the_key_of_an_image_is_its_path_without_the_suffix():
    assert RawImage("cam_a/000_45.bmp", 0, 0).key == "cam_a/000_45"
    assert RawImage("detected/1/2/3", 1002, 11).key == "detected/1/2/3"
    assert RawImage("a.b/c", 1, 1).key == "a.b/c"
