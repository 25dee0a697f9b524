"""Words that page and terminal of a comparison share."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from crossres.benchmark.compare.comparison import ChangeTally, GapVerdict, Measure, tally
from crossres.benchmark.compare.folders import FolderComparison
from crossres.benchmark.compare.pairs import Pair
from crossres.benchmark.metrics.rules import GalleryRule
from crossres.benchmark.records.record import Record
from crossres.datasets.base.words import listed
from crossres.datasets.cards import CARDS
from crossres.datasets.raw.source_name import source_words
from crossres.reports.grid.standing import cautions
from crossres.reports.wording import run_words, seeds_words, set_title, under_protocol


def cautions_of(folders: FolderComparison) -> tuple[str, ...]:
    """Say what must be said of the numbers that are compared."""
    return cautions(side for pair in folders.comparison.pairs for side in (pair.a, pair.b))


def last_runs_of(folders: FolderComparison) -> list[str]:
    """Return a line for each side that keeps when, and at which commit, it was last run."""
    runs = zip("AB", folders.last_runs, strict=True)
    return [f"{side} was last run on {run_words(run)}" for side, run in runs if run]


def tallies_of(pairs: Sequence[Pair]) -> list[ChangeTally]:
    """Say what differs, unless nothing at all does."""
    if all(pair.sameness == "bit-equal" and not pair.changes for pair in pairs):
        return []
    return tally(pairs)


def title_of(dataset: str, protocol: str) -> str:
    """Return the data set as tables call it, with its protocol unless that is the default."""
    is_usual = dataset in CARDS and CARDS[dataset].protocol == protocol
    title = set_title(dataset)
    return title if is_usual else under_protocol(title, protocol)


def gallery_caution(measures: Iterable[Measure], of_queries: GalleryRule) -> str:
    """Say that the gaps are of other galleries than the queries; "" where they are not."""
    others = dict.fromkeys(rule for rule, _ in measures if rule != of_queries)
    if not others:
        return ""
    return (
        f"The differences above that are of the {listed(list(others))} gallery may say otherwise: "
        f"the queries are those of the {of_queries} gallery."
    )


def verdict_words(verdict: GapVerdict) -> str:
    """Return the verdict on a gap as reports print it after "B is"."""
    return "indistinguishable" if verdict == "not told" else verdict


def ratio_words(ratio: float | None) -> str:
    """Return "1.03 ×"."""
    return "–" if ratio is None else f"{ratio:.2f} ×"


def only_words(records: Iterable[Record]) -> list[str]:
    """List cells without a counterpart, one line per method, data set and protocol."""
    seeds: dict[tuple[str, ...], set[int]] = defaultdict(set)
    for record in records:
        cell = record.cell
        seeds[cell.method, cell.dataset, cell.protocol, cell.source].add(cell.seed)
    return [
        f"{method} on {title_of(dataset, protocol)}, {source_words(source)}: "
        f"{seeds_words(sorted(of_cell))}"
        for (method, dataset, protocol, source), of_cell in sorted(seeds.items())
    ]
