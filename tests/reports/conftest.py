"""A results folder drawn for the tests of the reports room: sound records, drawn pictures.

Three rows x five data sets x three seeds, with the table, profile and options that are built in.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from crossres.benchmark import Cell, Record, Table, load_profile, load_table
from crossres.benchmark.config.profiles import profile_content
from crossres.benchmark.config.transfers import is_transfer, set_ids
from crossres.benchmark.records.cell import TrainedOn, key_of
from crossres.benchmark.records.record import Standing, write_record
from crossres.datasets import CARDS, digest_of, draw
from crossres.methods.interface.registry import resolve_options
from crossres.reports.write import write_report
from tests.reports.visit import ARGUMENTS, CHROMIUM

HEIGHT, WIDTH = 64, 32
CHAINS = {"Baseline": ["input", "IR_1"]}
CASCADE = ["input", "IR_1/3", "IR_1/2", "IR_1"]


@dataclass(frozen=True)
class Drawn:
    """A drawn results folder and what it was drawn from."""

    folder: Path
    table: Table
    records: tuple[Record, ...]


def draw_person(pid: int, view: int, rate: int = 1) -> NDArray[np.uint8]:
    """A (64, 32, 3) figure whose clothes depend on the pid alone, coarse at higher rates."""
    rng = np.random.default_rng(draw("person", pid))
    image = np.empty((HEIGHT, WIDTH, 3))
    image[:] = np.random.default_rng(draw("scene", pid, view)).uniform(90, 190, 3)
    skin, shirt, legs = rng.uniform(40, 230, (3, 3))
    image[6:16, 12:20], image[16:38, 8:24], image[38:62, 10:22] = skin, shirt, legs
    image[16:38:4, 8:24] = 255 - shirt
    noise = np.random.default_rng(draw("noise", pid, view)).normal(0, 7, image.shape)
    image = np.clip(image + noise, 0, 255).astype(np.uint8)
    small = image[::rate, ::rate]
    return np.ascontiguousarray(small.repeat(rate, 0).repeat(rate, 1)[:HEIGHT, :WIDTH])


def make_record(
    table: Table,
    row: int,
    dataset: str,
    seed: int,
    source: str = "twin:quick:1",
    profile_name: str = "quick",
    rank1: float | None = None,
    manifest: str = "",
    notes: Sequence[str] = (),
) -> Record:
    """A record that follows the schema; its numbers are drawn unless `rank1` is given."""
    profile = load_profile(profile_name)
    chosen = table.rows[row]
    content = profile_content(profile, chosen.method)
    options = resolve_options(chosen.method, profile, dict(chosen.options))
    cell = Cell(
        chosen.method,
        options,
        dataset,
        CARDS[set_ids(dataset)[1]].protocol,
        source,
        seed,
        profile_name,
        post_processing=chosen.post_processing or None,
        trained_on=_trained_on(dataset, source),
    )
    rng = np.random.default_rng(draw("record", row, dataset, seed, source))
    # Each row is far from the next one, but for one data set on which they are all alike.
    gain = 0.0 if dataset == "mlr-sysu" else 0.1 * row + 0.1 * (row > 1)
    chance = float(np.clip(rng.normal(0.44 + gain, 0.003), 0, 1))
    start = chance if rank1 is None else rank1
    cmc = {
        rule: tuple(
            float(v) for v in 1 - (1 - start * scale) * np.exp(-0.16 * np.arange(50) * (1 + scale))
        )
        for rule, scale in (("single-shot", 1.0), ("multi-shot", 0.93))
    }
    digest = {
        name: digest_of(name.encode(), *[str(part).encode() for part in parts])
        for name, parts in {
            "manifest": (dataset, seed, source, manifest),
            "pixels": (dataset, seed, source),
            "embeddings": (row, dataset, seed),
            "weights": (row, dataset, seed),
            "code": (),
        }.items()
    }
    return Record(
        key=key_of(cell, content, digest["manifest"]),
        cell=cell,
        profile=content,
        metrics={rule: _metrics(curve) for rule, curve in cmc.items()},
        cmc=cmc,
        digests=digest,
        counts={
            "train_images": 900,
            "train_pids": 60,
            # So many that the draw of identities adds next to nothing to that of seeds.
            "query_images": 2_000_000,
            "query_pids": 1_000_000,
            "gallery_images": 900,
            "gallery_pids": 100,
            "parameters": 1234567,
            "embedding_size": 384,
        },
        seconds={"prepare": 0.4, "fit": 31.25, "embed": 1.5, "evaluate": 0.2, "total": 33.35},
        peak_memory_bytes=812_000_000,
        environment={
            "crossres": "0.1.0",
            "python": "3.11.2",
            "torch": "2.13.0",
            "numpy": "2.4.0",
            "platform": "Linux-x86_64",
            "device": "cpu",
            "threads": 1,
        },
        notes=tuple(notes),
        standing=Standing(paper_size=profile.paper_size, warning=profile.warning),
    )


def _trained_on(dataset: str, source: str) -> TrainedOn | None:
    trained = set_ids(dataset)[0]
    protocol = CARDS[trained].protocol
    return TrainedOn(trained, protocol, source, "0" * 64) if is_transfer(dataset) else None


def _metrics(curve: Sequence[float]) -> dict[str, float]:
    ranks = {f"rank{k}": curve[k - 1] for k in (1, 5, 10, 20)}
    return {**ranks, "mAP": 0.93 * curve[0], "mINP": 0.6 * curve[0], "valid_queries": 200}


def draw_artifact(folder: Path, record: Record, labels: Sequence[str]) -> Path:
    """Six queries in hash order with their top five; chains of the first four."""
    rng = np.random.default_rng(draw("artifact", record.key))
    pids = np.arange(6) + 100 * record.cell.seed
    rates = np.array([2, 3, 4, 2, 3, 4])
    ranks = rng.integers(1, 8, 6)
    top_pids = rng.permuted(np.tile(np.arange(900, 905), (6, 1)), axis=1)
    for query, rank in enumerate(ranks):
        if rank <= 5:
            top_pids[query, rank - 1] = pids[query]
    queries = np.stack([draw_person(p, 0, r) for p, r in zip(pids, rates, strict=True)])
    steps = {"input": 3, "IR_1/3": 3, "IR_1/2": 2, "IR_1": 1}
    arrays = {
        "query_images": queries,
        "query_pids": pids,
        "query_rates": rates,
        "query_names": np.array([f"query/{pid:04d}_c1.jpg" for pid in pids]),
        "top_images": np.stack([[draw_person(p, 1) for p in line] for line in top_pids]),
        "top_pids": top_pids,
        "top_distances": np.sort(rng.uniform(0.2, 1.4, (6, 5))),
        "match_ranks": ranks,
        "chain_labels": np.array(labels),
        "chain_images": np.stack(
            [[draw_person(p, 0, steps[label]) for label in labels] for p in pids]
        ),
    }
    path = folder / "artifacts" / f"{record.key}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)
    return path


def draw_results(
    folder: Path,
    table: Table | None = None,
    source: str = "twin:quick:1",
    datasets: Sequence[str] | None = None,
    seeds: Sequence[int] = (0, 1, 2),
) -> Drawn:
    """Fill `folder` with the records and artifacts of every cell of the table."""
    table = table or load_table("table2")
    records = []
    for row, dataset, seed in [
        (row, dataset, seed)
        for row in range(len(table.rows))
        for dataset in (datasets or table.datasets)
        for seed in seeds
    ]:
        record = make_record(table, row, dataset, seed, source)
        write_record(folder, record)
        draw_artifact(folder, record, CHAINS.get(table.rows[row].label, CASCADE))
        records.append(record)
    return Drawn(folder, table, tuple(records))


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """The full Table 2 on twins, 45 cells; not to be changed by a test."""
    return draw_results(tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="session")
def report(drawn: Drawn) -> Path:
    """The HTML page of its report."""
    return write_report(drawn.folder)[0]


@pytest.fixture(scope="session")
def real() -> tuple[Record, ...]:
    """The cells of Table 2 on real data, at the paper's size: published values may stand beside."""
    table = load_table("table2")
    return tuple(
        make_record(table, row, dataset, seed, "real", "paper")
        for row in range(len(table.rows))
        for dataset in table.datasets
        for seed in (0, 1, 2)
    )


@pytest.fixture
def recorder() -> Callable[..., Record]:
    """make_record, for tests that need records of their own."""
    return make_record


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()
