"""What holds of every protocol on any raw folder, whatever its identities, cameras and images."""

import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crossres.datasets import CARDS, InputError, Raw, RawImage, build_manifest
from crossres.datasets.protocols import PROTOCOLS

REPOSITORY = Path(__file__).resolve().parents[3]
VALIDATION = "validation=true"
VRU = "mlr-vru" if "mlr-vru" in CARDS else "mlr-market"  # only the parts and lists matter here
VRIC = "vric" if "vric" in CARDS else "mlr-market"


def draws(count):
    return settings(deadline=None, max_examples=count)


# style of raw folder -> the protocols that apply to it
CAMERA = ["mlr-sing", "mlr-sing[balanced=true]", "mlr-perid", "mlr-multi", "fixed-r[rate=1]"]
CAMERA += ["fixed-r[base=mlr-perid,rate=6]", "mlr-sing[train_ids=2]"]
LISTS = ["mlr-official", "mlr-official[train=hr]", "mlr-mixed[base=mlr-sing]"]
LISTS += ["mlr-mixed[base=mlr-perid]", "mlr-official[train_ids=2]"]
OFFICIAL = ["mlr-sing[distractors=true]", "mlr-perid[probe=all]", "mlr-official[distractors=false]"]
OFFICIAL += ["mlr-sing[distractors=true,probe=all]", "market-3561", "market-3561[train_ids=2]"]
OFFICIAL += ["mlr-mixed[distractors=false]"]
APPLY = {
    "plain": CAMERA,
    "market": [*CAMERA, *LISTS, *OFFICIAL],
    "np": [*CAMERA, *LISTS, "mlr-sing[boxes=labeled]", "mlr-sing[boxes=merged]"],
    "mat": [*CAMERA, "mlr-sing[splits=hash]", "mlr-perid[boxes=merged]"],
    "vru": ["vru-uniform4", "vru-half", "vru-half[test_ids=2,test_list=1200,train_ids=2]"],
    "vric": ["mlr-official", "mlr-official[train_ids=1]"],
}
STYLES = sorted(APPLY)


def raw_of(dataset, images, **fields):
    images = tuple(sorted(images, key=lambda image: image.path))
    return Raw(dataset, Path("raw"), "real", images, **fields)


def shots(draw, cameras):
    """camid -> number of images of one identity, in one camera or more."""
    counts = draw(st.dictionaries(st.sampled_from(cameras), st.integers(1, 3), min_size=1))
    return sorted(counts.items())


def plain_images(draw, pid, cameras, _train):
    return [
        RawImage(f"cam_{camid}/{pid:03d}_{shot}.bmp", pid, camid)
        for camid, count in shots(draw, cameras)
        for shot in range(count)
    ]


def market_images(draw, pid, cameras, train):
    """A train identity, or one of test with queries in some of its cameras or in none."""
    if train:
        return [
            RawImage(f"train/{pid:04d}_c{camid}_{shot}.jpg", pid, camid, "train")
            for camid, count in shots(draw, cameras)
            for shot in range(count)
        ]
    images = []
    for camid, count in shots(draw, cameras):
        for shot in range(count):
            path = f"test/{pid:04d}_c{camid}_{shot}.jpg"
            images.append(RawImage(path, pid, camid, "gallery"))
        if draw(st.booleans()):
            images.append(RawImage(f"query/{pid:04d}_c{camid}_0.jpg", pid, camid, "query"))
    return images


def np_images(draw, pid, cameras, train):
    images = market_images(draw, pid, cameras, train)
    kinds = draw(st.lists(st.sampled_from(["detected", "labeled"]), min_size=1, unique=True))
    return [
        replace(image, path=f"{kind}/{image.path}", boxes=kind)
        for kind in kinds
        for image in images
    ]


def mat_images(draw, pid, cameras, _train):
    pair = pid // 1000
    return [
        RawImage(f"{kind}/{pair}/{pid % 1000}/{column}", pid, pair * 10 + view, "", kind)
        for view, count in shots(draw, cameras)
        for column in range(5 * view - 4, 5 * view - 4 + count)
        for kind in ("detected", "labeled")
    ]


def vru_images(draw, pid, _cameras, train):
    part, count = "train" if train else "test", draw(st.integers(1, 4))
    return [RawImage(f"Pic/{pid * 10 + shot}.jpg", pid, -1, part) for shot in range(count)]


MAKERS = {
    "plain": (plain_images, range(60)),
    "market": (market_images, range(1, 60)),
    "np": (np_images, range(1, 60)),
    "mat": (mat_images, [1001, 1002, 1003, 1004, 2001, 2002, 3001, 4001, 5001, 5002]),
    "vru": (vru_images, range(1, 60)),
    "vric": (market_images, range(1, 60)),
}


@st.composite
def raws(draw, style, least=6):
    """A raw folder of a style, and the images of one more identity for it."""
    maker, pids = MAKERS[style]
    few = [1, 2] if style in ("np", "mat") else draw(st.sampled_from([[0, 1], [1, 2, 3], [1, 4]]))
    chosen = draw(st.lists(st.sampled_from(list(pids)), min_size=least, max_size=12, unique=True))
    extra, *chosen = chosen
    trains = [True, False, True, False, *(draw(st.booleans()) for _ in chosen[4:])]
    groups = [maker(draw, pid, few, train) for pid, train in zip(chosen, trains, strict=False)]
    images = [image for group in groups for image in group]
    cameras = sorted({image.camid % 10 if style == "mat" else image.camid for image in images})
    more = maker(draw, extra, cameras, draw(st.booleans()))
    fields = {}
    if style == "mat":
        lists = draw(st.lists(st.sets(st.sampled_from(chosen), min_size=1), min_size=1, max_size=3))
        fields["test_sets"] = {str(n): tuple(sorted(pids)) for n, pids in enumerate(lists, 1)}
    if style == "vru":
        test = sorted({image.pid for image in (*images, *more) if image.part == "test"})
        fields["test_sets"] = {"1200": tuple(test[::2]), "8000": tuple(test)}
    if style == "vric":
        paths = sorted(image.path for image in (*images, *more))
        fields["native_lr"] = frozenset(draw(st.lists(st.sampled_from(paths), min_size=1)))
    if style == "market":
        for number, camid in enumerate(draw(st.lists(st.sampled_from(few), max_size=4))):
            for pid, name in ((0, "0000"), (-1, "-1")):
                path = f"test/{name}_c{camid}_{number}.jpg"
                images.append(RawImage(path, pid, camid, "gallery"))
    datasets = {"plain": "mlr-viper", "market": "mlr-market", "vru": VRU, "vric": VRIC}
    return raw_of(datasets.get(style, "mlr-cuhk03"), images, **fields), more


@st.composite
def cases(draw, style):
    """(raw folder, one more identity, a protocol that applies to it)."""
    return (*draw(raws(style)), draw(st.sampled_from(APPLY[style])))


def with_option(protocol, option):
    name, _, options = protocol.partition("[")
    options = options.removesuffix("]")
    return f"{name}[{options + ',' if options else ''}{option}]"


def without_options(protocol, *keys):
    name, _, options = protocol.partition("[")
    pairs = [pair for pair in options.removesuffix("]").split(",") if pair]
    pairs = [pair for pair in pairs if not pair.startswith(keys)]
    return f"{name}[{','.join(pairs)}]" if pairs else name


def build_or_reject(raw, protocol, seed=0):
    """The manifest; draws that leave a split empty, or have no query at all, are thrown away."""
    try:
        return build_manifest(raw, protocol, seed)
    except InputError as error:
        text = str(error)
        usual = ("no image is left for", "needs official query", "has no official queries")
        reasons = ("marks no distractors", "boxes here", "there are none (test_list")
        reasons += ("there must be three at least",) if VALIDATION in protocol else ()
        assert any(part in text for part in (*usual, *reasons)), text
        assert "\n" not in text
        assume(False)
        raise


def rates_of(manifest):
    return dict(zip(manifest.table["path"], manifest.table["rate"], strict=True))


def splits_of(manifest):
    return dict(zip(manifest.table["path"], manifest.table["split"], strict=True))


@pytest.mark.parametrize("style", STYLES)
@draws(80)
@given(st.data())
def test_a_manifest_keeps_what_every_protocol_promises(style, data):
    raw, _, protocol = data.draw(cases(style))
    manifest = build_or_reject(raw, protocol, data.draw(st.integers(0, 3)))
    train, query, gallery = (manifest.rows(split) for split in ("train", "query", "gallery"))
    images = {image.path: image for image in raw.images}
    name = protocol.partition("[")[0]
    for row in manifest.table.itertuples():
        assert (row.pid, row.camid) == (images[row.path].pid, images[row.path].camid)
        if images[row.path].boxes and "merged" not in protocol:
            boxes = "labeled" if "labeled" in protocol else "detected"
            assert images[row.path].boxes == boxes
    assert not set(train["pid"]) & {*query["pid"], *gallery["pid"]}
    assert not set(query["path"]) & set(gallery["path"])
    assert set(query["pid"]) <= set(gallery["pid"])
    assert set(train["rate"]) <= ({0, 1} if style == "vric" else {1, 2, 3, 4})
    if style == "vric":
        for path, rate in rates_of(manifest).items():
            assert (rate == 0) == (path in raw.native_lr)
        assert set(manifest.table["rate"]) <= {0, 1}
    elif name == "mlr-mixed":
        assert {*query["rate"], *gallery["rate"]} <= {1, 2, 3, 4}
    elif name == "fixed-r":
        assert set(query["rate"]) == {1 if "rate=1" in protocol else 6}
    else:
        assert set(query["rate"]) <= {2, 3, 4}
    if name != "mlr-mixed" and style != "vric":
        assert set(gallery["rate"]) == {1}
    if style == "market":
        junk = {image.path for image in raw.images if image.pid == -1}
        listed = name in ("mlr-official", "mlr-mixed")
        assert junk & set(manifest.table["path"]) == (junk if listed else set())
        queried = {image.pid for image in raw.images if image.part == "query"}
        if "distractors=true" not in protocol and not (listed and "=false" not in protocol):
            assert set(gallery["pid"]) - {-1} <= queried
        assert set(query["pid"]) <= queried
    if style == "vru":
        assert gallery["pid"].is_unique
        assert set(manifest.table["camid"]) == {-1}
    if "train_ids" in protocol:
        assert train["pid"].nunique() <= 2


@pytest.mark.parametrize("style", STYLES)
@draws(30)
@given(st.data(), st.randoms())
def test_the_order_of_the_images_is_irrelevant(style, data, random):
    raw, _, protocol = data.draw(cases(style))
    manifest = build_or_reject(raw, protocol)
    images = list(raw.images)
    random.shuffle(images)
    assert build_manifest(replace(raw, images=tuple(images)), protocol).digest == manifest.digest


@pytest.mark.parametrize("style", STYLES)
@draws(50)
@given(st.data())
def test_one_more_identity_leaves_the_others_alone(style, data):
    raw, more, protocol = data.draw(cases(style))
    manifest = build_or_reject(raw, protocol)
    grown = raw_of(raw.dataset, (*raw.images, *more), **_fields(raw))
    # with a camera more, another one can be the LR camera
    assume(_cameras_by_boxes(raw.images) >= _cameras_by_boxes(more))
    after = build_or_reject(grown, protocol)
    before_rates, after_rates = rates_of(manifest), rates_of(after)
    both = before_rates.keys() & after_rates.keys()
    before, now = splits_of(manifest), splits_of(after)
    if "balanced" not in protocol:
        # an image whose identity crossed from train to test may have had another training rate
        unmoved = {path for path in both if (before[path] == "train") == (now[path] == "train")}
        assert {path: before_rates[path] for path in unmoved} == (
            {path: after_rates[path] for path in unmoved}
        )
    images = {image.path: image for image in raw.images}
    moved = {images[path].pid for path in both if before[path] != now[path]}
    # a train identity can cross the line (hash splits), or leave a limited number of them
    assert len(moved) <= 1
    if style in ("market", "vric", "vru"):
        assert not moved


def _cameras_by_boxes(images):
    return {(image.boxes, image.camid) for image in images}


def _fields(raw):
    return {"test_sets": raw.test_sets, "native_lr": raw.native_lr}


NESTED = [
    ("plain", "mlr-sing"),
    ("plain", "mlr-sing[balanced=true]"),
    ("market", "mlr-perid"),
    ("market", "mlr-official"),
    ("market", "mlr-mixed"),
    ("market", "market-3561"),
    ("np", "mlr-multi"),
    ("mat", "fixed-r"),
    ("vru", "vru-half"),
    ("vric", "mlr-official"),
    ("plain", "mlr-sing[validation=true]"),
    ("market", "mlr-official[validation=true]"),
    ("vru", "vru-half[validation=true]"),
]


@pytest.mark.parametrize(("style", "protocol"), NESTED)
@draws(8)
@given(st.data())
def test_training_subsets_are_nested(style, protocol, data):
    raw, _ = data.draw(raws(style))
    full = build_or_reject(raw, protocol)
    count = full.rows("train")["pid"].nunique()
    smaller: dict[str, int] = {}
    for number in range(1, count + 2):
        manifest = build_manifest(raw, with_option(protocol, f"train_ids={number}"))
        train = manifest.rows("train")
        rows = dict(zip(train["path"], train["rate"], strict=True))
        assert smaller.items() <= rows.items()
        # market-3561 keeps one image at least of every identity, so that all of them are counted
        assert train["pid"].nunique() == min(number, count)
        noted = any(note.startswith("train_ids=") for note in manifest.notes)
        assert noted == (number > count)
        for split in ("query", "gallery"):
            assert manifest.rows(split).equals(full.rows(split))
        smaller = rows
    last = full.rows("train")
    assert smaller == dict(zip(last["path"], last["rate"], strict=True))


@pytest.mark.parametrize("style", STYLES)
@draws(30)
@given(st.data(), st.sampled_from(["kernel=box", "kernel=cv2_linear_noaa", "grid=input"]))
def test_how_images_are_resampled_moves_no_row(style, data, option):
    raw, _, protocol = data.draw(cases(style))
    manifest = build_or_reject(raw, protocol)
    resampled = build_manifest(raw, with_option(protocol, option))
    assert resampled.table.equals(manifest.table)
    assert resampled.digest != manifest.digest
    assert option in resampled.protocol
    assert option.endswith(resampled.kernel if "kernel" in option else resampled.grid)


# --- validation -----------------------------------------------------------------------------------


@st.composite
def validations(draw, style):
    """(raw folder, one more identity, a protocol without what validation refuses)."""
    raw, more = draw(raws(style, 10))
    protocol = draw(st.sampled_from(APPLY[style]))
    return raw, more, without_options(protocol, "distractors", "test_list")


@pytest.mark.parametrize("style", STYLES)
@draws(40)
@given(st.data())
def test_validation_divides_the_training_identities_and_shows_no_other(style, data):
    """Market-3561 and `train_ids` choose of what trains; who is tested comes of all that could."""
    raw, _, protocol = data.draw(validations(style))
    seed = data.draw(st.integers(0, 3))
    manifest = build_or_reject(raw, with_option(protocol, VALIDATION), seed)
    ordinary = build_or_reject(raw, protocol, seed)
    whole = without_options(protocol, "train_ids").replace("market-3561", "mlr-perid")
    available = build_or_reject(raw, whole, seed).rows("train")
    train, test = manifest.rows("train"), manifest.table[manifest.table["split"] != "train"]
    assert not set(train["pid"]) & set(test["pid"])
    assert set(manifest.table["path"]) <= set(available["path"])
    tested = ordinary.table[ordinary.table["split"] != "train"]
    assert not set(manifest.table["pid"]) & set(tested["pid"])
    assert set(test["pid"]) <= set(manifest.rows("gallery")["pid"])
    total = available["pid"].nunique()
    assert test["pid"].nunique() <= max(2, total // 3)
    if "train_ids" not in protocol:
        assert train["pid"].nunique() == total - max(2, total // 3)
    rates = dict(zip(available["path"], available["rate"], strict=True))
    for path, split, rate in manifest.table[["path", "split", "rate"]].itertuples(index=False):
        of_its_own = style == "vru" or protocol.startswith(("mlr-official", "fixed-r"))
        if split == "train" or style == "vric" or not of_its_own:
            assert rate == rates[path]


@pytest.mark.parametrize("style", ["plain", "market", "np", "vru", "vric"])
@draws(20)
@given(st.data(), st.randoms())
def test_validation_depends_on_no_order_and_little_on_who_else_there_is(style, data, random):
    raw, more, protocol = data.draw(validations(style))
    text = with_option(protocol, VALIDATION)
    manifest = build_or_reject(raw, text)
    images = list(raw.images)
    random.shuffle(images)
    assert build_manifest(replace(raw, images=tuple(images)), text).digest == manifest.digest
    grown = raw_of(raw.dataset, (*raw.images, *more), **_fields(raw))
    assume(_cameras_by_boxes(raw.images) >= _cameras_by_boxes(more))
    before, now = splits_of(manifest), splits_of(build_or_reject(grown, text))
    pids = {image.path: image.pid for image in raw.images}
    moved = {pids[path] for path in before.keys() & now.keys() if before[path] != now[path]}
    assert len(moved) <= 1


# --- frequencies ----------------------------------------------------------------------------------


def large(style):
    """A raw folder with at least 1000 LR queries, or LR training images, under every protocol."""
    pids = range(1, 1401)
    if style == "vru":
        images = [
            RawImage(f"Pic/{pid}_{shot}.jpg", pid, -1, "train" if pid % 2 else "test")
            for pid in pids
            for shot in range(3)
        ]
        return raw_of(VRU, images, test_sets={"8000": tuple(pids[1::2])})
    images = []
    for pid in pids:
        for camid in (1, 2):
            parts = ["train"] if pid % 2 else ["gallery", "query"]
            for shot in range(2):
                images += [
                    RawImage(f"{part}/{pid:04d}_c{camid}_{shot}.jpg", pid, camid, part)
                    for part in parts
                ]
    return raw_of("mlr-market", images)


def within(count, total, share):
    """Five standard deviations of a binomial: one false alarm in a million counts."""
    return abs(count - total * share) < 5 * (total * share * (1 - share)) ** 0.5


@pytest.mark.parametrize(
    "protocol", ["mlr-sing", "mlr-perid", "mlr-multi", "mlr-official", "mlr-mixed", "market-3561"]
)
def test_lr_rates_are_uniform_over_two_three_four(protocol):
    manifest = build_manifest(large("market"), protocol, 5)
    for split in ("train", "query"):
        lr = manifest.rows(split)["rate"]
        counts = Counter(lr[lr > 1])
        total = sum(counts.values())
        assert total >= (380 if protocol == "market-3561" and split == "train" else 1000)
        assert all(within(counts[rate], total, 1 / 3) for rate in (2, 3, 4))


@pytest.mark.parametrize(
    ("protocol", "shares"),
    [
        ("vru-uniform4", {1: 1 / 4, 2: 1 / 4, 3: 1 / 4, 4: 1 / 4}),
        ("vru-half", {1: 1 / 2, 2: 1 / 6, 3: 1 / 6, 4: 1 / 6}),
    ],
)
def test_vru_training_rates_have_the_documented_shares(protocol, shares):
    manifest = build_manifest(large("vru"), f"{protocol}[test_ids=700]", 2)
    counts = Counter(manifest.rows("train")["rate"])
    assert sum(counts.values()) == 2100
    assert all(within(counts[rate], 2100, share) for rate, share in shares.items())
    queries = Counter(manifest.rows("query")["rate"])
    assert all(within(queries[rate], 1400, 1 / 3) for rate in (2, 3, 4))


def test_each_trial_draws_anew():
    """The rate of one image over 1000 trials, and the LR camera of one identity."""
    images = [
        RawImage(f"cam_{camid}/{pid:03d}_0.bmp", pid, camid)
        for pid in range(4)
        for camid in (1, 2, 3)
    ]
    raw = raw_of("mlr-viper", images)
    path = images[0].path
    manifests = [build_manifest(raw, "mlr-perid", seed) for seed in range(1000)]
    counts = Counter(rates_of(manifest)[path] for manifest in manifests)
    assert within(counts[1], 1000, 2 / 3)
    assert all(within(counts[rate], 1000, 1 / 9) for rate in (2, 3, 4))
    trained = sum(splits_of(manifest)[path] == "train" for manifest in manifests)
    assert within(trained, 1000, 1 / 2)


@draws(40)
@given(st.integers(4, 60), st.integers(1, 3), st.integers(0, 3))
def test_balanced_thirds_are_exact(identities, count, seed):
    images = [
        RawImage(f"cam_{camid}/{pid:03d}_{shot}.bmp", pid, camid)
        for pid in range(identities)
        for camid in (0, 1)
        for shot in range(count)
    ]
    for protocol in ("mlr-sing[balanced=true]", "mlr-multi[balanced=true]"):
        manifest = build_manifest(raw_of("mlr-viper", images), protocol, seed)
        counts, lr = Counter(rates_of(manifest).values()), identities * count
        assert (counts[2], counts[3], counts[4]) == (lr // 3, lr // 3, lr - 2 * (lr // 3))


# --- what names a split ---------------------------------------------------------------------------

OF_OWN_SETS = ("mlr-uniform", "given")  # test_own_sets.py
OF_MARKET = [name for name in PROTOCOLS if not name.startswith("vru") and name not in OF_OWN_SETS]
EVERYWHERE = [("market", name) for name in OF_MARKET]
EVERYWHERE += [("vru", name) for name in PROTOCOLS if name.startswith("vru")]


@pytest.mark.parametrize(("style", "protocol"), EVERYWHERE)
def test_seed_and_names_change_the_digest(style, protocol):
    raw = large(style)
    raw = replace(raw, images=tuple(i for i in raw.images if i.pid < 60))
    digests = {build_manifest(raw, protocol, seed).digest for seed in range(5)}
    assert len(digests) == 5
    first, trained = raw.images[:-1], raw.images[-1]
    assert trained.part == "train" or style == "vru"
    renamed = replace(trained, path=trained.path.replace(".jpg", "x.jpg"))
    changed = raw_of(raw.dataset, [renamed, *first], **_fields(raw))
    assert build_manifest(changed, protocol).digest not in digests


def test_no_two_protocols_share_a_digest():
    raw = large("market")
    raw = replace(raw, images=tuple(i for i in raw.images if i.pid < 60))
    assert len({build_manifest(raw, name).digest for name in OF_MARKET}) == len(OF_MARKET)


HASH_SEED = """
from dataclasses import replace
from pathlib import Path
from crossres.datasets import Raw, RawImage, build_manifest, card
from crossres.datasets.cards import Layout
from crossres.datasets.protocols import PROTOCOLS
images = set()
for pid in range(1, 41):
    for camid in (1, 2, 3):
        for part in ["train"] if pid % 2 else ["gallery", "query"]:
            images.add(RawImage(f"{part}/{pid:04d}_c{camid}.jpg", pid, camid, part))
market = Raw("mlr-market", Path("raw"), "real", tuple(images))
cars = {RawImage(f"Pic/{n}.jpg", n // 3, -1, "train" if n < 60 else "test") for n in range(150)}
lists = {"8000": tuple({n // 3 for n in range(60, 150)})}
vru = Raw("mlr-market", Path("raw"), "real", tuple(cars), test_sets=lists)
mine = replace(card("mlr-viper"), id="mine", own=Layout())
uniform = Raw("mine", Path("raw"), "custom", tuple(replace(i, part="") for i in cars), own=mine)
given = replace(market, own=mine, rates={i.path: 1 + i.camid for i in images})
own = {"mlr-uniform": uniform, "given": given}
for name in PROTOCOLS:
    raw = own.get(name) or (vru if name.startswith("vru") else market)
    print(name, build_manifest(raw, name, 1).digest)
"""


def test_the_hash_seed_of_python_is_irrelevant():
    digests = set()
    for hash_seed in ("0", "1", "12345"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(REPOSITORY)}
        command = [sys.executable, "-c", HASH_SEED]
        process = subprocess.run(
            command, env=environment, check=True, capture_output=True, text=True
        )
        digests.add(process.stdout)
    (output,) = digests
    assert len(output.splitlines()) == len(PROTOCOLS)
