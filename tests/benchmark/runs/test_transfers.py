"""Cells that are trained on one data set and tested on another: planned, run, sent to a machine."""

import io
import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crossres.benchmark import RunRequest, load_profile, load_table, plan_table
from crossres.benchmark.config.cell_sets import CellSets
from crossres.benchmark.config.profiles import profile_content
from crossres.benchmark.config.tables import Table
from crossres.benchmark.records.cell import Cell, Job, TrainedOn, key_of, make_job, make_transfer
from crossres.benchmark.records.kept import keep_table
from crossres.benchmark.records.planned import read_runs
from crossres.benchmark.records.record import Record, read_record, write_record
from crossres.benchmark.runs.cell import _digest, make_deterministic, origin_of, run_cell
from crossres.benchmark.runs.code_digest import cell_code
from crossres.benchmark.runs.data import SurveyRequest, build_pixels, open_data, survey
from crossres.benchmark.runs.kept_plan import keep_plan, request_of
from crossres.benchmark.runs.plan import Plan
from crossres.benchmark.runs.stale import CodeNow
from crossres.benchmark.runs.supplies import of_transfer, packed, supplies_of, unpack
from crossres.datasets import Source, build_manifest, open_raw, own_set
from crossres.datasets.base.errors import InputError
from crossres.datasets.pixels.store import open_store
from crossres.methods.interface.registry import resolve_options
from crossres.methods.interface.run import Run
from crossres.methods.interface.training_data import TrainSet
from crossres.methods.plain import Plain
from tests.benchmark.runs.jobs import make, silent
from tests.datasets.own_crops import definition, station


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def planned(cache: Path, tmp_path: Path) -> Callable[..., Plan]:
    """planned(datasets, ...): the plan of the rows of table `transfer` on tiny twins."""

    def plan(datasets: Any, table: Table | str = "transfer", **changes: Any) -> Plan:
        arguments = {"profile": "smoke", "seeds": [0], "jobs": 1, "cache": cache} | changes
        request = RunRequest(table, tmp_path / "out", datasets=datasets, **arguments)
        return plan_table(request, stream=io.StringIO())

    return plan


def plain(plan: Plan) -> dict[str, Job]:
    return {c.job.cell.dataset: c.job for c in plan.cells if c.job.labels == ("Plain",)}


# --- the plan -------------------------------------------------------------------------------------


def test_a_transfer_has_the_training_of_the_set_that_it_is_trained_on(
    planned: Callable[..., Plan],
) -> None:
    names = ["mlr-viper:mlr-pku", "mlr-viper", "mlr-pku"]
    jobs = plain(planned(names))
    assert list(jobs) == names
    transfer, trained, tested = jobs.values()
    assert transfer.training == replace(trained, labels=transfer.labels)
    assert trained.training is tested.training is None
    assert (transfer.manifest_digest, transfer.card.id) == (tested.manifest_digest, "mlr-pku")
    assert transfer.cell.trained_on == TrainedOn(
        "mlr-viper", "mlr-sing", trained.cell.source, trained.manifest_digest
    )
    assert replace(transfer.cell, dataset="mlr-pku", trained_on=None) == tested.cell
    assert transfer.readers == ("pku", "viper")
    assert len({job.key for job in jobs.values()}) == 3


def test_a_set_for_itself_is_the_cell_that_it_always_was(planned: Callable[..., Plan]) -> None:
    (job,) = plain(planned("mlr-viper:mlr-viper")).values()
    assert job == plain(planned("mlr-viper", "controls"))["mlr-viper"]
    assert {"trained_on", "tested_source"}.isdisjoint(job.cell.content())
    by_hand = key_of(
        Cell("plain", job.cell.options, "mlr-viper", "mlr-sing", job.cell.source, 0, "smoke"),
        profile_content(load_profile("smoke"), "plain"),
        job.manifest_digest,
    )
    assert job.key == by_hand


def test_the_key_hangs_on_all_of_the_training() -> None:
    trained_on = TrainedOn("caviar", "mlr-sing", "real", "a" * 64)
    cell = Cell("plain", {}, "caviar:mlr-pku", "mlr-sing", "real", 0, "p", trained_on=trained_on)
    changes = ({"protocol": "mlr-perid"}, {"source": "twin:tiny:2"}, {"manifest": "b" * 64})
    cells = [cell, *(replace(cell, trained_on=replace(trained_on, **c)) for c in changes)]
    cells += [replace(cell, tested_source="partial"), replace(cell, dataset="mlr-viper:mlr-pku")]
    assert len({key_of(one, {}, "c" * 64) for one in cells}) == len(cells)
    assert Cell(**cell.content()) == cell


def test_other_protocols_are_those_of_the_test(planned: Callable[..., Plan]) -> None:
    """The training is that of the default protocol, whatever a column is tested under."""
    name = "mlr-viper:mlr-pku"
    plan = planned(name)
    usual = plain(plan)[name]
    of_oracle = next(c.job for c in plan.cells if c.job.labels[0].startswith("Oracle"))
    assert of_oracle.cell.protocol == "fixed-r[rate=1]"
    validated = plain(planned(name, validation=True))[name]
    assert validated.cell.protocol == "mlr-sing[validation=true]"
    asked = plain(planned(name, protocol="fixed-r[rate=2]"))[name]
    assert asked.cell.protocol == "fixed-r[rate=2]"
    jobs = (of_oracle, validated, asked)
    assert {job.cell.trained_on for job in jobs} == {usual.cell.trained_on}
    assert len({job.manifest_digest for job in jobs} | {usual.manifest_digest}) == 4
    apart = plain(planned(name, data_seed=4))[name]
    assert apart.training is not None
    assert (apart.cell.data_seed, apart.training.cell.data_seed) == (4, 4)


def test_post_processing_is_no_part_of_the_training(planned: Callable[..., Plan]) -> None:
    plan = planned("mlr-viper:mlr-pku", "test-time", rows=["Plain", "Plain + mirrored"])
    plain_job, mirrored = sorted((c.job for c in plan.cells), key=lambda job: job.labels)
    assert mirrored.cell.post_processing == {"mirror": True}
    assert mirrored.training is not None
    assert plain_job.training is not None
    assert mirrored.training.key == plain_job.training.key


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        ("mlr-viper:", ["mlr-viper:caviar", "mlr-viper"]),
        (":caviar", ["caviar", "mlr-viper:caviar"]),
        (["mlr-pku", ":caviar"], ["mlr-pku", "caviar", "mlr-viper:caviar"]),
    ],
)
def test_half_a_name_is_all_of_the_table_that_has_it(asked: Any, chosen: list[str]) -> None:
    names = ("caviar", "mlr-viper:caviar", "mlr-viper")
    table = replace(load_table("transfer"), datasets=names)
    assert [sets.id for sets in RunRequest(table, "out", datasets=asked).chosen_sets()] == chosen


@pytest.mark.parametrize(
    ("table", "asked", "words"),
    [
        ("transfer", "mlr-pku:", "table transfer has nothing that is trained on 'mlr-pku'"),
        ("transfer", ":mlr-pku", "table transfer has nothing that is tested on 'mlr-pku'"),
        ("transfer", "mlr-pkuu:caviar", r"unknown data set 'mlr-pkuu' \(did you mean 'mlr-pku'"),
        ("transfer", "vric:caviar", "vric shows vehicles and caviar persons"),
        ("table4", "vric:mlr-vru", "the rows of table4 have protocols of their own.*leave vric:ml"),
    ],
)
def test_what_cannot_be_run_is_one_line(table: str, asked: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        RunRequest(table, "out", datasets=asked).chosen_sets()
    assert "\n" not in str(caught.value)


def test_one_set_of_ones_own_may_be_named_twice_and_two_of_one_id_not(tmp_path: Path) -> None:
    twice = definition(tmp_path / "twice.toml")
    (sets,) = RunRequest("transfer", "out", datasets=f"{twice}:{twice}").chosen_sets()
    assert sets == CellSets(own_set(twice))
    paths = [definition(tmp_path / f"{n}.toml", root=n) for n in ("a", "b")]
    with pytest.raises(InputError, match="two data sets have the id 'station'"):
        RunRequest("transfer", "out", datasets=f"{paths[0]}:{paths[1]}")


# --- one cell -------------------------------------------------------------------------------------


def own_job(folder: Path) -> Job:
    """A job on the crops of the station."""
    station(folder / "crops")
    card = own_set(definition(folder / "station.toml"))
    source = Source(card.folder)
    view = survey(SurveyRequest(card.id, source, folder / "cache", (0,), own=card), silent)
    loaded = load_profile("smoke")
    options = resolve_options("plain", loaded, {})
    cell = Cell("plain", options, card.id, view.protocol, view.source, 0, loaded.name)
    return make_job(cell, "A row", loaded, source, folder / "cache", view.manifests[0], card)


def transfer_job(pku_root: Path, folder: Path) -> Job:
    """Trained on the station, tested on the small folder in PKU's layout."""
    tested = make(pku_root, folder / "cache", load_profile("smoke"), "plain")
    return make_transfer(tested, own_job(folder))


def test_a_cell_is_what_fitting_on_one_set_and_embedding_another_gives(
    pku_root: Path, tmp_path: Path
) -> None:
    job = transfer_job(pku_root, tmp_path)
    record = run_cell(job, silent).record

    smoke, size = load_profile("smoke"), (32, 16)
    card = own_set(tmp_path / "station.toml")
    crops = open_raw(card, Source(card.folder), tmp_path / "again")
    split = build_manifest(crops, "mlr-sing", 0)
    images = open_store(crops, split, *size, tmp_path / "again")
    rows = split.rows("train")
    people = sorted(set(rows["pid"]))
    train = TrainSet(
        images=np.asarray(images.images("train")),
        labels=np.array([people.index(pid) for pid in rows["pid"]], dtype=np.int64),
        camids=rows["camid"].to_numpy(),
        rates=rows["rate"].to_numpy(),
        variants={rate: np.asarray(images.variants(rate)) for rate in (2, 3, 4)},
        hr=np.flatnonzero(rows["rate"].to_numpy() == 1),
    )
    method = Plain(smoke)
    run = Run(0, dataset="station")
    make_deterministic(run)
    method.fit(train, run)

    pku = open_raw("mlr-pku", Source(pku_root, partial=True, other_sizes=True), tmp_path / "again")
    tested = build_manifest(pku, "mlr-sing", 0)
    store = open_store(pku, tested, *size, tmp_path / "again")
    query, gallery = (method.embed(np.asarray(store.images(s))) for s in ("query", "gallery"))
    pids = [tested.rows(split)["pid"].to_numpy() for split in ("query", "gallery")]
    nearest = ((query[:, None] - gallery[None]) ** 2).sum(axis=2).argmin(axis=1)

    assert record.digests["weights"] == method.parameters_digest()
    assert record.digests["embeddings"] == _digest(query, gallery)
    assert record.metrics["multi-shot"]["rank1"] == np.mean(pids[1][nearest] == pids[0])
    assert record.digests["manifest"] == tested.digest
    assert record.digests["training pixels"] == images.digest != record.digests["pixels"]
    of_train = record.counts["train_images"], record.counts["train_pids"]
    assert of_train == (len(rows), len(people)) == (16, 4)
    assert record.counts["query_images"] == len(query)

    # The very network of a cell on the station itself, as no draw knows of the test.
    assert job.training is not None
    alone = run_cell(job.training, silent).record
    assert alone.digests["weights"] == record.digests["weights"]
    assert (alone.first_losses, alone.digests["draws"]) == (
        record.first_losses,
        record.digests["draws"],
    )
    assert origin_of(record) == origin_of(alone) | {
        "key": record.key,
        "code": record.digests["code"],
    }
    assert record.digests["code"] == cell_code("plain", "own", "pku") == CodeNow().digest(job.cell)
    check_standing(record)
    assert read_record(write_record(tmp_path, record)) == record


def check_standing(record: Record) -> None:
    """The more cautious source counts, and both are known."""
    assert record.cell.source == "partial"
    assert record.cell.sources == {"mlr-pku": "partial", "station": "custom"}
    assert record.standing is not None
    assert record.standing.other_counts
    assert record.standing.trained_counts == ()


@pytest.mark.parametrize(
    ("tested", "trained", "source", "tested_source"),
    [
        ("real", "real", "real", None),
        ("real", "partial", "partial", "real"),
        ("custom", "real", "custom", None),
        ("partial", "custom", "partial", None),
        ("custom", "twin:tiny:2", "twin:tiny:2", "custom"),
        ("twin:tiny:2:5", "twin:tiny:2", "twin:tiny:2:5", None),
    ],
)
def test_the_more_cautious_source_counts(
    tested: str, trained: str, source: str, tested_source: str | None, tmp_path: Path
) -> None:
    def job(dataset: str, source: str) -> Job:
        cell = Cell("plain", {}, dataset, "mlr-sing", source, 0, "smoke")
        return make_job(cell, "A", load_profile("smoke"), Source(), tmp_path, "0" * 64)

    cell = make_transfer(job("mlr-pku", tested), job("caviar", trained)).cell
    assert (cell.source, cell.tested_source) == (source, tested_source)
    assert cell.sources == {"mlr-pku": tested, "caviar": trained}


def test_data_of_either_set_that_changed_since_the_plan_is_told(
    pku_root: Path, tmp_path: Path
) -> None:
    job = transfer_job(pku_root, tmp_path)
    (tmp_path / "crops" / "day0" / "alice@hall@0.png").unlink()
    with pytest.raises(InputError, match="the raw folder of station changed while"):
        run_cell(job, silent)


# --- elsewhere ------------------------------------------------------------------------------------


def test_both_sets_go_to_another_machine(pku_root: Path, tmp_path: Path) -> None:
    home, node = tmp_path / "home", tmp_path / "node"
    shutil.copytree(pku_root, home / "raw")
    job = transfer_job(home / "raw", home)
    tested, trained_on = (supplies_of(one, build_pixels(one, silent)) for one in job.sets)
    supplies = of_transfer(tested, trained_on)
    for place, folder in supplies.folders.items():
        for chunk in packed(folder, 10_000):
            unpack(chunk, node / place)
    shutil.rmtree(home)
    there = pickle.loads(pickle.dumps(supplies)).moved(pickle.loads(pickle.dumps(job)), node)
    for sent, here in zip(there.sets, job.sets, strict=True):
        raw, manifest, store = open_data(sent, silent)
        assert raw.folder.is_relative_to(node)
        assert store.folder.is_relative_to(node)
        assert manifest.digest == here.manifest_digest
    assert there.key == job.key


def test_a_request_comes_back_with_the_definitions_of_its_sets(
    pku_root: Path, tmp_path: Path
) -> None:
    station(tmp_path / "crops")
    own = definition(tmp_path / "station.toml")
    request = RunRequest(
        "transfer",
        tmp_path / "out",
        source=Source(pku_root, partial=True, other_sizes=True),
        profile="smoke",
        datasets=[f"{own}:mlr-pku", f"mlr-pku:{own}", "mlr-pku"],
        rows=["Plain"],
        seeds=[0],
        jobs=1,
        cache=tmp_path / "cache",
    )
    plan = plan_table(request, stream=io.StringIO())
    keep_table(request.out, plan.table)
    assert keep_plan(Path(request.out), request, plan, None) is not None
    own.unlink()
    (run,) = read_runs(Path(request.out)).runs
    assert [cell.cell for cell in run.cells] == [cell.job.cell for cell in plan.cells]
    again = request_of(tmp_path / "out", run)
    assert plan_table(again, stream=io.StringIO()).cells == plan.cells
    assert {cell.job.cell.dataset for cell in plan.cells} == {
        "station:mlr-pku", "mlr-pku:station", "mlr-pku"
    }  # fmt: skip
    assert (tmp_path / "out" / "datasets" / "station.toml").is_file()
