"""Distances and maps as the report draws them: areas, panels by rate, places, and what has none."""

import csv
import re
from pathlib import Path
from typing import Any

import pytest

from crossres.benchmark import load_table
from crossres.benchmark.records.artifacts import ArtifactFolder, write_artifact
from crossres.benchmark.records.record import write_record
from crossres.reports import build_grids
from crossres.reports.grid.grid import Grid
from crossres.reports.page.distances import HEIGHT, WIDTH, distances_of
from crossres.reports.page.embedding_maps import COLOURED, maps_of
from crossres.reports.write import write_report
from tests.reports.conftest import make_record
from tests.reports.measures import distance_arrays, map_arrays

TABLE = load_table("table2")
RATES = (2, 3, 4)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two rows in two seeds on one set by rate, one seed on a natively LR one; an older row."""
    cells = [(row, "mlr-viper", seed, RATES) for row in range(2) for seed in range(2)]
    for row, dataset, seed, rates in [*cells, (0, "caviar", 0, (0,))]:
        record = make_record(TABLE, row, dataset, seed)
        write_record(tmp_path, record)
        kept = distance_arrays(row + seed, rates) | map_arrays(row, rates)
        write_artifact(tmp_path, record.key, kept)
    write_record(tmp_path, make_record(TABLE, 2, "mlr-viper", 0))
    return tmp_path


def grid_of(folder: Path) -> tuple[Grid, ArtifactFolder]:
    records = [make_record(TABLE, row, "mlr-viper", seed) for row in range(2) for seed in range(2)]
    records += [make_record(TABLE, 0, "caviar", 0), make_record(TABLE, 2, "mlr-viper", 0)]
    (grid,) = build_grids(records, TABLE)
    return grid, ArtifactFolder(folder)


def area(path: str) -> float:
    """What lies between the outline of a histogram and its floor."""
    x = y = 0
    total = 0
    for step, first, second in re.findall(r"([MHV])(-?\d+)(?: (\d+))?", path):
        if step == "M":
            x, y = int(first), int(second)
        elif step == "V":
            y = int(first)
        else:
            total += (int(first) - x) * (HEIGHT - y)
            x = int(first)
    assert y == HEIGHT
    assert x <= WIDTH
    return total


def test_each_rate_has_a_panel_and_both_kinds_the_same_area(folder: Path) -> None:
    natively, by_rate = distances_of(*grid_of(folder))
    assert (natively.column.dataset, natively.is_by_rate) == ("caviar", False)
    assert [panel.rate for panel in natively.rows[0].panels] == [None]
    assert by_rate.is_by_rate
    assert by_rate.lacking == (TABLE.rows[2].label,)
    for row in by_rate.rows:
        assert [panel.title for panel in row.panels] == [
            "all queries",
            *(f"rate {r}" for r in RATES),
        ]
        every, *others = row.panels
        assert (every.queries, every.positives, every.negatives) == (120, 480, 9120)
        assert [panel.queries for panel in others] == [40, 40, 40]
        means = [panel.auc.mean or 0.0 for panel in others]
        assert means == sorted(means, reverse=True)
        assert means[0] > 0.8 > means[-1]
        for panel in row.panels:
            assert panel.auc.n == 2
            assert area(panel.positive) == pytest.approx(area(panel.negative), rel=0.05)
        assert "seed 1: AUC 0." in every.summary
        assert re.fullmatch(r"0\.\d{3} ± 0\.\d{3}", every.auc_text)


def test_a_map_has_each_image_where_it_lies(folder: Path) -> None:
    natively, by_rate = maps_of(*grid_of(folder))
    assert natively.rates == (0,)
    assert by_rate.rates == RATES
    assert by_rate.lacking == (TABLE.rows[2].label,)
    assert (by_rate.images, by_rate.identities, by_rate.seed) == (300, 30, 0)
    assert by_rate.pids == tuple(range(100, 100 + COLOURED))
    drawn, own = by_rate.rows
    assert (drawn.is_own, own.is_own) == (False, True)
    arrays = map_arrays(0, RATES)
    places = {
        (int(x), int(y))
        for spots in drawn.spots
        for x, y in re.findall(r"M(\d+) (\d+)h0", spots.path)
    }
    assert places == {(x, 1000 - y) for x, y in arrays["map_places"].tolist()}
    assert min(y for _, y in places) > drawn.top
    assert max(y for _, y in places) < drawn.top + drawn.height
    first = [spots for spots in drawn.spots if spots.who == 0]
    assert [spots.rate for spots in first] == [None, *RATES]
    assert [len(spots.cameras.split()) for spots in first] == [5, 2, 1, 2]
    middle = arrays["map_places"][:5].mean(axis=0)
    x, y = map(int, re.findall(r"L(\d+) (\d+)", first[1].ties)[0])
    assert (x, 1000 - y) == pytest.approx(tuple(middle), abs=1)
    assert first[0].ties == ""


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("map_camids", map_arrays(0, RATES)["map_camids"][:9], "does not fit itself"),
        ("map_places", map_arrays(0, RATES)["map_places"][:, :1], "does not fit itself"),
        ("map_places", map_arrays(0, RATES)["map_places"] + 5000, "beyond 1000"),
        ("map_share", map_arrays(0, RATES)["map_places"], "not one value each"),
    ],
)
def test_damage_is_said_and_the_others_are_drawn(
    folder: Path, name: str, value: Any, said: str
) -> None:
    record = make_record(TABLE, 0, "mlr-viper", 0)
    write_artifact(folder, record.key, map_arrays(0, RATES) | {name: value})
    grid, artifacts = grid_of(folder)
    assert [row.seed for row in maps_of(grid, artifacts)[1].rows] == [1, 0]
    assert said in artifacts.problems[0]


def test_the_page_says_who_has_none_and_older_folders_are_as_they_were(folder: Path) -> None:
    page = write_report(folder, [TABLE])[0].read_text(encoding="utf-8")
    without = "as their cells were run by an older version: " + TABLE.rows[2].label
    assert page.count(without) == 2
    for path in (folder / "artifacts").iterdir():
        path.unlink()
    written = write_report(folder, [TABLE])
    page = written[0].read_text(encoding="utf-8")
    assert "Distances by resolution" not in page
    assert "Where embeddings lie" not in page
    assert not (folder / "report" / "table2.distances.csv").exists()


def test_the_csv_has_the_numbers_of_the_drawings(folder: Path) -> None:
    write_report(folder, [TABLE])
    path = folder / "report" / "table2.distances.csv"
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    drawn = distances_of(*grid_of(folder))
    panels = {
        (row.label, on_set.column.dataset, "all" if panel.rate is None else str(panel.rate)): panel
        for on_set in drawn
        for row in on_set.rows
        for panel in row.panels
    }
    assert [(line["row"], line["dataset"], line["query_rate"]) for line in lines] != []
    assert {(line["row"], line["dataset"], line["query_rate"]) for line in lines} == set(panels)
    for line in lines:
        panel = panels[line["row"], line["dataset"], line["query_rate"]]
        numbers = [line[name] for name in ("queries", "true_matches", "others", "n")]
        assert numbers == [
            str(n) for n in (panel.queries, panel.positives, panel.negatives, panel.auc.n)
        ]
        assert float(line["auc"]) == panel.auc.mean
        assert line["caution"].startswith("TWIN DATA")
        assert line["values"].count("=") == panel.auc.n
