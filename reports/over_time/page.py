"""The index of results folders as an HTML page with links to their reports."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from crossres.datasets.base.files import write_atomically
from crossres.datasets.base.garbage import few_collections
from crossres.datasets.base.version import own_version
from crossres.reports.charts.axis import Axis, Tick, percent_axis
from crossres.reports.charts.looks import looks_of
from crossres.reports.charts.parts import Parts, nothing
from crossres.reports.grid.standing import cautions
from crossres.reports.over_time.folders import IndexedFolder, indexed_folders, titles
from crossres.reports.over_time.time_line import RowOverTime, Stop, TimeLine, time_lines
from crossres.reports.page.page import environment
from crossres.reports.wording import gap_text, p_text, percent

NAME = "index.html"
SIDE = 4.0  # between the frame and the first and last folder, in per cent of the width


@dataclass(frozen=True)
class StopSpot:
    """A row in one folder; `direction` is +1 or -1 where it is a step beyond chance."""

    x: float
    y: float
    text: str
    direction: int


@dataclass(frozen=True)
class DrawnRow:
    """A row's spots, and the points of the line through them."""

    row: RowOverTime
    spots: tuple[StopSpot, ...]
    points: str


@dataclass(frozen=True)
class DrawnLine:
    """A time line; places are per cent of the drawing's width and height."""

    line: TimeLine
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    rows: tuple[DrawnRow, ...]


@few_collections()
def write_index(roots: Sequence[Path], out: Path | None = None) -> Path:
    """Write the page of all results folders at or below `roots`; return its path.

    out: a file (default: index.html in the first of `roots`, or beside it where that is a results
    folder). The same folders give the same bytes. Raises InputError where there is no results
    folder.
    """
    folders = indexed_folders(roots)
    is_results = any(folder.path.resolve() == roots[0].resolve() for folder in folders)
    path = out or (roots[0].resolve().parent if is_results else roots[0]) / NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, to_page(folders, path.parent))
    return path


def to_page(folders: Sequence[IndexedFolder], place: Path) -> str:
    """Return the page as it lies in the folder `place`, which its links start from."""
    parts = Parts()
    names = titles(folders)
    lines = parts.draw("the time lines", lambda: time_lines(folders), lambda _: [])
    grids = [grid for folder in folders for grid in folder.grids]
    looks = looks_of(grid.table for grid in grids)
    templates = environment()
    templates.globals["look_of"] = looks.css_class
    titled = [names[folder.path] for folder in folders]
    drawn = [
        parts.draw(f"the time line of {line.grid.title}", partial(_drawn, line, titled), nothing)
        for line in lines
    ]
    return templates.get_template("over_time.html.j2").render(
        folders=[(titled[k], _link(folder, place), folder) for k, folder in enumerate(folders)],
        lines=[line for line in drawn if line is not None],
        titles=titled,
        looks=looks,
        cautions=cautions(record for grid in grids for record in grid.records),
        not_drawn=parts.failed,
        version=own_version(),
        stop_of=_stop_of,
    )


def _link(folder: IndexedFolder, place: Path) -> str:
    """Return the address of the folder's report as seen from `place`; "" where there is none."""
    report = folder.path / "report" / "index.html"
    if not report.is_file():
        return ""
    return Path(os.path.relpath(report.resolve(), place.resolve())).as_posix()


def _drawn(line: TimeLine, titled: Sequence[str]) -> DrawnLine:
    places = {index: position for position, index in enumerate(line.folders)}
    x = Axis(0, len(places) - 1, SIDE, 100 - SIDE)
    means = [100 * stop.mean for row in line.rows for stop in row.stops]
    y = percent_axis(means, 100, 0)

    def spot(row: RowOverTime, stop: Stop) -> StopSpot:
        text = f"{row.label}, {titled[stop.folder]}: {percent(stop.mean)}"
        direction = 0
        if stop.step is not None:
            change = stop.step.change
            text += f"; {gap_text(change.effect, change.low, change.high)} since the one before"
            text += "" if stop.step.p is None else f", p {p_text(stop.step.p)}"
            direction = stop.step.beyond_chance * (1 if change.effect > 0 else -1)
        return StopSpot(x.at(places[stop.folder]), y.at(100 * stop.mean), text, direction)

    rows = []
    for row in line.rows:
        spots = tuple(spot(row, stop) for stop in row.stops)
        rows.append(DrawnRow(row, spots, " ".join(f"{s.x},{s.y}" for s in spots)))
    ticks = tuple(Tick(x.at(places[index]), str(index + 1)) for index in line.folders)
    return DrawnLine(line, ticks, y.ticks, tuple(rows))


def _stop_of(row: RowOverTime, folder: int) -> Stop | None:
    return next((stop for stop in row.stops if stop.folder == folder), None)
