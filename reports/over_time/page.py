"""The index of results folders as an HTML page with links to their reports."""

import math
import os
from collections.abc import Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from crossres.benchmark.records.commit import Commit
from crossres.benchmark.records.planned import KeptRun
from crossres.datasets.base.files import write_atomically
from crossres.datasets.base.garbage import few_collections
from crossres.datasets.base.version import own_version
from crossres.reports.charts.axis import Axis, Tick, round_step
from crossres.reports.charts.looks import looks_of
from crossres.reports.charts.parts import Parts, nothing
from crossres.reports.grid.standing import cautions
from crossres.reports.over_time.folders import IndexedFolder, indexed_folders, titles
from crossres.reports.over_time.time_line import RowOverTime, Step, Stop, TimeLine, time_lines
from crossres.reports.page.page import environment
from crossres.reports.wording import counted, day, gap_text, p_text, percent

NAME = "index.html"
SIDE = 4.0  # between the frame and the first and last folder, in per cent of the width
FAR = 8.0  # points between rows that have a drawing each, lest one row hides what others do
MOST_FRAMES = 3
MOST_LABELS = 12  # folders that have a number, commit and day below a drawing
LABEL_WIDTH = 72  # of the widest of them, a day, with the gap to the next, in pixels
BESIDE = 92  # pixels of a page's width that a drawing has not, where it is narrow
PARTS = 4  # of an axis
MARGIN = 0.5  # points beyond the outermost mean
HEIGHTS = (260, 110)  # of the drawing with the most rows, and of others, in pixels


@dataclass(frozen=True)
class StopSpot:
    """A row in one folder; `direction` is +1 or -1 where it is a step beyond chance."""

    x: float
    y: float
    text: str
    direction: int


@dataclass(frozen=True)
class Segment:
    """The line to a spot from the folder before, with the slope of the step.

    `is_faint`: the mean there is over other cells, so that it does not begin in its spot.
    """

    points: str
    is_faint: bool


@dataclass(frozen=True)
class DrawnRow:
    """A row's spots and what joins them; `number` is its place in the time line."""

    number: int
    row: RowOverTime
    spots: tuple[StopSpot, ...]
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class Frame:
    """Rows that are near each other, on an axis of their own; `height` is in pixels."""

    height: int
    y_ticks: tuple[Tick, ...]
    rows: tuple[DrawnRow, ...]


@dataclass(frozen=True)
class Place:
    """A folder in a time line, with the last run of the line's table that it keeps."""

    title: str
    run: KeptRun | None

    @property
    def commit(self) -> Commit | None:
        """The commit that it was last run at, if it keeps that."""
        return self.run.commit if self.run else None

    @property
    def day(self) -> str:
        """The day of its last run; "" where it keeps none."""
        return day(self.run.at) if self.run else ""

    @property
    def name(self) -> str:
        """What sentences call it: "b", or "b (1a2b3c4+)"."""
        return f"{self.title} ({self.commit.short})" if self.commit else self.title


@dataclass(frozen=True)
class XTick:
    """Below a drawing: the number of a folder, its commit, and its day where that is a new one."""

    at: float
    number: int
    commit: str
    day: str


@dataclass(frozen=True)
class DrawnLine:
    """A time line; places are per cent of a drawing's width and height.

    `places` are its folders by their index. `frames` are from the highest rows to the lowest.
    `seeds` is what all means are over, "" where they differ.
    """

    line: TimeLine
    places: Mapping[int, Place]
    x_ticks: tuple[XTick, ...]
    frames: tuple[Frame, ...]
    seeds: str

    @property
    def followed(self) -> list[tuple[int, RowOverTime]]:
        """The rows that are drawn, with their places in the time line."""
        return _numbered(self.line, is_followed=True)

    @property
    def alone(self) -> list[tuple[int, RowOverTime]]:
        """The rows that stand in one folder, likewise."""
        return _numbered(self.line, is_followed=False)

    @property
    def commits(self) -> list[Commit]:
        """The commits of its folders that are known."""
        return [place.commit for place in self.places.values() if place.commit]

    @property
    def narrow(self) -> int:
        """The width of a page, in pixels, at which commits and days still have no room."""
        steps = (len(self.places) - 1) / _apart(self.places)
        return math.ceil(LABEL_WIDTH * steps / (1 - 2 * SIDE / 100)) + BESIDE

    @property
    def has_faint(self) -> bool:
        """Whether any line does not begin in a spot."""
        rows = [row for frame in self.frames for row in frame.rows]
        return any(segment.is_faint for row in rows for segment in row.segments)


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
        parts.draw(
            f"the time line of {line.grid.title}",
            partial(_drawn, line, _places(line, folders, titled)),
            nothing,
        )
        for line in lines
    ]
    return templates.get_template("over_time.html.j2").render(
        folders=[(titled[k], _link(folder, place), folder) for k, folder in enumerate(folders)],
        lines=[line for line in drawn if line is not None],
        looks=looks,
        commits=[last.commit for folder in folders if (last := folder.runs.last()) and last.commit],
        cautions=cautions(record for grid in grids for record in grid.records),
        not_drawn=parts.failed,
        version=own_version(),
        stop_of=_stop_of,
        seeds_of=_seeds_of,
        step_of=_step_text,
        day=day,
        most_rows=max((len(line.rows) for line in lines), default=0),
    )


def _link(folder: IndexedFolder, place: Path) -> str:
    """Return the address of the folder's report as seen from `place`; "" where there is none."""
    report = folder.path / "report" / "index.html"
    if not report.is_file():
        return ""
    return Path(os.path.relpath(report.resolve(), place.resolve())).as_posix()


def _places(
    line: TimeLine, folders: Sequence[IndexedFolder], titled: Sequence[str]
) -> dict[int, Place]:
    table = line.grid.table.id
    return {k: Place(titled[k], folders[k].runs.last(table)) for k in line.folders}


def _drawn(line: TimeLine, places: Mapping[int, Place]) -> DrawnLine:
    positions = {index: position for position, index in enumerate(line.folders)}
    x = Axis(0, len(places) - 1, SIDE, 100 - SIDE)
    frames = []
    for rows in _near(_numbered(line, is_followed=True)):
        y = _axis(_heights(row for _, row in rows))
        drawn = []
        for number, row in rows:
            spots = tuple(
                StopSpot(
                    x.at(positions[stop.folder]),
                    y.at(100 * stop.mean),
                    f"{row.label}, {places[stop.folder].name}: {_text(stop, before, places)}",
                    _direction(stop),
                )
                for before, stop in zip((None, *row.stops), row.stops, strict=False)
            )
            segments = _segments(row, [spot.x for spot in spots], y)
            drawn.append(DrawnRow(number, row, spots, segments))
        frames.append((y, drawn))
    most = max((len(rows) for _, rows in frames), default=0)
    seeds = {_seeds_of(stop) for row in line.rows for stop in row.stops}
    return DrawnLine(
        line,
        places,
        _x_ticks(places, x),
        tuple(
            Frame(HEIGHTS[len(rows) < most], y.ticks, tuple(rows)) for y, rows in reversed(frames)
        ),
        seeds.pop() if len(seeds) == 1 else "",
    )


def _x_ticks(places: Mapping[int, Place], x: Axis) -> tuple[XTick, ...]:
    ticks: list[XTick] = []
    for k, (index, place) in list(enumerate(places.items()))[:: _apart(places)]:
        commit = place.commit.short if place.commit else ""
        is_new = all(tick.day != place.day for tick in ticks)
        ticks.append(XTick(x.at(k), index + 1, commit, place.day if is_new else ""))
    return tuple(ticks)


def _apart(places: Sized) -> int:
    """Return of how many folders one is named below a drawing, lest there is no room."""
    return math.ceil(len(places) / MOST_LABELS)


def _numbered(line: TimeLine, *, is_followed: bool) -> list[tuple[int, RowOverTime]]:
    return [(k, row) for k, row in enumerate(line.rows) if row.is_followed == is_followed]


def _near(rows: Sequence[tuple[int, RowOverTime]]) -> list[list[tuple[int, RowOverTime]]]:
    """Return rows in groups, the lowest first, parted where they are more than FAR points apart.

    There are at most MOST_FRAMES groups, parted at the widest gaps.
    """
    heights = {number: _heights([row]) for number, row in rows}
    ends = {number: (min(values), max(values)) for number, values in heights.items()}
    ordered = sorted(rows, key=lambda entry: (ends[entry[0]], entry[0]))
    gaps: list[tuple[float, int]] = []
    reached = 100.0
    for k, (number, _) in enumerate(ordered):
        if ends[number][0] - reached > FAR:
            gaps.append((ends[number][0] - reached, k))
        reached = max(reached, ends[number][1]) if k else ends[number][1]
    cuts = sorted(k for _, k in sorted(gaps, reverse=True)[: MOST_FRAMES - 1])
    parted = [ordered[a:b] for a, b in zip([0, *cuts], [*cuts, len(ordered)], strict=True)]
    return [sorted(group, key=lambda entry: entry[0]) for group in parted if group]


def _axis(means: Sequence[float]) -> Axis:
    """Return an axis of per cent that is no longer than its round ticks want."""
    low, high = max(0.0, min(means) - MARGIN), min(100.0, max(means) + MARGIN)
    step = round_step(high - low, PARTS)
    first, last = math.floor(low / step), math.ceil(high / step)
    axis = Axis(first * step, last * step, 100, 0)
    ticks = range(first * step, last * step + 1, step)
    return replace(axis, ticks=tuple(Tick(axis.at(tick), str(tick)) for tick in ticks))


def _segments(row: RowOverTime, x: Sequence[float], y: Axis) -> tuple[Segment, ...]:
    """Return lines to each mean with the slope of the step: from the mean before, if both are over
    the same cells.
    """
    return tuple(
        Segment(
            f"{x[k]},{y.at(100 * _start(stop, stop.step))} {x[k + 1]},{y.at(100 * stop.mean)}",
            is_faint=not stop.step.is_whole,
        )
        for k, stop in enumerate(row.stops[1:])
        if stop.step is not None
    )


def _start(stop: Stop, step: Step) -> float:
    """Return where the line to a mean begins, within what a mean can be."""
    return min(1.0, max(0.0, stop.mean - step.change.effect))


def _heights(rows: Iterable[RowOverTime]) -> list[float]:
    """Return all means of these rows and the starts of the lines to them, as per cent."""
    stops = [stop for row in rows for stop in row.stops]
    starts = [_start(stop, stop.step) for stop in stops if stop.step is not None]
    return [100 * value for value in (*(stop.mean for stop in stops), *starts)]


def _direction(stop: Stop) -> int:
    if stop.step is None or not stop.step.beyond_chance:
        return 0
    return 1 if stop.step.change.effect > 0 else -1


def _text(stop: Stop, before: Stop | None, places: Mapping[int, Place]) -> str:
    """Return the mean, over how many seeds it is, and the step to it."""
    mean = f"{percent(stop.mean)}, mean over {_seeds_of(stop)}"
    if stop.step is not None:
        return f"{mean}; {_step_text(stop.step, places)}"
    return f"{mean}; no cell in common with {places[before.folder].name}" if before else mean


def _step_text(step: Step, places: Mapping[int, Place]) -> str:
    """Return the change, since when, and the means that it is between where these are others."""
    change = step.change
    text = f"{gap_text(change.effect, change.low, change.high)} since {places[step.since].name}"
    if not step.is_whole:
        means = f"from {percent(step.before)} to {percent(step.now)}"
        text += f" ({means} over the {counted(step.cells, 'cell')} that both have)"
    return text if step.p is None else f"{text}, p {p_text(step.p)}"


def _seeds_of(stop: Stop) -> str:
    """Return "3 seeds", or "2 to 3 seeds" where data sets differ."""
    fewest, most = stop.seeds
    return counted(fewest, "seed") if fewest == most else f"{fewest} to {most} seeds"


def _stop_of(row: RowOverTime, folder: int) -> Stop | None:
    return next((stop for stop in row.stops if stop.folder == folder), None)
