"""Write the report of a results folder, and print its tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from rich.console import Console

from crossres.benchmark.config.tables import Table, asked_tables, built_in_tables
from crossres.benchmark.records.artifacts import ArtifactFolder
from crossres.benchmark.records.failures import FailedCell, read_failures
from crossres.benchmark.records.images import ImageFolder
from crossres.benchmark.records.kept import claims_of, kept_tables
from crossres.benchmark.records.planned import KeptRuns, read_runs
from crossres.benchmark.records.queries import FromArtifacts
from crossres.benchmark.records.record import RecordFolder, check_results, scan_records
from crossres.benchmark.runs.stale import split_records, stale_lines
from crossres.datasets.base.arguments import as_path
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import write_atomically
from crossres.datasets.base.garbage import few_collections
from crossres.datasets.base.version import own_version
from crossres.reports.charts.looks import Looks, looks_of
from crossres.reports.charts.parts import Parts, nothing
from crossres.reports.claims import evaluate_claims
from crossres.reports.grid.build import build_grids
from crossres.reports.grid.grid import Grid
from crossres.reports.grid.unplaced import Leftovers
from crossres.reports.page.page import anchor_of, to_html
from crossres.reports.page.query_browser import Browser, browser_of, write_beside
from crossres.reports.second_process import beside
from crossres.reports.tables.csv import to_csv
from crossres.reports.tables.distances_csv import distances_to_csv
from crossres.reports.tables.latex import STYLES, to_latex, unset
from crossres.reports.tables.latex_published import published_to_latex
from crossres.reports.tables.markdown import to_markdown
from crossres.reports.tables.terminal import print_grid

FEW_CELLS = 1000  # of which a report takes about a second: no work for a second process


@dataclass(frozen=True)
class Contents:
    """The records of a results folder, and the grids of each table that has any of them.

    `tables` are these tables, with all that is published; those of the grids have the seeds that
    `runs` of theirs asked for, too. `problems` are the artifacts that the grids wanted and that are
    not usable. `failed` are cells, also those whose record is of an earlier run; `stale` has a line
    for each kind of records that the latest runs were to make anew.
    """

    artifacts: ArtifactFolder
    folder: RecordFolder
    by_table: Mapping[str, Sequence[Grid]]
    tables: Mapping[str, Table]
    problems: tuple[str, ...]
    runs: KeptRuns
    failed: tuple[FailedCell, ...]
    stale: tuple[str, ...]

    @property
    def remarks(self) -> list[str]:
        """A line for each failed cell, and for each kind of stale records."""
        return [*(f"failed: {cell.title}: {cell.reason}" for cell in self.failed), *self.stale]

    @property
    def grids(self) -> list[Grid]:
        """The grids of all tables, in their order."""
        return [grid for group in self.by_table.values() for grid in group]


@dataclass(frozen=True)
class _Extras:
    """What the sections of the page do not wait for, and what went wrong with it."""

    figures: Mapping[str, bytes | None]
    browser: Browser
    failed: Sequence[str]
    problems: Sequence[str]


def write_report(
    results: Path | str,
    tables: Sequence[Table | str | Path] | None = None,
    *,
    single_file: bool = False,
) -> list[Path]:
    """Write report/index.html, report/<table>.{tex,csv,md} and report/figures/*.pdf; returns them.

    Where cells keep their distances, report/<table>.distances.csv, too. The folder report/queries,
    which comes last, holds what the page shows of every query; with `single_file` the page itself
    does.

    `tables`: by default those that the folder keeps; where it keeps none, each built-in table that
    records belong to, unless another one shows all of these and more. The same records give the
    same bytes. Unusable records, failed cells and parts that cannot be drawn are named in the
    report. Raises InputError when the folder has no usable record, or none that
    belongs to a table asked for.
    """
    contents = contents_of(as_path(results, "results"), tables)
    return write_contents(contents, single_file=single_file)


@few_collections()
def write_contents(
    contents: Contents, *, published: bool = False, single_file: bool = False
) -> list[Path]:
    """Write the report of a folder that has been read, as `write_report` does.

    `published`: and, of each table, what papers print of it, as LaTeX of its own.
    """
    artifacts, folder, by_table = contents.artifacts, contents.folder, contents.by_table
    results, grids = artifacts.results, contents.grids
    used = {record.key for grid in grids for record in grid.records}
    leftovers = Leftovers(
        tuple(record for key, record in folder.records.items() if key not in used),
        folder.broken,
        contents.failed,
        not_run=_not_run(contents),
        stale=contents.stale,
    )
    parts = Parts()
    looks = looks_of(grid.table for grid in grids)
    images = ImageFolder(results)
    records = (record for grid in grids for record in grid.records)
    for pixels in sorted({record.digests.get("pixels", "") for record in records}):
        images.read(pixels)  # for their problems, which the page counts at its head
    leftovers = replace(leftovers, broken=(*leftovers.broken, *images.problems))
    places = [(grid, anchor_of(grid)) for grid in grids]

    make_extras = partial(_extras_of, places, artifacts, images, looks, embedded=single_file)
    with beside(make_extras, worthwhile=len(used) > FEW_CELLS) as extras:
        files = _files_of_tables(by_table, artifacts, parts)
        for table in contents.tables.values():
            tex = f"{table.id}.published.tex"
            draw = partial(published_to_latex, table)
            files[tex] = (parts.draw(tex, draw, unset) or None) if published else None
        claims = [claim for claim in claims_of(results) if claim.table.id in by_table]
        claim_groups = parts.draw(
            "the claims", lambda: evaluate_claims(grids, claims), lambda _: []
        )

        def browser() -> Browser:
            parts.failed.extend(extras().failed)
            artifacts.note(extras().problems)
            return extras().browser

        page = to_html(
            grids, leftovers, claim_groups, artifacts, own_version(), parts, looks, browser,
            contents.runs,
        )  # fmt: skip
        files |= {f"figures/{name}": content for name, content in extras().figures.items()}
    report = results / "report"
    queries = write_beside(report, extras().browser)
    return [*_written(report, {"index.html": page, **files}), *queries]


def _extras_of(
    places: Sequence[tuple[Grid, str]],
    artifacts: ArtifactFolder,
    images: ImageFolder,
    looks: Looks,
    *,
    embedded: bool,
) -> _Extras:
    from crossres.reports.charts.pdf import pdf_figures  # matplotlib: only a report waits for it

    parts = Parts()
    figures = [pdf_figures(grid, parts, looks) for grid, _ in places]
    browser = parts.draw(
        "the query browser",
        lambda: browser_of(places, artifacts, images, looks, embedded=embedded),
        nothing,
    )
    drawn = {name: content for of_grid in figures for name, content in of_grid.items()}
    return _Extras(drawn, browser or Browser(), parts.failed, artifacts.problems)


def _not_run(contents: Contents) -> int:
    """Return how many cells the kept runs of the tables asked for that have no record."""
    asked = contents.runs.asked.runs
    return sum(
        run.table in contents.by_table and key not in contents.folder.records
        for key, run in asked.items()
    )


def _files_of_tables(
    by_table: Mapping[str, Sequence[Grid]], artifacts: ArtifactFolder, parts: Parts
) -> dict[str, str | bytes | None]:
    """Return file name -> content of what each table has; None where it could not be made."""
    files: dict[str, str | bytes | None] = {}
    for table_id, group in by_table.items():
        csv, md = (f"{table_id}.{kind}" for kind in ("csv", "md"))
        for style in STYLES:
            tex = f"{table_id}.tex" if style == "full" else f"{table_id}.{style}.tex"
            files[tex] = parts.draw(tex, partial(to_latex, group, style=style), unset) or None
        files[csv] = parts.draw(csv, partial(to_csv, group), nothing)
        auc = f"{table_id}.distances.csv"
        of_cells = partial(distances_to_csv, group, artifacts)
        files[auc] = parts.draw(auc, of_cells, nothing) or None
        files[md] = parts.draw(md, partial(to_markdown, group), nothing)
    return files


def _written(folder: Path, files: Mapping[str, str | bytes | None]) -> list[Path]:
    """Write what there is, and remove what an earlier report had in place of what there is not."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        if content is None:
            (folder / name).unlink(missing_ok=True)
        else:
            write_atomically(folder / name, content)
    return [folder / name for name, content in files.items() if content is not None]


def print_table(
    results: Path, tables: Sequence[Table] | None = None, console: Console | None = None
) -> None:
    """Print the tables of a results folder to the terminal (or to `console`).

    Raises InputError as `write_report` does.
    """
    print_contents(contents_of(results, tables), console or Console())


def print_contents(contents: Contents, screen: Console) -> None:
    """Print the tables of a folder that has been read, as `print_table` does."""
    parts = Parts()
    for grid in contents.grids:
        parts.draw(f"the table {grid.table.id}", partial(print_grid, grid, screen), nothing)
    for line in (*contents.folder.broken, *contents.problems):
        screen.print(f"ignored {line}", style="yellow", markup=False)


@few_collections()
def contents_of(results: Path, tables: Sequence[Table | str | Path] | None) -> Contents:
    """Read a results folder once for all that is written and printed of it.

    Raises InputError as `write_report` does.
    """
    artifacts = ArtifactFolder(results)
    check_results(results)
    folder = scan_records(results)
    if not folder.records:
        broken = f" ({len(folder.broken)} unusable: {folder.broken[0]})" if folder.broken else ""
        raise InputError(
            f"{results / 'records'}: no usable records{broken}; "
            f"fill the folder with `crossres run TABLE --out {results}`"
        )
    kept_by_folder = kept_tables(results) if tables is None else asked_tables(tables)
    chosen = kept_by_folder or built_in_tables()
    queries = FromArtifacts(artifacts)
    records = folder.records.values()
    runs = read_runs(results)
    by_table = {
        table.id: build_grids(
            runs.shown_in(table.id, records),
            replace(table, seeds=tuple(sorted({*table.seeds, *runs.seeds_of(table.id)}))),
            queries,
        )
        for table in chosen
    }
    by_table = {table_id: group for table_id, group in by_table.items() if group}
    if not kept_by_folder:
        by_table = _widest(by_table)
    if not by_table:
        raise InputError(
            f"{results / 'records'}: none of its {len(folder.records)} records belongs to "
            f"{', '.join(table.id for table in chosen)}; name the table file they were run from"
        )
    by_id = {table.id: table for table in chosen if table.id in by_table}
    current, stale = split_records(results, folder.records, runs.asked)
    failed = read_failures(results, current)
    problems, lines = tuple(artifacts.problems), tuple(stale_lines(stale))
    return Contents(artifacts, folder, by_table, by_id, problems, runs, failed, lines)


def _widest(by_table: dict[str, list[Grid]]) -> dict[str, list[Grid]]:
    """Leave out the tables whose records another table shows, too, and more than these."""
    keys_of = {
        table_id: {record.key for grid in group for record in grid.records}
        for table_id, group in by_table.items()
    }
    return {
        table_id: group
        for table_id, group in by_table.items()
        if not any(keys_of[table_id] < keys for keys in keys_of.values())
    }
