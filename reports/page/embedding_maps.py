"""Maps of embeddings: where queries lie beside the gallery images of their identity.

Of each row and data set the map of one seed; the same seed has the same images in all rows.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from crossres.benchmark.measures.embedding_map import SIDE
from crossres.benchmark.records.artifacts import Arrays, ArtifactFolder
from crossres.reports.grid.grid import Column, Grid

IMAGES = ("map_pids", "map_camids", "map_rates", "map_is_query")
NAMES = (*IMAGES, "map_places", "map_share", "map_is_own")
COLOURED = 8  # identities with a colour of their own
MARGIN = 40  # around the places


@dataclass(frozen=True)
class Spots:
    """Images of one identity, of the gallery (rate None) or queries of one rate, as an SVG path.

    `who`: the number of the identity in the order of the draw. `cameras`: of each image. `ties`:
    from each query to the middle of the gallery images of its identity.
    """

    who: int
    pid: int
    rate: int | None
    cameras: str
    path: str
    ties: str


@dataclass(frozen=True)
class RowMap:
    """One row: its spots, gallery images first, and the top and the height of the drawing.

    share: of the variance along the axes; is_own: whether distances are the method's own.
    """

    row: int
    label: str
    seed: int
    share: float
    is_own: bool
    top: int
    height: int
    spots: tuple[Spots, ...]

    @property
    def groups(self) -> list[tuple[int | None, list[Spots]]]:
        """The spots of the gallery (None), then those of queries by their rates."""
        return [(rate, [*spots]) for rate, spots in groupby(self.spots, lambda s: s.rate)]


@dataclass(frozen=True)
class Maps:
    """One column: the maps of its rows, the labels of rows without one, and what they show.

    `pids`: of the identities that have a colour; `rates` of the queries.
    """

    column: Column
    rows: tuple[RowMap, ...]
    lacking: tuple[str, ...]
    images: int
    identities: int
    pids: tuple[int, ...]
    rates: tuple[int, ...]

    @property
    def seed(self) -> int:
        """The seed of the first row, mostly that of all."""
        return self.rows[0].seed

    @property
    def images_by_seed(self) -> str:
        """The images that all maps of a seed show, as JSON: pids by who, cameras by group."""
        rows = {row.seed: row for row in reversed(self.rows)}
        return json.dumps(
            {
                seed: {
                    "pids": {spots.who: spots.pid for spots in row.spots},
                    "cameras": {
                        "gallery" if rate is None else rate: [spots.cameras for spots in group]
                        for rate, group in row.groups
                    },
                }
                for seed, row in sorted(rows.items())
            },
            separators=(",", ":"),
        )


def maps_of(grid: Grid, artifacts: ArtifactFolder) -> tuple[Maps, ...]:
    """Return the maps of each column where any cell keeps one."""
    by_column = [_maps(grid, column, artifacts) for column in grid.shown]
    return tuple(maps for maps in by_column if maps is not None)


def _maps(grid: Grid, column: Column, artifacts: ArtifactFolder) -> Maps | None:
    rows, lacking = [], []
    first: Arrays | None = None
    for line in grid.lines:
        label = grid.table.lines[line].label
        records = grid.cells[line, column].records
        for record in records:
            arrays = artifacts.read(record.key, NAMES, _fault)
            if arrays is not None:
                first = arrays if first is None else first
                rows.append(_row(line, label, record.cell.seed, arrays))
                break
        else:
            if records:
                lacking.append(label)
    if first is None:
        return None
    pids = list(dict.fromkeys(first["map_pids"].tolist()))
    rates = sorted({spots.rate for row in rows for spots in row.spots if spots.rate is not None})
    coloured = tuple(pids[:COLOURED])
    counts = len(first["map_pids"]), len(pids)
    return Maps(column, tuple(rows), tuple(lacking), *counts, coloured, tuple(rates))


def _fault(arrays: Arrays) -> str:
    count = len(arrays["map_pids"])
    fits = all(arrays[name].shape == (count,) for name in IMAGES)
    if not fits or arrays["map_places"].shape != (count, 2) or not count:
        return "its map of embeddings does not fit itself"
    if any(arrays[name].shape != (1,) for name in ("map_share", "map_is_own")):
        return "what it says of its map of embeddings is not one value each"
    if arrays["map_places"].max() > SIDE:
        return f"places of its map of embeddings are beyond {SIDE}"
    return ""


def _row(line: int, label: str, seed: int, arrays: Arrays) -> RowMap:
    down = SIDE - arrays["map_places"][:, 1].astype(np.int64)
    top = int(down.min()) - MARGIN
    height = int(down.max()) + MARGIN - top
    share, is_own = float(arrays["map_share"][0]), bool(arrays["map_is_own"][0])
    return RowMap(line, label, seed, share, is_own, top, height, _spots(arrays))


def _spots(arrays: Arrays) -> tuple[Spots, ...]:
    pids, camids, rates, is_query = (arrays[name].tolist() for name in IMAGES)
    places = arrays["map_places"].tolist()
    numbers = {pid: who for who, pid in enumerate(dict.fromkeys(pids))}
    groups: dict[tuple[bool, int, int], list[int]] = {}
    for image, pid in enumerate(pids):
        rate = rates[image] if is_query[image] else -1
        groups.setdefault((is_query[image], rate, numbers[pid]), []).append(image)
    spots = []
    for (queries, rate, who), images in sorted(groups.items()):
        here = [places[image] for image in images]
        middle = _middle([places[image] for image in groups.get((False, -1, who), [])])
        ties = "".join(f"{_move(place)}L{middle}" for place in here) if queries and middle else ""
        # A line of no length is a dot: the cap of its stroke.
        dots = "".join(f"{_move(place)}h0" for place in here)
        cameras = " ".join(str(camids[image]) for image in images)
        spots.append(Spots(who, pids[images[0]], rate if queries else None, cameras, dots, ties))
    return tuple(spots)


def _move(place: Sequence[int]) -> str:
    return f"M{place[0]} {SIDE - place[1]}"


def _middle(places: Sequence[Sequence[int]]) -> str:
    if not places:
        return ""
    x, y = (round(sum(side) / len(places)) for side in zip(*places, strict=True))
    return f"{x} {SIDE - y}"
