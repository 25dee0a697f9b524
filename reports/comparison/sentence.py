"""What a comparison of two results folders comes to: in one sentence, and what differs in words."""

from collections import defaultdict
from collections.abc import Sequence

from crossres.benchmark.compare.comparison import Comparison, Gap
from crossres.benchmark.compare.pairs import Change, Pair
from crossres.datasets.base.words import MOST_NAMED, counted, few, listed
from crossres.reports.wording import metric_title, points

CAUSES = {"code": "different code", "pixels": "different pixels"}
DIGEST_WORDS = {
    "manifest": "different split (digest of the manifest)",
    "pixels": "different pixels of the same split",
    "code": "different code",
}


def verdict(comparison: Comparison) -> str:
    """Return one sentence: the cells, the rows where values differ, cells of one folder only."""
    parts = [*_common(comparison.same_key), *_changed(comparison)]
    if any(gap.verdict != "equal" for gap in comparison.gaps):
        parts += [_chance(comparison), _largest(comparison)]
    elif any(pair.sameness != "bit-equal" for pair in comparison.pairs):
        parts.append("no metric of any row differs")
    for side, only in (("A", comparison.only_a), ("B", comparison.only_b)):
        if only:
            parts.append(f"{_cells(len(only), 'is', 'are')} only in {side}")
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def change_words(change: Change | None) -> str:
    """Say what differs, without the values: "option parts", "different code"."""
    if change is None:
        return "no recorded difference"
    return DIGEST_WORDS.get(change.kind, f"{change.kind} {change.name}".strip())


def _cells(number: int, singular: str, plural: str) -> str:
    return f"{counted(number, 'cell')} {singular if number == 1 else plural}"


def _common(pairs: Sequence[Pair]) -> list[str]:
    """Say how the cells of one key differ."""
    if not pairs:
        return []
    differing = [pair for pair in pairs if pair.sameness != "bit-equal"]
    if not differing:
        total = (
            "the one common cell is" if len(pairs) == 1 else f"all {len(pairs)} common cells are"
        )
        return [f"{total} bit-equal{_though(pairs)}"]
    outputs = {name for pair in differing for name in pair.other_outputs}
    output = next((name for name in ("weights", "embeddings") if name in outputs), "metrics")
    causes = dict.fromkeys(_cause(change) for pair in differing for change in pair.changes)
    because = f", made with {listed(causes)}" if causes else ", with no recorded difference"
    verb = "has" if len(differing) == 1 else "have"
    alike = sum(pair.sameness == "same metrics" for pair in differing)
    alike_words = f" ({alike} of them the same metrics)" if 0 < alike < len(differing) else ""
    total = counted(len(pairs), "common cell")
    copied = sum(pair.copied for pair in pairs)
    parts = [f"{len(differing)} of {total} {verb} different {output}{alike_words}{because}"]
    return [*parts, f"{copied} are copies of one record, not run twice"] if copied else parts


def _though(pairs: Sequence[Pair]) -> str:
    """Say what the cells are equal in spite of, and whether they were run twice at all."""
    causes = dict.fromkeys(_cause(change) for pair in pairs for change in pair.changes)
    copied = sum(pair.copied for pair in pairs)
    changed = sum(bool(pair.changes) for pair in pairs)
    remarks = [f"{_share(changed, pairs)} in spite of {listed(causes)}"] if causes else []
    remarks += [f"{_share(copied, pairs)} copies of one record, not run twice"] if copied else []
    return f" ({', '.join(remarks)})" if remarks else ""


def _share(number: int, pairs: Sequence[Pair]) -> str:
    return "all of them" if number == len(pairs) else f"{number} of them"


def _cause(change: Change) -> str:
    return CAUSES.get(change.kind, f"a different {change.name}")


def _changed(comparison: Comparison) -> list[str]:
    """Say how the cells of one row that have other keys differ."""
    if not comparison.other_key:
        return []
    names: dict[str, dict[str, None]] = defaultdict(dict)
    for change in (change for pair in comparison.other_key for change in pair.changes):
        names[change.kind][change.name] = None
    kinds = [
        f"{noun if len(names[kind]) == 1 else plural} {few(names[kind], plural)}"
        for kind, noun, plural in (
            ("option", "option", "options"),
            ("post-processing", "post-processing", "post-processing"),
            ("profile", "profile entry", "profile entries"),
        )
        if kind in names
    ]
    kinds += [kind.replace("manifest", "split") for kind in ("source", "manifest") if kind in names]
    more = "more " if comparison.same_key else ""
    noun = f"{more}cell was" if len(comparison.other_key) == 1 else f"{more}cells were"
    return [f"{len(comparison.other_key)} {noun} run differently ({listed(kinds)})"]


def _chance(comparison: Comparison) -> str:
    """Say how many rows differ beyond chance, in any of the measures."""
    overall = [gap for measure in comparison.measures for gap in comparison.overall(measure)]
    if all(gap.p is None for gap in overall if gap.verdict != "equal"):
        return "with one seed, chance cannot be assessed"
    rows = dict.fromkeys(gap.row or "" for gap in overall if gap.verdict in ("better", "worse"))
    if not rows:
        return "no row differs beyond chance"
    verb = "differs" if len(rows) == 1 else "differ"
    names = f" ({listed(rows)})" if len(rows) <= MOST_NAMED else ""
    return f"{len(rows)} of {counted(len(comparison.rows), 'row')} {verb} beyond chance{names}"


def _largest(comparison: Comparison) -> str:
    """Return the largest change; of those that look alike the first counts: the headline metric."""
    overall = [gap for measure in comparison.measures for gap in comparison.overall(measure)]
    most: Gap = max(overall, key=lambda gap: round(abs(gap.difference.effect), 3))
    change = points(most.difference.effect)
    return f"largest mean change {change} points of {metric_title(most.metric)} ({most.row})"
