"""Histograms of distances as reports read them: the AUC, the sum over seeds, and damage."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from crossres.benchmark.measures.distance_histograms import DistanceHistograms
from crossres.benchmark.records.artifacts import ArtifactFolder, write_artifact
from crossres.reports.grid.distances import (
    Histogram,
    auc_of,
    aucs_of,
    merge,
    read_histogram,
)
from tests.reports.measures import distance_arrays

Arrays = dict[str, NDArray[Any]]


def histogram(folder: Path, key: str, arrays: Arrays) -> Histogram:
    write_artifact(folder, key, arrays)
    read = read_histogram(ArtifactFolder(folder), key)
    assert read is not None
    return read


def test_the_auc_is_that_of_the_distances(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    matches = rng.random((60, 300)) < 0.1
    distances = rng.gamma(4, 1, matches.shape) - 1.5 * matches
    rates = np.repeat([2, 4], 30)
    histograms = DistanceHistograms()
    histograms.add(rates, distances, matches)
    aucs = aucs_of(histogram(tmp_path, "a", histograms.arrays()))
    assert list(aucs) == [None, 2, 4]
    for rate, auc in aucs.items():
        rows = slice(None) if rate is None else rates == rate
        exact = roc_auc_score(matches[rows].ravel(), -distances[rows].ravel())
        assert auc == pytest.approx(exact, abs=5e-4)


def test_pairs_in_one_bin_count_half() -> None:
    assert auc_of(np.array([[0, 3, 0], [0, 5, 0]])) == 0.5
    assert auc_of(np.array([[2, 0, 0], [0, 1, 1]])) == 1.0
    assert auc_of(np.array([[0, 0, 2], [1, 1, 0]])) == 0.0
    assert auc_of(np.array([[0, 1, 1], [0, 0, 4]])) == 0.75
    assert np.isnan(auc_of(np.array([[1, 0], [0, 0]])))
    several = np.array([[[2, 0], [0, 1]], [[1, 0], [0, 0]], [[0, 1], [1, 1]]])
    assert auc_of(several) == pytest.approx([1.0, np.nan, 0.25], nan_ok=True)


def test_natively_lr_queries_have_only_that_of_all(tmp_path: Path) -> None:
    assert list(aucs_of(histogram(tmp_path, "a", distance_arrays(0, (0,))))) == [None]


def test_seeds_are_added_up_in_the_widest_bins(tmp_path: Path) -> None:
    first = histogram(tmp_path, "a", distance_arrays(0, (2, 4)))
    second = histogram(tmp_path, "b", distance_arrays(1, (4,), gap=40.0))
    assert second.exponent > first.exponent
    both = merge([first, second])
    assert both.exponent == second.exponent
    assert first.rates == both.rates == (2, 4)
    assert both.queries.tolist() == [20, 40]
    assert both.counts[1].sum() == first.counts[1].sum() + second.counts.sum()
    assert both.counts[0].sum() == first.counts[0].sum()
    # As if all distances had come from one cell.
    bins = 2.0**both.exponent * (both.first + np.arange(both.counts.shape[2]) + 0.5)
    means = [float(pairs @ bins / pairs.sum()) for pairs in both.counts[1]]
    assert means[0] == pytest.approx((2 - 0.25 + 2 - 10) / 2, abs=0.1)
    assert means[1] == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("distance_counts", np.zeros((2, 3, 5), np.int64), "do not fit each other"),
        ("distance_counts", np.zeros((2, 2, 0), np.int64), "do not fit each other"),
        ("distance_queries", np.zeros(3, np.int64), "do not fit each other"),
        ("distance_rates", np.array([4, 2]), "do not fit each other"),
        ("distance_bins", np.array([0.0, 0.3]), "power of two"),
        ("distance_bins", np.array([0.0, np.nan]), "power of two"),
    ],
)
def test_damage_is_said(tmp_path: Path, name: str, value: Any, said: str) -> None:
    write_artifact(tmp_path, "a", distance_arrays(0, (2, 4)) | {name: value})
    artifacts = ArtifactFolder(tmp_path)
    assert read_histogram(artifacts, "a") is None
    assert said in artifacts.problems[0]


def test_older_artifacts_have_none(tmp_path: Path) -> None:
    write_artifact(tmp_path, "a", {"scored_pids": np.arange(3)})
    artifacts = ArtifactFolder(tmp_path)
    assert read_histogram(artifacts, "a") is None
    assert read_histogram(artifacts, "missing") is None
    assert artifacts.problems == ()
