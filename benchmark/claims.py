"""Verdicts on claims: what measured values say of a paper's sentences about its results.

A claims file is a TOML file; the MSIFLA paper's is tables/claims.toml.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
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

    The verdict is at 5 % for all comparisons of the claim together (Holm); where the claim holds,
    each of them does.
    """

    right: str
    dataset: str
    verdict: ClaimVerdict
    difference: Difference | None


@dataclass(frozen=True)
class ClaimAnswer:
    """What is measured of a claim: in all, on average over its data sets, and one by one.

    `p` is the evidence for the verdict, corrected where other claims were answered with it.
    `seeds`: with how many on each data set true differences of the margin would be found in all
    comparisons in 80 % of the cases, where it is undecided; None where no number would do, or it is
    not known.
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
    """Answer claims from `rows[k][label]`, the values of claim k's rows by (data set, seed).

    A verdict stands at 5 % for all claims together (Holm); what does not is undecided.
    """
    alone = [_likeliest(claim, values) for claim, values in zip(claims, rows, strict=True)]
    measured = [claim.verdict != "not measured" for claim in alone]
    among_all = [_at_level(claim, LEVEL / max(1, sum(measured))) for claim in alone]
    corrected = iter(holm([claim.p for claim in compress(among_all, measured)]))
    return tuple(
        _decided(replace(claim, p=next(corrected))) if is_measured else claim
        for claim, is_measured in zip(among_all, measured, strict=True)
    )


def _at_level(answer: ClaimAnswer, level: float) -> ClaimAnswer:
    """Give the verdict that is found at `level`, else that of most evidence, with its p."""
    gaps = [finding.difference for finding in answer.findings]
    verdict, p = _together(gaps, answer.claim.margin, level)
    return replace(answer, verdict=verdict, p=p)


def _decided(answer: ClaimAnswer) -> ClaimAnswer:
    """Make an answer undecided, with the seeds that would decide, unless its p says otherwise."""
    if answer.verdict == "not measured":
        return answer
    if answer.p > LEVEL:
        return replace(answer, verdict="undecided", seeds=_seeds(answer))
    if answer.verdict == "holds":
        held = tuple(replace(finding, verdict="holds") for finding in answer.findings)
        return replace(answer, findings=held)
    return answer


def answer(claim: Claim, rows: Mapping[str, Sample]) -> ClaimAnswer:
    """Answer one claim from `rows[label]`, fractions of its metric by (data set, seed).

    It holds when every comparison does, each at 5 %, as all must pass. It does not hold when one is
    the other way round, at 5 % for all together (Holm), and is no difference when one is within the
    margin, likewise. Else it is undecided.
    """
    return _decided(_likeliest(claim, rows))


def _likeliest(claim: Claim, rows: Mapping[str, Sample]) -> ClaimAnswer:
    """Return the verdict that is found at 5 %, else that of most evidence, with its p."""
    signed = {
        label: sample if claim.direction == "higher" else sample.negated()
        for label, sample in rows.items()
        if label in (claim.left, *claim.rights)
    }
    left, nothing = signed.get(claim.left, Sample({})), Sample({})
    pairs = [(right, dataset) for right in claim.rights for dataset in claim.datasets]
    gaps = [difference(left, signed.get(right, nothing), on=dataset) for right, dataset in pairs]
    verdict, p = _together(gaps, claim.margin, LEVEL)
    findings = tuple(
        ClaimComparison(right, dataset, verdict_alone, gap)
        for (right, dataset), verdict_alone, gap in zip(
            pairs, _each(gaps, claim.margin), gaps, strict=True
        )
    )
    within = left.only(claim.datasets)
    overall = tuple(
        (right, gap)
        for right in claim.rights
        if (gap := difference(within, signed.get(right, nothing).only(claim.datasets))) is not None
    )
    return ClaimAnswer(claim, verdict, p, findings, overall)


def _within(gap: Difference | None, margin: float) -> float:
    """Return the p-value of a difference being smaller than the margin, either way."""
    return 1.0 if gap is None else level_for(gap, margin - abs(gap.effect))


def _opposed(gap: Difference | None) -> float:
    return 1.0 if gap is None or gap.p is None or gap.effect >= 0 else gap.p


def _agreeing(gap: Difference | None) -> float:
    return 1.0 if gap is None or gap.p is None or gap.effect <= 0 else gap.p


def _together(
    gaps: Sequence[Difference | None], margin: float, level: float
) -> tuple[ClaimVerdict, float]:
    """Return the first verdict that is found, in this order, else that of most evidence; its p."""
    if all(gap is None for gap in gaps):
        return "not measured", 1.0
    evidence: dict[ClaimVerdict, float] = {
        "does not hold": min(holm([_opposed(gap) for gap in gaps])),
        "holds": max(_agreeing(gap) for gap in gaps),
        "no difference": min(holm([_within(gap, margin) for gap in gaps])),
    }
    most = min(evidence, key=lambda name: evidence[name])
    verdict = next((name for name, p in evidence.items() if p <= level), most)
    return verdict, evidence[verdict]


def _each(gaps: Sequence[Difference | None], margin: float) -> list[ClaimVerdict]:
    """Return the verdict on each comparison, all of them together at 5 %."""
    differs = holm([1.0 if gap is None or gap.p is None else gap.p for gap in gaps])
    alike = holm([_within(gap, margin) for gap in gaps])
    return [_verdict(gap, *p) for gap, *p in zip(gaps, differs, alike, strict=True)]


def _verdict(gap: Difference | None, differs: float, alike: float) -> ClaimVerdict:
    if gap is None:
        return "not measured"
    if min(differs, alike) > LEVEL:
        return "undecided"
    if alike < differs:
        return "no difference"
    return "holds" if gap.effect > 0 else "does not hold"


def _seeds(answer: ClaimAnswer) -> int | None:
    """Return the number of seeds with which all comparisons find differences of the margin."""
    gaps = [part.difference for part in answer.findings if part.difference is not None]
    chance = 1 - (1 - WANTED) / len(answer.findings)  # all of them, so each more often
    needed = [seeds_to_find(answer.claim.margin, gap, chance) for gap in gaps]
    return None if None in needed else max((n for n in needed if n is not None), default=None)
