"""A check for programs."""

from dataclasses import asdict
from typing import Any

from crossres.benchmark.gate.folders import FolderCheck
from crossres.reports.gate.lines import bit_equal, notes_of


def gate_json(gate: FolderCheck) -> dict[str, Any]:
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
        "bit_equal": bit_equal(made),
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
