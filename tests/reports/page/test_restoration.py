"""PSNR and SSIM as tabled: means over seeds by rate, gains over the input, what is not measured."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from crossres.benchmark.records.artifacts import ArtifactFolder
from crossres.reports import build_grids
from crossres.reports.page.restoration import Quality, nearness, quality_of
from tests.reports.conftest import Drawn, draw_results

SEEDS = (0, 1)


def keep(
    drawn: Drawn,
    row: int,
    seed: int,
    psnr: Sequence[Sequence[float]],
    rates: Sequence[int],
    spread: Sequence[float] | None = None,
) -> Path:
    """Give the artifact of a cell measures: PSNR (R, K), SSIM a hundredth of it."""
    label = drawn.table.rows[row].label
    record = drawn.records[row * len(SEEDS) + seed]
    path = drawn.folder / "artifacts" / f"{record.key}.npz"
    arrays = dict(np.load(path))
    steps = len(psnr[0]) if psnr else 2
    values = np.array(psnr, dtype=np.float64).reshape(len(rates), steps)
    labels = ["input", *(f"{label} {k}" for k in range(1, steps))]
    arrays |= {
        "restored_labels": np.array(labels),
        "restored_rates": np.array(rates, dtype=np.int64),
        "restored_counts": np.full(len(rates), 30),
        "restored_psnr": values,
        "restored_ssim": values / 100,
    }
    if spread is not None:
        arrays["restored_spread"] = np.array(spread)
    np.savez(path, **arrays)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Drawn:
    return draw_results(tmp_path, datasets=("mlr-viper",), seeds=SEEDS)


def qualities(drawn: Drawn) -> tuple[Quality, ...]:
    (grid,) = build_grids(drawn.records, drawn.table)
    return quality_of(grid, ArtifactFolder(drawn.folder))


def test_means_over_seeds_by_rate(folder: Drawn) -> None:
    keep(folder, 1, 0, [[20, 24], [18, 17]], (2, 4))
    keep(folder, 1, 1, [[22, 28], [18, 18]], (2, 4))
    (quality,) = qualities(folder)
    assert (quality.rates, quality.counts, quality.seeds) == ((2, 4), (60, 60), 2)
    (row,) = quality.rows
    assert (row.row, row.seeds) == (1, 2)
    start, step = row.steps
    assert quality.shared == start
    assert [pair[0].text for pair in start.values] == ["21.0", "18.0"]
    assert [pair[0].gain for pair in start.values] == ["", ""]
    assert [(p.text, p.gain, p.sign) for p, _ in step.values] == [
        ("26.0", "+5.0", 1),
        ("17.5", "−0.5", -1),
    ]
    assert [(s.text, s.gain) for _, s in step.values] == [("0.260", "+0.050"), ("0.175", "−0.005")]


def test_versions_of_an_image_come_together_or_part(folder: Drawn) -> None:
    keep(folder, 1, 0, [[20, 24, 24]], (2,), [10, 4, 11])
    keep(folder, 1, 1, [[20, 24, 24]], (2,), [12, 5, 14])
    (quality,) = qualities(folder)
    assert quality.has_spread
    spreads = [step.spread for step in quality.rows[0].steps]
    assert [(s.text, s.gain, s.sign) for s in spreads if s] == [
        ("11.0", "", 0),
        ("4.5", "−6.5", 1),
        ("12.5", "+1.5", -1),
    ]


def test_older_artifacts_lack_the_spread(folder: Drawn) -> None:
    keep(folder, 1, 0, [[20, 24]], (2,))
    assert not qualities(folder)[0].has_spread
    keep(folder, 1, 1, [[20, 24]], (2,), [10, 4])
    assert [step.spread.text for step in qualities(folder)[0].rows[0].steps if step.spread] == [
        "10.0",
        "4.0",
    ]


def test_a_spread_for_other_steps_is_damage(folder: Drawn) -> None:
    keep(folder, 1, 0, [[20, 24]], (2,), [10, 4, 3])
    assert qualities(folder) == ()


def test_values_that_are_none_or_without_end(folder: Drawn) -> None:
    keep(folder, 1, 0, [[np.inf, np.inf, np.nan, 20]], (2,))
    (quality,) = qualities(folder)
    texts = [(step.values[0][0].text, step.values[0][0].gain) for step in quality.rows[0].steps]
    assert texts == [("∞", ""), ("∞", ""), ("–", ""), ("20.0", "")]


def test_rows_of_other_inputs_show_their_own(folder: Drawn) -> None:
    keep(folder, 0, 0, [[20, 24]], (2,))
    keep(folder, 1, 0, [[20, 23]], (2,))
    assert qualities(folder)[0].shared is not None
    keep(folder, 1, 1, [[30, 23]], (2,))
    quality = qualities(folder)[0]
    assert quality.shared is None
    assert [row.seeds for row in quality.rows] == [1, 2]


def test_without_originals_a_column_has_no_rates(folder: Drawn) -> None:
    assert qualities(folder) == ()
    keep(folder, 2, 0, [], ())
    (quality,) = qualities(folder)
    assert quality.rates == ()
    assert [step.values for step in quality.rows[0].steps] == [(), ()]


def test_damage_is_a_line(folder: Drawn) -> None:
    path = keep(folder, 1, 0, [[20, 24]], (2,))
    arrays = dict(np.load(path))
    np.savez(path, **(arrays | {"restored_psnr": np.zeros((3, 3))}))
    (grid,) = build_grids(folder.records, folder.table)
    artifacts = ArtifactFolder(folder.folder)
    assert quality_of(grid, artifacts) == ()
    assert artifacts.problems == (
        f"{path}: its measures of reconstructions do not fit each other; "
        "delete it and its record, then run again",
    )


def test_an_image_of_a_chain_says_how_near_it_is() -> None:
    images = np.zeros((2, 2, 4, 4, 3), np.uint8)
    psnr, ssim = np.array([[20.04, np.inf], [np.nan] * 2]), np.array([[0.5, 1.0], [np.nan] * 2])
    arrays = {"chain_images": images, "chain_psnr": psnr, "chain_ssim": ssim}
    assert nearness(arrays, 0, 0) == ("20.0 dB", "0.500")
    assert nearness(arrays, 0, 1) == ("∞ dB", "1.000")
    assert nearness(arrays, 1, 0) == ()
    assert nearness({"chain_images": images}, 0, 0) == ()
    assert nearness(arrays | {"chain_psnr": psnr[:1]}, 0, 0) == ()
