"""What cells measure beside metrics, in a real Chromium: wide, dark and narrow."""

from typing import Any

import numpy as np
import pytest

from crossres.benchmark import load_table
from crossres.datasets import draw
from crossres.reports.write import write_report
from tests.reports.conftest import draw_results
from tests.reports.measures import distance_arrays, map_arrays
from tests.reports.page.test_report_browser import CONTRAST, OUTSIDE
from tests.reports.visit import CHROMIUM, Visit

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")
MOST_BYTES = 5_000_000
LOSSES = ("cross-entropy", "triplet", "reconstruction", "discriminator", "adversarial")


def measured(seed: int, diverges: bool, natively: bool) -> dict[str, Any]:
    """The arrays of a cell: five losses that fall, three steps that restore at three rates."""
    rng = np.random.default_rng(seed)
    falling = np.exp(-np.arange(50) / 20) + rng.uniform(0, 0.1, (len(LOSSES), 50))
    if diverges:
        falling[1, 30:] = np.nan
    rates = np.array([] if natively else [2, 3, 4], dtype=np.int64)
    return {
        "curve_names": np.array(LOSSES),
        "curve_means": falling * 10.0 ** np.arange(-3, 2)[:, None],
        "curve_counts": np.full(falling.shape, 3),
        "restored_labels": np.array(["input", "IR_1/3", "IR_1/2", "IR_1"]),
        "restored_rates": rates,
        "restored_counts": np.full(len(rates), 21),
        "restored_psnr": rng.uniform(18, 30, (len(rates), 4)),
        "restored_ssim": rng.uniform(0.4, 0.9, (len(rates), 4)),
    }


@pytest.fixture(scope="module")
def page_path(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Table 1 whole: eleven rows on five data sets in three seeds."""
    folder = tmp_path_factory.mktemp("measured")
    drawn = draw_results(folder, load_table("table1"))
    for record in drawn.records:
        path = folder / "artifacts" / f"{record.key}.npz"
        method, dataset = record.cell.method, record.cell.dataset
        number = draw(record.key) % 2**32
        rates = (0,) if dataset == "caviar" else (2, 3, 4)
        arrays = measured(number, method == "sing", dataset == "caviar")
        if method != "judea":  # as if its cells had been run by an older version
            arrays |= distance_arrays(number, rates)
            arrays |= map_arrays(draw(dataset, record.cell.seed) % 2**32, rates)
        np.savez(path, **dict(np.load(path)), **arrays)
    return write_report(folder, [drawn.table])[0]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_measures_are_drawn(browser: Any, page_path: Any, width: int, scheme: str) -> None:
    visit = Visit(browser, page_path.as_uri(), width, scheme)
    page = visit.page
    assert visit.messages == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("details.learning").count() == 5
    assert page.locator("svg.loss").count() == 5 * 11 * len(LOSSES)
    assert page.locator("details.learning[open]").count() == 1
    first = page.locator("svg.loss").first
    assert first.is_visible()
    assert first.evaluate(OUTSIDE) == []
    line, band = (first.locator(f"path.{kind}").bounding_box() for kind in ("line", "band"))
    assert line["width"] > 100
    assert band["height"] >= line["height"] - 1
    for selector in (".learned figcaption", ".learned small", ".learned b.wrong", ".quality td"):
        assert page.locator(selector).first.evaluate(CONTRAST) >= 4.5, selector


def test_a_loss_that_diverges_is_marked(browser: Any, page_path: Any) -> None:
    page = Visit(browser, page_path.as_uri(), 1280, "light").page
    opened = page.locator("details.learning").first
    assert opened.locator("svg.loss .gone").count() == 1
    row = opened.locator(".learned", has_text="SING")
    assert "not finite from 60 % of the training" in row.inner_text()


def test_restoration_is_tabled(browser: Any, page_path: Any) -> None:
    page = Visit(browser, page_path.as_uri(), 1280, "light").page
    section = page.locator(".more:has(table.quality)")
    assert "CAVIAR: none of its queries was down-sampled" in section.inner_text()
    assert section.locator("table.quality").count() == 4
    table = section.locator("table.quality").first
    assert table.evaluate("t => t.scrollWidth <= t.parentElement.clientWidth")
    assert table.locator("tbody").count() == 11
    # Every line has a cell for each of two measures at each of three rates.
    cells = table.locator("tbody tr").evaluate_all("rows => rows.map(r => r.cells.length)")
    assert sorted(set(cells)) == [7, 8]
    assert page.locator("nav").get_by_text("Restoration").count() == 1


def test_the_page_stays_small(page_path: Any) -> None:
    assert page_path.stat().st_size < MOST_BYTES
