"""The lines of a check: each test, first loss and note in words."""

from dataclasses import dataclass

from crossres.benchmark.gate.check import Check
from crossres.benchmark.gate.folders import FolderCheck
from crossres.benchmark.gate.metric_tests import Test
from crossres.reports.grid.standing import cautions
from crossres.reports.wording import MINUS, interval_text, metric_title, percent, points

ADVICE = {
    "data": "Restore the data and its split, or make a new baseline if the change is intended.",
    "missing": "Run these cells; failures/ in the results folder says why a cell failed.",
    "setup": "These cells differ from the baseline's: run the same ones, or make a new baseline "
    "if the change is intended.",
    "size": "The size of a method, its embedding, a split or the ranking has changed: "
    "make a new baseline if that is intended.",
    "worse": "The change harms the results.",
    "too good": "Look for a leak of test data; make a new baseline if the gain is intended.",
    "tolerance": "The drop is larger than the tolerance, whether or not chance could explain it.",
    "bound": "Chance does not move a mean this far: look for a bug or a leak, or make a new "
    "baseline if the change is intended.",
    "training": "Training differs from its first steps on, whatever mAP says: "
    "make a new baseline if that is intended.",
    "exact": "Something in the code or the platform changed the bits.",
    "time": "The change makes cells slower.",
    "memory": "The change makes cells use more memory.",
}
BLIND = (
    "Nothing was found, but a drop that matters could have gone unnoticed. Run more seeds, make "
    "the baseline with more runs of its cells (--again), or say what is enough (--must-find, "
    "--exact)."
)
SIGHT = "a drop that matters would be found"


TRAINING = (
    " The losses of the first training steps are compared with the baseline's by F-tests, with "
    "{:g} % false alarms."
)


def cautions_of(gate: FolderCheck) -> tuple[str, ...]:
    """Say what must be said of the numbers that a check compares."""
    return cautions(pair.b for pair in gate.check.comparison.pairs)


def notes_of(gate: FolderCheck) -> tuple[str, ...]:
    """Return changes that are no fault, why cells failed, and what could not be checked."""
    failed = [f"{cell.title} failed: {cell.reason}" for cell in gate.failed]
    equal = bit_equal(gate.check)
    total = len(gate.check.comparison.pairs)
    equal_words = [f"{equal} of {total} cells are bit-equal"] if equal else []
    unseen = [blind.text for blind in gate.check.blind] if gate.check.findings else []
    return (*equal_words, *gate.check.notes, *failed, *unseen)


def bit_equal(check: Check) -> int:
    """Count the cells that are equal to the bit."""
    return sum(pair.sameness == "bit-equal" for pair in check.comparison.pairs)


def how_it_was_tested(check: Check) -> str:
    """Return the rule of the tests in a few sentences."""
    limits = check.limits
    sides = "half of it for drops, half for gains" if limits.gains else "all of it for drops"
    kind = "paired by data set and seed" if check.paired else "unpaired"
    against = f"The baseline is the mean of {check.runs} runs. " if check.runs > 1 else ""
    return (
        f"{against}One-sided t-tests, {kind}, with Holm's correction over all of them: "
        f"results as good as the baseline's fail by chance in at most "
        f"{100 * limits.false_alarms:g} % of checks ({sides}). Detects: the smallest true drop "
        f"that is found in 80 % of cases. A check must be able to find a drop of "
        f"{100 * limits.must_find:g} points of {metric_title(limits.metrics[0])}, in all rows "
        "together and in each."
        + (TRAINING.format(100 * limits.training_alarms) if check.beginnings else "")
    )


@dataclass(frozen=True)
class GateLine:
    """One test in words; `verdict` is "" where nothing is to be said."""

    row: str
    metric: str
    before: str
    now: str
    change: str
    interval: str
    finds: str
    verdict: str


def training_lines_of(check: Check) -> list[tuple[str, ...]]:
    """Return the first losses: row, loss, before, now, how far off cells are, and the verdict."""
    kinds = {finding.test: finding.kind for finding in check.findings if finding.test}
    return [
        (
            beginning.row,
            beginning.loss,
            f"{beginning.before:.4g}",
            f"{beginning.now:.4g}",
            f"{100 * beginning.relative:.2f} %",
            kinds.get(beginning, "ok" if beginning.p is not None else "equal"),
        )
        for beginning in check.beginnings
    ]


TRAINING_HEADS = ("Row", "First loss", "Baseline", "Now", "Off by", "")
HEADS = ("Row", "Metric", "Baseline", "Now", "Change", "95 %", "Detects", "")


def lines_of(check: Check) -> list[GateLine]:
    """Return the tests, each with its numbers in per cent and points."""
    kinds = {finding.test: finding.kind for finding in check.findings if finding.test}
    several = len({test.gallery for test in check.tests}) > 1
    return [_gate_line(test, kinds.get(test, ""), several) for test in check.tests]


def _gate_line(test: Test, kind: str, says_gallery: bool) -> GateLine:
    low, high = test.difference.low, test.difference.high
    return GateLine(
        test.row or "mean over all rows",
        metric_title(test.metric) + (f", {test.gallery}" if says_gallery else ""),
        percent(test.before),
        percent(test.now),
        points(test.difference.effect),
        (interval_text(low, high) if test.difference.deviation else "") or "–",
        f"{MINUS}{100 * test.finds:.1f}" if test.finds is not None else "none",
        kind or ("equal" if test.equal else "ok" if test.worse is not None else "not tested"),
    )
