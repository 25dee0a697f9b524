"""What may not change the digest of a split, and what must; for every data set that has a card."""

import contextlib
import locale
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from crossres.datasets import CARDS, PROTOCOLS, InputError, Source, build_manifest, open_raw
from crossres.datasets.readers import reader

REPO = Path(__file__).resolve().parents[2]
CODE = """
import locale, sys, pathlib
from crossres import datasets as d
if sys.argv[2]:
    locale.setlocale(locale.LC_ALL, sys.argv[2])
root = pathlib.Path(sys.argv[1])
for name in d.CARDS:
    raw = d.open_raw(name, d.Source(root), root / "cache")
    print(name, *(d.build_manifest(raw, seed=seed).digest for seed in (0, 7)))
"""


def read(dataset, root):
    return open_raw(dataset, Source(root), Path(os.devnull))  # a cache that cannot be written


def digest(dataset, root, seed=0, protocol=None):
    return build_manifest(read(dataset, root), protocol, seed).digest


@contextlib.contextmanager
def scanned(scandir, path, seed):
    """What os.scandir gives, in another order."""
    with scandir(path) as entries:
        listed = list(entries)
    random.Random(seed).shuffle(listed)
    yield listed


# --- the same digest ------------------------------------------------------------------------------


def test_under_any_order_of_the_listing(dataset, make, tmp_path, monkeypatch):
    make(dataset, tmp_path)
    expected, raw = digest(dataset, tmp_path), read(dataset, tmp_path)
    listdir, scandir, folders = os.listdir, os.scandir, []
    for seed in range(5):

        def shuffled(path=".", seed=seed):
            folders.append(path)
            return random.Random(seed).sample(names := listdir(path), len(names))

        def shuffled_scan(path=".", seed=seed):
            folders.append(path)
            return scanned(scandir, path, seed)

        monkeypatch.setattr(os, "listdir", shuffled)
        monkeypatch.setattr(os, "scandir", shuffled_scan)
        assert read(dataset, tmp_path) == raw
        assert digest(dataset, tmp_path) == expected
    assert folders


def test_of_a_copy_elsewhere_with_other_times(dataset, make, tmp_path):
    folder, _ = make(dataset, tmp_path / "one")
    expected = digest(dataset, folder)
    copy = tmp_path / "another disk" / "x" / folder.name
    shutil.copytree(folder, copy, copy_function=shutil.copyfile)
    for file in copy.rglob("*"):
        os.utime(file, (1, 1))
    assert digest(dataset, copy.parent) == expected


def test_under_another_name_of_the_folder_and_from_above_and_below(dataset, make, tmp_path):
    folder, _ = make(dataset, tmp_path / "a")
    expected = digest(dataset, folder)
    folder.rename(tmp_path / "a" / "renamed")
    below = [child for child in (tmp_path / "a" / "renamed").iterdir() if child.is_dir()]
    for root in (tmp_path, tmp_path / "a", *below):
        assert digest(dataset, root) == expected


def test_with_junk_everywhere(dataset, make, tmp_path):
    folder, _ = make(dataset, tmp_path)
    expected = digest(dataset, folder)
    for parent in [folder, *(child for child in folder.rglob("*") if child.is_dir())]:
        for name in ("Thumbs.db", ".DS_Store", "._a.jpg", "desktop.ini", "__MACOSX/._0001001.jpg"):
            (parent / name).parent.mkdir(exist_ok=True)
            (parent / name).write_bytes(b"junk")
    assert digest(dataset, tmp_path) == expected


def test_through_links_to_folder_and_files(dataset, make, tmp_path):
    folder, truth = make(dataset, tmp_path / "store")
    expected = digest(dataset, folder)
    files = reader(CARDS[dataset].reader)
    for source in {files.source_file(folder, image.path) for image in truth}:
        target = tmp_path / "store" / f"object{len(list((tmp_path / 'store').iterdir()))}"
        source.rename(target)
        source.symlink_to(target)
    (tmp_path / "linked").symlink_to(folder)
    assert digest(dataset, tmp_path / "linked") == expected


def locales():
    """Locales that change how text is sorted and cased, where they are installed."""
    usable, usual = [], locale.setlocale(locale.LC_ALL)
    for name in ("C.UTF-8", "en_US.UTF-8", "tr_TR.UTF-8", "de_DE.UTF-8"):
        try:
            locale.setlocale(locale.LC_ALL, name)
        except locale.Error:
            continue
        usable.append(name)
    locale.setlocale(locale.LC_ALL, usual)
    return usable


def test_in_any_process_hash_seed_and_locale(make, tmp_path):
    for dataset in CARDS:
        make(dataset, tmp_path)
    here = "".join(
        f"{dataset} {digest(dataset, tmp_path, 0)} {digest(dataset, tmp_path, 7)}\n"
        for dataset in CARDS
    )
    outputs = {}
    for number, name in enumerate(["C", "C", *locales()]):
        environment = {**os.environ, "PYTHONHASHSEED": str(number * 1000 + 1), "LC_ALL": name}
        command = [sys.executable, "-c", CODE, str(tmp_path), name]
        process = subprocess.run(
            command, capture_output=True, text=True, check=True, cwd=REPO, env=environment
        )
        outputs[number, name] = process.stdout
    assert set(outputs.values()) == {here}


# --- another digest -------------------------------------------------------------------------------


def test_when_an_image_is_renamed(dataset, make, tmp_path):
    folder, truth = make(dataset, tmp_path)
    if reader(CARDS[dataset].reader).source_file(folder, truth[0].path).suffix == ".mat":
        pytest.skip("its images are cells of one file, which have no names to change")
    used = build_manifest(read(dataset, tmp_path))
    file = folder / used.table["path"].iloc[0]
    # The suffix: the one part of a name that every grammar leaves some choice in.
    try:
        file.rename(file.with_suffix(file.suffix.swapcase()))
        changed = digest(dataset, tmp_path)
    except InputError:  # a set of lists, where the name of an image is what a list says
        return
    assert changed != used.digest


def test_when_the_seed_changes(dataset, make, tmp_path):
    make(dataset, tmp_path)
    assert len({digest(dataset, tmp_path, seed) for seed in range(10)}) == 10


def test_when_the_protocol_changes(dataset, make, tmp_path):
    make(dataset, tmp_path)
    built = {}
    for protocol in PROTOCOLS:
        try:
            built[protocol] = digest(dataset, tmp_path, 0, protocol)
        except InputError:  # this protocol is not for this set
            continue
    assert built
    assert len(set(built.values())) == len(built)


def test_when_an_image_is_missing(dataset, make, tmp_path):
    folder, _ = make(dataset, tmp_path)
    used = build_manifest(read(dataset, tmp_path))
    file = folder / used.rows("train")["path"].iloc[0]
    if file.is_file():
        file.unlink()
        with_less = None
        try:
            with_less = digest(dataset, tmp_path)
        except InputError as error:
            assert str(tmp_path) in str(error)  # noqa: PT017 - a set of lists misses it
        assert with_less != used.digest
