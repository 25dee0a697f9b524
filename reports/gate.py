"""The gate's answer: for programs, the terminal, pull requests (Markdown), and CI (JUnit XML)."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from benchmark.baselines import read_baseline
from benchmark.drops import Test
from benchmark.gate import Check, Finding, check
from benchmark.kept import naming_tables
from benchmark.limits import Limits
from benchmark.records import read_records
from benchmark.tables import Table, asked_tables
from datasets.arguments import as_a, as_path
from datasets.errors import InputError
from reports.checkout import Checkout, checkout_of
from reports.leftovers import FailedCell, read_failures
from reports.standing import cautions, headed
from reports.text import markdown as escape
from reports.words import MINUS, counted, metric_title, percent, signed

ADVICE = {
    "data": "Restore the data and how it is split, or make a new baseline if the change is meant.",
    "missing": "Run these cells; a failed one says why in failures/ of the results folder.",
    "setup": "These are other cells than the baseline's: run the same ones, or make a new baseline "
    "if the change is meant.",
    "size": "A method, its embedding, a split or what is ranked has another size: "
    "make a new baseline if meant.",
    "worse": "The change harms the results.",
    "too good": "Look for a leak of test data; make a new baseline if the gain is meant.",
    "tolerance": "The drop is larger than the tolerance, whatever chance could explain.",
    "bound": "No chance moves a mean by so much: look for a bug or a leak, or make a new baseline "
    "if the change is meant.",
    "training": "Training is another one from its first steps on, whatever mAP says: "
    "make a new baseline if meant.",
    "exact": "Something in the code or the platform changed the bits.",
    "time": "The change costs time.",
    "memory": "The change costs memory.",
}
BLIND = (
    "Nothing was found, but a drop that matters could have been there. Run more seeds, make the "
    "baseline with more runs of its cells (--again), or say what is enough (--must-find, "
    "--tolerance, --exact)."
)
SIGHT = "a drop that matters would be found"
ICONS = {"passed": "✅", "failed": "❌", "unusable": "⚠️"}
STYLES = {"passed": "bold green", "failed": "bold red", "unusable": "bold yellow"}
CHECKED = {
    "data": "same data",
    "missing": "no cell missing",
    "setup": "same options",
    "size": "same sizes",
    "training": "training begins alike",
    "exact": "equal to the bit",
    "time": "time",
    "memory": "memory",
}


TRAINING = (
    " The losses of the first steps of training are held against those of the runs by F-tests, "
    "with {:g} % false alarms."
)


@dataclass(frozen=True)
class Gate:
    """A check with the names of what it held against each other, and the cells that failed."""

    results: str
    baseline: str
    check: Check
    failed: tuple[FailedCell, ...]
    checkout: Checkout | None = None

    @property
    def cautions(self) -> tuple[str, ...]:
        """What must be said of the numbers."""
        return cautions(pair.b for pair in self.check.comparison.pairs)

    @property
    def verdict(self) -> str:
        """The answer, with how much was held, what was found, or what could not have been."""
        pairs = self.check.comparison.pairs
        if self.check.answer == "failed":
            kinds = dict.fromkeys(finding.kind for finding in self.check.findings)
            return f"failed: {', '.join(kinds)}"
        if self.check.answer == "unusable":
            return f"unusable: {self.check.blind[0].text}"
        copied = all(pair.copied for pair in pairs)
        are = f"{counted(len(pairs), 'cell')} {'is' if len(pairs) == 1 else 'are'}"
        return (
            f"passed: {are} as the baseline says" + ", being copies of it, not run again" * copied
        )

    @property
    def origin(self) -> str:
        """What was held against what: folder and baseline, commit and date."""
        at = f", at {self.checkout.words}" if self.checkout else ""
        return f"{self.results} against {self.baseline}{at}"


def hold_gate(
    results: Path | str,
    baseline: Path | str,
    tables: Sequence[Table | str | Path] | None = None,
    limits: Limits | None = None,
) -> Gate:
    """Check a results folder against a baseline file; `tables`: those that name the rows.

    By default these are those that the folder keeps, and the built-in ones. Raises InputError when
    one of the two cannot be read, and as `benchmark.gate.check` does.
    """
    results, baseline = as_path(results, "results"), as_path(baseline, "baseline")
    limits = None if limits is None else as_a(Limits, limits, "limits")
    expected = read_baseline(baseline)
    found = read_records(results)
    if not found:
        raise InputError(f"{results / 'records'}: no usable records; run `crossres run`")
    asked = naming_tables(results) if tables is None else asked_tables(tables)
    made = check(expected.records, found, asked, limits, expected.again)
    failed = read_failures(results, {record.key for record in found})
    names = (results.as_posix(), baseline.as_posix())
    return Gate(*names, made, failed, checkout_of(results))


# --- for programs ---------------------------------------------------------------------------------


def gate_json(gate: Gate) -> dict[str, Any]:
    """The answer as JSON values; metrics and differences are fractions, now minus before."""
    made = gate.check
    return {
        "passed": made.passed,
        "answer": made.answer,
        "verdict": gate.verdict,
        "results": gate.results,
        "baseline": gate.baseline,
        "checkout": asdict(gate.checkout) if gate.checkout else None,
        "cells": len(made.comparison.pairs),
        "bit_equal": _bit_equal(made),
        "limits": asdict(made.limits),
        "runs": made.runs,
        "paired": made.paired,
        "findings": [
            {"kind": f.kind, "row": f.row, "dataset": f.dataset, "text": f.text}
            for f in made.findings
        ],
        "blind": [{"row": blind.row, "text": blind.text} for blind in made.blind],
        "tests": [asdict(test) for test in made.tests],
        "beginnings": [asdict(beginning) for beginning in made.beginnings],
        "costs": [asdict(cost) for cost in made.comparison.costs],
        "notes": list(notes_of(gate)),
    }


def notes_of(gate: Gate) -> tuple[str, ...]:
    """What changed and is no fault, why cells failed, and what a failed check did not see."""
    failed = [f"{cell.title} failed: {cell.reason}" for cell in gate.failed]
    equal = _bit_equal(gate.check)
    total = len(gate.check.comparison.pairs)
    same = [f"{equal} of {total} cells are equal to the bit"] if equal else []
    unseen = [blind.text for blind in gate.check.blind] if gate.check.findings else []
    return (*same, *gate.check.notes, *failed, *unseen)


def _bit_equal(made: Check) -> int:
    return sum(pair.sameness == "bit-equal" for pair in made.comparison.pairs)


def how_it_was_tested(made: Check) -> str:
    """The rule of the tests in a few sentences."""
    limits = made.limits
    sides = "half of it for drops, half for gains" if limits.gains else "all of it for drops"
    kind = "paired by data set and seed" if made.paired else "unpaired"
    against = f"The baseline is the mean of {made.runs} runs. " if made.runs > 1 else ""
    return (
        f"{against}One-sided t-tests, {kind}, with Holm's correction over all of them: by chance "
        f"results as good as the baseline's fail in at most {100 * limits.false_alarms:g} % of "
        f"checks ({sides}). Finds: the least true drop that is found in four cases of five; what "
        f"must be found is {100 * limits.must_find:g} points of {metric_title(limits.metrics[0])} "
        "in all rows and in each."
        + (TRAINING.format(100 * limits.training_alarms) if made.beginnings else "")
    )


# --- the lines of the tests -----------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """One test in words; `verdict` is "" where nothing is to be said."""

    row: str
    metric: str
    before: str
    now: str
    change: str
    interval: str
    finds: str
    verdict: str


def training_lines_of(made: Check) -> list[tuple[str, ...]]:
    """The first losses: row, loss, before, now, how far off cells are, and the verdict."""
    found = {finding.test: finding.kind for finding in made.findings if finding.test}
    return [
        (
            one.row,
            one.loss,
            f"{one.before:.4g}",
            f"{one.now:.4g}",
            f"{100 * one.relative:.2f} %",
            found.get(one, "ok" if one.p is not None else "equal"),
        )
        for one in made.beginnings
    ]


TRAINING_HEADS = ("Row", "First loss", "Baseline", "Now", "Off by", "")
HEADS = ("Row", "Metric", "Baseline", "Now", "Change", "95 %", "Finds", "")


def lines_of(made: Check) -> list[Line]:
    """The tests, each with its numbers in per cent and points."""
    found = {finding.test: finding.kind for finding in made.findings if finding.test}
    several = len({test.gallery for test in made.tests}) > 1
    return [_line(test, found.get(test, ""), several) for test in made.tests]


def _line(test: Test, kind: str, says_gallery: bool) -> Line:
    low, high = test.difference.low, test.difference.high
    known = low is not None and high is not None and test.difference.deviation
    return Line(
        test.row or "mean over all rows",
        metric_title(test.metric) + (f", {test.gallery}" if says_gallery else ""),
        percent(test.before),
        percent(test.now),
        signed(100 * test.difference.effect),
        f"[{signed(100 * (low or 0))}, {signed(100 * (high or 0))}]" if known else "–",
        f"{MINUS}{100 * test.finds:.1f}" if test.finds is not None else "none",
        kind or ("equal" if test.equal else "ok" if test.worse is not None else "not tested"),
    )


# --- terminal -------------------------------------------------------------------------------------


def print_gate(gate: Gate, console: Console) -> None:
    """The verdict, the findings, what changed, and the notes."""
    for caution in gate.cautions:
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
    for place, head in enumerate(HEADS):
        table.add_column(head, justify="left" if place in (0, 1, 7) else "right", overflow="fold")
    for line in lines_of(gate.check):
        bad = line.verdict in ADVICE
        *numbers, verdict = asdict(line).values()
        table.add_row(*map(Text, numbers), Text(verdict, style="bold red" if bad else "dim"))
    console.print(table)
    console.print(how_it_was_tested(gate.check), style="dim", markup=False)
    for note in notes_of(gate):
        console.print(f"  {note}", markup=False, highlight=False)


# --- pull requests and CI -------------------------------------------------------------------------


def to_summary(gate: Gate) -> str:
    """The answer as Markdown, for the summary of a CI job or a pull request."""
    made = gate.check
    parts = [
        f"### {ICONS[made.answer]} crossres: {escape(gate.verdict)}\n",
        f"{escape(gate.origin)}\n",
    ]
    for head, text in map(headed, gate.cautions):
        parts.append(f"> **{escape(head)}**{escape(text)}\n")
    for kind in dict.fromkeys(finding.kind for finding in made.findings):
        mine = [finding for finding in made.findings if finding.kind == kind]
        parts.append(f"**{kind}** – {ADVICE[kind]}\n")
        parts.append("".join(f"- {escape(finding.text)}\n" for finding in mine))
    if made.answer == "unusable":
        lines = (f"- {escape(blind.text)}\n" for blind in made.blind)
        parts += [f"**unusable** – {BLIND}\n", "".join(lines)]
    parts.append(_table(lines_of(made)))
    if made.beginnings:
        losses = (tuple(map(escape, line)) for line in training_lines_of(made))
        table = _rows(TRAINING_HEADS, "|---|---|--:|--:|--:|---|", losses)
        summary = "<summary>The losses with which training begins</summary>"
        parts.append(f"<details>{summary}\n\n{table}\n</details>\n")
    parts.append(f"<sub>{escape(how_it_was_tested(made))}</sub>\n")
    notes = notes_of(gate)
    if notes:
        parts.append("".join(f"- {escape(note)}\n" for note in notes))
    return "\n".join(parts)


def _table(lines: Iterable[Line]) -> str:
    cells = (tuple(map(escape, asdict(line).values())) for line in lines)
    return _rows(HEADS, "|---|---|--:|--:|--:|--:|--:|---|", cells)


def _rows(heads: tuple[str, ...], rule: str, lines: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table; the last cell of a line is its verdict, bold where it is a finding."""
    rows = [f"| {' | '.join(heads)} |", rule]
    for *numbers, verdict in lines:
        said = f"**{verdict}**" if verdict in ADVICE else verdict
        rows.append(f"| {' | '.join((*numbers, said))} |")
    return "\n".join(rows) + "\n"


def to_annotations(gate: Gate) -> list[str]:
    """One workflow command of GitHub Actions per finding: they show at the run and its change."""
    blind = gate.check.blind if gate.check.answer == "unusable" else ()
    return [
        *(_annotation(finding.kind, finding.text) for finding in gate.check.findings),
        *(_annotation("unusable", found.text) for found in blind),
    ]


def _annotation(kind: str, text: str) -> str:
    return f"::error title=crossres {kind}::{_command(text)}"


def _command(text: str) -> str:
    for sign, code in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A")):
        text = text.replace(sign, code)
    return text


def to_junit(gate: Gate) -> str:
    """The answer as JUnit XML: a test case for each thing that was checked, failed where found."""
    cases = [*_plain_cases(gate.check), *_test_cases(gate.check)]
    failures = sum(bool(found) for _, found in cases)
    blind = gate.check.blind
    counts = {
        "tests": str(len(cases) + 1),
        "failures": str(failures),
        "errors": str(int(bool(blind))),
        "skipped": "0",
    }
    suite = ElementTree.Element("testsuite", {"name": "crossres check", **counts})
    for name, found in cases:
        case = _case(suite, name)
        if found:
            _fault(case, "failure", found[0].kind, [f.text for f in found], ADVICE[found[0].kind])
    case = _case(suite, SIGHT)
    if blind:
        _fault(case, "error", "unusable", [found.text for found in blind], BLIND)
    root = ElementTree.Element("testsuites", counts)
    root.append(suite)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: ElementTree.Element, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", {"classname": "crossres", "name": name})


def _fault(
    case: ElementTree.Element, tag: str, kind: str, texts: Sequence[str], advice: str
) -> None:
    """A failure: something was found; or an error: it could not have been."""
    about = {"type": kind, "message": "; ".join(texts)}
    ElementTree.SubElement(case, tag, about).text = "\n".join([*texts, advice])


Case = tuple[str, list[Finding]]


def _plain_cases(made: Check) -> list[Case]:
    asked = {
        "training": made.beginnings,
        "exact": made.limits.exact,
        "time": made.limits.time,
        "memory": made.limits.memory,
    }
    return [
        (name, [finding for finding in made.findings if finding.kind == kind])
        for kind, name in CHECKED.items()
        if asked.get(kind, True)
    ]


def _test_cases(made: Check) -> list[Case]:
    return [
        (
            f"{metric_title(test.metric)} of {test.row or 'all rows'} ({test.gallery})",
            [finding for finding in made.findings if finding.test == test],
        )
        for test in made.tests
    ]
