"""One cell, run in this process: its record, its artifact, and that it is the same every time."""

import pickle
import pickletools
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from crossres.benchmark.config.profiles import load_profile
from crossres.benchmark.measures.kernels import kernel_variables
from crossres.benchmark.metrics.measure import METRICS
from crossres.benchmark.records.artifacts import ArtifactFolder, write_artifact
from crossres.benchmark.records.cell import Job
from crossres.benchmark.records.queries import FromArtifacts
from crossres.benchmark.records.record import read_record, write_record
from crossres.benchmark.runs.cell import (
    CellError,
    CellResult,
    check_alone,
    resolve_device,
    run_cell,
)
from crossres.benchmark.runs.data import Progress, open_data
from crossres.benchmark.runs.engine import Failed, Finished, Task, each_of
from crossres.benchmark.runs.local_engine import local
from crossres.datasets.base.errors import InputError
from crossres.datasets.pixels.originals import hr_originals
from crossres.methods.interface.method import Embeddings, Method
from crossres.methods.interface.profile import Profile
from crossres.methods.interface.registry import method_class
from crossres.methods.interface.run import Run
from crossres.methods.interface.training_data import Images, TrainSet
from crossres.methods.plain import Plain
from crossres.methods.shared.networks.imagenet_weights import resnet50_weights
from tests.benchmark.runs.jobs import make, silent


@pytest.fixture
def profile(profile_path: Path, plugin: Path) -> Profile:
    assert plugin.is_dir()
    return load_profile(profile_path)


def test_the_weights_that_training_began_with_are_in_the_record(
    pku_root: Path, tmp_path: Path, profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make(pku_root, tmp_path, profile)
    without = run_cell(job, silent).record
    assert set(without.digests) == {"manifest", "pixels", "embeddings", "weights", "code"}
    assert without.initial == {}
    colour = method_class("colour")
    fit = colour.fit

    def begin(self: Method, train: TrainSet, run: Run) -> None:
        resnet50_weights(self.profile.weights_dir)
        fit(self, train, run)

    monkeypatch.setattr(colour, "fit", begin)
    begun = []
    for value in (1.0, 2.0, 2.0):
        save_file({"conv1.weight": torch.full((2,), value)}, tmp_path / "resnet50.safetensors")
        here = replace(job, profile=replace(job.profile, weights_dir=tmp_path))
        record = run_cell(here, silent).record
        assert read_record(write_record(tmp_path, record)) == record
        assert record.key == without.key
        assert record.digests == without.digests | {"initial resnet50": record.initial["resnet50"]}
        begun.append(record.initial["resnet50"])
    assert begun[0] != begun[1] == begun[2]


def test_trainings_of_one_seed_on_two_data_sets_draw_otherwise(
    pku_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else what a start is worth would be the same on all sets: five of them were no five draws."""
    runs = []
    fit = Plain.fit

    def watched(self: Plain, train: TrainSet, run: Run) -> None:
        runs.append(run)
        fit(self, train, run)

    monkeypatch.setattr(Plain, "fit", watched)
    smoke = load_profile("smoke")
    job = make(pku_root, tmp_path, smoke, "plain")
    run_cell(job, silent)
    assert [(run.dataset, run.seed) for run in runs] == [("mlr-pku", 0)]
    plain = Plain(smoke)
    pku, viper, second_pku, unnamed = (
        plain.build(10, Run(0, dataset=name), pretrained=False).state_dict()
        for name in ("mlr-pku", "mlr-viper", "mlr-pku", "")
    )
    convolution = next(name for name, array in pku.items() if array.ndim == 4)
    assert torch.equal(pku[convolution], second_pku[convolution])
    assert not torch.equal(pku[convolution], viper[convolution])
    assert not torch.equal(pku[convolution], unnamed[convolution])


def test_a_cell_gives_a_whole_record(pku_root: Path, tmp_path: Path, profile: Profile) -> None:
    job = make(pku_root, tmp_path, profile, bins=3)
    phases: list[str] = []

    def progress(phase: str, done: int, total: int) -> None:
        assert 0 <= done <= total
        phases.append(phase)

    result = run_cell(job, progress)
    record = result.record
    assert read_record(write_record(tmp_path, record)) == record
    assert (record.key, record.cell, record.digests["manifest"]) == (
        job.key,
        job.cell,
        job.manifest_digest,
    )
    # 10 people, half of them for training; two images of each by each of two cameras.
    assert record.counts == {
        "train_images": 20,
        "train_pids": 5,
        "query_images": 10,
        "query_pids": 5,
        "gallery_images": 10,
        "gallery_pids": 5,
        "parameters": 1,
        "embedding_size": 9,
        "ranked_pairs": 100,
        "true_pairs": 20,
    }
    # Colours tell these people apart, so a pipeline that mixes up images would show here.
    assert record.metrics["multi-shot"]["mAP"] > 0.8
    assert record.metrics["single-shot"]["valid_queries"] == 10
    assert record.cmc["single-shot"][4] == pytest.approx(1.0)
    assert set(phases) >= {"pixels", "fit", "embed", "evaluate"}
    total = record.seconds["total"]
    assert sum(s for name, s in record.seconds.items() if name != "total") <= total + 0.01
    assert record.peak_memory_bytes > 50 * 2**20
    assert record.environment["threads"] == 1


def test_the_artifact_shows_the_truth(pku_root: Path, tmp_path: Path, profile: Profile) -> None:
    job = make(pku_root, tmp_path, profile, bins=3)
    arrays = run_cell(job, silent).artifact
    raw, manifest, store = open_data(job, silent)
    query, gallery = manifest.rows("query"), manifest.rows("gallery")
    assert arrays["query_images"].shape == (6, 16, 8, 3)
    assert arrays["top_images"].shape == (6, 5, 16, 8, 3)
    assert arrays["chain_labels"].tolist() == ["input", "negative"]
    assert (arrays["chain_images"][:, 0] == arrays["query_images"]).all()
    assert (arrays["chain_images"][:, 1] == 255 - arrays["query_images"]).all()
    originals = hr_originals(raw, manifest, arrays["query_names"].tolist(), 16, 8)
    lowered = arrays["query_rates"] > 1
    assert lowered.any()
    assert (arrays["chain_originals"][lowered] == originals[lowered]).all()
    assert not arrays["chain_originals"][~lowered].any()
    assert len(set(arrays["query_names"])) == 6
    assert all(array.dtype != object for array in arrays.values())
    images = {q: store.images("query")[i] for i, q in enumerate(query["path"])}
    for n, name in enumerate(arrays["query_names"]):
        row = query[query["path"] == name].iloc[0]
        assert (arrays["query_images"][n] == images[name]).all()
        assert (arrays["query_pids"][n], arrays["query_rates"][n]) == (row["pid"], row["rate"])
        # One gallery image for each of the five pids, so all of them are shown, nearest first.
        assert sorted(arrays["top_pids"][n]) == sorted(gallery["pid"].unique())
        assert (np.diff(arrays["top_distances"][n]) >= 0).all()
        position = arrays["top_pids"][n].tolist().index(row["pid"])
        assert arrays["match_ranks"][n] == position + 1
    # Pairs as the metrics count them, and every image of these few on the map.
    assert arrays["distance_rates"].tolist() == sorted(query["rate"].unique())
    assert arrays["distance_counts"].sum(axis=(0, 2)).tolist() == [20, 80]
    assert len(arrays["map_places"]) == len(query) + len(gallery)
    assert sorted(arrays["map_pids"]) == sorted([*query["pid"], *gallery["pid"]])
    assert 0 < float(arrays["map_share"][0]) <= 1


def test_a_driver_takes_the_result_of_a_network_without_torch(
    pku_root: Path, tmp_path: Path, profile: Profile
) -> None:
    result = run_cell(make(pku_root, tmp_path, profile, "plain"), silent, keep_weights=True)
    named = {
        name.partition(" ")[0]
        for operation, name, _ in pickletools.genops(pickle.dumps(result, protocol=2))
        if operation.name == "GLOBAL"
    }
    assert "crossres.benchmark.runs.cell_tasks" in named
    assert {module for module in named if module.startswith(("torch", "scipy"))} == set()


def test_the_artifact_holds_the_scores_of_every_query(
    pku_root: Path, tmp_path: Path, profile: Profile
) -> None:
    job = make(pku_root, tmp_path, profile, bins=3)
    result = run_cell(job, silent)
    query = open_data(job, silent)[1].rows("query")
    assert result.artifact["scored_pids"].tolist() == query["pid"].tolist()
    for rule, metrics in result.record.metrics.items():
        scores = result.artifact[f"scores_{rule}"]
        assert scores.shape == (len(query), len(METRICS))
        assert np.isfinite(scores).all(axis=1).sum() == metrics["valid_queries"]
        means = np.nanmean(scores, axis=0)
        assert means == pytest.approx([metrics[name] for name in METRICS], abs=1e-12)


def test_a_cell_tells_how_good_it_is_at_each_rate(
    pku_root: Path, tmp_path: Path, profile: Profile
) -> None:
    job = make(pku_root, tmp_path, profile, bins=3)
    result = run_cell(job, silent)
    query = open_data(job, silent)[1].rows("query")
    assert result.artifact["scored_rates"].tolist() == query["rate"].tolist()
    assert result.artifact["scored_camids"].tolist() == query["camid"].tolist()
    rates = sorted(set(query["rate"]))
    assert len(rates) > 1
    write_record(tmp_path, result.record)
    write_artifact(tmp_path, job.key, result.artifact)
    for rule, metrics in result.record.metrics.items():
        scores = result.artifact[f"scores_{rule}"]
        for rate in rates:
            of_rate = scores[(query["rate"] == rate).to_numpy()]
            assert metrics[f"rank1@{rate}"] == pytest.approx(np.nanmean(of_rate[:, 0]))
            assert metrics[f"mAP@{rate}"] == pytest.approx(np.nanmean(of_rate[:, 4]))
            queries = FromArtifacts(ArtifactFolder(tmp_path))(result.record, rule, f"mAP@{rate}")
            assert queries.count == metrics[f"valid_queries@{rate}"] == len(of_rate)
            assert queries.identities == query[query["rate"] == rate]["pid"].nunique()


def test_a_network_s_cell_keeps_its_curves_cost_and_quality(pku_root: Path, tmp_path: Path) -> None:
    profile = load_profile("smoke")
    result = run_cell(make(pku_root, tmp_path, profile, "msifla"), silent)
    record, arrays = result.record, result.artifact
    assert read_record(write_record(tmp_path, record)) == record
    assert record.counts["flops_per_image"] > 1000
    assert arrays["curve_names"].tolist() == ["reconstruction", "cross-entropy", "triplet"]
    assert arrays["curve_means"].shape == (3, profile.train["iterations"])
    assert np.isfinite(arrays["curve_means"]).all()
    assert arrays["restored_labels"].tolist() == ["input", "IR_1/3", "IR_1/2", "IR_1"]
    assert set(record.first_losses) == set(arrays["curve_names"].tolist())
    first = arrays["curve_means"][:, :3].mean(axis=1).tolist()
    assert list(record.first_losses.values()) == pytest.approx(first)
    assert {"start", "draws"} <= record.digests.keys()
    assert arrays["restored_counts"].sum() == 10
    assert (arrays["restored_psnr"] > 5).all()
    # Six of the same ten queries are shown, each with its own measures.
    by_rate = [arrays["query_rates"] == rate for rate in arrays["restored_rates"]]
    complete = [k for k, s in enumerate(by_rate) if s.sum() == arrays["restored_counts"][k]]
    for name in ("psnr", "ssim"):
        assert np.isfinite(arrays[f"chain_{name}"]).all()
        for k in complete:
            mean = arrays[f"chain_{name}"][by_rate[k]].mean(axis=0)
            assert mean == pytest.approx(arrays[f"restored_{name}"][k])
    assert all(array.dtype != object for array in arrays.values())


def test_a_method_that_notes_nothing_has_no_curves(
    pku_root: Path, tmp_path: Path, profile: Profile
) -> None:
    result = run_cell(make(pku_root, tmp_path, profile), silent)
    assert not [name for name in result.artifact if name.startswith(("curve_", "restored_"))]
    assert "flops_per_image" not in result.record.counts
    assert result.record.first_losses == {}
    assert not {"start", "draws"} & result.record.digests.keys()


@pytest.mark.parametrize("needs_rate", [False, True])
def test_only_a_method_that_needs_them_is_told_the_rates(
    pku_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, needs_rate: bool
) -> None:
    given_rates: list[list[int]] = []

    def embed_rated(self: Plain, images: Images, rates: NDArray[np.int64]) -> Embeddings:
        given_rates.append(rates.tolist())
        return self.embed(images)

    monkeypatch.setattr(Plain, "embed_rated", embed_rated)
    monkeypatch.setattr(Plain, "needs_rate", needs_rate)
    job = make(pku_root, tmp_path, load_profile("smoke"), "plain")
    run_cell(job, silent)
    _, manifest, _ = open_data(job, silent)
    rates = [manifest.rows(split)["rate"].tolist() for split in ("query", "gallery")]
    counted = [[int(rate)] for rate in np.unique(rates[0])]  # one image of each, for its FLOPs
    embedded = [part for of in rates for part in (of, of[:1])]  # a split, and its first image alone
    assert given_rates == ([*embedded, *counted] if needs_rate else [])
    assert set(rates[0]) - {1}


def digests(result: CellResult) -> Any:
    record = result.record
    return record.digests, record.metrics, record.cmc, record.counts


def run_in_disarray(job: Job, progress: Progress) -> CellResult:
    """Run a cell in a process whose generators and threads were used for something else."""
    np.random.seed(3)  # noqa: NPY002 - a global generator that must not matter
    torch.manual_seed(99)
    torch.set_num_threads(3)
    torch.rand(300, 300) @ torch.rand(300, 300)
    return run_cell(job, progress)


@pytest.mark.parametrize("method", ["plain", "msifla", "vpfa"])
def test_the_same_cell_gives_the_same_bits(pku_root: Path, tmp_path: Path, method: str) -> None:
    """In workers, beside others, and in a process that has computed before."""
    profile = load_profile("smoke")
    jobs = [make(pku_root, tmp_path, profile, method, seed) for seed in (0, 1)]
    results = {}
    variables = kernel_variables("portable")  # those of cells: the fork server keeps to the first
    tasks = [Task(f"{n}", run_cell, jobs[n % 2], variables) for n in range(3)]
    for event in local(each_of([*tasks, Task("disarray", run_in_disarray, jobs[0], variables)]), 2):
        assert not isinstance(event, Failed), event
        if isinstance(event, Finished):
            results[event.key] = digests(event.value)
    assert results["0"] == results["2"] == results["disarray"]
    assert results["1"][0]["weights"] != results["0"][0]["weights"]


@pytest.mark.parametrize(
    ("mood", "error", "words"),
    [
        ("nan", CellError, "NaN or infinity in 1 of 10 query embeddings; the training diverged"),
        (
            "wide",
            CellError,
            r"\(10, D\) float32, D at least 1, not \(10, 6\) float64",
        ),
        ("raises", RuntimeError, "no luck"),
        ("crowd", CellError, "an image has another embedding alone than among others"),
    ],
)
def test_failures_say_why(
    pku_root: Path, tmp_path: Path, profile: Profile, mood: str, error: Any, words: str
) -> None:
    with pytest.raises(error, match=words):
        run_cell(make(pku_root, tmp_path, profile, mood=mood), silent)


def test_a_cell_in_bf16_has_a_key_of_its_own_and_its_record_says_so(
    pku_root: Path, tmp_path: Path
) -> None:
    smoke = load_profile("smoke")
    in_bf16 = replace(smoke, train={**smoke.train, "precision": "bf16"})
    jobs = [make(pku_root, tmp_path, profile, "plain") for profile in (smoke, in_bf16)]
    assert jobs[0].key != jobs[1].key
    record = run_cell(jobs[1], silent).record
    assert record.profile["train"]["precision"] == "bf16"


@pytest.mark.parametrize(
    ("told", "gap", "alike"),
    [
        ({}, 0.009, True),
        ({}, 0.02, False),
        ({"precision": "bf16"}, 0.02, True),
        ({"precision": "bf16"}, 0.06, False),
    ],
)
def test_an_image_alone_may_differ_by_what_its_precision_leaves_open(
    told: dict[str, Any], gap: float, alike: bool
) -> None:
    smoke = load_profile("smoke")
    method = Plain(replace(smoke, train={**smoke.train, **told}))
    alone, among_others = np.float32([[1, gap]]), np.float32([[1, 0]])
    with nullcontext() if alike else pytest.raises(CellError, match="alone than among others"):
        check_alone(method, alone, among_others)


def test_data_that_changed_since_the_plan_are_refused(
    pku_root: Path, tmp_path: Path, profile: Profile
) -> None:
    job = replace(make(pku_root, tmp_path, profile), manifest_digest="0" * 64)
    with pytest.raises(InputError, match="PKUv1a_128x48: the raw folder of mlr-pku changed"):
        run_cell(job, silent)


def test_a_missing_gpu_is_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert (resolve_device("auto"), resolve_device("cpu")) == ("cpu", "cpu")
    with pytest.raises(InputError, match="asks for device 'cuda:1' and torch finds no GPU"):
        resolve_device("cuda:1")
