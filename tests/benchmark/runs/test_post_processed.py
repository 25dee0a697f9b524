"""Views, their fusion, and cells with post-processing beside the cell without."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from crossres.benchmark import read_records
from crossres.benchmark.config.post_processing import PostProcessing, Reranking
from crossres.benchmark.records.artifacts import artifact_path
from crossres.benchmark.records.images import ImageFolder
from crossres.benchmark.records.record import Record
from crossres.benchmark.runs import post_processed as module
from crossres.benchmark.runs.post_processed import (
    averaged,
    embeddings_per_image,
    fused,
    levels_of,
    moved,
    post_processed,
    views_of,
)
from crossres.cli import run
from crossres.datasets.base.errors import InputError
from crossres.methods.interface.method import Embeddings, Method
from crossres.methods.interface.training_data import Images

RATES = np.array([1, 2, 0, 3, 4])


class Pixels(Method):
    """Embeds an image as its first row of pixels; `told` are the rates of each call."""

    name = "pixels"
    needs_rate = True

    def __init__(self) -> None:
        self.told: list[list[int]] = []

    def fit(self, *_: object) -> None: ...

    def embed(self, images: Images) -> Embeddings:
        return images[:, 0].reshape(len(images), -1).astype(np.float32) + 1

    def embed_rated(self, images: Images, rates: NDArray[np.int64]) -> Embeddings:
        self.told.append(rates.tolist())
        return self.embed(images)

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        return {}

    def restore(self, arrays: object) -> None: ...

    def reconstructions(self, images: Images) -> dict[str, Images]:
        return {"inverse": 255 - images}


class OtherDistance(Pixels):
    def distances(self, query: Embeddings, gallery: Embeddings) -> NDArray[np.float64]:
        return np.abs(query[:, None].astype(float) - gallery[None]).sum(axis=2)


@pytest.fixture
def images() -> Images:
    return np.random.default_rng(0).integers(0, 256, (5, 8, 4, 3)).astype(np.uint8)


def test_an_image_is_moved_by_parts_of_a_pixel() -> None:
    row = np.array([0, 10, 21, 200], np.uint8)
    images = np.broadcast_to(row[None, None, :, None], (2, 3, 4, 3))
    assert moved(images, 2, 0.5)[0, 0, :, 0].tolist() == [5, 16, 110, 200]  # 15.5 and 110.5: even
    assert moved(images, 2, -0.5)[0, 0, :, 0].tolist() == [0, 5, 16, 110]
    assert moved(images, 2, 1.25)[1, 2, :, 2].tolist() == [13, 66, 200, 200]
    assert moved(images, 2, 2.0)[0, 0, :, 0].tolist() == [21, 200, 200, 200]
    np.testing.assert_array_equal(moved(images, 1, 0.5), images)


def test_views_are_the_image_moved_to_four_sides_and_all_mirrored(images: Images) -> None:
    assert len(list(views_of(images, PostProcessing()))) == 0
    (mirrored,) = views_of(images, PostProcessing(mirror=True))
    np.testing.assert_array_equal(mirrored, images[:, :, ::-1])
    views = list(views_of(images, PostProcessing(mirror=True, shifts=0.5)))
    assert len(views) == 9
    np.testing.assert_array_equal(views[3], moved(images, 2, 0.5))
    np.testing.assert_array_equal(views[8], moved(images, 2, 0.5)[:, :, ::-1])


def test_views_are_averaged_at_their_length() -> None:
    views = [np.array([[3, 4], [0, 0]], np.float32), np.array([[4, 3], [0, 0]], np.float32)]
    np.testing.assert_allclose(averaged(views), [[12.5**0.5, 12.5**0.5], [0, 0]], rtol=1e-6)
    assert averaged(views[:1]) is views[0]


def test_levels_are_versions_and_only_the_images_have_their_rate(images: Images) -> None:
    method, how = Pixels(), PostProcessing(mirror=True, pyramid=(2, 8), restorations=True)
    levels = levels_of(method, images, RATES, method.embed(images), how)
    assert len(levels) == 4
    assert method.told == [RATES.tolist(), *[[0] * 5] * 6]
    assert embeddings_per_image(method, images[:1], how) == 8
    inverse = averaged([method.embed(255 - view) for view in (images, images[:, :, ::-1])])
    np.testing.assert_array_equal(levels[3], inverse)
    np.testing.assert_array_equal(levels[0][:, :6], averaged(
        [method.embed(images), method.embed(images[:, :, ::-1])]
    )[:, :6])  # fmt: skip


def test_embeddings_of_views_are_finite(images: Images, monkeypatch: pytest.MonkeyPatch) -> None:
    method, how = Pixels(), PostProcessing(mirror=True)
    plain = method.embed(images)
    monkeypatch.setattr(method, "embed", lambda i: np.full((len(i), 12), np.nan, np.float32))
    with pytest.raises(InputError, match="NaN or infinity in the embeddings of mirrored"):
        levels_of(method, images, RATES, plain, how)


def test_blocks_of_images_do_not_matter(images: Images, monkeypatch: pytest.MonkeyPatch) -> None:
    method, how = Pixels(), PostProcessing(mirror=True, shifts=0.3, pyramid=(2,))
    whole = levels_of(method, images, RATES, method.embed(images), how)
    monkeypatch.setattr(module, "IMAGES", 2)
    for level, same in zip(
        levels_of(method, images, RATES, method.embed(images), how), whole, strict=True
    ):
        np.testing.assert_array_equal(level, same)


def test_a_distance_of_its_own_is_fused_over_all_views(images: Images) -> None:
    method, how = OtherDistance(), PostProcessing(mirror=True, pyramid=(2,))
    levels = levels_of(method, images, RATES, method.embed(images), how)
    assert len(levels) == 4
    block = fused(method, [(level[:2], level[2:]) for level in levels])
    expected = np.mean([method.distances(level[:2], level[2:]) for level in levels], axis=0)
    np.testing.assert_allclose(block(0, 2), expected)
    np.testing.assert_array_equal(block(1, 2), block(0, 2)[1:])


@pytest.mark.parametrize("rerank", [None, Reranking(k1=3, k2=2)])
def test_rows_of_some_queries_are_those_of_all(images: Images, rerank: Reranking | None) -> None:
    how = PostProcessing(mirror=True, pyramid=(2,), rerank=rerank)
    query, gallery = images[:3], images[1:]
    store = SimpleNamespace(images={"query": query, "gallery": gallery}.__getitem__)
    rates = {"query": np.ones(3), "gallery": np.ones(len(gallery))}
    manifest = SimpleNamespace(rows=lambda split: pd.DataFrame({"rate": rates[split]}))
    method = Pixels()
    embeddings = method.embed(query), method.embed(gallery)
    processed = post_processed(method, embeddings, cast("Any", manifest), cast("Any", store), how)
    block = processed.comparison.block(slice(0, 3))
    count = len(gallery)
    exact = block.exact(np.repeat(np.arange(3), count), np.tile(np.arange(count), 3))
    for rows in ([0, 1, 2], [2, 0], []):
        some = processed.rows(np.array(rows, dtype=np.int64))
        assert some.shape == (len(rows), count)
        np.testing.assert_allclose(some, exact.reshape(3, -1)[rows], atol=1e-12)


# --- cells ----------------------------------------------------------------------------------------

TABLE = """
id = "processed"
gallery = "multi-shot"
metrics = ["rank1", "mAP"]
datasets = ["mlr-viper"]
seeds = [0]
profile = "smoke"

[[rows]]
label = "Plain"
method = "plain"

[[rows]]
label = "All"
method = "plain"
post_processing = { mirror = true, shifts = 0.5, expansion = {}, rerank = {} }

[[rows]]
label = "Pyramid"
method = "plain"
post_processing = { pyramid = [2] }

[[rows]]
label = "Original distances"
method = "plain"
post_processing = { rerank = { original = 1.0 } }
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("processed")
    (folder / "processed.toml").write_text(TABLE, encoding="utf-8")
    arguments = ["--jobs", "1", "--cache", str(folder / "cache"), "--out", str(folder / "out")]
    assert run(["run", str(folder / "processed.toml"), *arguments]) == 0
    return folder / "out"


def by_words(results: Path) -> dict[str, Record]:
    return {"+".join(sorted(r.cell.post_processing or {})): r for r in read_records(results)}


def test_the_network_is_that_of_the_row_without(results: Path) -> None:
    records = by_words(results)
    assert set(records) == {"", "expansion+mirror+rerank+shifts", "pyramid", "rerank"}
    for name in ("weights", "embeddings", "manifest", "pixels"):
        assert len({record.digests[name] for record in records.values()}) == 1
    assert len({record.key for record in records.values()}) == 4
    plain = records[""]
    assert "post_processing" not in plain.cell.content()
    flops = {name: record.counts["flops_per_image"] for name, record in records.items()}
    factors = {name: count / flops[""] for name, count in flops.items()}
    assert factors == {"": 1, "expansion+mirror+rerank+shifts": 10, "pyramid": 2, "rerank": 1}


def test_with_the_original_distances_alone_nothing_changes(results: Path) -> None:
    """Squares over the greatest of a row are in the order of the distances."""
    records = by_words(results)
    assert records["rerank"].metrics == records[""].metrics
    assert records["pyramid"].metrics != records[""].metrics
    assert records["expansion+mirror+rerank+shifts"].metrics != records[""].metrics


def test_the_kept_rankings_are_those_that_were_measured(results: Path) -> None:
    kept = {}
    for name, record in by_words(results).items():
        with np.load(artifact_path(results, record.key)) as arrays:
            kept[name] = {array: arrays[array] for array in arrays.files}
        measured = kept[name]["scores_multi-shot"][kept[name]["ranked_queries"], 0]
        assert ((kept[name]["first_ranks"] == 1) == (measured == 1)).all(), name
        numbers = ImageFolder(results).numbers(record.digests["pixels"])
        total = len(kept[name]["scored_names"])
        for rows in ("ranked_rows", "first_rows"):
            assert np.isin(kept[name][rows] + total, numbers).all()
        assert np.isin(np.arange(total), numbers).all()
    same, other = kept["rerank"], kept["expansion+mirror+rerank+shifts"]
    assert (same["ranked_rows"] == kept[""]["ranked_rows"]).all()
    assert (other["ranked_rows"] != kept[""]["ranked_rows"]).any()


def test_it_is_said_wherever_the_number_appears(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = results / "report"
    lines = (report / "processed.csv").read_text(encoding="utf-8").splitlines()
    columns = lines[0].split(",")
    assert "post_processing" in columns
    assert any(line.startswith("All †,") and "re-ranking (k1 20" in line for line in lines)
    assert any(line.startswith("Plain,control,,false,,") for line in lines)
    for name in ("index.html", "processed.md"):
        text = (report / name).read_text(encoding="utf-8")
        assert "Pyramid †: pyramid 2" in text
        assert "Plain †" not in text
    assert r"All \dag{}" in (report / "processed.tex").read_text(encoding="utf-8")
    assert run(["report", str(results)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "† With post-processing at test time. All †: mirrored images, shifts of" in shown
    key = by_words(results)["pyramid"].key
    assert run(["show", key, "--results", str(results)]) == 0
    shown = capsys.readouterr().out
    assert "post-processing  pyramid 2" in shown
    assert "'Pyramid †'" in shown  # the command that makes it again
    assert run(["show", key, "--results", str(results), "--json"]) == 0
    cell = json.loads(capsys.readouterr().out)["record"]["cell"]
    assert cell["post_processing"] == {"pyramid": [2]}


def test_a_second_run_finds_all_done(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = str(results / "tables" / "processed.toml")
    cache = str(results.parent / "cache")
    arguments = ["--jobs", "1", "--cache", cache, "--out", str(results), "--dry-run"]
    assert run(["run", table, *arguments]) == 0
    assert "4 cells, 0 to run" in capsys.readouterr().out
    assert run(["status", str(results), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["done"]) == 4


@pytest.mark.parametrize(
    ("method", "processing", "reason"),
    [
        ("sing", "expansion = {}", "sing has a distance of its own"),
        ("plain", "restorations = true", "plain rebuilds no images"),
    ],
)
def test_what_a_method_cannot_do_is_refused_before_anything_runs(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    method: str,
    processing: str,
    reason: str,
) -> None:
    text = TABLE.replace("pyramid = [2]", processing)
    text = text.replace('"Pyramid"\nmethod = "plain"', f'"Pyramid"\nmethod = "{method}"')
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    assert run(["run", str(tmp_path / "mine.toml"), "--out", str(tmp_path / "out")]) == 2
    assert reason in capsys.readouterr().err
    assert not [*(tmp_path / "out").rglob("*.json")]
