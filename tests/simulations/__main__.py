"""How often statements are wrong, and what they find: `python tests/simulations [--drawings N]`.

Tables are drawn in which all rows are truly equal, and others in which the first truly leads.
Writes docs/statistics-errors.csv and docs/statistics-power.csv, and prints the worst of each kind.
"""

import argparse
import csv
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from crossres.datasets.base.draws import draw
from tests.simulations.drawing import Layout, drawn_table
from tests.simulations.statements import KINDS, finds, verdicts, wrong

DOCS = Path(__file__).parents[2] / "docs"
SEEDS = (2, 3, 5, 10)
MARGIN = 0.05  # of the claims whose rows truly differ by it
LEADS = (0.02, 0.05, 0.10, 0.20)


def layouts() -> Iterator[Layout]:
    """The corners of what tables are like, and what lies between."""
    for seeds, sets, split in product(SEEDS, (1, 5), ("official", "drawn")):
        for rows, queries in ((2, 12), (2, 100), (2, 1000), (5, 12), (5, 100), (20, 100)):
            yield Layout(rows, sets, seeds, queries, split)  # type: ignore[arg-type]
        yield Layout(5, sets, seeds, 100, split, "mAP")  # type: ignore[arg-type]


def errors(layout: Layout, drawings: int) -> dict[str, object]:
    """How often each kind of statement is wrong of equal rows, in per cent."""
    rng = np.random.default_rng(draw("simulation", "errors", str(layout)))
    counts = dict.fromkeys((*KINDS, "no difference"), 0)
    for _ in range(drawings):
        for kind, is_wrong in wrong(layout, drawn_table(layout, rng)).items():
            counts[kind] += is_wrong
        # Rows that differ by the margin on each set are no rows without a difference.
        leading = drawn_table(layout, rng, MARGIN)
        counts["no difference"] += "no difference" in verdicts(layout, leading[:2], MARGIN)
    return _row(layout, drawings) | {k: f"{100 * n / drawings:.1f}" for k, n in counts.items()}


def power(layout: Layout, drawings: int) -> dict[str, object]:
    """How often a true lead is found, in per cent, on one set and over all."""
    row = _row(layout, drawings)
    for lead, on in product(LEADS, ("0", None)):
        rng = np.random.default_rng(draw("simulation", "power", str(layout), str(lead)))
        count = sum(finds(drawn_table(layout, rng, lead), on) for _ in range(drawings))
        name = f"{100 * lead:g} points, {'one set' if on else 'all sets'}"
        row[name] = f"{100 * count / drawings:.0f}"
    return row


def _row(layout: Layout, drawings: int) -> dict[str, object]:
    names = ("rows", "sets", "seeds", "queries", "split", "metric")
    return {name: getattr(layout, name) for name in names} | {"drawings": drawings}


def write(name: str, rows: Iterable[dict[str, object]]) -> list[dict[str, object]]:
    """Write the rows as they come into a file of docs/."""
    written = []
    with (DOCS / name).open("w", newline="", encoding="utf-8") as file:
        for row in rows:
            if not written:
                writer = csv.DictWriter(file, list(row), lineterminator="\n")
                writer.writeheader()
            writer.writerow(row)
            file.flush()
            print(*row.values(), flush=True)
            written.append(row)
    return written


def main() -> None:
    """Run both parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drawings", type=int, default=1000, metavar="N")
    parser.add_argument("--jobs", type=int, default=2, metavar="N")
    options = parser.parse_args()
    all_layouts = list(layouts())
    pairs = [layout for layout in all_layouts if layout.rows == 2]
    with ProcessPoolExecutor(options.jobs) as pool:
        counts = [options.drawings] * len(all_layouts)
        rows = write("statistics-errors.csv", pool.map(errors, all_layouts, counts))
        write("statistics-power.csv", pool.map(power, pairs, counts))
    for kind in (*KINDS, "no difference"):
        worst = max(rows, key=lambda row, kind=kind: float(str(row[kind])))  # type: ignore[misc]
        print(f"{kind}: at most {worst[kind]} % ({worst})")


if __name__ == "__main__":
    main()
