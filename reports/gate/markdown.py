"""A check as Markdown: the summary of a CI job or a pull request."""

from collections.abc import Iterable
from dataclasses import asdict

from crossres.benchmark.gate.folders import FolderCheck
from crossres.reports.gate.lines import (
    ADVICE,
    BLIND,
    HEADS,
    TRAINING_HEADS,
    GateLine,
    cautions_of,
    how_it_was_tested,
    lines_of,
    notes_of,
    training_lines_of,
)
from crossres.reports.grid.standing import headed
from crossres.reports.tables.markdown import markdown as escape

ICONS = {"passed": "✅", "failed": "❌", "unusable": "⚠️"}


def to_summary(gate: FolderCheck) -> str:
    """Return the answer as Markdown, for the summary of a CI job or a pull request."""
    check = gate.check
    parts = [
        f"### {ICONS[check.answer]} crossres: {escape(gate.verdict)}\n",
        f"{escape(gate.origin)}\n",
    ]
    for head, text in map(headed, cautions_of(gate)):
        parts.append(f"> **{escape(head)}**{escape(text)}\n")
    for kind in dict.fromkeys(finding.kind for finding in check.findings):
        findings = [finding for finding in check.findings if finding.kind == kind]
        parts.append(f"**{kind}** – {ADVICE[kind]}\n")
        parts.append("".join(f"- {escape(finding.text)}\n" for finding in findings))
    if check.answer == "unusable":
        lines = (f"- {escape(blind.text)}\n" for blind in check.blind)
        parts += [f"**unusable** – {BLIND}\n", "".join(lines)]
    parts.append(_table(lines_of(check)))
    if check.beginnings:
        losses = (tuple(map(escape, line)) for line in training_lines_of(check))
        table = _rows(TRAINING_HEADS, "|---|---|--:|--:|--:|---|", losses)
        summary = "<summary>The losses with which training begins</summary>"
        parts.append(f"<details>{summary}\n\n{table}\n</details>\n")
    parts.append(f"<sub>{escape(how_it_was_tested(check))}</sub>\n")
    notes = notes_of(gate)
    if notes:
        parts.append("".join(f"- {escape(note)}\n" for note in notes))
    return "\n".join(parts)


def _table(lines: Iterable[GateLine]) -> str:
    cells = (tuple(map(escape, asdict(line).values())) for line in lines)
    return _rows(HEADS, "|---|---|--:|--:|--:|--:|--:|---|", cells)


def _rows(heads: tuple[str, ...], rule: str, lines: Iterable[tuple[str, ...]]) -> str:
    """Return a Markdown table; the last cell of a line is its verdict, bold for a finding."""
    rows = [f"| {' | '.join(heads)} |", rule]
    for *numbers, verdict in lines:
        cell = f"**{verdict}**" if verdict in ADVICE else verdict
        rows.append(f"| {' | '.join((*numbers, cell))} |")
    return "\n".join(rows) + "\n"
