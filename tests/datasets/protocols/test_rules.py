"""Rules of docs/protocols.md (lists, fixed rates, subsets, vehicles), written a second time."""

import hashlib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from crossres.datasets import (
    CARDS,
    InputError,
    Raw,
    RawImage,
    build_manifest,
    camera_sweep,
    gallery_rule,
)
from crossres.datasets.protocols import PROTOCOLS
from crossres.datasets.protocols.options import CHOICES

VRU = "mlr-vru" if "mlr-vru" in CARDS else "mlr-market"
VRIC = "vric" if "vric" in CARDS else "mlr-market"


def hashed(*names):
    """The documented draw, written again."""
    text = "crossres-1|" + "|".join(str(name) for name in names)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def rate_of(dataset, protocol, seed, path):
    return 2 + hashed(dataset, protocol, seed, "rate", path.rpartition(".")[0]) % 3


def raw_of(dataset, images, **fields):
    images = tuple(sorted(images, key=lambda image: image.path))
    return Raw(dataset, Path("raw"), "real", images, **fields)


def market():
    """20 train and 20 test ids, some of 4 cameras; id 40 has no query; junk and distractors."""
    images = []
    for pid in range(1, 41):
        for camid in sorted({1 + pid % 4, 1 + pid * 3 % 4, 1 + pid // 10 % 4}):
            parts = ["train"] if pid <= 20 else ["gallery", "query"]
            for part in parts if pid < 40 else ["gallery"]:
                for shot in range(1 if part == "query" else 3):
                    path = f"{part}/{pid:04d}_c{camid}_{shot}.jpg"
                    images.append(RawImage(path, pid, camid, part))
    for pid in (0, -1):
        images += [RawImage(f"gallery/{pid}_c{c}.jpg", pid, c, "gallery") for c in range(1, 5)]
    return raw_of("mlr-market", images)


def vehicles():
    """12 train and 12 listed test vehicles, two of these with a single image."""
    images = []
    for pid in range(1, 25):  # 0 would be a distractor
        part, count = (
            ("train", 5) if pid < 12 or pid == 24 else ("test", 1 if pid in (13, 20) else 4)
        )
        images += [RawImage(f"Pic/{pid * 10 + n}.jpg", pid, -1, part) for n in range(count)]
    lists = {"1200": (12, 13, 14, 15), "8000": tuple(range(12, 24))}
    return raw_of(VRU, images, test_sets=lists)


def rows_of(manifest, split=None):
    """path -> (split, rate)."""
    table = manifest.table if split is None else manifest.rows(split)
    pairs = zip(table["split"], table["rate"], strict=True)
    return dict(zip(table["path"], pairs, strict=True))


def train_of(raw, protocol, seed):
    return rows_of(build_manifest(raw, protocol, seed), "train")


# --- what is built on what ------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 4])
def test_protocols_share_with_the_rule_they_are_built_on(seed):
    raw = market()
    sing, perid = (rows_of(build_manifest(raw, p, seed)) for p in ("mlr-sing", "mlr-perid"))
    assert rows_of(build_manifest(raw, "mlr-multi", seed)) == sing
    # Market's default base and training rule are those of its default protocol
    for name, rows in (("mlr-perid", perid), ("mlr-sing", sing)):
        train = {path: pair for path, pair in rows.items() if pair[0] == "train"}
        suffix = "" if name == "mlr-perid" else f"[base={name}]"
        assert train_of(raw, f"fixed-r{suffix}", seed) == train
        assert train_of(raw, f"mlr-mixed{suffix}", seed) == train
        assert train_of(raw, f"mlr-official{suffix.replace('base', 'train')}", seed) == train
    assert {rate for _, rate in train_of(raw, "mlr-official[train=hr]", seed).values()} == {1}
    for rate in (1, 8):  # at rate 1 the queries of the base protocol stay queries
        fixed = rows_of(build_manifest(raw, f"fixed-r[rate={rate}]", seed))
        assert fixed == {
            path: (split, rate if split == "query" else base_rate)
            for path, (split, base_rate) in perid.items()
        }


@pytest.mark.parametrize("seed", [0, 4])
def test_mlr_official_is_what_the_document_says(seed):
    raw = market()
    for options, with_distractors in (("", True), ("[distractors=false]", False)):
        manifest = build_manifest(raw, f"mlr-official{options}", seed)
        expected = {}
        for image in raw.images:
            if image.part == "query":
                rate = rate_of("mlr-market", "mlr-official", seed, image.path)
                expected[image.path] = ("query", rate)
            elif image.part == "gallery" and (with_distractors or image.pid not in (0, 40)):
                expected[image.path] = ("gallery", 1)
        assert rows_of(manifest, "query") | rows_of(manifest, "gallery") == expected


@pytest.mark.parametrize("base", ["mlr-sing", "mlr-perid"])
def test_mlr_mixed_is_what_the_document_says(base):
    raw, seed = market(), 2
    cameras = {}
    for image in raw.images:
        cameras.setdefault(image.pid, set()).add(image.camid)
    of_set = min(
        range(1, 5), key=lambda camid: hashed("mlr-market", base, seed, "lr-camera", camid)
    )
    expected = {}
    for image in raw.images:
        names = ("mlr-market", base, seed, "lr-camera", image.pid)
        camids = cameras[image.pid]
        drawn = min(camids, key=lambda camid, names=names: hashed(*names, camid))
        per_id = image.pid > 0 and len(camids) > 1 and image.camid == drawn
        lr = image.camid == of_set if base == "mlr-sing" else per_id
        rate = rate_of("mlr-market", base, seed, image.path) if lr else 1
        expected[image.path] = (image.part, rate)
    assert rows_of(build_manifest(raw, f"mlr-mixed[base={base}]", seed)) == expected


def test_all_probes_and_distractors_of_market():
    raw = market()
    plain = build_manifest(raw, "mlr-sing[lr_camera=2]")
    every = build_manifest(raw, "mlr-sing[lr_camera=2,probe=all]")
    assert all(path.startswith("query/") for path in plain.rows("query")["path"])
    assert all(path.startswith("gallery/") for path in every.rows("query")["path"])
    assert set(plain.rows("query")["pid"]) == set(every.rows("query")["pid"])
    assert rows_of(plain, "gallery") == rows_of(every, "gallery")
    more = build_manifest(raw, "mlr-sing[lr_camera=2,distractors=true,probe=all]")
    added = set(more.table["path"]) - set(every.table["path"])
    hr = {i.path for i in raw.images if i.pid in (0, 40) and i.camid != 2}
    assert added == hr
    assert 40 not in set(plain.table["pid"])
    perid = build_manifest(raw, "mlr-perid[distractors=true]").rows("gallery")
    assert (perid["pid"] == 0).sum() == 4


def test_market_3561_is_what_the_document_says():
    raw, seed = market(), 1
    train = [image for image in raw.images if image.part == "train"]
    train.sort(key=lambda i: hashed("mlr-market", "market-3561", seed, "subset", i.key))
    first = {}
    for image in train:
        first.setdefault((image.pid, image.camid), image.path)
    size = max(len(first), 3561 * len(train) // 12936)
    later = [image.path for image in train if image.path not in first.values()]
    subset = {*first.values(), *later[: size - len(first)]}
    rows = rows_of(build_manifest(raw, "market-3561", seed))
    perid = rows_of(build_manifest(raw, "mlr-perid", seed))
    assert rows == {p: pair for p, pair in perid.items() if pair[0] != "train" or p in subset}


@pytest.mark.parametrize("protocol", ["vru-uniform4", "vru-half"])
def test_vru_is_what_the_document_says(protocol):
    raw, seed = vehicles(), 3
    names = (VRU, "vru-uniform4", seed)
    train = sorted([*range(1, 12), 24], key=lambda pid: hashed(*names, "train-ids", pid))[:7]
    usable = [pid for pid in range(12, 24) if pid not in (13, 20)]
    test = sorted(usable, key=lambda pid: hashed(*names, "test-ids", pid))[:6]
    expected = {}
    for image in raw.images:
        drawn = rate_of(VRU, "vru-uniform4", seed, image.path)
        if image.pid in train and protocol == "vru-half":
            rate = drawn if hashed(*names, "train-half", image.key) % 2 else 1
            expected[image.path] = ("train", rate)
        elif image.pid in train:
            expected[image.path] = ("train", 1 + hashed(*names, "train-rate", image.key) % 4)
        elif image.pid in test:
            images = [i for i in raw.images if i.pid == image.pid]
            gallery_image = min(images, key=lambda i: hashed(*names, "gallery", i.key))
            expected[image.path] = ("gallery", 1) if image == gallery_image else ("query", drawn)
    manifest = build_manifest(raw, f"{protocol}[train_ids=7,test_ids=6]", seed)
    assert rows_of(manifest) == expected
    assert manifest.protocol == f"{protocol}[test_ids=6,train_ids=7]"


def test_vru_takes_all_there_are_and_says_so():
    manifest = build_manifest(vehicles(), "vru-half")
    assert manifest.protocol == "vru-half"
    assert manifest.rows("gallery")["pid"].nunique() == 10
    assert "train_ids=1415: there are 12 such identities; all are used" in manifest.notes
    assert "test_ids=486: there are 10 such identities; all are used" in manifest.notes
    short = build_manifest(vehicles(), "vru-half[test_list=1200]")
    assert set(short.rows("query")["pid"]) == {12, 14, 15}


def test_natively_multi_resolution_images_stay_as_they_are():
    images = [
        RawImage(f"{part}/{pid:04d}_{shot}.jpg", pid, 1 + shot, part)
        for pid in range(1, 11)
        for part in (["train"] if pid < 6 else ["query", "gallery"])
        for shot in range(2)
    ]
    native = frozenset(image.path for image in images if image.pid % 2)
    raw = raw_of(VRIC, images, native_lr=native)
    rows = rows_of(build_manifest(raw, "mlr-official"))
    assert rows == {i.path: (i.part, 0 if i.pid % 2 else 1) for i in images}
    for refused in ("mlr-sing", "mlr-perid", "mlr-mixed", "fixed-r"):
        with pytest.raises(InputError, match="natively multi-resolution"):
            build_manifest(raw, refused)
    with pytest.raises(InputError, match="train=hr"):
        build_manifest(raw, "mlr-official[train=hr]")


# --- CUHK03 ---------------------------------------------------------------------------------------


def cuhk03(pairs=(1, 2), **fields):
    images = [
        RawImage(f"{kind}/{pair}/{index}/{column}", pair * 1000 + index, camid, "", kind)
        for kind in ("detected", "labeled")
        for pair in pairs
        for index in range(1, 31)
        for column, camid in ((1, pair * 10 + 1), (6, pair * 10 + 2))
    ]
    return raw_of("mlr-cuhk03", images, **fields)


def test_boxes_are_chosen_and_the_default_is_detected():
    raw = cuhk03(test_sets={"1": (1001, 2002)})
    counts = {}
    for boxes in ("detected", "labeled", "merged"):
        table = build_manifest(raw, f"mlr-sing[boxes={boxes}]").table
        counts[boxes] = Counter(path.partition("/")[0] for path in table["path"])
    assert counts["detected"] == {"detected": 120}
    assert counts["labeled"] == {"labeled": 120}
    assert counts["merged"] == counts["detected"] + counts["labeled"]
    assert build_manifest(raw, "mlr-sing[boxes=detected]").protocol == "mlr-sing"
    only = raw_of("mlr-cuhk03", [i for i in raw.images if i.boxes == "labeled"])
    with pytest.raises(InputError, match="use boxes=labeled"):
        build_manifest(only)
    with pytest.raises(InputError, match="holds no labeled boxes here"):
        build_manifest(replace(raw, images=raw.images[:120]), "mlr-sing[boxes=labeled]")


def test_splits_by_hash_take_the_share_of_the_shipped_lists():
    raw = cuhk03(test_sets={"1": (1001, 2002)})
    shipped = build_manifest(raw, "mlr-sing[splits=shipped]")
    assert shipped.protocol == "mlr-sing"
    assert set(shipped.rows("query")["pid"]) == {1001, 2002}
    drawn = build_manifest(raw, "mlr-sing[splits=hash]", 6)
    pids = sorted({image.pid for image in raw.images})
    pids.sort(key=lambda pid: hashed("mlr-cuhk03", "mlr-sing", 6, "split", pid))
    assert set(drawn.rows("query")["pid"]) == set(pids[-(60 * 100 // 1467) :])
    bare = replace(raw, test_sets={})
    assert build_manifest(bare, "mlr-sing[splits=hash]").protocol == "mlr-sing"
    with pytest.raises(InputError, match="ships no lists of test identities"):
        build_manifest(bare, "mlr-sing[splits=shipped]")


def test_the_folders_of_cuhk03_np_are_pooled_but_for_the_official_lists():
    images = [
        RawImage(f"detected/{part}/{pid:04d}_c{view}.png", pid, view, part, "detected")
        for pid in range(1, 41)
        for view in (1, 2)
        for part in (["train"] if pid <= 20 else ["query", "gallery"])
    ]
    raw = raw_of("mlr-cuhk03", images)
    official = build_manifest(raw, "mlr-official")
    assert set(official.rows("train")["pid"]) == set(range(1, 21))
    assert len(official.rows("query")) == len(official.rows("gallery")) == 40
    pooled = build_manifest(raw, "mlr-sing")
    assert pooled.rows("train")["pid"].nunique() == 38
    assert set(pooled.rows("query")["camid"]) == {1}
    assert set(build_manifest(raw, "mlr-sing[lr_camera=2]").rows("query")["camid"]) == {2}
    with pytest.raises(InputError, match="has no official queries that decide"):
        build_manifest(raw, "mlr-sing[probe=all]")


# --- sweeps, gallery rules, options ---------------------------------------------------------------


def test_a_camera_sweep_has_one_protocol_for_each_camera():
    raw = market()
    texts = camera_sweep(raw)
    assert texts == tuple(f"mlr-sing[lr_camera={camid}]" for camid in range(1, 5))
    for camid, text in enumerate(texts, 1):
        assert set(build_manifest(raw, text).rows("query")["camid"]) == {camid}
    drawn = rows_of(build_manifest(raw, "mlr-sing", 3))
    assert drawn in [rows_of(build_manifest(raw, text, 3)) for text in texts]
    assert camera_sweep(raw, "fixed-r[base=mlr-sing,rate=8]")[1] == (
        "fixed-r[base=mlr-sing,lr_camera=2,rate=8]"
    )
    views = camera_sweep(cuhk03())
    assert views == ("mlr-sing[lr_camera=1]", "mlr-sing[lr_camera=2]")
    queries = build_manifest(cuhk03(), views[1]).rows("query")
    assert set(queries["camid"] % 10) == {2}


@pytest.mark.parametrize(
    ("protocol", "message"),
    [
        (
            "mlr-perid",
            "protocol mlr-perid: a camera sweep sets lr_camera; it needs one of mlr-sing",
        ),
        ("mlr-sing[lr_camera=1]", "a camera sweep sets lr_camera"),
        ("nothing", "a camera sweep sets lr_camera"),
        ("fixed-r", "it needs base=mlr-sing"),
    ],
)
def test_a_sweep_that_makes_no_sense_is_refused(protocol, message):
    with pytest.raises(InputError, match=message):
        camera_sweep(market(), protocol)


def test_every_protocol_has_its_gallery_rule():
    multi = {name for name in PROTOCOLS if gallery_rule(name) == "multi-shot"}
    assert multi == {"mlr-multi", "mlr-official", "mlr-mixed", "given"}
    assert {gallery_rule(name) for name in set(PROTOCOLS) - multi} == {"single-shot"}
    assert gallery_rule("mlr-multi[kernel=box]") == "multi-shot"
    with pytest.raises(InputError, match="unknown protocol"):
        gallery_rule("mlr-none")


def test_defaults_are_left_out_of_the_canonical_text():
    raw = market()
    for name, protocol in PROTOCOLS.items():
        if name.startswith("vru") or name in ("mlr-uniform", "given"):
            continue
        options = ",".join(f"{key}={value}" for key, value in protocol.options.items() if value)
        options = options.replace("base=mlr-sing", "base=mlr-perid").replace("splits=hash", "")
        text = f"{name}[{options.strip(',').replace(',,', ',')}]"
        assert build_manifest(raw, text).digest == build_manifest(raw, name).digest
    odd = build_manifest(raw, "mlr-sing[train_ids=007,kernel=box,grid=native]")
    assert odd.protocol == "mlr-sing[kernel=box,train_ids=7]"


@pytest.mark.parametrize(
    ("protocol", "message"),
    [
        ("mlr-sing[kernel=nearest]", "kernel is box, bilinear, bicubic, .* or cv2_cubic_noaa, not"),
        ("mlr-sing[train_ids=0]", "train_ids is a whole number from 1, not '0'"),
        ("mlr-sing[train_ids=-3]", "train_ids is a whole number from 1, not '-3'"),
        (f"mlr-sing[train_ids={'9' * 5000}]", "train_ids is a whole number from 1"),
        ("mlr-sing[train_ids=٣]", "train_ids is a whole number from 1"),
        ("mlr-sing[lr_camera=two]", "lr_camera is a whole number from 0, not 'two'"),
        ("mlr-sing[lr_camera=9]", "lr_camera=9: the cameras of mlr-market are 1, 2, 3, 4"),
        ("fixed-r[rate=5]", "rate is 1, 2, 3, 4, 6 or 8, not '5'"),
        ("fixed-r[lr_camera=1]", "needs base=mlr-sing"),
        ("mlr-sing[boxes=labeled]", "mlr-market offers no choice of boxes; leave this option out"),
        ("mlr-sing[splits=hash]", "mlr-market is split by its official parts"),
        ("mlr-official[lr_camera=1]", "mlr-official: unknown option 'lr_camera'; known are train"),
        ("vru-half", "vru-half is made for mlr-vru"),
    ],
)
def test_a_wrong_option_is_one_clear_line(protocol, message):
    with pytest.raises(InputError, match=message) as caught:
        build_manifest(market(), protocol)
    assert "\n" not in str(caught.value)


def test_what_a_set_cannot_serve_is_refused():
    plain = raw_of(
        "mlr-viper",
        [RawImage(f"cam_{c}/{pid:03d}_0.bmp", pid, c) for pid in range(9) for c in (0, 1)],
    )
    for protocol in ("mlr-official", "mlr-mixed"):
        with pytest.raises(InputError, match="needs official query and gallery images"):
            build_manifest(plain, protocol)
    for option in ("probe=all", "distractors=true"):
        with pytest.raises(InputError, match="leave this option out"):
            build_manifest(plain, f"mlr-sing[{option}]")
    with pytest.raises(InputError, match="market-3561 is the training set size of mlr-market"):
        build_manifest(plain, "market-3561")
    with pytest.raises(InputError, match="does not know its cameras; use vru-uniform4"):
        build_manifest(vehicles(), "mlr-sing")
    with pytest.raises(InputError, match="no test list 2400; there are 1200, 8000"):
        build_manifest(vehicles(), "vru-half[test_list=2400]")


def test_the_document_lists_every_option_with_its_values():
    text = (Path(__file__).resolve().parents[3] / "docs" / "protocols.md").read_text("utf-8")
    options = text[text.index("## Options") : text.index("## `mlr-sing`")]
    for protocol in PROTOCOLS.values():
        assert all(f"\n| `{key}` |" in options for key in protocol.options)
    for key, values in CHOICES.items():
        (line,) = [line for line in options.splitlines() if line.startswith(f"| `{key}` |")]
        assert all(f"`{value}`" in line for value in values)
