"""Learning curves as drawn: where lines, bands, gaps and marks are, and damage that is named."""

import re
from pathlib import Path

import numpy as np
import pytest

from crossres.benchmark.records.artifacts import ArtifactFolder, artifact_path
from crossres.reports.page.learning_curves import (
    HEIGHT,
    WIDTH,
    limits,
    number,
    panels_of,
    read_curves,
)

NAN, LOST = np.nan, np.inf


def points(path: str) -> list[tuple[int, int]]:
    return [(int(x), int(y)) for x, y in re.findall(r"[ML](\d+) (\d+)", path)]


def test_a_line_is_the_mean_and_a_band_the_range_over_seeds() -> None:
    seeds = [{"loss": np.array([4.0, 2.0, 1.0])}, {"loss": np.array([2.0, 1.0, 1.0])}]
    (panel,) = panels_of(seeds)
    assert (panel.low, panel.high, panel.ends, panel.lost) == ("0", "4", ("3", "1"), "")
    assert points(panel.line) == [(41, 30), (122, 75), (203, 90)]
    assert points(panel.band) == [(41, 0), (122, 60), (203, 90), (203, 90), (122, 90), (41, 60)]
    assert panels_of(seeds[:1])[0].band == ""


def test_gaps_are_bridged_but_not_where_the_loss_was_no_number() -> None:
    (panel,) = panels_of([{"loss": np.array([NAN, 3.0, NAN, 2.0, LOST, 1.0])}])
    first, second = panel.line.split("M")[1:]
    assert points("M" + first) == [(61, 0), (142, 40)]
    assert points("M" + second) == [(224, 80)]
    assert second.endswith("h0")  # a dot
    assert panel.gone == f"M183 0V{HEIGHT}"
    assert panel.lost == "not finite from 67 % of the training"
    (panel,) = panels_of([{"loss": np.array([LOST, LOST])}])
    assert (panel.line, panel.ends) == ("", ("–", "–"))


def test_one_seed_that_diverges_is_marked_and_the_others_drawn() -> None:
    seeds = [{"loss": np.array([2.0, LOST])}, {"loss": np.array([2.0, 1.0])}]
    (panel,) = panels_of(seeds)
    assert len(points(panel.line)) == 2
    assert panel.gone
    assert panel.ends == ("2", "1")


def test_seeds_of_other_lengths_and_losses() -> None:
    first, second = {"a": np.arange(1.0, 5.0)}, {"b": np.ones(2), "a": np.array([1.0, 3.0])}
    a, b = panels_of([first, second])
    assert (a.name, b.name) == ("a", "b")
    assert [x for x, _ in points(a.line)] == [30, 92, 152, 214]
    assert a.ends == ("1", "3.5")
    assert [x for x, _ in points(b.line)] == [WIDTH // 4, 3 * WIDTH // 4]


@pytest.mark.parametrize("values", [[0.0], [1e-5, 3e-4], [17.9, 11.0], [-3.2, 4.1], [-5.0], [1e6]])
def test_limits_are_round_and_around(values: list[float]) -> None:
    low, high = limits(values, values)
    assert low <= min(values) <= max(values) <= high
    assert low <= 0 <= high
    assert low < high
    assert high - low <= 2.5 * max(max(values) - min(0, min(values)), 0.5 * abs(min(values)), 0.4)


def test_numbers() -> None:
    assert [number(v) for v in (12.345, 0.004521, 3859.9, -0.5, 2.01e-5)] == [
        *("12.3", "0.00452", "3,860", "−0.5", "2.01e−05"),
    ]


def test_what_is_read(tmp_path: Path) -> None:
    artifacts, path = ArtifactFolder(tmp_path), artifact_path(tmp_path, "x")
    path.parent.mkdir()
    assert read_curves(artifacts, "x") is None
    np.savez(path, scored_pids=np.arange(3))
    assert read_curves(artifacts, "x") is None
    means, counts = np.array([[1.0, NAN, NAN, -np.inf]]), np.array([[2, 0, 1, 1]])
    np.savez(path, curve_names=np.array(["a"]), curve_means=means, curve_counts=counts)
    curves = read_curves(artifacts, "x")
    assert list(curves) == ["a"]
    np.testing.assert_array_equal(curves["a"], [1.0, NAN, LOST, LOST])
    np.savez(path, curve_names=np.array(["a", "b"]), curve_means=means, curve_counts=counts)
    assert artifacts.problems == ()
    assert read_curves(artifacts, "x") is None
    (problem,) = artifacts.problems
    assert problem.startswith(f"{path}: its learning curves")
