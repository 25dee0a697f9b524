"""Exports: the split of the manifest in names that other code reads, and nothing half-made."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from crossres.datasets import InputError, Manifest, Raw, Source, build_manifest, draw_twin, open_raw
from crossres.datasets.exports import export, verify_export
from crossres.datasets.exports.index import read_list
from crossres.datasets.exports.layout import LAYOUTS, layout
from crossres.datasets.pixels.store import open_store
from crossres.datasets.readers import market, reader
from crossres.datasets.resampling.integer import resample

Make = Callable[[str, Path], object]
LIST = "crossres-export.csv"


@pytest.fixture
def opened(make: Make, tmp_path: Path) -> Callable[[str], Raw]:
    """opened(dataset): the small raw folder of a data set."""

    def open_one(dataset: str) -> Raw:
        make(dataset, tmp_path / "raw")
        return open_raw(dataset, Source(root=tmp_path / "raw"), tmp_path / "cache")

    return open_one


def official(raw: Raw) -> Manifest:
    """Market's parts as they are, queries at rate 2: here query and gallery share cameras."""
    rows = [(i.path, i.pid, i.camid, i.part, 2 if i.part == "query" else 1) for i in raw.images]
    table = pd.DataFrame(rows, columns=["path", "pid", "camid", "split", "rate"])
    return Manifest(raw.dataset, "official", 0, table)


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_set_in_every_layout_is_found_again(
    dataset: str, name: str, opened: Callable[[str], Raw], tmp_path: Path
) -> None:
    raw = opened(dataset)
    manifest = build_manifest(raw)
    written = export(raw, manifest, tmp_path / "out", name)
    read_back, entries = verify_export(tmp_path / "out")
    assert read_back.digest == manifest.digest
    assert written.images == len(entries)
    images = [entry for entry in entries if entry.split != "val"]
    assert [entry.path for entry in images] == manifest.table["path"].tolist()
    assert [entry.rate for entry in images] == manifest.table["rate"].tolist()


def market_like(
    folder: Path, suffix: str = "jpg", cameras: int = 6
) -> dict[str, list[tuple[str, int, int]]]:
    """Glob and search, as the Market-1501 classes of other code do, with what they assert."""
    rows = {}
    names = {"train": "bounding_box_train", "query": "query", "gallery": "bounding_box_test"}
    for split, name in names.items():
        rows[split] = []
        for path in (folder / name).glob(f"*.{suffix}"):
            match = re.search(r"([-\d]+)_c(\d)", str(path))
            assert match
            pid, camid = int(match[1]), int(match[2])
            assert -1 <= pid <= 1501
            assert 1 <= camid <= cameras
            rows[split].append((f"{name}/{path.name}", pid, camid))
    return rows


def test_market_classes_of_others_find_the_split(
    dataset: str, opened: Callable[[str], Raw], tmp_path: Path
) -> None:
    raw = opened(dataset)
    manifest = build_manifest(raw)
    export(raw, manifest, tmp_path / "out", "market")
    listed = pd.read_csv(tmp_path / "out" / LIST).set_index("file")
    # Duke has eight cameras, and other code a class of its own for it.
    cameras = 8 if dataset == "mlr-duke" else 6
    for split, rows in market_like(tmp_path / "out", cameras=cameras).items():
        expected = manifest.rows(split)
        assert len(rows) == len(expected)
        reader_labels = {listed.loc[file, "path"]: (pid, camid) for file, pid, camid in rows}
        manifest_rows = expected.set_index("path")
        assert set(reader_labels) == set(manifest_rows.index)
        # One number per identity, and within an identity one number per camera.
        pids = {(manifest_rows.loc[path, "pid"], pid) for path, (pid, _) in reader_labels.items()}
        assert len(pids) == len({a for a, _ in pids}) == len({b for _, b in pids})
        cameras = {
            (manifest_rows.loc[path, "pid"], manifest_rows.loc[path, "camid"], camid)
            for path, (_, camid) in reader_labels.items()
        }
        assert len(cameras) == len({c[:2] for c in cameras})
        assert len(cameras) == len({(c[0], c[2]) for c in cameras})


def test_our_own_market_reader_finds_the_split(
    dataset: str, opened: Callable[[str], Raw], tmp_path: Path
) -> None:
    raw = opened(dataset)
    manifest = build_manifest(raw)
    export(raw, manifest, tmp_path / "out", "market")
    _, entries = read_list(tmp_path / "out" / LIST)
    if dataset == "mlr-duke":
        with pytest.raises(InputError, match=r"camera 1\.\.6"):
            market.read(tmp_path / "out")
        return
    images = {image.path: image for image in market.read(tmp_path / "out").images}
    assert len(images) == len(manifest.table)
    for entry in entries:
        image = images[entry.file]
        assert (image.pid, image.camid, image.part) == (
            entry.export_pid,
            entry.export_camid,
            entry.split,
        )
        pixels = market.open_image(tmp_path / "out", entry.file)
        assert pixels.shape == (entry.height, entry.width, 3)


def test_market_keeps_the_numbers_of_market(opened: Callable[[str], Raw], tmp_path: Path) -> None:
    raw = opened("mlr-market")
    written = export(raw, official(raw), tmp_path / "out", "market")
    assert not written.notes
    _, entries = read_list(tmp_path / "out" / LIST)
    assert {-1, 0} < {entry.pid for entry in entries}
    assert all((e.export_pid, e.export_camid) == (e.pid, e.camid) for e in entries)


@pytest.mark.parametrize("name", ["folders", "dgd"])
def test_junk_is_left_out_where_a_layout_has_no_word_for_it(
    name: str, opened: Callable[[str], Raw], tmp_path: Path
) -> None:
    raw = opened("mlr-market")
    manifest = official(raw)
    export(raw, manifest, tmp_path / "out", name)
    _, entries = verify_export(tmp_path / "out")
    listed = [entry for entry in entries if entry.split != "val"]
    assert {entry.pid for entry in listed} == set(manifest.table["pid"]) - {-1}


@pytest.mark.parametrize("options", ["kernel=box", "kernel=cv2_cubic_noaa", "grid=input"])
def test_kernel_and_grid_of_the_protocol_are_those_of_the_store(
    options: str, opened: Callable[[str], Raw], tmp_path: Path
) -> None:
    raw = opened("mlr-viper")
    manifest = build_manifest(raw, f"mlr-sing[{options}]")
    export(raw, manifest, tmp_path / "out", "folders", input_size=(32, 16))
    store = open_store(raw, manifest, 32, 16, tmp_path / "cache")
    _, entries = verify_export(tmp_path / "out")
    queries = [entry for entry in entries if entry.split == "query"]
    for entry, expected in zip(queries, store.images("query"), strict=True):
        assert np.array_equal(np.asarray(Image.open(tmp_path / "out" / entry.file)), expected)


def test_pixels_are_those_of_the_store_before_its_resize(
    dataset: str, opened: Callable[[str], Raw], tmp_path: Path
) -> None:
    raw = opened(dataset)
    manifest = build_manifest(raw)
    export(raw, manifest, tmp_path / "low", "folders")
    export(raw, manifest, tmp_path / "input", "folders", input_size=(32, 16))
    store = open_store(raw, manifest, 32, 16, tmp_path / "cache")
    open_native = reader("market" if dataset != "mlr-cuhk03" else "cuhk03").open_image
    rows = {
        path: (split, row)
        for split in ("train", "query", "gallery")
        for row, path in enumerate(manifest.rows(split)["path"])
    }
    _, entries = read_list(tmp_path / "low" / LIST)
    for entry in entries:
        split, row = rows[entry.path]
        expected = store.images(split)[row]
        low = np.asarray(Image.open(tmp_path / "low" / entry.file))
        height, width = open_native(raw.folder, entry.path).shape[:2]
        rate = max(1, entry.rate)
        assert low.shape == (height // rate, width // rate, 3)
        assert np.array_equal(resample(low, 32, 16, "bilinear"), expected)
        assert np.array_equal(np.asarray(Image.open(tmp_path / "input" / entry.file)), expected)


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("suffix", ["jpg", "png", "bmp"])
def test_files_are_png_whatever_their_names_end_in(
    name: str, suffix: str, opened: Callable[[str], Raw], tmp_path: Path
) -> None:
    raw = opened("mlr-viper")
    export(raw, build_manifest(raw), tmp_path / "out", name, suffix=suffix)
    _, entries = verify_export(tmp_path / "out")
    for entry in entries:
        assert entry.file.endswith(f".{suffix}")
        assert (tmp_path / "out" / entry.file).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_same_export_has_the_same_bytes(
    name: str, opened: Callable[[str], Raw], tmp_path: Path
) -> None:
    raw = opened("mlr-market")
    for out in ("a", "b"):
        export(raw, build_manifest(raw, "mlr-sing", 3), tmp_path / out, name)
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")


@pytest.mark.parametrize("name", LAYOUTS)
def test_names_say_nothing_of_the_rate(
    name: str, dataset: str, opened: Callable[[str], Raw]
) -> None:
    if dataset == "caviar":
        pytest.skip("natively LR: no rate")
    manifest = build_manifest(opened(dataset))
    swapped = manifest.table.assign(rate=manifest.table["rate"].map({1: 1, 2: 4, 3: 2, 4: 3}))
    assert not swapped.equals(manifest.table)
    files = [file.file for file in layout(name).plan(manifest.table, "png").files]
    assert files == [file.file for file in layout(name).plan(swapped, "png").files]


def test_di_reid_finds_the_lr_images_by_c0(
    dataset: str, opened: Callable[[str], Raw], tmp_path: Path
) -> None:
    raw = opened(dataset)
    manifest = build_manifest(raw)
    notes = export(raw, manifest, tmp_path / "out", "folders").notes
    # VRIC's gallery holds LR images; queries of both share cameras with others of their identity.
    marked = not any("camera 0 does not stand for LR" in note for note in notes)
    assert marked == (dataset not in ("mlr-veri", "vric"))
    _, entries = read_list(tmp_path / "out" / LIST)
    for entry in entries:
        file = Path(entry.file)
        assert ("c0" in file.name) == (marked and entry.rate != 1)
        assert int(file.name[:5]) == int(file.parent.name) == entry.export_pid
        assert int(file.name.split("c")[1][0]) == entry.export_camid
    train = {entry.path for entry in entries if entry.split == "train"}
    val = {entry.path for entry in entries if entry.split == "val"}
    assert val <= train
    for lr in (True, False):
        pids = {e.pid for e in entries if e.split == "val" and (e.rate != 1) == lr}
        assert pids == {e.pid for e in entries if e.split == "train" and (e.rate != 1) == lr}
    assert train == set(manifest.rows("train")["path"])


def test_camera_0_is_no_lr_camera_where_the_same_camera_rule_needs_it(
    opened: Callable[[str], Raw], tmp_path: Path
) -> None:
    raw = opened("mlr-market")
    written = export(raw, official(raw), tmp_path / "out", "folders")
    assert any("camera 0 does not stand for LR" in note for note in written.notes)
    _, entries = read_list(tmp_path / "out" / LIST)
    assert all(entry.export_camid == entry.camid for entry in entries)


def dgd_lists(folder: Path) -> dict[str, list[tuple[str, int]]]:
    """Train, probe and gallery as DGD's list maker takes them from the two JSON files."""
    identities = json.loads((folder / "meta.json").read_text())["identities"]
    split = json.loads((folder / "split.json").read_text())
    assert set(split["test_probe"]) <= set(split["test_gallery"])
    parts: dict[str, list[list[str]]] = {"train": [], "query": [], "gallery": []}
    for pid in split["trainval"]:
        parts["train"] += identities[pid]
    for pid in split["test_probe"]:
        half = len(identities[pid]) // 2
        parts["query"] += identities[pid][:half]
        parts["gallery"] += identities[pid][half:]
    for pid in set(split["test_gallery"]) - set(split["test_probe"]):
        parts["gallery"] += identities[pid]
    return {
        part: [(file, int(Path(file).name[:5])) for view in views for file in view]
        for part, views in parts.items()
    }


def test_dgd_and_sing_find_the_split(
    dataset: str, opened: Callable[[str], Raw], tmp_path: Path
) -> None:
    raw = opened(dataset)
    manifest = build_manifest(raw)
    export(raw, manifest, tmp_path / "out", "dgd")
    listed = pd.read_csv(tmp_path / "out" / LIST).set_index("file")
    meta = json.loads((tmp_path / "out" / "meta.json").read_text())
    assert set(meta) == {"name", "shot", "num_cameras", "identities"}
    for split, rows in dgd_lists(tmp_path / "out").items():
        assert sorted(listed.loc[[file for file, _ in rows], "path"]) == sorted(
            manifest.rows(split)["path"]
        )
        assert [label for _, label in rows] == [listed.loc[f, "export_pid"] for f, _ in rows]
        assert all((tmp_path / "out" / file).is_file() for file, _ in rows)


def test_dgd_takes_hr_queries_for_queries(opened: Callable[[str], Raw], tmp_path: Path) -> None:
    raw = opened("mlr-market")
    manifest = official(raw)
    all_hr = Manifest(raw.dataset, "official", 0, manifest.table.assign(rate=1))
    export(raw, all_hr, tmp_path / "out", "dgd")
    queries = dgd_lists(tmp_path / "out")["query"]
    assert len(queries) == len(manifest.rows("query"))


# --- nothing half-made, nothing silently wrong ----------------------------------------------------


def test_a_twin_stays_a_twin(tmp_path: Path) -> None:
    draw_twin("mlr-viper", tmp_path / "raw", "tiny")
    raw = open_raw("mlr-viper", Source(root=tmp_path / "raw"), tmp_path / "cache")
    export(raw, build_manifest(raw), tmp_path / "out", "market")
    text = (tmp_path / "out" / "README.txt").read_text()
    assert "TWIN DATA" in text
    assert build_manifest(raw).digest in text
    marker = json.loads((tmp_path / "out" / "crossres-twin.json").read_text())
    assert marker["twin"] == "mlr-viper"


def test_real_data_is_not_called_a_twin(opened: Callable[[str], Raw], tmp_path: Path) -> None:
    raw = opened("mlr-viper")
    export(raw, build_manifest(raw), tmp_path / "out", "market")
    assert "TWIN" not in (tmp_path / "out" / "README.txt").read_text()
    assert not (tmp_path / "out" / "crossres-twin.json").exists()


def test_an_export_is_not_taken_for_a_raw_folder(
    opened: Callable[[str], Raw], tmp_path: Path
) -> None:
    raw = opened("mlr-market")
    export(raw, build_manifest(raw), tmp_path / "out", "market")
    with pytest.raises(InputError, match="an export of crossres, not a raw folder"):
        open_raw("mlr-market", Source(root=tmp_path / "out"), tmp_path / "cache")


def test_an_existing_folder_is_refused_and_kept(
    opened: Callable[[str], Raw], tmp_path: Path
) -> None:
    raw = opened("mlr-viper")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="exists already"):
        export(raw, build_manifest(raw), tmp_path / "out", "market")
    assert files_of(tmp_path / "out") == {"mine.txt": b"mine"}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_damaged_raw_image_leaves_nothing(
    name: str, opened: Callable[[str], Raw], tmp_path: Path
) -> None:
    raw = opened("mlr-viper")
    manifest = build_manifest(raw)
    damaged = raw.folder / manifest.table["path"].iloc[-1]
    damaged.write_bytes(damaged.read_bytes()[:100])
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InputError, match=re.escape(str(damaged))):
        export(raw, manifest, tmp_path / "out", name)
    assert sorted(tmp_path.iterdir()) == before


def test_what_cannot_be_exported_is_refused(opened: Callable[[str], Raw], tmp_path: Path) -> None:
    raw, pku = opened("mlr-viper"), opened("mlr-pku")
    manifest = build_manifest(raw)
    for refused, words in (
        (build_manifest(pku), "the manifest is of mlr-pku"),
        (
            Manifest(raw.dataset, "mlr-sing[kernel=none]", 0, manifest.table),
            "its kernel or grid is unknown",
        ),
        (
            Manifest(raw.dataset, "mlr-sing[grid=input]", 0, manifest.table),
            "give an input size",
        ),
        (
            Manifest(
                raw.dataset, "mlr-sing", 0, manifest.table.replace("cam_a/000_0.bmp", "cam_a/x.bmp")
            ),
            "is in the manifest, but not in the raw folder",
        ),
    ):
        with pytest.raises(InputError, match=re.escape(words)):
            export(raw, refused, tmp_path / "out", "market")
    with pytest.raises(InputError, match="unknown layout 'torchreid'"):
        export(raw, manifest, tmp_path / "out", "torchreid")
    with pytest.raises(InputError, match="unknown suffix 'gif'"):
        export(raw, manifest, tmp_path / "out", "market", suffix="gif")
    assert not (tmp_path / "out").exists()


def test_a_path_that_market_readers_would_misread_is_refused(
    opened: Callable[[str], Raw], tmp_path: Path
) -> None:
    raw = opened("mlr-viper")
    folder = tmp_path / "run_12_c3" / "out"
    with pytest.raises(InputError, match="'12_c3'"):
        export(raw, build_manifest(raw), folder, "market")
    export(raw, build_manifest(raw), folder, "folders")
    verify_export(folder)


def _remove(folder: Path, files: list[str]) -> str:
    (folder / files[0]).unlink()
    return "is missing"


def _add(folder: Path, files: list[str]) -> str:
    name = Path(files[0]).name
    extra = Path(files[0]).with_name(
        name.replace("_000000", "_000777").replace("_00000.", "_00777.")
    )
    shutil.copy(folder / files[0], folder / extra)
    return "is not in the list"


def _swap(folder: Path, files: list[str]) -> str:
    first, second = folder / files[0], folder / files[-1]
    first.rename(folder / "aside")
    second.rename(first)
    (folder / "aside").rename(second)
    return "holds other pixels"


def _cut(folder: Path, files: list[str]) -> str:
    content = (folder / files[0]).read_bytes()
    (folder / files[0]).write_bytes(content[: len(content) // 2])
    return "not a whole JPEG, PNG or BMP"


def _other_manifest(folder: Path, files: list[str]) -> str:  # noqa: ARG001
    text = (folder / "manifest.csv").read_text()
    (folder / "manifest.csv").write_text(re.sub(r",2\n", ",3\n", text))
    return "is not the list of manifest.csv"


def _no_list(folder: Path, files: list[str]) -> str:  # noqa: ARG001
    (folder / LIST).write_text("a,b\n1,2\n")
    return "not the list of an export"


def _foreign(folder: Path, files: list[str]) -> str:
    (folder / files[0]).with_name("stranger.png").write_bytes(b"")
    return "outside the grammar"


@pytest.mark.parametrize("name", ["market", "folders"])
@pytest.mark.parametrize(
    "harm",
    [_remove, _add, _swap, _cut, _other_manifest, _no_list, _foreign],
    ids=lambda f: f.__name__,
)
def test_a_changed_export_is_found_out(
    name: str,
    harm: Callable[[Path, list[str]], str],
    opened: Callable[[str], Raw],
    tmp_path: Path,
) -> None:
    raw = opened("mlr-pku")
    export(raw, build_manifest(raw), tmp_path / "out", name)
    _, entries = verify_export(tmp_path / "out")
    words = harm(tmp_path / "out", [entry.file for entry in entries])
    with pytest.raises(InputError, match=re.escape(words)):
        verify_export(tmp_path / "out")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"identities": 3}', "[" * 100_000])
def test_a_damaged_meta_json_is_found_out(
    text: str, opened: Callable[[str], Raw], tmp_path: Path
) -> None:
    raw = opened("mlr-pku")
    export(raw, build_manifest(raw), tmp_path / "out", "dgd")
    (tmp_path / "out" / "meta.json").write_text(text)
    with pytest.raises(InputError, match=r"not (usable|a readable part of an export)"):
        verify_export(tmp_path / "out")
