"""The query browser: every query with what each row retrieved for it, as data for its script.

All of it is of one gallery, the multi-shot one that it shows, whatever the rule of the tables.

The data of one data set and seed is one file, its thumbnails are more, in the order in which the
queries want them: `report/queries/*.js`, which a page can load from a disk, too, where it may fetch
nothing. Or all of them lie in the page itself.
"""

import base64
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from crossres.benchmark.metrics.measure import METRICS
from crossres.benchmark.metrics.rules import GalleryRule
from crossres.benchmark.records.artifacts import ArtifactFolder
from crossres.benchmark.records.images import ImageFolder, Thumbnail
from crossres.benchmark.records.record import Record
from crossres.datasets.base.files import write_if_changed
from crossres.reports import wording as words
from crossres.reports.charts.looks import Looks
from crossres.reports.grid.grid import Column, Grid
from crossres.reports.page.gallery import rate_words

Arrays = Mapping[str, NDArray[Any]]

FOLDER = "queries"  # beside the page
GALLERY: GalleryRule = "multi-shot"  # what rankings are of, and with them all that is shown
IMAGES_IN_FILE = 400
SHOWN = 6  # images of a row: the five nearest, and the first true match

# Names of the arrays (n, ...) of n queries, and the number of their axes.
_RANKED = {
    "ranked_queries": 1,
    "ranked_rows": 2,
    "ranked_pids": 2,
    "ranked_camids": 2,
    "ranked_distances": 2,
    "first_rows": 1,
    "first_ranks": 1,
    "first_camids": 1,
    "first_distances": 1,
}
_OF_VEHICLES = "query_wide"  # an array that only their artifacts have
_SCORED = ("scored_names", "scored_pids", "scored_rates", "scored_camids")
SCORES = f"scores_{GALLERY}"


@dataclass(frozen=True)
class RankedCell:
    """A cell as a set of queries shows it; its row's label and look, a class or "" for none."""

    label: str
    look: str
    record: Record
    arrays: Arrays


@dataclass(frozen=True)
class QuerySet:
    """The queries of one data set and seed, with what `rows` rows retrieved for them.

    `texts`: name -> JSON of all that the script loads: the queries, and files of thumbnails, each
    a list of data URIs, "" for one that is not in the results folder. `choice`: what the page's
    switch of data sets calls this one, "" where there is no such switch.
    """

    name: str
    table: str
    column: str
    seed: int
    rows: int
    texts: Mapping[str, str]
    choice: str = ""


@dataclass(frozen=True)
class Browser:
    """All sets of queries of a page; `embedded` puts their data into the page itself.

    `folder`: beside the page, for their files. `paired`: their rows are pairs, A and B.
    `lacks_oracle`: tables of the page have an oracle, whose queries are other images.
    """

    sets: Sequence[QuerySet] = ()
    embedded: bool = False
    folder: str = FOLDER
    paired: bool = False
    lacks_oracle: bool = False

    @cached_property
    def index(self) -> Markup:
        """What the script knows from the beginning, as JSON for a script element."""
        listed = [
            {
                "name": s.name,
                "table": s.table,
                "column": s.column,
                "seed": s.seed,
                "choice": s.choice,
                "rows": s.rows,
            }
            for s in self.sets
        ]
        return _for_script(_json({"sets": listed, "most": IMAGES_IN_FILE, "folder": self.folder}))

    @property
    def beside(self) -> bool:
        """Whether the page needs files beside it."""
        return bool(self.sets) and not self.embedded

    @property
    def blocks(self) -> Iterator[tuple[str, Markup]]:
        """Yield name and JSON of what is embedded."""
        if self.embedded:
            yield from (
                (name, _for_script(text)) for s in self.sets for name, text in s.texts.items()
            )

    @property
    def files(self) -> dict[str, str]:
        """Return the files beside the page by their names."""
        if self.embedded:
            return {}
        return {
            f"{self.folder}/{name}.js": f"crossresQueries({json.dumps(name)},{text});\n"
            for s in self.sets
            for name, text in s.texts.items()
        }


def browser_of(
    places: Sequence[tuple[Grid, str]],
    artifacts: ArtifactFolder,
    images: ImageFolder,
    looks: Looks,
    *,
    embedded: bool = False,
) -> Browser:
    """Return the browser of grids, each with its anchor; `looks` are those of their rows.

    Cells whose artifacts hold no rankings, those of older versions, are left out.
    """
    sets = [
        replace(
            query_set(
                words.slug(anchor, *_names(column), *filter(None, [apart]), f"seed{seed}"),
                (grid.title, column.title + (f" · {apart}" if apart else ""), seed),
                grid.rule(column),
                cells,
                images.read(cells[0].record.digests.get("pixels", "")),
            ),
            choice=column.name,
        )
        for grid, anchor in places
        for column in grid.shown
        for seed, records in _by_seed(grid, column)
        for apart, cells in _apart(_by_test_set(grid, records, artifacts, looks))
    ]
    has_oracle = any(grid.oracle is not None for grid, _ in places)
    return Browser(sets, embedded, lacks_oracle=has_oracle)


def write_beside(report: Path, browser: Browser) -> list[Path]:
    """Write the files of a browser beside the page in `report`; returns their folder.

    Those of an earlier page are removed.
    """
    files, folder = browser.files, report / browser.folder
    for name, content in files.items():
        write_if_changed(report / name, content, lasting=False)
    for path in folder.glob("[!.]*.js"):
        if f"{browser.folder}/{path.name}" not in files:
            path.unlink()
    with suppress(OSError):  # it is not empty, or not there
        folder.rmdir()
    return [folder] if files else []


def _names(column: Column) -> list[str]:
    return [name for name in (column.dataset, column.protocol) if name]


def _by_seed(grid: Grid, column: Column) -> list[tuple[int, list[tuple[int, Record]]]]:
    """Return each seed with the rows that have a record of it, and these."""
    by_seed: dict[int, list[tuple[int, Record]]] = {}
    for row in range(len(grid.table.rows)):
        for record in grid.cells[row, column].records:
            by_seed.setdefault(record.cell.seed, []).append((row, record))
    return sorted(by_seed.items())


def _by_test_set(
    grid: Grid,
    records: Sequence[tuple[int, Record]],
    artifacts: ArtifactFolder,
    looks: Looks,
) -> list[list[RankedCell]]:
    """Return the cells of a data set and seed, those together that had the same queries."""
    together: dict[str, list[RankedCell]] = {}
    for index, record in records:
        arrays = read_rankings(artifacts, record.key)
        if arrays is not None:
            row = grid.table.rows[index]
            cell = RankedCell(row.label, looks.css_class(row), record, arrays)
            together.setdefault(record.digests.get("pixels", ""), []).append(cell)
    return list(together.values())


def _apart(together: Sequence[list[RankedCell]]) -> Iterator[tuple[str, list[RankedCell]]]:
    """Yield what tells test sets of one column and seed apart: nothing where there is one."""
    protocols = [cells[0].record.cell.protocol for cells in together]
    for number, (protocol, cells) in enumerate(zip(protocols, together, strict=True), start=1):
        more = f" ({number})" if protocols.count(protocol) > 1 else ""
        yield (f"{protocol}{more}" if len(together) > 1 else ""), cells


def read_rankings(artifacts: ArtifactFolder, key: str) -> Arrays | None:
    """Read the rankings of a cell and its scores in their gallery; None where it has none."""
    names = (*_RANKED, *_SCORED, SCORES)
    return artifacts.read(key, names, rankings_fault, (_OF_VEHICLES,))


def rankings_fault(arrays: Arrays) -> str:
    """Say what keeps the rankings of an artifact from being shown; "" for nothing."""
    queries, ranked = len(arrays["scored_names"]), arrays["ranked_queries"]
    for name, array in arrays.items():
        if name in _RANKED:
            shape: tuple[int, ...] = (len(ranked), SHOWN - 1)[: _RANKED[name]]
        elif name == _OF_VEHICLES:
            continue
        else:
            shape = (queries, len(METRICS)) if name == SCORES else (queries,)
        if array.shape != shape:
            return f"{name} has the shape {array.shape}, not {shape}"
    if ranked.dtype.kind != "i" or not len(ranked):
        return "ranked_queries names no queries"
    if ranked.min() < 0 or ranked.max() >= queries:
        return f"ranked_queries names a query that is none of {queries}"
    return ""


def query_set(
    name: str,
    place: tuple[str, str, int],
    rule: str,
    cells: Sequence[RankedCell],
    thumbnails: Mapping[int, Thumbnail],
    pairs: Sequence[str] = (),
) -> QuerySet:
    """Return the queries of cells that were tested on the same; those with other ones are left out.

    `place`: the titles of table and column, and the seed. `rule`: of the numbers elsewhere on the
    page. `pairs`: where the cells are those of A and B in turns, what each pair is called.
    """
    first = cells[0].arrays
    total, queries = len(first["scored_names"]), first["ranked_queries"].astype(np.int64)
    cells = [cell for cell in cells if np.array_equal(cell.arrays["ranked_queries"], queries)]
    shown = np.concatenate([queries[:, None], *(_shown(cell.arrays, total) for cell in cells)], 1)
    places, numbers = _places(shown)
    content = {
        "gallery": _gallery_note(rule, "differences above" if pairs else "tables"),
        "total": total,
        "turned": _OF_VEHICLES in first,
        "names": first["scored_names"][queries].tolist(),
        "pids": first["scored_pids"][queries].tolist(),
        "cams": first["scored_camids"][queries].tolist(),
        "rates": first["scored_rates"][queries].tolist(),
        "rateWords": {
            rate: rate_words(rate) for rate in np.unique(first["scored_rates"][queries]).tolist()
        },
        "images": places[:, 0].tolist(),
        "imageNames": [thumbnails[k].name if k in thumbnails else "" for k in numbers],
        "rows": [
            _row(cell, places[:, start : start + SHOWN])
            for cell, start in zip(cells, range(1, places.shape[1], SHOWN), strict=True)
        ],
        **({"pairs": [*pairs]} if pairs else {}),
    }
    uris = [_uri(thumbnails[k]) if k in thumbnails else "" for k in numbers]
    texts = {name: _json(content)}
    for number, start in enumerate(range(0, len(uris), IMAGES_IN_FILE)):
        texts[f"{name}-{number}"] = _json(uris[start : start + IMAGES_IN_FILE])
    return QuerySet(name, *place, len(cells), texts)


def _gallery_note(rule: str, numbers: str) -> str:
    """Say what gallery the queries are shown in, and of which the numbers elsewhere are."""
    here = f"Right, wrong, AP and rank-1 are those in the {GALLERY} gallery"
    if rule == GALLERY:
        return f"{here}; the {numbers} are of it, too."
    return f"{here}; the {numbers} are of the {words.gallery_words(rule)}, and may say otherwise."


def _shown(arrays: Arrays, total: int) -> NDArray[np.int64]:
    """Return (n, SHOWN) the numbers of the thumbnails of a row, -1 where there is no image."""
    rows = np.column_stack([arrays["ranked_rows"], arrays["first_rows"]]).astype(np.int64)
    return np.where(rows < 0, -1, rows + total)


def _places(numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], list[int]]:
    """Replace numbers by their places in the order in which they are first wanted.

    Returns the places, in the same shape and -1 where the number is, and the numbers in order.
    """
    known, first, inverse = np.unique(numbers, return_index=True, return_inverse=True)
    order = np.argsort(np.where(known < 0, numbers.size, first), kind="stable")
    places = np.empty_like(order)
    places[order] = np.arange(len(order))
    places[known < 0] = -1
    return places[inverse].reshape(numbers.shape), known[order][known[order] >= 0].tolist()


def _row(cell: RankedCell, places: NDArray[np.int64]) -> dict[str, Any]:
    """Return what the script shows of a row; "images" and "distances" are (n * SHOWN,), flat."""
    arrays = cell.arrays
    scores = arrays[SCORES][arrays["ranked_queries"]]
    distances = np.column_stack([arrays["ranked_distances"], arrays["first_distances"]])
    return {
        "label": cell.label,
        "look": cell.look,
        "key": cell.record.key,
        "ap": _numbers(scores[:, METRICS.index("mAP")]),
        "rank1": _numbers(scores[:, METRICS.index("rank1")]),
        "ranks": arrays["first_ranks"].tolist(),
        "images": places.ravel().tolist(),
        "distances": _numbers(distances.ravel()),
        "pids": arrays["ranked_pids"].ravel().tolist(),
        "cams": np.column_stack([arrays["ranked_camids"], arrays["first_camids"]]).ravel().tolist(),
    }


def _numbers(values: NDArray[Any]) -> list[float | None]:
    """Return values in four digits, None for those that are no numbers."""
    return [float(f"{value:.4g}") if math.isfinite(value) else None for value in values.tolist()]


def _uri(thumbnail: Thumbnail) -> str:
    return f"data:image/webp;base64,{base64.b64encode(thumbnail.content).decode('ascii')}"


def _json(content: Any) -> str:
    """Return JSON in ASCII, so that it is JavaScript, too."""
    return json.dumps(content, separators=(",", ":"), allow_nan=False)


def _for_script(text: str) -> Markup:
    """Return JSON that ends no script element."""
    return Markup(text.replace("<", "\\u003c"))
