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


def verdict(found: Comparison) -> str:
    """One sentence: the cells, the rows where any value differs, the cells of one folder only."""
    parts = [*_common(found.same_key), *_changed(found)]
    if any(gap.verdict != "equal" for gap in found.gaps):
        parts += [_chance(found), _largest(found)]
    elif any(pair.sameness != "bit-equal" for pair in found.pairs):
        parts.append("no metric of any row differs")
    for side, only in (("A", found.only_a), ("B", found.only_b)):
        if only:
            parts.append(f"{_cells(len(only), 'is', 'are')} only in {side}")
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def change_words(change: Change | None) -> str:
    """What differs, without the values: "option parts", "different code"."""
    if change is None:
        return "no recorded difference"
    return DIGEST_WORDS.get(change.kind, f"{change.kind} {change.name}".strip())


def _cells(number: int, singular: str, plural: str) -> str:
    return f"{counted(number, 'cell')} {singular if number == 1 else plural}"


def _common(pairs: Sequence[Pair]) -> list[str]:
    """Of the cells of one key."""
    if not pairs:
        return []
    other = [pair for pair in pairs if pair.sameness != "bit-equal"]
    if not other:
        whole = (
            "the one common cell is" if len(pairs) == 1 else f"all {len(pairs)} common cells are"
        )
        return [f"{whole} bit-equal{_though(pairs)}"]
    outputs = {name for pair in other for name in pair.other_outputs}
    what = next((name for name in ("weights", "embeddings") if name in outputs), "metrics")
    causes = dict.fromkeys(_cause(change) for pair in other for change in pair.changes)
    made = f", made with {listed(causes)}" if causes else ", with no recorded difference"
    verb = "has" if len(other) == 1 else "have"
    alike = sum(pair.sameness == "same metrics" for pair in other)
    same = f" ({alike} of them the same metrics)" if 0 < alike < len(other) else ""
    whole = counted(len(pairs), "common cell")
    copied = sum(pair.copied for pair in pairs)
    parts = [f"{len(other)} of {whole} {verb} different {what}{same}{made}"]
    return [*parts, f"{copied} are copies of one record, not run twice"] if copied else parts


def _though(pairs: Sequence[Pair]) -> str:
    """What the cells are equal in spite of, and whether they were run twice at all."""
    causes = dict.fromkeys(_cause(change) for pair in pairs for change in pair.changes)
    copied = sum(pair.copied for pair in pairs)
    changed = sum(bool(pair.changes) for pair in pairs)
    said = [f"{_share(changed, pairs)} in spite of {listed(causes)}"] if causes else []
    said += [f"{_share(copied, pairs)} copies of one record, not run twice"] if copied else []
    return f" ({', '.join(said)})" if said else ""


def _share(number: int, pairs: Sequence[Pair]) -> str:
    return "all of them" if number == len(pairs) else f"{number} of them"


def _cause(change: Change) -> str:
    return CAUSES.get(change.kind, f"a different {change.name}")


def _changed(found: Comparison) -> list[str]:
    """Of the cells of one row that have other keys."""
    if not found.other_key:
        return []
    names: dict[str, dict[str, None]] = defaultdict(dict)
    for change in (change for pair in found.other_key for change in pair.changes):
        names[change.kind][change.name] = None
    said = [
        f"{noun if len(names[kind]) == 1 else plural} {few(names[kind], plural)}"
        for kind, noun, plural in (
            ("option", "option", "options"),
            ("profile", "profile entry", "profile entries"),
        )
        if kind in names
    ]
    said += [kind.replace("manifest", "split") for kind in ("source", "manifest") if kind in names]
    more = "more " if found.same_key else ""
    noun = f"{more}cell was" if len(found.other_key) == 1 else f"{more}cells were"
    return [f"{len(found.other_key)} {noun} run differently ({listed(said)})"]


def _chance(found: Comparison) -> str:
    """How many rows differ beyond chance, in any of the measures."""
    overall = [gap for measure in found.measures for gap in found.overall(measure)]
    if all(gap.p is None for gap in overall if gap.verdict != "equal"):
        return "with one seed, chance cannot be assessed"
    told = dict.fromkeys(gap.row or "" for gap in overall if gap.verdict in ("better", "worse"))
    if not told:
        return "no row differs beyond chance"
    verb = "differs" if len(told) == 1 else "differ"
    named = f" ({listed(told)})" if len(told) <= MOST_NAMED else ""
    return f"{len(told)} of {counted(len(found.rows), 'row')} {verb} beyond chance{named}"


def _largest(found: Comparison) -> str:
    """Of changes that look alike the first counts: the headline metric."""
    overall = [gap for measure in found.measures for gap in found.overall(measure)]
    most: Gap = max(overall, key=lambda gap: round(abs(gap.difference.effect), 3))
    change = points(most.difference.effect)
    return f"largest mean change {change} points of {metric_title(most.metric)} ({most.row})"
