"""The real names of Market-1501's training images: grammar, counts, the split at full size."""

from collections import Counter
from pathlib import Path

import pytest

from crossres.datasets import Raw, RawImage, build_manifest
from crossres.datasets.readers.market import _NAME


@pytest.fixture(scope="module")
def names(shared):
    lines = (shared / "data" / "lists" / "market1501_train_names.txt").read_text().splitlines()
    return [line.split()[0] for line in lines]


@pytest.fixture(scope="module")
def raw(names):
    """The training part as it is; as test part the same names under other pids, all queried."""
    images, queried = [], set()
    for name in names:
        match = _NAME.fullmatch(name)
        pid, camid = int(match[1]), int(match[2])
        images.append(RawImage(f"bounding_box_train/{name}", pid, camid, "train"))
        renamed = f"{pid + 2000:04d}{name[4:]}"
        images.append(RawImage(f"bounding_box_test/{renamed}", pid + 2000, camid, "gallery"))
        if (pid, camid) not in queried:
            queried.add((pid, camid))
            images.append(RawImage(f"query/{renamed}", pid + 2000, camid, "query"))
    images.sort(key=lambda image: image.path)
    return Raw("mlr-market", Path("raw"), "real", tuple(images), None, (), ())


def test_all_names_are_of_the_grammar_with_the_published_counts(names):
    matches = [_NAME.fullmatch(name) for name in names]
    assert all(matches)
    assert len({match[1] for match in matches}) == 751
    cameras = Counter(int(match[2]) for match in matches)
    assert cameras == {1: 2017, 2: 1709, 3: 2707, 4: 920, 5: 2338, 6: 3245}


@pytest.mark.parametrize("seed", [0, 1])
def test_per_identity_cameras_at_full_size(raw, seed):
    manifest = build_manifest(raw, seed=seed)
    train = manifest.rows("train")
    lr = train[train["rate"] > 1]
    assert len(train) == 12936
    assert lr["pid"].nunique() == 751
    # 2,876 on average and 2,686 to 3,086 over 2,000 draws of another generator
    assert 2650 < len(lr) < 3120
    assert len(manifest.rows("query")) == manifest.rows("query")["pid"].nunique() == 751
    assert manifest.rows("gallery")["pid"].nunique() == 751


def test_one_camera_for_all_at_full_size(raw):
    manifest = build_manifest(raw, "mlr-sing", 0)
    (camera,) = set(manifest.rows("query")["camid"])
    train = manifest.rows("train")
    counts = {1: 2017, 2: 1709, 3: 2707, 4: 920, 5: 2338, 6: 3245}
    assert (train["rate"] > 1).sum() == counts[camera]
    assert len(manifest.rows("gallery")) == 12936 - counts[camera]
