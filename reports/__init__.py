"""The reports room of crossres: records -> grids -> HTML, LaTeX, PDF, CSV, Markdown, terminal.

`write_report` fills the folder report/ of a results folder; `print_table` prints one table.
"""

import importlib.metadata
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from benchmark.claims import load_claims
from benchmark.records import RecordFolder, scan_records
from benchmark.sampling import FromArtifacts
from benchmark.tables import Table, built_in_tables
from datasets.errors import InputError
from datasets.files import write_atomically
from reports.claims import hold_claims
from reports.filling import build_grids
from reports.grid import Cells, Column, Grid, Score
from reports.html import to_html
from reports.latex import to_latex
from reports.leftovers import Leftovers, read_failures
from reports.text import print_grid, to_csv, to_markdown

__all__ = [
    "Cells",
    "Column",
    "Grid",
    "Score",
    "build_grids",
    "print_table",
    "to_csv",
    "to_html",
    "to_latex",
    "to_markdown",
    "write_report",
]


def write_report(results: Path, tables: Sequence[Table] | None = None) -> list[Path]:
    """Write report/index.html, report/<table>.{tex,csv,md} and report/figures/*.pdf; returns them.

    `tables`: by default each built-in table that records belong to, unless another one shows all of
    these and more. The same records give the same bytes. Unusable records and failed cells are
    named in the report. Raises InputError when the folder has no usable record, or none that
    belongs to a table asked for.
    """
    from reports.pdf_figures import pdf_figures  # matplotlib: only a report waits for it

    found, by_table = _grids(results, tables)
    grids = [grid for group in by_table.values() for grid in group]
    used = {record.key for grid in grids for record in grid.records}
    leftovers = Leftovers(
        tuple(record for key, record in found.records.items() if key not in used),
        found.broken,
        read_failures(results, found.records),
    )
    folder = results / "report"
    folder.mkdir(parents=True, exist_ok=True)
    claims = [claim for claim in load_claims() if claim.table in by_table]
    held = hold_claims(grids, claims)
    files: dict[Path, str | bytes] = {}
    files[folder / "index.html"] = to_html(grids, leftovers, held, results, _version())
    for table_id, group in by_table.items():
        files[folder / f"{table_id}.tex"] = to_latex(group)
        files[folder / f"{table_id}.csv"] = to_csv(group)
        files[folder / f"{table_id}.md"] = to_markdown(group)
    for grid in grids:
        files |= {folder / "figures" / name: drawn for name, drawn in pdf_figures(grid).items()}
    for path, content in files.items():
        write_atomically(path, content)
    return list(files)


def print_table(
    results: Path, tables: Sequence[Table] | None = None, console: Console | None = None
) -> None:
    """Print the tables of a results folder to the terminal (or to `console`).

    Raises InputError as `write_report` does.
    """
    found, by_table = _grids(results, tables)
    screen = console or Console()
    for group in by_table.values():
        for grid in group:
            print_grid(grid, screen)
    for line in found.broken:
        screen.print(f"ignored {line}", style="yellow", markup=False)


def _grids(
    results: Path, tables: Sequence[Table] | None
) -> tuple[RecordFolder, dict[str, list[Grid]]]:
    """The records of the folder and the grids of each table that has any."""
    found = scan_records(results)
    if not found.records:
        broken = f" ({len(found.broken)} unusable: {found.broken[0]})" if found.broken else ""
        raise InputError(
            f"{results / 'records'}: no usable records{broken}; "
            f"fill the folder with `crossres run TABLE --out {results}`"
        )
    asked = built_in_tables() if tables is None else tables
    queries = FromArtifacts(results)
    by_table = {table.id: build_grids(found.records.values(), table, queries) for table in asked}
    by_table = {table_id: group for table_id, group in by_table.items() if group}
    found = replace(found, broken=(*found.broken, *queries.notes))
    if tables is None:
        by_table = _widest(by_table)
    if not by_table:
        raise InputError(
            f"{results / 'records'}: none of its {len(found.records)} records belongs to "
            f"{', '.join(table.id for table in asked)}; name the table file they were run from"
        )
    return found, by_table


def _widest(by_table: dict[str, list[Grid]]) -> dict[str, list[Grid]]:
    """Without the tables whose records another table shows, too, and more than these."""
    shown = {
        table_id: {record.key for grid in group for record in grid.records}
        for table_id, group in by_table.items()
    }
    return {
        table_id: group
        for table_id, group in by_table.items()
        if not any(shown[table_id] < keys for keys in shown.values())
    }


def _version() -> str:
    try:
        return importlib.metadata.version("crossres")
    except importlib.metadata.PackageNotFoundError:
        return "from a source tree"
