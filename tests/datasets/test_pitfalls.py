"""The eleven pitfalls of public re-identification code, each shown not to be ours.

They are numbered as in the survey that the project started from: what other code bases do is said
in the name or the first line of each test.
"""

import ast
import contextlib
import hashlib
import io
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from crossres.benchmark import Rules, evaluate
from crossres.datasets import (
    CARDS,
    InputError,
    Raw,
    RawImage,
    Source,
    build_manifest,
    open_raw,
    open_store,
)
from crossres.datasets.readers.parts.listing import decode
from crossres.datasets.resampling.integer import downsample

REPO = Path(__file__).resolve().parents[2]
ROOMS = ("datasets", "methods", "benchmark", "reports", "crossres")


def read(dataset, root):
    return open_raw(dataset, Source(root), Path(os.devnull))  # a cache that cannot be written


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def trees(*rooms: str) -> Iterator[tuple[Path, ast.AST]]:
    """Every node of the code of the rooms, with its file."""
    for room in rooms:
        for file in sorted((REPO / room).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                yield file, node


def dotted(node: ast.AST) -> str:
    return ast.unparse(node) if isinstance(node, ast.Attribute) else ""


def in_other_processes(code: str, *arguments: str) -> set[str]:
    """What the code prints in processes with different hash seeds."""
    return {
        subprocess.run(
            [sys.executable, "-c", code, *arguments],
            capture_output=True,
            text=True,
            check=True,
            cwd=REPO,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("0", "1", "77")
    }


# --- 1: iterating a set ---------------------------------------------------------------------------


def test_pitfall_1_no_split_comes_from_the_order_of_a_set(make, tmp_path):
    """Numbering identities, or drawing, by iterating a set of strings: another split each run."""
    for dataset in CARDS:
        make(dataset, tmp_path)
    code = (
        "import sys, pathlib\nfrom crossres import datasets as d\n"
        "root = pathlib.Path(sys.argv[1])\n"
        "for name in d.CARDS:\n"
        "    raw = d.open_raw(name, d.Source(root), root / 'cache')\n"
        "    for protocol in d.PROTOCOLS:\n"
        "        try:\n"
        "            print(name, protocol, d.build_manifest(raw, protocol).digest)\n"
        "        except d.InputError:\n"
        "            print(name, protocol, 'is not for this set')\n"
    )
    assert len(in_other_processes(code, str(tmp_path))) == 1


# --- 2: listing without sorting -------------------------------------------------------------------


def test_pitfall_2_no_listing_feeds_a_draw_in_the_order_of_the_disk(
    dataset, make, tmp_path, monkeypatch
):
    """os.listdir or glob into a seeded shuffle; test_digest_invariance.py shuffles them, too."""
    folder, _ = make(dataset, tmp_path)
    expected = build_manifest(read(dataset, tmp_path)).digest
    listdir, scandir, folders = os.listdir, os.scandir, set()

    def backwards(path="."):
        folders.add(str(path))
        return sorted(listdir(path), reverse=True)

    @contextlib.contextmanager
    def backwards_scan(path="."):
        folders.add(str(path))
        with scandir(path) as entries:
            listed = sorted(entries, key=lambda entry: entry.name, reverse=True)
        yield iter(listed)

    monkeypatch.setattr(os, "listdir", backwards)
    monkeypatch.setattr(os, "scandir", backwards_scan)
    assert build_manifest(read(dataset, tmp_path)).digest == expected
    assert str(folder) in folders


# --- 3: draws saved as a hidden local file --------------------------------------------------------


def test_pitfall_3_nothing_is_saved_in_the_raw_folder(dataset, make, tmp_path):
    """Unseeded draws saved as json beside the data, which nobody else has."""
    folder, _ = make(dataset, tmp_path / "raw")
    before = files_below(tmp_path)
    raw = open_raw(dataset, Source(folder), tmp_path / "cache")
    first = build_manifest(raw)
    open_store(raw, first, 8, 4, tmp_path / "cache")
    after = files_below(tmp_path)
    assert {name: after[name] for name in before} == before
    assert all(name.startswith("cache/") for name in after.keys() - before.keys())
    anew = open_raw(dataset, Source(folder), tmp_path / "another cache")
    assert build_manifest(anew).digest == first.digest


# --- 4: shuffling when a class is made ------------------------------------------------------------


def test_pitfall_4_building_again_gives_the_same_whatever_was_drawn_before(dataset, make, tmp_path):
    """random.shuffle in a constructor: another query set in each process, even train and test."""
    make(dataset, tmp_path)
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    digests = set()
    try:
        for seed in range(3):
            random.seed(seed)
            np.random.seed(seed)  # noqa: NPY002
            states = [repr(random.getstate()), repr(np.random.get_state())]  # noqa: NPY002
            digests.add(build_manifest(read(dataset, tmp_path)).digest)
            assert [repr(random.getstate()), repr(np.random.get_state())] == states  # noqa: NPY002
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
    assert len(digests) == 1


def test_pitfall_4_nothing_about_data_draws_from_a_global_generator():
    seeded = {"np.random.Generator", "np.random.PCG64", "np.random.default_rng"}
    for file, node in trees("datasets"):
        name = dotted(node)
        if re.fullmatch(r"(np\.)?random\.\w+", name):
            assert name in seeded, (file, name)


# --- 5: compressing again, and names that tell the rate -------------------------------------------


def test_pitfall_5_low_resolution_images_are_never_compressed_again(make, tmp_path):
    """Saving LR (and HR) images as JPEG of quality 75; here the store holds the exact values."""
    folder, truth = make("mlr-market", tmp_path)
    raw = read("mlr-market", tmp_path)
    manifest = build_manifest(raw)
    row = next(row for row in manifest.rows("query").itertuples() if row.rate == 2)
    native = decode(folder / row.path)
    store = open_store(raw, manifest, native.shape[0] // 2, native.shape[1] // 2, tmp_path / "c")
    assert np.array_equal(store.images("query")[row.Index], downsample(native, 2))
    assert len(truth) == len(raw.images)


def test_pitfall_5_no_name_tells_the_rate(dataset, make, tmp_path):
    """A suffix such as _2x leaks the rate to whatever parses names."""
    _, truth = make(dataset, tmp_path)
    names = {image.path for image in truth}
    for seed in range(3):
        table = build_manifest(read(dataset, tmp_path), seed=seed).table
        assert set(table["path"]) <= names
        assert not table["path"].str.contains(r"_[234]x\.").any()


# --- 6: per-identity cameras drawn anew in each folder --------------------------------------------


def market_of_many() -> Raw:
    images = []
    for pid in range(1, 61):
        for camid in {1 + pid % 6, 1 + pid * 5 % 6, 1 + pid * pid % 6, 1 + (pid + 1) % 6}:
            name = f"{pid:04d}_c{camid}s1_000001_01.jpg"
            if pid <= 30:
                images.append(RawImage(f"bounding_box_train/{name}", pid, camid, "train"))
            else:
                images.append(RawImage(f"bounding_box_test/{name}", pid, camid, "gallery"))
                images.append(RawImage(f"query/{name}", pid, camid, "query"))
    images.sort(key=lambda image: image.path)
    return Raw("mlr-market", Path("raw"), "real", tuple(images))


@pytest.mark.parametrize("protocol", ["mlr-sing", "mlr-perid"])
def test_pitfall_6_a_query_and_its_gallery_copies_share_the_draw_of_the_camera(protocol):
    """Drawn for each folder: a query and its own copy in the gallery may both be LR, or both HR."""
    for seed in range(5):
        manifest = build_manifest(market_of_many(), protocol, seed)
        query, gallery = manifest.rows("query"), manifest.rows("gallery")
        assert len(query) > 5
        assert (query["rate"] > 1).all()
        assert (gallery["rate"] == 1).all()
        lr = set(zip(query["pid"], query["camid"], strict=True))
        assert not lr & set(zip(gallery["pid"], gallery["camid"], strict=True))


# --- 7: parsing names loosely ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "0001_c12s1_000001_01.jpg",  # a pattern c(\d) reads camera 1
        "0001_c1s1_000001_01_c6.jpg",
        "x0001_c1s1_000001_01.jpg",
        "-2_c1s1_000001_01.jpg",
    ],
)
def test_pitfall_7_a_name_is_read_whole_or_refused(name, make, tmp_path):
    folder, _ = make("mlr-market", tmp_path)
    (folder / "query" / name).write_bytes(b"")
    with pytest.raises(InputError, match="outside the grammar"):
        read("mlr-market", tmp_path)


def test_pitfall_7_folder_names_take_no_part_in_parsing(dataset, make, tmp_path):
    """split('c')[1] of a whole path breaks on a folder with a c in its name."""
    folder, truth = make(dataset, tmp_path / "c3_scans_c1s1" / "0007_c5")
    assert list(read(dataset, folder).images) == truth


def test_pitfall_7_junk_is_no_identity(make, tmp_path):
    """split('_')[0] keeps -1 as an identity like any other; distractors (0) are none either."""
    make("mlr-market", tmp_path)
    raw = read("mlr-market", tmp_path)
    assert {-1, 0} <= {image.pid for image in raw.images}
    for protocol in ("mlr-sing", "mlr-perid"):
        assert build_manifest(raw, protocol).table["pid"].min() > 0


# --- 8: sizes by floating point -------------------------------------------------------------------


def test_pitfall_8_sizes_are_whole_divisions_rounded_down():
    """int(w * (1 / 3)), or rounding: a pixel more or less; all sides from 1 to 300 are tried."""
    for rate in (2, 3, 4):
        for side in range(1, 301):
            small = downsample(np.zeros((side, 2, 3), np.uint8), rate)
            assert small.shape == (max(1, side // rate), 1, 3)


# --- 9: draws inside the metric -------------------------------------------------------------------


def test_pitfall_9_the_single_shot_metric_draws_nothing():
    """np.random.choice within the metric moves results by tenths of a point from run to run."""
    rng = np.random.default_rng(3)
    query, gallery = rng.random((20, 8)), rng.random((60, 8))
    pids = np.arange(20) % 10, np.arange(60) % 10
    state = repr(np.random.get_state())  # noqa: NPY002
    results = [
        evaluate(
            query,
            gallery,
            query_pids=pids[0],
            gallery_pids=pids[1],
            query_camids=np.zeros(20, int),
            gallery_camids=np.ones(60, int),
            rules=Rules("single-shot"),
        )
        for _ in range(3)
    ]
    assert results[0] == results[1] == results[2]
    assert repr(np.random.get_state()) == state  # noqa: NPY002


# --- 10: names that libraries have dropped --------------------------------------------------------


def test_pitfall_10_no_name_that_its_library_has_dropped():
    """np.bool, scipy.misc.imresize and the like pin a code base to old libraries unseen."""
    dropped = re.compile(r"(np|numpy)\.(bool8?|int0?|float|object|str|unicode_)")
    for file, node in trees(*ROOMS):
        assert not dropped.fullmatch(dotted(node)), (file, dotted(node))
        if isinstance(node, ast.ImportFrom | ast.Import):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names]
            assert not any(name.startswith(("scipy.misc", "imresize")) for name in names), file


def test_pitfall_10_no_library_resamples_what_a_split_consists_of(
    dataset, make, tmp_path, monkeypatch
):
    """Pillow 13 resizes tall images differently: pixels would depend on what is installed."""

    def refuse(*_args, **_options):
        raise AssertionError("Pillow was asked to resample")

    make(dataset, tmp_path)
    for name in ("resize", "thumbnail", "reduce", "draft", "transform"):
        monkeypatch.setattr(Image.Image, name, refuse)
    raw = read(dataset, tmp_path)
    store = open_store(raw, build_manifest(raw), 8, 4, tmp_path / "cache")
    assert store.images("query").std() > 0


# --- 11: case, junk, line ends, suffixes that lie -------------------------------------------------


def test_pitfall_11_junk_and_upper_case_suffixes(dataset, make, tmp_path):
    folder, truth = make(dataset, tmp_path)
    for name in ("Thumbs.db", ".DS_Store", "__MACOSX/._0001001.jpg"):
        for path in (folder, folder / truth[0].path):
            path = folder if path == folder else path.parent
            if path.is_dir():
                (path / name).parent.mkdir(exist_ok=True)
                (path / name).write_bytes(b"junk")
    file = folder / truth[0].path
    if file.is_file():
        file.rename(file.with_suffix(file.suffix.upper()))
    assert sorted(image.key for image in read(dataset, tmp_path).images) == sorted(
        image.key for image in truth
    )


def test_pitfall_11_images_are_decoded_by_content(tmp_path):
    """PNG names that hold JPEG bytes, as in the real PKU-Reid."""
    pixels = np.frombuffer(hashlib.shake_128(b"p").digest(9 * 7 * 3), np.uint8).reshape(9, 7, 3)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=95, subsampling=0)
    (tmp_path / "x.png").write_bytes(stream.getvalue())
    stream.seek(0)
    assert np.array_equal(decode(tmp_path / "x.png"), np.array(Image.open(stream)))


def test_pitfall_11_text_is_read_with_the_line_ends_of_any_system(make, tmp_path):
    """CRLF, a BOM and blank last lines in whatever lists a layout has."""
    for dataset in CARDS:
        folder, _ = make(dataset, tmp_path / dataset)
        expected = build_manifest(read(dataset, folder)).digest
        for file in sorted(folder.rglob("*.txt")):
            text = file.read_bytes().replace(b"\n", b"\r\n")
            file.write_bytes(b"\xef\xbb\xbf" + text.rstrip() + b"\r\n\r\n \r\n")
        assert build_manifest(read(dataset, folder)).digest == expected
