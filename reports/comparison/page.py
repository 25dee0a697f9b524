"""A comparison of two results folders as an HTML page."""

from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from crossres.benchmark.compare.comparison import (
    Comparison,
    Cost,
    Gap,
    Measure,
)
from crossres.benchmark.compare.evaluations import FLIPS
from crossres.benchmark.compare.folders import FolderComparison
from crossres.datasets.base.files import write_atomically
from crossres.datasets.base.words import few
from crossres.reports.charts.axis import Tick, gap_axis
from crossres.reports.charts.parts import Parts, nothing
from crossres.reports.comparison.json import sameness_counts
from crossres.reports.comparison.queries import PairQueries
from crossres.reports.comparison.sentence import change_words, verdict
from crossres.reports.comparison.words import (
    cautions_of,
    gallery_caution,
    last_runs_of,
    only_words,
    ratio_words,
    tallies_of,
    title_of,
    verdict_words,
)
from crossres.reports.page.gallery import rate_words
from crossres.reports.page.page import environment
from crossres.reports.page.query_browser import GALLERY, write_beside
from crossres.reports.wording import interval_text, metric_title, p_text, points

WIDTH = 150.0


@dataclass(frozen=True)
class GapLine:
    """A gap, x of its effect and of its interval's ends on the scale of its measure."""

    gap: Gap
    x: float
    ends: tuple[float, float] | None


@dataclass(frozen=True)
class MeasureBlock:
    """One measure: the rows that are not equal over all data sets and on each; those that are."""

    measure: Measure
    zero: float
    ticks: tuple[Tick, ...]
    overall: tuple[GapLine, ...]
    by_set: tuple[tuple[str, tuple[GapLine, ...]], ...]
    equal: tuple[str, ...]


def write_against(results: Path, folders: FolderComparison, queries: PairQueries) -> list[Path]:
    """Write report/against.html of results folder A, and beside it what its query browser shows.

    Returns the page and the folder beside it, where there is one.
    """
    path = results / "report" / "against.html"
    write_atomically(path, to_page(folders, queries))
    return [path, *write_beside(path.parent, queries.browser)]


def to_page(folders: FolderComparison, queries: PairQueries) -> str:
    """Return the comparison as an HTML page; only its query browser may need files beside it."""
    comparison = folders.comparison
    differing = any(gap.verdict != "equal" for gap in comparison.gaps)
    costs: dict[str | None, Cost] = {cost.row: cost for cost in comparison.costs}
    parts = Parts()
    drawn = [
        parts.draw(
            f"the drawing of {metric_title(measure[1])}",
            partial(_block, comparison, measure),
            nothing,
        )
        for measure in (comparison.measures if differing else ())
    ]
    templates = environment()
    templates.filters.update(
        points=points,
        interval=lambda gap: interval_text(gap.difference.low, gap.difference.high),
        p_text=p_text,
        ratio=ratio_words,
        change=change_words,
        few=few,
        metric_title=metric_title,
        rate_words=rate_words,
        only=only_words,
        verdict_words=verdict_words,
    )
    return templates.get_template("against.html.j2").render(
        folders=folders,
        verdict=verdict(comparison),
        cautions=cautions_of(folders),
        last_runs=last_runs_of(folders),
        comparison=comparison,
        counts=sameness_counts(comparison.same_key),
        same=tallies_of(comparison.same_key),
        other=tallies_of(comparison.other_key),
        blocks=[block for block in drawn if block is not None],
        not_drawn=parts.failed,
        costs=costs,
        queries=queries,
        browser=queries.browser,
        flips=FLIPS,
        gallery_caution=gallery_caution(comparison.measures, GALLERY),
        width=WIDTH,
    )


def _block(comparison: Comparison, measure: Measure) -> MeasureBlock:
    equal = [gap.row or "" for gap in comparison.overall(measure) if gap.verdict == "equal"]
    gaps = [
        gap
        for gap in comparison.gaps
        if (gap.gallery, gap.metric) == measure and gap.verdict != "equal"
    ]
    axis = gap_axis(
        [(gap.difference.effect, gap.difference.low, gap.difference.high) for gap in gaps],
        0.0,
        WIDTH,
        parts=4,
    )

    def line(gap: Gap) -> GapLine:
        low, high = gap.difference.low, gap.difference.high
        ends = None if low is None or high is None else (axis.at(100 * low), axis.at(100 * high))
        return GapLine(gap, axis.at(100 * gap.difference.effect), ends)

    by_set: dict[str, list[GapLine]] = defaultdict(list)
    for gap in gaps:
        if gap.dataset is not None and gap.protocol is not None:
            by_set[title_of(gap.dataset, gap.protocol)].append(line(gap))
    return MeasureBlock(
        measure,
        axis.at(0.0),
        axis.ticks,
        tuple(line(gap) for gap in gaps if gap.dataset is None),
        tuple((title, tuple(lines)) for title, lines in by_set.items()),
        tuple(equal),
    )
