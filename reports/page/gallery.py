"""Artifacts of cells as pictures: retrieval galleries (paper, Figure 6) and reconstruction chains.

Queries were drawn by hash when the cell ran, never by success; of those, the ones that most rows
get wrong come first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crossres.benchmark.records.artifacts import ArtifactFolder
from crossres.benchmark.records.record import Record
from crossres.reports.charts.images import data_uri
from crossres.reports.grid.grid import Column, Grid
from crossres.reports.page.restoration import nearness
from crossres.reports.page.upright import Arrays, knows_wide, upright

MOST_QUERIES = 3
GALLERY_IMAGES = 400  # in one report; keeps the file of a large table under 5 MB
_NEEDED = {
    "query_images",
    "query_pids",
    "query_rates",
    "query_names",
    "top_images",
    "top_pids",
    "top_distances",
    "match_ranks",
}
_OPTIONAL = {
    "query_wide",
    "top_wide",
    "chain_labels",
    "chain_images",
    "chain_psnr",
    "chain_ssim",
    "chain_originals",
}


@dataclass(frozen=True)
class GalleryShot:
    """One image of a gallery or a chain; `correct` frames it green or red.

    measures: of an image of a chain, how near it is to its HR original, where it has one.
    """

    uri: str
    title: str
    correct: bool = False
    measures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ranking:
    """What one row found for a query: its top five and the 1-based rank of the first match."""

    row: int
    key: str
    top: tuple[GalleryShot, ...]
    match_rank: int


@dataclass(frozen=True)
class Query:
    """One query and the rankings of all rows that kept it."""

    shot: GalleryShot
    pid: int
    rate: str
    rankings: tuple[Ranking, ...]


@dataclass(frozen=True)
class Chain:
    """The reconstructions of one row: for each image its steps, labelled."""

    row: int
    key: str
    labels: tuple[str, ...]
    images: tuple[tuple[GalleryShot, ...], ...]


@dataclass(frozen=True)
class Pictures:
    """Everything to look at in one column: one seed, several queries, a chain per row.

    turned: wide images were turned upright, as the paper does with vehicles.
    """

    column: Column
    seed: int
    queries: tuple[Query, ...]
    chains: tuple[Chain, ...]
    turned: bool


def pictures_fault(arrays: Arrays) -> str:
    """Say what keeps an artifact from being shown; "" for nothing."""
    lacking = sorted(_NEEDED - set(arrays))
    if lacking:
        return f"lacks {', '.join(lacking)}"
    for name in ("query", "top"):
        flags, images = arrays.get(f"{name}_wide"), arrays[f"{name}_images"]
        if flags is not None and flags.shape != images.shape[:-3]:
            return f"{name}_wide has the shape {flags.shape}, not {images.shape[:-3]}"
    return ""


def pictures(
    grid: Grid, column: Column, artifacts: ArtifactFolder, queries: int
) -> Pictures | None:
    """Return the pictures of one column, of its first seed with artifacts; None without any."""
    for seed in sorted(
        {r.cell.seed for row in _rows(grid) for r in grid.cells[row, column].records}
    ):
        by_row = _load(grid, column, seed, artifacts)
        if by_row:
            turned = all(knows_wide(arrays) for _, arrays in by_row.values())
            if turned:  # in all rows or in none: they are there to be compared
                by_row = {row: (record, upright(a)) for row, (record, a) in by_row.items()}
            names = _failures_first(by_row)[:queries]
            drawn = tuple(_query(by_row, name) for name in names)
            chains = tuple(c for row, (r, a) in by_row.items() if (c := _chain(row, r, a, names)))
            return Pictures(column, seed, drawn, chains, turned)
    return None


def queries_for(grids: Sequence[Grid]) -> int:
    """Say how many queries per data set keep the galleries of a report within GALLERY_IMAGES."""
    images = sum(len(grid.shown) * (1 + 5 * len(grid.table.rows)) for grid in grids)
    return max(1, min(MOST_QUERIES, GALLERY_IMAGES // max(1, images)))


def _rows(grid: Grid) -> range:
    return range(len(grid.table.rows))


def _load(
    grid: Grid, column: Column, seed: int, artifacts: ArtifactFolder
) -> dict[int, tuple[Record, Arrays]]:
    by_row: dict[int, tuple[Record, Arrays]] = {}
    for row in _rows(grid):
        for record in grid.cells[row, column].records:
            if record.cell.seed == seed:
                arrays = artifacts.read(
                    record.key, (), pictures_fault, optional=_NEEDED | _OPTIONAL
                )
                if arrays is not None:
                    by_row[row] = record, arrays
    return by_row


def _failures_first(by_row: Mapping[int, tuple[Record, Arrays]]) -> list[str]:
    """Return the queries of the first row: those that most rows get wrong, most wrong, first."""
    names = [str(name) for name in next(iter(by_row.values()))[1]["query_names"]]
    ranks: dict[str, list[int]] = {name: [] for name in names}
    for _, arrays in by_row.values():
        for name, rank in zip(arrays["query_names"], arrays["match_ranks"], strict=True):
            ranks.get(str(name), []).append(int(rank))
    return sorted(names, key=lambda n: (-sum(rank > 1 for rank in ranks[n]), -sum(ranks[n])))


def _query(by_row: Mapping[int, tuple[Record, Arrays]], name: str) -> Query:
    """Return one query of the first row, with every row that kept the same one."""
    first = next(iter(by_row.values()))[1]
    at = [str(query_name) for query_name in first["query_names"]].index(name)
    pid = int(first["query_pids"][at])
    rankings = [_ranking(row, record, arrays, name) for row, (record, arrays) in by_row.items()]
    return Query(
        GalleryShot(data_uri(first["query_images"][at]), f"query {name}, identity {pid}"),
        pid,
        rate_words(int(first["query_rates"][at])),
        tuple(ranking for ranking in rankings if ranking is not None),
    )


def _ranking(row: int, record: Record, arrays: Arrays, name: str) -> Ranking | None:
    names = [str(query_name) for query_name in arrays["query_names"]]
    if name not in names:
        return None
    at = names.index(name)
    pid = int(arrays["query_pids"][at])
    top = tuple(
        GalleryShot(
            data_uri(image),
            f"rank {rank}, identity {int(gallery_pid)}, distance {float(distance):.3f}",
            int(gallery_pid) == pid,
        )
        for rank, (image, gallery_pid, distance) in enumerate(
            zip(
                arrays["top_images"][at],
                arrays["top_pids"][at],
                arrays["top_distances"][at],
                strict=True,
            ),
            start=1,
        )
    )
    return Ranking(row, record.key, top, int(arrays["match_ranks"][at]))


def rate_words(rate: int) -> str:
    """Return a down-sampling rate in words: 1 is HR, 0 natively LR."""
    return {0: "natively LR", 1: "HR"}.get(rate, f"LR, 1/{rate}")


def _chain(row: int, record: Record, arrays: Arrays, names: Sequence[str]) -> Chain | None:
    """Return the reconstructions that a row kept of these queries; None without any."""
    if "chain_images" not in arrays or not len(arrays["chain_images"]):
        return None
    labels = tuple(str(label) for label in arrays["chain_labels"])
    query_names = [str(name) for name in arrays["query_names"][: len(arrays["chain_images"])]]
    images = tuple(
        (
            *(
                GalleryShot(data_uri(image, 256), label, measures=nearness(arrays, query, step))
                for step, (image, label) in enumerate(
                    zip(arrays["chain_images"][query], labels, strict=True)
                )
            ),
            *_original(arrays, query),
        )
        for query in (query_names.index(name) for name in names if name in query_names)
    )
    return Chain(row, record.key, labels, images) if images else None


def _original(arrays: Arrays, query: int) -> list[GalleryShot]:
    """Return the HR image that a chain is to come near; [] where there is none or none was kept."""
    originals = arrays.get("chain_originals")
    chains = arrays["chain_images"]
    if originals is None or originals.shape != (len(chains), *chains.shape[2:]):
        return []
    if arrays["query_rates"][query] <= 1:
        return []
    return [GalleryShot(data_uri(originals[query], 256), "HR original")]
