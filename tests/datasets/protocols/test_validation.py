"""docs/protocols.md, "Validation", written a second time; all twins; what is refused."""

import hashlib
from pathlib import Path

import pytest

from crossres.datasets import CARDS, InputError, Raw, RawImage, Source, build_manifest, open_raw
from crossres.datasets.protocols import PROTOCOLS, canonical_text


def hashed(*names):
    text = "crossres-1|" + "|".join(str(name) for name in names)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def by_hash(items, *names):
    return sorted(items, key=lambda item: (hashed(*names, item), str(item)))


def raw_of(dataset, images, **fields):
    images = tuple(sorted(images, key=lambda image: image.path))
    return Raw(dataset, Path("raw"), "real", images, **fields)


def viper(identities):
    images = [
        RawImage(f"cam_{'ab'[camid]}/{pid:03d}_0.bmp", pid, camid)
        for pid in range(identities)
        for camid in (0, 1)
    ]
    return raw_of("mlr-viper", images)


def market():
    """9 training identities of three cameras, three images in each; 3 test identities, junk."""
    images = [
        RawImage(f"train/{pid:04d}_c{camid}_{shot}.jpg", pid, camid, "train")
        for pid in range(1, 10)
        for camid in (1, 2, 3)
        for shot in range(3)
    ]
    images += [
        RawImage(f"{part}/{pid:04d}_c{camid}_0.jpg", pid, camid, part)
        for pid in range(10, 13)
        for camid in (1, 2, 3)
        for part in ("query", "gallery")
    ]
    images += [RawImage(f"gallery/{pid}_c1.jpg", pid, 1, "gallery") for pid in (0, -1)]
    return raw_of("mlr-market", images)


def paths(manifest, split):
    return set(manifest.rows(split)["path"])


@pytest.mark.parametrize("seed", [0, 3])
def test_viper_is_divided_as_the_document_says(seed):
    manifest = build_manifest(viper(40), "mlr-sing[validation=true]", seed)
    names = "mlr-viper", "mlr-sing", seed
    train = by_hash(range(40), *names, "split")[:20]
    order = by_hash(train, *names, "validation")
    assert paths(manifest, "train") == {
        f"cam_{c}/{pid:03d}_0.bmp" for pid in order[:14] for c in "ab"
    }
    assert paths(manifest, "query") == {f"cam_a/{pid:03d}_0.bmp" for pid in order[14:]}
    assert paths(manifest, "gallery") == {f"cam_b/{pid:03d}_0.bmp" for pid in order[14:]}
    assert "validation: 6 of 20 training identities are tested" in manifest.notes


def test_official_sets_get_lists_of_their_training_identities():
    """One image of each (identity, camera) is a query, as in the owners' lists of Market-1501."""
    manifest = build_manifest(market(), "mlr-official[validation=true]", 1)
    names = "mlr-market", "mlr-perid", 1  # those of the training rows
    validation = by_hash(range(1, 10), *names, "validation")[6:]
    groups = [
        [f"train/{pid:04d}_c{camid}_{shot}" for shot in range(3)]
        for pid in validation
        for camid in (1, 2, 3)
    ]
    queries = {by_hash(group, *names, "query")[0] + ".jpg" for group in groups}
    assert paths(manifest, "query") == queries
    assert paths(manifest, "gallery") == {f"{k}.jpg" for group in groups for k in group} - queries
    for path, rate in manifest.rows("query")[["path", "rate"]].itertuples(index=False):
        drawn = hashed("mlr-market", "mlr-official", 1, "rate", path.removesuffix(".jpg")) % 3
        assert rate == 2 + drawn
    trained = build_manifest(market(), "mlr-perid[validation=true]", 1)
    assert trained.rows("train").equals(manifest.rows("train"))


def test_only_the_lr_queries_of_lists_are_used_against_hr():
    manifest = build_manifest(market(), "mlr-perid[validation=true]", 0)
    lists = build_manifest(market(), "mlr-official[validation=true]", 0)
    lr = build_manifest(market(), "mlr-perid", 0).rows("train").query("rate > 1")
    assert paths(manifest, "query") == paths(lists, "query") & set(lr["path"])
    assert paths(manifest, "gallery") == paths(lists, "gallery") - set(lr["path"])
    assert len(paths(manifest, "query")) == 3


def test_vric_gets_a_pair_of_each_vehicle_across_cameras():
    train = [
        RawImage(f"train_images/{pid}_{n}.jpg", pid, camid, "train")
        for pid, camids in enumerate([(1, 1, 1, 2), (2, 2, 1), (3, 3, 3), (1, 2)] * 3, 1)
        for n, camid in enumerate(camids)
    ]
    tested = [
        RawImage(f"{part}/{pid}.jpg", pid, camid, part)
        for pid in (100, 101)
        for camid, part in ((1, "query"), (2, "gallery"))
    ]
    raw = raw_of("vric", [*train, *tested], native_lr=frozenset({"train_images/1_0.jpg"}))
    manifest = build_manifest(raw, "mlr-official[validation=true]", 0)
    query, gallery = manifest.rows("query"), manifest.rows("gallery")
    assert sorted(query["pid"]) == sorted(gallery["pid"])
    assert query["pid"].is_unique
    assert len(query) == 4
    cameras = {image.pid: {i.camid for i in train if i.pid == image.pid} for image in train}
    elsewhere = dict(zip(gallery["pid"], gallery["camid"], strict=True))
    for pid, camid in query[["pid", "camid"]].itertuples(index=False):
        assert (elsewhere[pid] != camid) == (len(cameras[pid]) > 1)


def test_one_identity_trains_and_two_are_told_apart_at_least():
    least = build_manifest(viper(6), "mlr-sing[validation=true]")
    assert [least.rows(part)["pid"].nunique() for part in ("train", "query")] == [1, 2]
    with pytest.raises(InputError, match="of which there must be three at least, not 2; leave"):
        build_manifest(viper(4), "mlr-sing[validation=true]")
    one_camera = raw_of("mlr-viper", [image for image in viper(20).images if image.camid == 1])
    with pytest.raises(InputError, match="no image is left for query; leave validation=true out"):
        build_manifest(one_camera, "mlr-perid[validation=true]")


@pytest.mark.parametrize(
    ("protocol", "option"),
    [
        ("mlr-sing[distractors=true,validation=true]", "distractors=true"),
        ("mlr-official[distractors=false,validation=true]", "distractors=false"),
    ],
)
def test_options_about_what_is_tested_are_refused(protocol, option):
    with pytest.raises(InputError, match=f"{option}: validation=true takes nothing from the parts"):
        build_manifest(market(), protocol)


def test_the_option_stands_in_the_name_only_where_it_is_true():
    assert canonical_text("caviar", "mlr-sing[validation=false]") == "mlr-sing"
    assert canonical_text("caviar", "mlr-sing[validation=true,kernel=box]") == (
        "mlr-sing[kernel=box,validation=true]"
    )
    ordinary = build_manifest(market(), "mlr-perid")
    assert build_manifest(market(), "mlr-perid[validation=false]").digest == ordinary.digest
    with pytest.raises(InputError, match="validation is true or false, not 'yes'"):
        build_manifest(market(), "mlr-perid[validation=yes]")


@pytest.mark.parametrize("dataset", sorted(CARDS))
def test_every_twin_can_be_validated_under_every_protocol_that_applies(dataset, tmp_path):
    raw = open_raw(dataset, Source(size="tiny"), tmp_path)
    divided = 0
    for protocol in PROTOCOLS:
        try:
            ordinary = build_manifest(raw, protocol, 1)
        except InputError:
            continue
        manifest = build_manifest(raw, f"{protocol}[validation=true]", 1)
        tested = set(ordinary.table["pid"][ordinary.table["split"] != "train"])
        assert not set(manifest.table["pid"]) & tested
        pids = set(ordinary.rows("train")["pid"])
        assert set(manifest.table["pid"]) <= pids
        assert manifest.rows("train")["pid"].nunique() == len(pids) - max(2, len(pids) // 3)
        divided += 1
    assert divided
