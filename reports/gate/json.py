"""A check for programs."""

from dataclasses import asdict
from typing import Any

from crossres.benchmark.gate.folders import FolderCheck
from crossres.reports.gate.lines import bit_equal, notes_of


def gate_json(gate: FolderCheck) -> dict[str, Any]:
    """Return the answer as JSON values; metrics and differences are fractions, now minus before."""
    check = gate.check
    return {
        "passed": check.passed,
        "answer": check.answer,
        "verdict": gate.verdict,
        "results": gate.results,
        "baseline": gate.baseline,
        "checkout": asdict(gate.checkout) if gate.checkout else None,
        "cells": len(check.comparison.pairs),
        "bit_equal": bit_equal(check),
        "limits": asdict(check.limits),
        "runs": check.runs,
        "paired": check.paired,
        "findings": [
            {"kind": f.kind, "row": f.row, "dataset": f.dataset, "text": f.text}
            for f in check.findings
        ],
        "blind": [{"row": blind.row, "text": blind.text} for blind in check.blind],
        "tests": [asdict(test) for test in check.tests],
        "beginnings": [asdict(beginning) for beginning in check.beginnings],
        "costs": [asdict(cost) for cost in check.comparison.costs],
        "notes": list(notes_of(gate)),
    }
