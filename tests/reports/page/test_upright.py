"""Vehicles as in section 4.5 of the paper: wide images turned clockwise, all at 288 : 144."""

import base64
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from crossres.benchmark import load_table
from crossres.benchmark.measures.upright_images import turned
from crossres.benchmark.records.artifacts import ArtifactFolder, artifact_path
from crossres.reports import build_grids
from crossres.reports.page.gallery import Pictures, pictures, pictures_fault
from crossres.reports.page.upright import upright
from crossres.reports.write import write_report
from tests.reports.conftest import Drawn, draw_results

QUERIES_WIDE = np.array([True, False, False, True, False, True])
TOP_WIDE = np.arange(30).reshape(6, 5) % 3 == 0
SENTENCE = "images that are natively wider than high are turned 90° clockwise"


def shrunk_and_doubled(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """np.rot90 clockwise of (2n, n) pixels, then each row twice and columns averaged in pairs."""
    clockwise = np.rot90(image, k=-1).astype(np.float64)
    halved = (clockwise[:, 0::2] + clockwise[:, 1::2]) / 2
    return np.floor(halved + 0.5).astype(np.uint8).repeat(2, axis=0)


def test_a_wide_image_is_turned_clockwise_and_a_tall_one_is_not() -> None:
    image = np.random.default_rng(4).integers(0, 256, (16, 8, 3), dtype=np.uint8)
    wide, tall = turned(np.stack([image, image]), np.array([True, False]))
    assert (tall == image).all()
    assert wide.shape == image.shape
    assert np.abs(wide.astype(int) - shrunk_and_doubled(image)).max() <= 1  # rounding


def test_the_left_edge_of_a_wide_image_comes_to_the_top() -> None:
    image = np.zeros((16, 8, 3), np.uint8)
    image[:, :4] = 200  # the left half, as seen in the wide raw image
    image[:8, 4:, 0] = 90  # the upper right quarter
    (picture,) = turned(image[None], np.array([True]))
    assert (picture[:8] == 200).all()
    assert (picture[8:, 4:] == [90, 0, 0]).all()
    assert (picture[8:, :4] == 0).all()


@pytest.mark.parametrize("size", [(16, 8), (16, 16), (24, 9), (8, 30)])
def test_all_images_come_to_the_shape_of_the_paper(size: tuple[int, int]) -> None:
    images = np.zeros((2, 3, *size, 3), np.uint8)
    shaped = turned(images, np.ones((2, 3), bool))
    assert shaped.shape == (2, 3, size[0], size[0] // 2, 3)
    assert turned(images[:0], np.ones((0, 3), bool)).shape[0] == 0


def test_chains_are_turned_as_their_queries() -> None:
    chains = np.random.default_rng(1).integers(0, 256, (2, 3, 16, 8, 3), dtype=np.uint8)
    arrays = {
        "query_images": chains[:, 0],
        "top_images": chains[:, 1:],
        "chain_images": chains,
        "query_wide": np.array([False, True]),
        "top_wide": np.array([[True, False], [False, False]]),
    }
    turned_arrays = upright(arrays)
    assert (turned_arrays["chain_images"][:, 0] == turned_arrays["query_images"]).all()
    assert (turned_arrays["chain_images"][0] == chains[0]).all()
    assert (turned_arrays["chain_images"][1] != chains[1]).any(axis=(1, 2, 3)).all()
    assert (turned_arrays["top_images"][1] == chains[1, 1:]).all()
    assert (turned_arrays["top_images"][0, 0] != chains[0, 1]).any()
    assert (
        upright({k: v for k, v in arrays.items() if k != "chain_images"}).keys()
        < turned_arrays.keys()
    )


@pytest.fixture
def vehicles(tmp_path: Path) -> Drawn:
    """Three rows on people and vehicles, the artifacts as older versions wrote them."""
    table = load_table("table2")
    return draw_results(tmp_path / "results", table, datasets=["mlr-viper", "mlr-vru"], seeds=[0])


def add(drawn: Drawn, rows: slice, **arrays: NDArray[Any]) -> None:
    of_vehicles = [record for record in drawn.records if record.cell.dataset == "mlr-vru"]
    for record in of_vehicles[rows]:
        path = artifact_path(drawn.folder, record.key)
        np.savez(path, **(dict(np.load(path)) | arrays))


def pictures_by_set(drawn: Drawn) -> Mapping[str, Pictures]:
    (grid,) = build_grids(drawn.records, drawn.table)
    artifacts = ArtifactFolder(drawn.folder)
    galleries = [pictures(grid, column, artifacts, 3) for column in grid.columns]
    return {p.column.dataset: p for p in galleries if p is not None}


def pixels(uri: str) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))


def text_of(drawn: Drawn) -> str:
    html = write_report(drawn.folder)[0].read_text(encoding="utf-8")
    return " ".join(re.sub(r"<[^>]+>", "", html).split())


def test_the_report_turns_wide_vehicles_and_says_so(vehicles: Drawn) -> None:
    before = pictures_by_set(vehicles)
    add(vehicles, slice(None), query_wide=QUERIES_WIDE, top_wide=TOP_WIDE)
    after = pictures_by_set(vehicles)
    assert after["mlr-viper"] == before["mlr-viper"]
    assert after["mlr-vru"].turned
    pairs = list(zip(before["mlr-vru"].queries, after["mlr-vru"].queries, strict=True))
    key = after["mlr-vru"].queries[0].rankings[0].key
    names = np.load(artifact_path(vehicles.folder, key))["query_names"].tolist()
    for old, new in pairs:
        number = names.index(new.shot.title.split()[1].rstrip(","))
        old_pixels, new_pixels = pixels(old.shot.uri), pixels(new.shot.uri)
        assert (new_pixels == turned(old_pixels, QUERIES_WIDE[number])).all()
        assert (new.shot.uri != old.shot.uri) == QUERIES_WIDE[number]
        for was, ranking in zip(old.rankings, new.rankings, strict=True):
            changed = [a.uri != b.uri for a, b in zip(was.top, ranking.top, strict=True)]
            assert changed == TOP_WIDE[number].tolist()
            assert [shot.title for shot in ranking.top] == [shot.title for shot in was.top]
    text = text_of(vehicles)
    assert f"On MLR-VRU, as in the paper's section 4.5, {SENTENCE}" in text.replace("&#39;", "'")
    assert "Wide images of vehicles are turned as above." in text


@pytest.mark.parametrize("rows", [slice(0), slice(1)])
def test_images_of_older_artifacts_are_shown_as_they_are(vehicles: Drawn, rows: slice) -> None:
    before = pictures_by_set(vehicles)
    add(vehicles, rows, query_wide=QUERIES_WIDE, top_wide=TOP_WIDE)
    assert pictures_by_set(vehicles) == before
    text = text_of(vehicles)
    assert "clockwise" not in text
    assert "turned as above" not in text


@pytest.mark.parametrize("name", ["query_wide", "top_wide"])
def test_flags_that_do_not_fit_the_images_are_named(vehicles: Drawn, name: str) -> None:
    add(vehicles, slice(None), **{name: np.array([True])})
    key = vehicles.records[-1].key
    artifacts = ArtifactFolder(vehicles.folder)
    names = np.load(artifact_path(vehicles.folder, key)).files
    assert artifacts.read(key, names, pictures_fault) is None
    (problem,) = artifacts.problems
    assert f"{key}.npz: {name} has the shape (1,)" in problem
