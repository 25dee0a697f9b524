"""A check in the terminal."""

from dataclasses import asdict

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from crossres.benchmark.gate.folders import FolderCheck
from crossres.reports.gate.lines import (
    ADVICE,
    BLIND,
    HEADS,
    cautions_of,
    how_it_was_tested,
    lines_of,
    notes_of,
)

STYLES = {"passed": "bold green", "failed": "bold red", "unusable": "bold yellow"}


def print_gate(gate: FolderCheck, console: Console) -> None:
    """Print the verdict, the findings, what changed, and the notes."""
    for caution in cautions_of(gate):
        console.print(caution, style="bold yellow", markup=False)
    console.print(Text(gate.verdict, style=STYLES[gate.check.answer]))
    console.print(Text(gate.origin, style="dim"))
    if gate.check.answer == "unusable":
        console.print(BLIND, markup=False, highlight=False)
        for blind in gate.check.blind:
            console.print(Text.assemble(("  blind: ", "bold yellow"), blind.text))
    for finding in gate.check.findings:
        console.print(Text.assemble((f"  {finding.kind}: ", "bold red"), finding.text))
    table = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for index, head in enumerate(HEADS):
        table.add_column(head, justify="left" if index in (0, 1, 7) else "right", overflow="fold")
    for line in lines_of(gate.check):
        bad = line.verdict in ADVICE
        *numbers, verdict = asdict(line).values()
        table.add_row(*map(Text, numbers), Text(verdict, style="bold red" if bad else "dim"))
    console.print(table)
    console.print(how_it_was_tested(gate.check), style="dim", markup=False)
    for note in notes_of(gate):
        console.print(f"  {note}", markup=False, highlight=False)
