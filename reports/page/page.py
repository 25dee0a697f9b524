"""Grids as one self-contained HTML file that opens offline, in light and dark, on paper and phone.

The templates only arrange: every number and picture is computed before they see it.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jinja2
from jinja2.bccache import Bucket
from markupsafe import Markup, escape

from crossres.benchmark.config.post_processing import in_words
from crossres.benchmark.records.artifacts import ArtifactFolder
from crossres.benchmark.records.planned import KeptRuns
from crossres.benchmark.records.record import Record
from crossres.reports import wording as words
from crossres.reports.charts.cmc import CmcPlot, cmc_plot
from crossres.reports.charts.looks import Looks
from crossres.reports.charts.parts import Parts, nothing, paragraph
from crossres.reports.charts.seed_strips import STRIP_WIDTH, Strip, strips
from crossres.reports.claims import ClaimGroup, effects, plot, seeds_to_decide
from crossres.reports.grid.grid import Column, Grid, Score
from crossres.reports.grid.standing import cautions, headed
from crossres.reports.grid.unplaced import Leftovers
from crossres.reports.page import protocols as across
from crossres.reports.page.choices import Choices, choices_of
from crossres.reports.page.commands import cell_command, missing_command
from crossres.reports.page.cost import TOP, Costs, costs_of
from crossres.reports.page.differences import PLOT_WIDTH, RowComparison, compare_rows
from crossres.reports.page.distances import Distances, distances_of
from crossres.reports.page.dots import Dots, dots_of
from crossres.reports.page.embedding_maps import Maps, maps_of
from crossres.reports.page.gallery import Pictures, pictures, queries_for
from crossres.reports.page.learning_curves import Learning, learning_of
from crossres.reports.page.number_table import numbers_of
from crossres.reports.page.protocols import Across, across_of
from crossres.reports.page.query_browser import Browser
from crossres.reports.page.rank_diagram import AXIS
from crossres.reports.page.rates import FEW_LINES, ByRate, by_rate_of
from crossres.reports.page.restoration import Quality, quality_of
from crossres.reports.page.spending import Spending, spending_of
from crossres.reports.page.summary import Glance, Overview, leader_words, overview_of
from crossres.reports.page.switches import Switches, switches_of
from crossres.reports.page.transfers import Transfers, transfers_of
from crossres.reports.tables.cells import (
    published_somewhere,
    published_text,
    seeds_measured,
)
from crossres.reports.tables.grades import (
    change_words,
    changes_text,
    departures_by_rows,
    grade_words,
    method_words,
    processing_note,
    processing_words,
)
from crossres.reports.tables.printed import Printed, printed_of

DIGESTS = ("manifest", "pixels", "weights", "embeddings", "code")
PHASES = ("prepare", "fit", "embed", "evaluate", "total")
MOST_WHOLE = 2000  # records on a page; each takes 4 kB, and a browser slows down above 10 MB
SHORT = 12  # digits of a digest that are shown; the whole one is a hover and a click away


@dataclass(frozen=True)
class Section:
    """One grid with everything drawn from it, and the html of its parts in their order.

    `first` is what everybody looks for, `folded` the rest. overview: that of the page, where this
    is its only grid. last_run: its day and commit, where the folder keeps that.
    """

    grid: Grid
    anchor: str
    glance: Glance | None = None
    overview: Overview | None = None
    last_run: str = ""
    choices: Choices | None = None
    dots: Dots | None = None
    strips: Mapping[Column, Mapping[int, Strip]] = field(default_factory=dict)
    plots: tuple[CmcPlot, ...] = ()
    pictures: tuple[Pictures, ...] = ()
    comparisons: tuple[RowComparison, ...] = ()
    costs: Costs | None = None
    transfers: Transfers | None = None
    across: tuple[Across, ...] = ()
    by_rate: tuple[ByRate, ...] = ()
    spending: tuple[Spending, ...] = ()
    distances: tuple[Distances, ...] = ()
    maps: tuple[Maps, ...] = ()
    learning: tuple[Learning, ...] = ()
    quality: tuple[Quality, ...] = ()
    printed: Printed | None = None
    first: tuple[Markup, ...] = ()
    folded: tuple[Markup, ...] = ()

    @property
    def name(self) -> str:
        """What tells the grid from others on the page, for readers who do not see it."""
        grid = self.grid
        return f"{grid.title}, {words.source_words(grid.source)}, {grid.profile}"


@dataclass(frozen=True)
class CellsRun:
    """The records of one row on one data set: the first ones whole, with their commands."""

    column: Column
    records: tuple[Record, ...]
    whole: tuple[tuple[Record, str], ...]

    @property
    def named(self) -> tuple[Record, ...]:
        """The records of which the page gives only the name of the file."""
        return self.records[len(self.whole) :]


@dataclass(frozen=True)
class Setup:
    """A method with its options in one profile, and the cells that ran with it, by data set."""

    title: str
    about: str
    record: Record
    cells: tuple[CellsRun, ...]


def to_html(
    grids: Sequence[Grid],
    leftovers: Leftovers,
    claim_groups: Sequence[ClaimGroup],
    artifacts: ArtifactFolder,
    version: str,
    parts: Parts,
    looks: Looks,
    made_browser: Callable[[], Browser] = Browser,
    runs: KeptRuns | None = None,
) -> str:
    """Return the whole page, from the claims to what is left over.

    The pictures come from the `artifacts`; the page holds copies, not links, but for the files of
    the browser, which is asked for when all sections are there. `looks` are those of all rows,
    `runs` what the folder keeps of its runs. What cannot be drawn is named where it would stand,
    and among what is left over.
    """
    templates = environment()
    templates.globals["look_of"] = looks.css_class
    templates.globals["look"] = lambda grid, row: looks.css_class(grid.table.lines[row])
    queries = queries_for(grids)
    places = [(grid, anchor_of(grid)) for grid in grids]
    overview = parts.draw(
        "the first overview", lambda: overview_of(places, claim_groups, leftovers), nothing
    )
    last = {run.table: words.run_words(run) for run in runs.runs} if runs else {}
    begun = [
        _begun(grid, anchor, index, overview, last.get(grid.table.id, ""))
        for index, (grid, anchor) in enumerate(places)
    ]
    sections = [_section(section, artifacts, queries, templates, parts) for section in begun]
    setups = parts.draw("the runs", lambda: _setups(sections), lambda _: [])
    browser = made_browser()
    records = [r for setup in setups for cells in setup.cells for r in cells.records]
    all_cautions = cautions(record for grid in grids for record in grid.records)

    def part(name: str, template: str, macro: str, make: Callable[[], tuple[Any, ...]]) -> Markup:
        return parts.draw(name, lambda: _arranged(templates, template, macro, *make()), paragraph)

    content = {
        "glance": (
            part("the list of tables", "glance", "glance", lambda: (overview, all_cautions))
            if len(grids) > 1
            else ""
        ),
        "switches": part(
            "the switches", "switches", "switches", lambda: (_switches(sections),)
        ),
        "claims": (
            part("the claims", "claims", "claims", lambda: (claim_groups,)) if claim_groups else ""
        ),
        "queries": (
            part("the query browser", "queries", "queries", lambda: (browser,))
            if browser.sets
            else ""
        ),
        "numbers": part("the flat table", "numbers", "all_numbers", lambda: (numbers_of(grids),)),
        "runs": part("the list of runs", "runs", "setups", lambda: (setups, _overview(records))),
    }  # fmt: skip
    # Without the folder's own path the page stays the same when the folder is moved.
    broken, failed = (
        tuple(line.replace(f"{artifacts.results}/", "") for line in dict.fromkeys(lines))
        for lines in ((*leftovers.broken, *artifacts.problems), parts.failed)
    )
    left = replace(leftovers, broken=broken, not_drawn=failed)
    content["files"] = part("what is left out", "runs", "files", lambda: (left,))
    page = templates.get_template("report.html.j2")
    return page.render(
        sections=sections,
        leftovers=left,
        cautions=all_cautions,
        version=version,
        looks=looks,
        browser=browser,
        **content,
    )


def _arranged(templates: jinja2.Environment, template: str, macro: str, *arguments: Any) -> Markup:
    """Say what a macro of a template makes of the things given."""
    html: Markup = getattr(templates.get_template(f"{template}.html.j2").module, macro)(*arguments)
    return html


@dataclass(frozen=True)
class _Part:
    """A part of a section: its name, the field that `make` fills, the macros that arrange it.

    It is folded unless it is one of `first`.
    """

    name: str
    template: str
    macros: tuple[str, ...]
    field: str = ""
    make: Callable[[Section, ArtifactFolder, int], Any] | None = None
    is_first: bool = False


def _begun(
    grid: Grid, anchor: str, index: int, overview: Overview | None, last_run: str
) -> Section:
    """Return a section with what the overview of the page says of it."""
    if overview is None:
        return Section(grid, anchor, last_run=last_run)
    is_alone = len(overview.grids) == 1
    return Section(grid, anchor, overview.grids[index], overview if is_alone else None, last_run)


def _section(
    section: Section,
    artifacts: ArtifactFolder,
    queries: int,
    templates: jinja2.Environment,
    parts: Parts,
) -> Section:
    for part in _PARTS:

        def filled(part: _Part = part, section: Section = section) -> Section:
            if part.make is not None:
                content = part.make(section, artifacts, queries)
                section = replace(section, **{part.field: content})
            html = [_arranged(templates, part.template, macro, section) for macro in part.macros]
            return _with_html(section, part, html)

        def failed(reason: str, part: _Part = part, section: Section = section) -> Section:
            return _with_html(section, part, [paragraph(reason)])

        section = parts.draw(f"{part.name} of {section.name}", filled, failed)
    return section


def _with_html(section: Section, part: _Part, html: Sequence[Markup]) -> Section:
    if part.is_first:
        return replace(section, first=(*section.first, *html))
    return replace(section, folded=(*section.folded, *html))


def anchor_of(grid: Grid) -> str:
    """Return the name of a grid in the anchors and files of a report."""
    return words.slug(grid.table.id, grid.source, grid.profile)


def _switches(sections: Sequence[Section]) -> Switches:
    return switches_of([section.choices for section in sections if section.choices is not None])


def _chosen(section: Section) -> Choices:
    """Return the numbers by choice, which the drawings of a section are made of."""
    return section.choices or choices_of(section.grid)


def _strips(section: Section, *_: object) -> dict[Column, Mapping[int, Strip]]:
    return {column: strips(section.grid, column) for column in section.grid.shown}


def _plots(section: Section, *_: object) -> tuple[CmcPlot, ...]:
    drawn = [cmc_plot(section.grid, column) for column in section.grid.shown]
    return tuple(plot for plot in drawn if plot is not None)


def _pictures(section: Section, artifacts: ArtifactFolder, queries: int) -> tuple[Pictures, ...]:
    grid = section.grid
    by_column = [pictures(grid, column, artifacts, queries) for column in grid.shown]
    return tuple(drawn for drawn in by_column if drawn is not None)


_PARTS = (
    _Part("the head", "table", ("head",), is_first=True),
    _Part("the choices", "table", (), "choices", lambda s, *_: choices_of(s.grid), is_first=True),
    _Part(
        "transfers", "transfers", ("transfers",), "transfers",
        lambda section, *_: transfers_of(section.grid), is_first=True,
    ),
    _Part(
        "the overview", "dots", ("dots",), "dots",
        lambda section, *_: dots_of(_chosen(section)), is_first=True,
    ),
    _Part("who leads", "glance", ("leaders",), is_first=True),
    _Part("strips of seeds", "table", (), "strips", _strips, is_first=True),
    _Part("the table", "table", ("table",), is_first=True),
    _Part(
        "the drawing of columns", "across", ("across",), "across",
        lambda section, *_: across_of(section.grid), is_first=True,
    ),
    _Part(
        "results by rate", "rates", ("rates",), "by_rate",
        lambda section, *_: by_rate_of(_chosen(section)), is_first=True,
    ),
    _Part(
        "differences", "differences", ("differences",), "comparisons",
        lambda section, *_: compare_rows(section.grid),
    ),
    _Part("costs", "cost", ("cost",), "costs", lambda section, *_: costs_of(section.grid)),
    _Part(
        "time and energy", "spending", ("spending",), "spending",
        lambda section, *_: spending_of(section.grid),
    ),
    _Part("CMC curves", "pictures", ("curves",), "plots", _plots),
    _Part(
        "distances", "distances", ("distances",), "distances",
        lambda section, artifacts, _: distances_of(section.grid, artifacts),
    ),
    _Part(
        "maps of embeddings", "maps", ("maps",), "maps",
        lambda section, artifacts, _: maps_of(section.grid, artifacts),
    ),
    _Part(
        "learning curves", "curves", ("learning",), "learning",
        lambda section, artifacts, _: learning_of(section.grid, artifacts),
    ),
    _Part("retrieved images", "pictures", ("galleries", "chains"), "pictures", _pictures),
    _Part(
        "restoration", "quality", ("quality",), "quality",
        lambda section, artifacts, _: quality_of(section.grid, artifacts),
    ),
    _Part(
        "printed numbers", "printed", ("printed",), "printed",
        lambda section, *_: printed_of(
            replace(section.grid.table, published=section.grid.withheld)
        ),
    ),
)  # fmt: skip


# --- what was run ---------------------------------------------------------------------------------


def _setups(sections: Sequence[Section]) -> list[Setup]:
    """Return every record once, under the first table and row that shows it.

    Where there are more than MOST_WHOLE, only the first of each row and data set is shown whole.
    """
    every = {record.key for section in sections for record in section.grid.records}
    most = 1 if len(every) > MOST_WHOLE else None
    listed: set[str] = set()
    setups = []
    for section in sections:
        grid = section.grid
        for index in grid.lines:
            cells = []
            for column in grid.shown:
                fresh = [r for r in grid.cells[index, column].records if r.key not in listed]
                listed.update(record.key for record in fresh)
                if fresh:
                    whole = [(r, cell_command(grid, index, r)) for r in fresh[:most]]
                    cells.append(CellsRun(column, tuple(fresh), tuple(whole)))
            if cells:
                words_of_method = method_words(grid, index)
                label = grid.table.lines[index].label
                setups.append(Setup(label, words_of_method, cells[0].records[0], tuple(cells)))
    return setups


def _overview(records: Sequence[Record]) -> dict[str, list[tuple[Any, ...]]]:
    """Return the code versions and environments of the cells, each with its number of cells."""
    environments = Counter(tuple(sorted(record.environment.items())) for record in records)
    codes = Counter(
        (f"{record.cell.method} on {record.cell.dataset}", record.digests["code"])
        for record in records
    )
    return {
        "codes": [(cell_kind, code, cells) for (cell_kind, code), cells in sorted(codes.items())],
        "environments": [
            (", ".join(f"{name} {value}" for name, value in environment), cells)
            for environment, cells in sorted(environments.items(), key=lambda item: str(item[0]))
        ],
    }


# --- the template's vocabulary --------------------------------------------------------------------


class _Compiled(jinja2.BytecodeCache):
    """The templates that this process has compiled: that takes longer than to fill them in."""

    def __init__(self) -> None:
        self._compiled: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill the bucket, unless its template has changed since."""
        if bucket.key in self._compiled:
            bucket.bytecode_from_string(self._compiled[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what is in the bucket."""
        self._compiled[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


def environment() -> jinja2.Environment:
    """Return the templates of the room, with the vocabulary that they share."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parents[1] / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        bytecode_cache=_COMPILED,
    )
    environment.globals.update(
        grade_words=grade_words,
        processing_note=processing_note,
        processing_words=processing_words,
        in_words=in_words,
        change_words=change_words,
        changes_text=changes_text,
        departures_by_rows=departures_by_rows,
        words=words,
        strip_width=STRIP_WIDTH,
        plot_width=PLOT_WIDTH,
        rank_axis=AXIS,
        few_lines=FEW_LINES,
        across_bottom=across.BOTTOM,
        cost_top=TOP,
        cell_anchor=cell_anchor,
        counts_of=counts_of,
        missing_command=missing_command,
        DIGESTS=DIGESTS,
        PHASES=PHASES,
    )
    environment.filters.update(
        percent=words.percent,
        duration=words.duration,
        memory=words.memory,
        published=published_text,
        difference=difference,
        by_seed=by_seed,
        digest=digest,
        effects=effects,
        gap_text=lambda gap: words.gap_text(gap.effect, gap.low, gap.high),
        headed=headed,
        p_text=words.p_text,
        seeds_measured=seeds_measured,
        plot=plot,
        seeds_to_decide=seeds_to_decide,
        in_order=in_order,
        leader_words=leader_words,
        option=option,
        step=step,
    )
    environment.tests["published_in"] = _published_in
    return environment


def _published_in(metric: str, grid: Grid) -> bool:
    return published_somewhere(grid, metric)


def cell_anchor(section: Section, row: int, column: Column) -> str:
    """Return the anchor of the first record behind one cell of the table."""
    records = section.grid.cells[row, column].records
    return f"r-{records[0].key}" if records else ""


def counts_of(grid: Grid, column: Column) -> Mapping[str, int]:
    """Return the counts of the first record in a column that has any."""
    return next(record.counts for record in grid.records_on(column))


def in_order(mapping: Mapping[str, Any], names: Iterable[str]) -> list[tuple[str, Any]]:
    """Return the items of a mapping: those of `names` first in that order, then others by name."""
    first = [name for name in names if name in mapping]
    return [(name, mapping[name]) for name in [*first, *sorted(set(mapping) - set(first))]]


def difference(score: Score) -> str:
    """Write measured minus published, in points; nothing when either is missing."""
    if score.mean is None or score.published is None:
        return ""
    return words.signed(100 * score.mean - score.published.value)


def by_seed(score: Score) -> str:
    """Return "seed 0: 51.2, seed 1: 53.0"."""
    pairs = zip(score.seeds, score.values, strict=True)
    return ", ".join(f"seed {seed}: {words.percent(value)}" for seed, value in pairs)


def digest(value: str) -> Markup:
    """Return a digest, shortened; the whole value on hover and, by a click, on the clipboard."""
    if not value:
        return Markup("–")
    return Markup(
        '<button class="digest" type="button" title="{0}" data-full="{0}">{1}</button>'
    ).format(value, value[:SHORT])


def option(value: object) -> str:
    """Return an option's value as JSON."""
    return json.dumps(value, ensure_ascii=False)


def step(label: str) -> Markup:
    """Set the index of "IR_1/3" as one."""
    stem, _, index = label.partition("_")
    return escape(stem) + (Markup("<sub>{}</sub>").format(index) if index else Markup(""))
