"""Check whether new results are what a committed baseline says, up to chance.

Two kinds of checks. What is the same for each run (the data, the cells, the sizes of methods) must
be equal. What varies by chance (the metrics, and the losses with which training begins) is tested,
at a stated rate of false alarms. A check that finds nothing passes only where it could have found
what matters.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from crossres.benchmark.compare.comparison import (
    Comparison,
    Measure,
    compare,
    data_set_of,
    metric_of,
)
from crossres.benchmark.compare.pairs import Change, Pair
from crossres.benchmark.config.tables import Table
from crossres.benchmark.gate.blindness import Blind, blind_spots
from crossres.benchmark.gate.first_losses import Beginning, beginnings_of
from crossres.benchmark.gate.limits import BOUND, NEGLIGIBLE, Limits
from crossres.benchmark.gate.metric_tests import OnSet, Test, tested_measures, tests_of
from crossres.benchmark.gate.unpaired import (
    alone_of,
    line_of,
    renumbered,
    require_other_seeds,
    without_alone,
)
from crossres.benchmark.records.cell import Cell
from crossres.benchmark.records.record import DRAWS, INITIAL, START, TRAINING_PIXELS, Record
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.words import counted, listed

Kind = Literal[
    "data", "missing", "setup", "size", "worse", "too good", "tolerance", "bound", "training",
    "exact", "time", "memory"
]  # fmt: skip
SLIGHT = 0.003  # of a first loss: less is never an alarm, however surely it is there
ELSEWHERE = (
    "{} of {} cells began at other random weights: tested as if the seeds were other ones, which "
    "sees less; where that is meant, make a new baseline"
)
Answer = Literal["passed", "failed", "unusable"]
CHANGES_SHOWN = 4  # of the options and profile entries in which cells differ
TRAINED_ON = "trained on"
PLATFORM = ("python", "torch", "numpy", "platform", "device", "kernels")


@dataclass(frozen=True)
class GateFinding:
    """One reason not to pass: what is wrong, in a line; `row` is the row at fault, if one is."""

    kind: Kind
    text: str
    row: str | None = None
    dataset: str | None = None
    test: Test | Beginning | None = None


@dataclass(frozen=True)
class Check:
    """The answer: failed with findings, else unusable where it was blind for what matters.

    `notes` say what changed and is no fault. `runs`: with how many of the baseline the results were
    compared; `paired`: by data set and seed.
    """

    comparison: Comparison
    limits: Limits
    tests: tuple[Test, ...]
    beginnings: tuple[Beginning, ...]
    findings: tuple[GateFinding, ...]
    blind: tuple[Blind, ...]
    notes: tuple[str, ...]
    runs: int
    paired: bool

    @property
    def answer(self) -> Answer:
        """What the check comes to."""
        return "failed" if self.findings else "unusable" if self.blind else "passed"

    @property
    def passed(self) -> bool:
        """Whether nothing was found, and what matters would have been."""
        return self.answer == "passed"


def check(
    baseline: Sequence[Record],
    results: Sequence[Record],
    tables: Iterable[Table],
    limits: Limits | None = None,
    more_runs: Sequence[Sequence[Record]] = (),
    unfinished: Sequence[Cell] = (),
) -> Check:
    """Check `results` against `baseline`; rows and gallery rules are those of `tables`.

    `more_runs` of the baseline are as `gate.baseline.Baseline` has them; results of other seeds are
    compared with the first run only. `unfinished`: cells of other seeds that were to be there.
    Raises InputError when nothing can be compared: no cell in common, an exact check on another
    platform.
    """
    limits = limits or Limits()
    if limits.other_seeds:
        require_other_seeds(baseline, results)
        comparison = compare(renumbered(baseline), renumbered(results), tables)
    else:
        comparison = compare(baseline, results, tables)
    if not comparison.pairs:
        raise InputError(_nothing_in_common(baseline, results))
    alone = alone_of(comparison) if limits.other_seeds else {}
    # Other random weights: another layer order, say. What a start is worth stays with a cell, and
    # runs again do not tell of it; so nothing that is paired with it can be compared.
    elsewhere = sum(map(_began_elsewhere, comparison.pairs))
    paired = not (limits.other_seeds or elsewhere)
    tested_runs = more_runs if paired else ()
    redrawn = {pair.row for pair in comparison.pairs if _is_redrawn(pair)}
    tests = tests_of(comparison, limits, tested_runs, paired=paired, alone=alone, redrawn=redrawn)
    as_they_are = {record.key: record.cell for record in baseline}  # not renumbered
    lacking = [as_they_are[r.key] for r in without_alone(comparison.only_a, alone)]
    lines = {line_of(cell) for cell in unfinished}
    holds_training = limits.training and not limits.other_seeds
    beginnings = beginnings_of(comparison, more_runs) if holds_training else ()
    if limits.exact:
        _same_platform(comparison.pairs)
    findings = [
        *_missing([*unfinished, *(cell for cell in lacking if line_of(cell) not in lines)]),
        *_missing_metrics(comparison, limits),
        *_other_data(comparison.pairs, limits),
        *_other_setups(comparison.other_key),
        *_other_sizes(comparison.pairs, limits),
        *_alarms(tests, limits),
        *_begun_otherwise(beginnings, limits),
        *(_losses_gone(comparison.pairs) if holds_training else []),
        *(_not_equal(comparison.pairs) if limits.exact else []),
        *_costs(comparison, limits),
    ]
    notes = _notes(comparison, without_alone(comparison.only_b, alone))
    if not limits.other_seeds:
        notes += _start_notes(elsewhere, comparison.pairs)
    blind = blind_spots(comparison, tests, limits)
    return Check(
        comparison,
        limits,
        tests,
        beginnings,
        tuple(findings),
        blind,
        tuple(notes),
        runs=1 + len(tested_runs),
        paired=paired,
    )


# --- what must be equal ---------------------------------------------------------------------------


def _missing(cells: Iterable[Cell]) -> list[GateFinding]:
    """Report cells that the results lack, a line for each method and data set."""
    missing: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for cell in cells:
        missing[cell.method, cell.dataset, cell.protocol].append(cell.seed)
    return [
        GateFinding(
            "missing",
            f"{method} on {dataset} ({protocol}) was not run, or failed: seeds "
            f"{', '.join(map(str, sorted(seeds)))}",
            dataset=dataset,
        )
        for (method, dataset, protocol), seeds in sorted(missing.items())
    ]


def _missing_metrics(comparison: Comparison, limits: Limits) -> list[GateFinding]:
    """Find metrics that cells of the baseline have and the same cells of the results lack."""
    groups: dict[tuple[str, str, Measure], int] = defaultdict(int)
    for measure in tested_measures(comparison, limits):
        read = metric_of(measure)
        for pair in comparison.pairs:
            if read(pair.a) is not None and read(pair.b) is None:
                groups[pair.row, pair.a.cell.dataset, measure] += 1
        if limits.other_seeds:  # a rate that a seed happens not to draw is none that is gone
            for pair in comparison.pairs:
                if read(pair.b) is not None:
                    groups.pop((pair.row, pair.a.cell.dataset, measure), None)
    return [
        GateFinding(
            "missing",
            f"{row}: no {metric}, {gallery}, on {dataset}, which the baseline has "
            f"({counted(cells, 'cell')})",
            row,
            dataset,
        )
        for (row, dataset, (gallery, metric)), cells in groups.items()
    ]


def _other_data(pairs: Iterable[Pair], limits: Limits) -> list[GateFinding]:
    """Find splits, pixels and initial weights that are not those of the baseline.

    Of other seeds splits and pixels are other ones; the weights are the same.
    """
    words = {
        "manifest": "another split",
        "pixels": "other pixels of the same split",
        TRAINED_ON: "another split, or protocol, of the data that is trained on",
        TRAINING_PIXELS: "other pixels of the same split that is trained on",
    }
    groups: dict[tuple[str, str, str], list[Pair]] = defaultdict(list)
    for pair in pairs:
        for name in [*([] if limits.other_seeds else _other_splits(pair)), *_other_weights(pair)]:
            fault = words.get(name, f"{name.removeprefix(INITIAL)} began with other weights")
            groups[fault, pair.a.cell.dataset, pair.a.cell.protocol].append(pair)
    return [
        GateFinding(
            "data",
            f"{fault} on {dataset} ({protocol}), {len(group)} cells; "
            "the numbers are not of the same experiment",
            dataset=dataset,
        )
        for (fault, dataset, protocol), group in groups.items()
    ]


def _other_splits(pair: Pair) -> list[str]:
    """Name the data that differ; other pixels follow from another split."""
    a, b = pair.a.digests, pair.b.digests
    differing = [name for name in ("manifest", "pixels") if a[name] != b[name]][:1]
    if pair.a.cell.trained_on != pair.b.cell.trained_on:
        differing.append(TRAINED_ON)
    elif a.get(TRAINING_PIXELS) != b.get(TRAINING_PIXELS):
        differing.append(TRAINING_PIXELS)
    return differing


def _other_weights(pair: Pair) -> list[str]:
    """Name the weights from elsewhere that differ."""
    a, b = pair.a.digests, pair.b.digests
    initial = sorted(name for name in a.keys() | b.keys() if name.startswith(INITIAL))
    return [name for name in initial if a.get(name) != b.get(name)]


def _nothing_in_common(baseline: Sequence[Record], results: Sequence[Record]) -> str:
    """Say that there is nothing to compare, and which cells the two sides have."""
    sides = [
        sorted({f"{r.cell.dataset} ({r.cell.protocol}, {r.cell.source})" for r in side})
        for side in (baseline, results)
    ]
    seeds = [sorted({r.cell.seed for r in side}) for side in (baseline, results)]
    return (
        "the results and the baseline have no cell in common: these are of "
        f"{', '.join(sides[1])}, seeds {', '.join(map(str, seeds[1]))}; the baseline is of "
        f"{', '.join(sides[0])}, seeds {', '.join(map(str, seeds[0]))}; run the same table, data "
        "sets, seeds and profile, or make a new baseline with `crossres baseline RESULTS`"
    )


def _other_setups(pairs: Iterable[Pair]) -> list[GateFinding]:
    """Find setups and sources other than the baseline's: these are other cells."""
    groups: dict[tuple[str, tuple[str, ...]], list[Pair]] = defaultdict(list)
    for pair in pairs:
        kinds = ("option", "post-processing", "profile", "source")
        changes = [c for c in pair.changes if c.kind in kinds and c.a != c.b]
        if changes:
            groups[pair.row, tuple(_change(change) for change in changes)].append(pair)
    return [
        GateFinding("setup", f"{row}: {_listed(changes)} ({len(group)} cells)", row)
        for (row, changes), group in groups.items()
    ]


def _change(change: Change) -> str:
    return f"{change.kind} {change.name}".strip() + f" {change.a} → {change.b}"


def _listed(changes: Sequence[str]) -> str:
    more = len(changes) - CHANGES_SHOWN
    return ", ".join(changes[:CHANGES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _other_sizes(pairs: Iterable[Pair], limits: Limits) -> list[GateFinding]:
    """Find changed counts that are no chance: parameters, sizes, splits, what is ranked."""
    groups: dict[tuple[str, str], list[Pair]] = defaultdict(list)
    for pair in pairs:
        for name in sorted(pair.a.counts.keys() & pair.b.counts.keys()):
            of_split = name.endswith(("_images", "_pids", "_pairs"))
            differs = pair.a.counts[name] != pair.b.counts[name]
            if differs and not (limits.other_seeds and of_split):
                groups[pair.row, name].append(pair)
    return [
        GateFinding(
            "size",
            f"{row}: {name.replace('_', ' ')} {_range(p.a.counts[name] for p in group)} → "
            f"{_range(p.b.counts[name] for p in group)} ({len(group)} cells)",
            row,
            group[0].a.cell.dataset if len({p.a.cell.dataset for p in group}) == 1 else None,
        )
        for (row, name), group in groups.items()
    ]


def _range(counts: Iterable[int]) -> str:
    """Write "7", or "7 to 9" where seeds or data sets differ."""
    distinct = sorted(set(counts))
    return " to ".join(f"{count:,}" for count in distinct[:1] + distinct[1:][-1:])


def _same_platform(pairs: Iterable[Pair]) -> None:
    for pair in pairs:
        a, b = pair.a.environment, pair.b.environment
        differing = [name for name in PLATFORM if a.get(name) != b.get(name)]
        if differing:
            raise InputError(
                "an exact check needs the platform of the baseline; here "
                + ", ".join(f"{name} is {b.get(name)}, there {a.get(name)}" for name in differing)
                + "; check without exact, or make the baseline on this platform"
            )


def _not_equal(pairs: Iterable[Pair]) -> list[GateFinding]:
    by_row: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        by_row[pair.row].append(pair)
    return [
        GateFinding(
            "exact", f"{row}: {differing} of {len(group)} cells are not equal to the bit", row
        )
        for row, group in by_row.items()
        if (differing := sum(pair.sameness != "bit-equal" for pair in group))
    ]


# --- what varies by chance ------------------------------------------------------------------------


def _alarms(tests: Sequence[Test], limits: Limits) -> list[GateFinding]:
    several = len({test.gallery for test in tests}) > 1
    return [alarm for test in tests if (alarm := _alarm(test, limits, several)) is not None]


def _alarm(test: Test, limits: Limits, says_gallery: bool) -> GateFinding | None:
    effect, level = test.difference.effect, limits.one_side
    beyond, moved = abs(effect) >= NEGLIGIBLE, _moved(test, says_gallery)
    if beyond and test.worse is not None and test.worse <= level:
        return GateFinding("worse", f"{moved}, beyond chance", test.row, test=test)
    if limits.tolerance is not None and -effect > limits.tolerance:
        text = f"{moved}, more than the tolerance of {100 * limits.tolerance:g}"
        return GateFinding("tolerance", text, test.row, test=test)
    if limits.gains and beyond and test.better is not None and test.better <= level:
        return GateFinding("too good", f"{moved}, beyond chance", test.row, test=test)
    far = max(test.on_sets, key=lambda on_set: abs(on_set.now - on_set.before))
    if abs(far.now - far.before) > BOUND:
        text = f"{_moved(test, says_gallery, far)}, beyond {100 * BOUND:g}, whatever chance does"
        return GateFinding("bound", text, test.row, data_set_of(far.dataset), test)
    return None


def _moved(test: Test, says_gallery: bool, on: OnSet | None = None) -> str:
    """Write the change over all data sets, or `on` one of them."""
    metric = f"{test.metric}, {test.gallery}," if says_gallery else test.metric
    before, now = (on.before, on.now) if on else (test.before, test.now)
    where = f" on {_place(on, test.on_sets)}" if on and len(test.on_sets) > 1 else ""
    effect = now - before if on else test.difference.effect
    return (
        f"{test.row or 'all rows'}{where}: {metric} {100 * before:.1f} → {100 * now:.1f} "
        f"({100 * effect:+.1f} points)"
    )


def _place(on: OnSet, on_sets: Iterable[OnSet]) -> str:
    """Name a data set, with its protocol where another one of it is tested as well."""
    names = [data_set_of(other.dataset) for other in on_sets]
    dataset, _, protocol = on.dataset.partition(" ")
    return f"{dataset} ({protocol})" if protocol and names.count(dataset) > 1 else dataset


def _begun_otherwise(beginnings: Iterable[Beginning], limits: Limits) -> list[GateFinding]:
    return [
        GateFinding(
            "training",
            f"{loss.row}: the loss {loss.loss} begins at {loss.before:.4g} → {loss.now:.4g} "
            f"({100 * loss.relative:.1f} % off), beyond what equal runs differ by",
            loss.row,
            test=loss,
        )
        for loss in beginnings
        if loss.p is not None and loss.p <= limits.training_alarms and loss.relative >= SLIGHT
    ]


def _losses_gone(pairs: Iterable[Pair]) -> list[GateFinding]:
    """Find rows whose training has lost a loss that the same cell of the baseline had."""
    gone: dict[str, set[str]] = defaultdict(set)
    for pair in pairs:
        if pair.same_key:
            gone[pair.row] |= pair.a.first_losses.keys() - pair.b.first_losses.keys()
    findings = []
    for row, names in gone.items():
        if names:
            noun = "loss" if len(names) == 1 else "losses"
            text = f"{row}: trained without the {noun} {listed(sorted(names))}"
            findings.append(GateFinding("training", text, row))
    return findings


# --- time, memory, notes --------------------------------------------------------------------------


def _costs(comparison: Comparison, limits: Limits) -> list[GateFinding]:
    findings = []
    for cost in comparison.costs:
        bounds: Mapping[Kind, tuple[float | None, float | None]] = {
            "time": (cost.seconds, limits.time),
            "memory": (cost.memory, limits.memory),
        }
        for kind, (ratio, bound) in bounds.items():
            if ratio is not None and bound is not None and ratio > bound:
                text = f"{cost.row or 'all rows'}: {kind} {ratio:.2f} × that of the baseline"
                findings.append(GateFinding(kind, f"{text}, the bound is {bound:g} ×", cost.row))
    return findings


def _notes(comparison: Comparison, new: Sequence[Record]) -> list[str]:
    notes = []
    copied = sum(pair.copied for pair in comparison.pairs)
    if copied:
        notes.append(f"{copied} cells are copies of the baseline's records, not run again")
    code = sum(pair.a.digests["code"] != pair.b.digests["code"] for pair in comparison.pairs)
    if code:
        notes.append(f"other code in {code} of {len(comparison.pairs)} cells")
    if new:
        notes.append(f"{len(new)} cells are new; the baseline lacks them")
    return notes


def _began_elsewhere(pair: Pair) -> bool:
    """Say whether a cell began at other random weights, where both sides tell at which."""
    a, b = pair.a.digests.get(START), pair.b.digests.get(START)
    return a is not None and b is not None and a != b


def _is_redrawn(pair: Pair) -> bool:
    """Say whether a cell drew otherwise, or may have: records of older versions do not tell."""
    return pair.a.digests.get(DRAWS) != pair.b.digests.get(DRAWS)


def _start_notes(elsewhere: int, pairs: Sequence[Pair]) -> list[str]:
    drew, notes = sum(map(_is_redrawn, pairs)), []
    if drew:
        notes.append(
            f"{drew} of {len(pairs)} cells were trained on other draws (images of a batch, say), "
            "or do not tell on which: their first losses cannot be compared, and the runs of the "
            "baseline do not tell how much their metrics scatter; where that is meant, make a new "
            "baseline"
        )
    if elsewhere:
        notes.append(ELSEWHERE.format(elsewhere, len(pairs)))
    return notes
