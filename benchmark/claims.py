"""A paper's sentences about its results as data, and what measured values say of each of them.

A claims file is a TOML file; the MSIFLA paper's is tables/claims.toml.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from crossres.benchmark.config.claims import Claim
from crossres.benchmark.stats.paired import LEVEL, Difference, difference, level_for
from crossres.benchmark.stats.power import seeds_to_find
from crossres.benchmark.stats.ranking import holm
from crossres.benchmark.stats.sample import Sample

ClaimVerdict = Literal["holds", "does not hold", "no difference", "undecided", "not measured"]
WANTED = 0.8  # how often a true difference is to be found where seeds are counted


@dataclass(frozen=True)
class ClaimComparison:
    """One comparison of a claim. The effect counts in the claimed direction: positive agrees.

    The verdict is at 5 % for all comparisons of the claim together (Holm).
    """

    right: str
    dataset: str
    verdict: ClaimVerdict
    difference: Difference | None


@dataclass(frozen=True)
class ClaimAnswer:
    """What is measured of a claim: in all, on average over its data sets, and one by one.

    `p` is the evidence for the verdict, corrected where other claims were held with it. `seeds`:
    with how many on each data set true differences of the margin would be found in all comparisons
    in 80 % of the cases, where it is undecided; None where no number would do, or it is not known.
    """

    claim: Claim
    verdict: ClaimVerdict
    p: float
    findings: tuple[ClaimComparison, ...]
    overall: tuple[tuple[str, Difference], ...]
    seeds: int | None = None


def answers(
    claims: Sequence[Claim], rows: Sequence[Mapping[str, Sample]]
) -> tuple[ClaimAnswer, ...]:
    """Hold claims against `rows[k][label]`, the values of claim k's rows by (data set, seed).

    A verdict stands at 5 % for all claims together (Holm); what does not is undecided.
    """
    alone = [answer(claim, values) for claim, values in zip(claims, rows, strict=True)]
    measured = [found for found in alone if found.verdict != "not measured"]
    corrected = iter(holm([found.p for found in measured]))
    return tuple(
        _decided(replace(found, p=next(corrected))) if found in measured else found
        for found in alone
    )


def _decided(found: ClaimAnswer) -> ClaimAnswer:
    """Undecided, with the seeds that would decide, unless its p says otherwise."""
    if found.p <= LEVEL:
        return found
    return replace(found, verdict="undecided", seeds=_seeds(found))


def answer(claim: Claim, rows: Mapping[str, Sample]) -> ClaimAnswer:
    """Hold one claim against `rows[label]`, fractions of its metric by (data set, seed).

    It holds when every comparison does, each at 5 %, as all must pass. It does not hold when one is
    the other way round, at 5 % for all together (Holm), and is no difference when one is within the
    margin, likewise. Else it is undecided.
    """
    signed = {
        label: sample if claim.direction == "higher" else sample.negated()
        for label, sample in rows.items()
        if label in (claim.left, *claim.rights)
    }
    left, nothing = signed.get(claim.left, Sample({})), Sample({})
    pairs = [(right, dataset) for right in claim.rights for dataset in claim.datasets]
    gaps = [difference(left, signed.get(right, nothing), on=dataset) for right, dataset in pairs]
    verdict, p = _together(gaps, claim.margin)
    findings = tuple(
        ClaimComparison(right, dataset, "holds" if verdict == "holds" else one, gap)
        for (right, dataset), one, gap in zip(pairs, _each(gaps, claim.margin), gaps, strict=True)
    )
    within = left.only(claim.datasets)
    overall = tuple(
        (right, gap)
        for right in claim.rights
        if (gap := difference(within, signed.get(right, nothing).only(claim.datasets))) is not None
    )
    found = ClaimAnswer(claim, verdict, p, findings, overall)
    return found if verdict == "not measured" else _decided(found)


def _within(gap: Difference | None, margin: float) -> float:
    """The p-value of a difference being smaller than the margin, either way."""
    return 1.0 if gap is None else level_for(gap, margin - abs(gap.effect))


def _opposed(gap: Difference | None) -> float:
    return 1.0 if gap is None or gap.p is None or gap.effect >= 0 else gap.p


def _agreeing(gap: Difference | None) -> float:
    return 1.0 if gap is None or gap.p is None or gap.effect <= 0 else gap.p


def _together(gaps: Sequence[Difference | None], margin: float) -> tuple[ClaimVerdict, float]:
    """The first verdict that is found, in this order, else that of most evidence; its p-value."""
    if all(gap is None for gap in gaps):
        return "not measured", 1.0
    evidence: dict[ClaimVerdict, float] = {
        "does not hold": min(holm([_opposed(gap) for gap in gaps])),
        "holds": max(_agreeing(gap) for gap in gaps),
        "no difference": min(holm([_within(gap, margin) for gap in gaps])),
    }
    most = min(evidence, key=lambda name: evidence[name])
    verdict = next((name for name, p in evidence.items() if p <= LEVEL), most)
    return verdict, evidence[verdict]


def _each(gaps: Sequence[Difference | None], margin: float) -> list[ClaimVerdict]:
    """The verdict on each comparison, all of them together at 5 %."""
    told = holm([1.0 if gap is None or gap.p is None else gap.p for gap in gaps])
    alike = holm([_within(gap, margin) for gap in gaps])
    return [_verdict(gap, *p) for gap, *p in zip(gaps, told, alike, strict=True)]


def _verdict(gap: Difference | None, told: float, alike: float) -> ClaimVerdict:
    if gap is None:
        return "not measured"
    if min(told, alike) > LEVEL:
        return "undecided"
    if alike < told:
        return "no difference"
    return "holds" if gap.effect > 0 else "does not hold"


def _seeds(found: ClaimAnswer) -> int | None:
    """With how many seeds all comparisons would find differences of the margin."""
    gaps = [one.difference for one in found.findings if one.difference is not None]
    wanted = 1 - (1 - WANTED) / len(found.findings)  # all of them, so each more often
    needed = [seeds_to_find(found.claim.margin, gap, wanted) for gap in gaps]
    return None if None in needed else max((n for n in needed if n is not None), default=None)
