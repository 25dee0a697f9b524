"""An evaluation of features, and a comparison of two, as lines of a terminal 80 columns wide."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from crossres.benchmark.compare.evaluations import ALL, COMPARED, FLIPS, EvaluationPair
from crossres.benchmark.metrics.by_rate import METRICS_BY_RATE, VALID_QUERIES
from crossres.benchmark.metrics.evaluation import Evaluation
from crossres.benchmark.stats.mean_interval import Interval
from crossres.datasets.base.errors import printable
from crossres.reports.wording import gap_text, interval_text, p_text, points

WIDTH, LABEL, CELL = 80, 20, 25
MOST_GROUPS = 40
BETWEEN = "95 %, in brackets: where a mean would be with other identities"
GAPS = "B − A in points, 95 % interval in brackets: paired over queries, identities are drawn"


def lines_of(evaluation: Evaluation) -> Iterator[str]:
    """Yield a line for each number, for each rate and camera, and for the rules."""
    for name, value in {**evaluation.metrics, **evaluation.counts}.items():
        yield _line(name, _value(value, evaluation.intervals.get(name)))
    yield from _table(
        (*METRICS_BY_RATE, "queries"),
        [
            (label, _cells(evaluation, suffix))
            for label, suffix in _groups(evaluation)
            if VALID_QUERIES + suffix in evaluation.by_group
        ],
    )
    yield from _rules(evaluation)
    yield from _wrapped("intervals", BETWEEN)


def lines_of_pair(pair: EvaluationPair, a: str, b: str) -> Iterator[str]:
    """Yield what B, features so called, has more than A: metrics, rates and cameras, flips."""
    yield from _wrapped("A", a)
    yield from _wrapped("B", b)
    matched = [f"{side} by {by}" for side, by in pair.matched_by.items()]
    yield from _wrapped("same images", ", ".join(matched))
    yield _row("", ("A", "B", "B − A", "95 %", "p"), (10, 10, 8, 17, 8))
    for name in COMPARED:
        gap = pair.differences[name]
        bounds = interval_text(gap.low, gap.high)
        cells = _percent(gap.a), _percent(gap.b), points(gap.difference), bounds, p_text(gap.p)
        yield _row(name, cells, (10, 10, 8, 17, 8))
    groups = [(label, suffix) for label, suffix in _groups(pair.a) if suffix in pair.flips]
    yield from _table(
        (*METRICS_BY_RATE, "queries"),
        [(label, _gaps(pair, suffix)) for label, suffix in groups],
    )
    if not groups:
        yield ""
    yield _row("queries at rank 1", (flip.replace("_", " ") for flip in FLIPS), (11, 11, 11, 11))
    for label, suffix in [("all queries", ALL), *groups[:MOST_GROUPS]]:
        counts = [str(number) for number in pair.flips[suffix].values()]
        yield _row(label, counts, (11, 11, 11, 11))
    yield ""
    yield from _rules(pair.a)
    yield from _wrapped("differences", GAPS)


def _groups(evaluation: Evaluation) -> list[tuple[str, str]]:
    """Return what the rates and cameras are called, and the suffixes of their metrics."""
    groups = evaluation.per_query.groups
    return [(f"{group.kind} {group.value}", group.suffix) for group in groups]


def _cells(evaluation: Evaluation, suffix: str) -> list[str]:
    names = [name + suffix for name in METRICS_BY_RATE]
    means = [_value(evaluation.by_group[n], evaluation.intervals[n], " ") for n in names]
    return [*means, str(evaluation.by_group[VALID_QUERIES + suffix])]


def _gaps(pair: EvaluationPair, suffix: str) -> list[str]:
    gaps = [pair.differences[name + suffix] for name in METRICS_BY_RATE]
    words = [gap_text(gap.difference, gap.low, gap.high) for gap in gaps]
    return [*words, str(sum(pair.flips[suffix].values()))]


def _value(value: float, interval: Interval | None, between: str = "  ") -> str:
    if isinstance(value, int):
        return str(value)
    if interval is None:
        return _percent(value)
    return f"{_percent(value)}{between}[{100 * interval[0]:.2f}, {100 * interval[1]:.2f}]"


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.2f} %"


def _table(head: Iterable[str], rows: Sequence[tuple[str, Iterable[str]]]) -> Iterator[str]:
    """Yield a table of rates and cameras between empty lines; nothing without rows."""
    if not rows:
        return
    widths = CELL, CELL, 7
    yield ""
    yield _row("queries of", head, widths)
    for label, cells in rows[:MOST_GROUPS]:
        yield _row(label, cells, widths)
    if len(rows) > MOST_GROUPS:
        yield f"and {len(rows) - MOST_GROUPS} more, which --json and --out have"
    yield ""


def _row(label: str, cells: Iterable[str], widths: Iterable[int]) -> str:
    """Return a line of columns, each of its width."""
    padded = [f"{cell:{width}}" for cell, width in zip(cells, widths, strict=True)]
    return f"{_short(label):{LABEL}} {' '.join(padded)}".rstrip()


def _short(label: str) -> str:
    """Leave out the middle of a long name: cameras often differ at the end."""
    label = printable(label)
    return label if len(label) <= LABEL else f"{label[:9]}…{label[-10:]}"


def _line(name: str, text: str) -> str:
    return f"{name:{LABEL}} {text}"


def _rules(evaluation: Evaluation) -> Iterator[str]:
    words = ", ".join(f"{name} {_word(value)}" for name, value in evaluation.rules.items())
    yield from _wrapped("rules", words)


def _word(value: str | bool | int) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _wrapped(name: str, text: str) -> Iterator[str]:
    """Yield a text on as many lines as it takes, under each other."""
    lines = textwrap.wrap(printable(text), WIDTH - LABEL - 1, break_on_hyphens=False) or [""]
    yield _line(name, lines[0])
    yield from (_line("", line) for line in lines[1:])
