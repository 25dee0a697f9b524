"""Claims held against the records of a folder: for programs, for the terminal and for the page."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from crossres.benchmark.claims import ClaimAnswer, ClaimVerdict, answers
from crossres.benchmark.config.claims import Claim
from crossres.benchmark.records.planned import KeptRuns
from crossres.benchmark.records.queries import QueryReader, from_counts
from crossres.benchmark.records.record import Record
from crossres.benchmark.stats.paired import Difference
from crossres.benchmark.stats.sample import Sample
from crossres.datasets.base.words import counted
from crossres.datasets.raw.source_name import source_words
from crossres.reports.charts.axis import Gap, Tick, gap_axis
from crossres.reports.grid.build import build_grids
from crossres.reports.grid.grid import Grid
from crossres.reports.grid.standing import cautions, is_of_the_set
from crossres.reports.wording import gap_text, set_title

STYLES = {
    "holds": "bold green",
    "does not hold": "bold red",
    "no difference": "bold cyan",
    "undecided": "yellow",
    "not measured": "dim",
}


@dataclass(frozen=True)
class ClaimGroup:
    """The answers to the claims from one source with one profile, and what must be said of them."""

    source: str
    profile: str
    cautions: tuple[str, ...]
    answers: tuple[ClaimAnswer, ...]

    @property
    def measured(self) -> tuple[ClaimAnswer, ...]:
        """The answers to claims of which anything was measured."""
        return tuple(answer for answer in self.answers if answer.verdict != "not measured")


def grids_of(
    claims: Sequence[Claim],
    records: Sequence[Record],
    queries: QueryReader = from_counts,
    runs: KeptRuns | None = None,
) -> list[Grid]:
    """Return the grids of all tables that claims are about; `runs` are those of the records."""
    runs = runs or KeptRuns()
    tables = {claim.table.id: claim.table for claim in claims}
    return [
        grid
        for table in tables.values()
        for grid in build_grids(runs.shown_in(table.id, records), table, queries)
    ]


def evaluate_claims(grids: Sequence[Grid], claims: Sequence[Claim]) -> list[ClaimGroup]:
    """Test every claim on every source and profile that has a grid for any of its data.

    But for data that is not the set whose name it bears: claims are about the set.
    """
    grids = [grid for grid in grids if all(map(is_of_the_set, grid.records))]
    places = dict.fromkeys((grid.source, grid.profile) for grid in grids)
    groups = []
    for source, profile in places:
        by_table = {g.table.id: g for g in grids if (g.source, g.profile) == (source, profile)}
        rows = [_samples(by_table.get(claim.table.id), claim) for claim in claims]
        group_cautions = cautions(record for grid in by_table.values() for record in grid.records)
        groups.append(ClaimGroup(source, profile, group_cautions, answers(claims, rows)))
    return [group for group in groups if group.measured]


def _samples(grid: Grid | None, claim: Claim) -> dict[str, Sample]:
    """Return each row's values by (data set, seed); of two protocols of a set the first counts."""
    if grid is None:
        return {}
    columns = {column.dataset: column for column in reversed(grid.shown)}
    return {
        row.label: _by_dataset(grid.sample(index, claim.metric, columns.values()))
        for index, row in enumerate(grid.table.rows)
    }


def _by_dataset(sample: Sample) -> Sample:
    """Return the sample with the data set alone in place of the column's name."""
    values = {(name.partition(" ")[0], seed): value for (name, seed), value in sample.items()}
    queries = {(name.partition(" ")[0], seed): q for (name, seed), q in sample.queries.items()}
    return Sample(values, queries)


def claims_json(groups: Sequence[ClaimGroup]) -> list[dict[str, Any]]:
    """Return the answers as JSON values; effects and bounds as fractions, positive: they agree."""
    return [
        {
            "source": group.source,
            "profile": group.profile,
            "cautions": list(group.cautions),
            "claims": [_answer_json(answer) for answer in group.answers],
        }
        for group in groups
    ]


def _answer_json(answer: ClaimAnswer) -> dict[str, Any]:
    content = asdict(answer)
    content["claim"]["table"] = answer.claim.table.id
    return content


def print_claims(groups: Sequence[ClaimGroup], console: Console) -> None:
    """Print the answers to what was measured, for people: a table for each source and profile."""
    for group in groups:
        for caution in group.cautions:
            console.print(caution, style="bold yellow", markup=False)
        table = RichTable(
            title=Text(
                f"Claims, {source_words(group.source)}, profile {group.profile}",
                style="table.title",
            ),
            show_lines=True,
        )
        for head in ("Claim", "Verdict", "Effect, points", "Seeds to decide"):
            table.add_column(head)
        for answer in group.measured:
            words = Text.assemble(answer.claim.text, (f" (section {answer.claim.section})", "dim"))
            verdict = Text(answer.verdict, style=STYLES[answer.verdict])
            table.add_row(words, verdict, Text("\n".join(effects(answer))), seeds_to_decide(answer))
        console.print(table)
        if left := len(group.answers) - len(group.measured):
            console.print(f"{counted(left, 'claim')} not measured here", style="dim")


def effects(answer: ClaimAnswer) -> list[str]:
    """Return one line per rival: the mean effect over the data sets, and which of these agree."""
    lines = []
    for right, overall in answer.overall:
        findings = [f for f in answer.findings if f.right == right and f.difference is not None]
        holding = sum(f.verdict == "holds" for f in findings)
        against = sum(f.verdict == "does not hold" for f in findings)
        sets = f"holds on {holding} of {len(findings)}" + (
            f", reversed on {against}" if against else ""
        )
        rival = f"over {right}: " if len(answer.overall) > 1 else ""
        lines.append(f"{rival}{interval(overall, answer.claim)}; {sets}")
    return lines


def interval(difference: Difference, claim: Claim) -> str:
    """Return "+3.1 [+1.0, +5.2]": the effect and its interval in points, as they were measured."""
    effect, low, high = _as_measured(difference, claim)
    return gap_text(effect, low, high) + ("" if low is not None else " (one seed: no interval)")


def _as_measured(difference: Difference, claim: Claim) -> Gap:
    """Return the effect and its bounds as fractions, negative where the first row is lower."""
    bounds = (difference.low, difference.high)
    if claim.direction == "higher":
        return (difference.effect, *bounds)
    low, high = (None if bound is None else -bound for bound in reversed(bounds))
    return -difference.effect, low, high


def seeds_to_decide(answer: ClaimAnswer) -> str:
    """Say how many seeds would decide an undecided claim, if true differences are the margin."""
    if answer.verdict != "undecided":
        return ""
    if answer.seeds is not None:
        return counted(answer.seeds, "seed")
    has_intervals = all(
        f.difference is None or f.difference.low is not None for f in answer.findings
    )
    return "more identities, not only more seeds" if has_intervals else "more than one seed"


# --- for the page ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bar:
    """One effect of a plot: its label, what it says, places of the effect and its interval's ends.

    Places are per cent of a drawing's width, so that a page lays it out anew at any width.
    """

    label: str
    text: str
    verdict: str
    x: float
    ends: tuple[float, float] | None


@dataclass(frozen=True)
class Plot:
    """The effects of a claim on one scale of points; `zero` is where no difference is."""

    bars: tuple[Bar, ...]
    zero: float
    ticks: tuple[Tick, ...]


def plot(answer: ClaimAnswer) -> Plot:
    """Plot by data set where the claim has one rival, else by rival over all data sets."""
    if len(answer.claim.rights) == 1:
        entries = [
            (set_title(f.dataset), f.verdict, f.difference)
            for f in answer.findings
            if f.difference is not None
        ]
    else:
        entries = [(f"over {right}", _overall_verdict(gap), gap) for right, gap in answer.overall]
    gaps = [_as_measured(difference, answer.claim) for _, _, difference in entries]
    axis = gap_axis(gaps, 0, 100, parts=6, margin=1.0)
    bars = tuple(
        Bar(
            label,
            interval(difference, answer.claim),
            verdict,
            axis.at(100 * effect),
            None if low is None or high is None else (axis.at(100 * low), axis.at(100 * high)),
        )
        for (label, verdict, difference), (effect, low, high) in zip(entries, gaps, strict=True)
    )
    return Plot(bars, axis.at(0.0), axis.ticks)


def _overall_verdict(gap: Difference) -> ClaimVerdict:
    if not gap.beyond_chance:
        return "undecided"
    return "holds" if gap.effect > 0 else "does not hold"
