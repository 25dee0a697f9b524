"""The words and number formats that every rendering shares, so that no two of them disagree.

Fractions come in; per cent, as people read it, goes out.
"""

import datetime
import re
from collections.abc import Mapping, Sequence
from typing import Any

from crossres.benchmark.config.post_processing import MARK
from crossres.benchmark.config.transfers import is_transfer, set_ids
from crossres.benchmark.metrics.by_rate import over_all_rates, rate_of
from crossres.benchmark.records.planned import KeptRun
from crossres.datasets.base.words import counted as counted
from crossres.datasets.base.words import few as few
from crossres.datasets.base.words import listed as listed
from crossres.datasets.cards import CARDS
from crossres.datasets.raw.source_name import is_twin as is_twin
from crossres.datasets.raw.source_name import source_words as source_words

MINUS = "\u2212"
ARROW = " → "  # from the set that is trained on to the one that is tested

METRIC_TITLES = {
    "rank1": "Rank-1",
    "rank5": "Rank-5",
    "rank10": "Rank-10",
    "rank20": "Rank-20",
    "mAP": "mAP",
    "mINP": "mINP",
}
TIE = "a tie: the paired test over seeds does not distinguish it from the best (5 %, Holm)"
ORACLE = (
    "The oracle is no competitor and is never marked: it is tested on the same queries before they "
    "are down-sampled, which shows what there is to win (– where the set is natively LR, or the "
    "cells have not been run)."
)
GRADE_SHORT = {
    "faithful": "faithful",
    "faithful structure": "structure",
    "our reading": "reading",
    "control": "control",
}
GALLERY_WORDS = {
    "single-shot": "single-shot gallery (one image per identity)",
    "multi-shot": "multi-shot gallery (every HR image of the test identities)",
    "protocol": "the gallery rule of each protocol",
}


def metric_title(metric: str) -> str:
    """Return the metric as a column is headed; an unknown one keeps its own name."""
    base, rate = over_all_rates(metric), rate_of(metric)
    title = METRIC_TITLES.get(base, base)
    return title if rate is None else f"{title} at rate {rate}"


def grade_short(grade: str) -> str:
    """Return a method's grade in one word, for tables; an unknown one keeps its own words."""
    return GRADE_SHORT.get(grade, grade)


def rate_words(uses_rate: bool) -> str:
    """Say whether a method is told the down-sampling rates at test, for tables."""
    return "given" if uses_rate else "not used"


def gallery_words(rule: str) -> str:
    """Return the gallery rule in words for captions."""
    return GALLERY_WORDS.get(rule, f"{rule} gallery")


def backbone_words(profile: Mapping[str, Any]) -> str:
    """Return "resnet50 from ImageNet weights at 256×128": what networks of a profile start from."""
    backbone = profile["backbone"]
    start = "random" if backbone.get("weights") == "none" else "ImageNet"
    return f"{backbone.get('name')} from {start} weights at {profile['height']}×{profile['width']}"


def shortened(label: str, most: int) -> str:
    """Return a row's label in at most so many signs; the mark of post-processing stays."""
    if len(label) <= most:
        return label
    end = f"… {MARK}" if label.endswith(MARK) else "…"
    return label[: most - len(end)] + end


def percent(fraction: float) -> str:
    """Return a fraction in [0, 1] as per cent with one decimal, as the field prints it."""
    return f"{100 * fraction:.1f}"


def signed(points: float) -> str:
    """Return a difference in percentage points with its sign; the minus is the typographic one."""
    text = f"{points:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", MINUS)


def points(fraction: float) -> str:
    """Return a difference of fractions in points, with its sign."""
    return signed(100 * fraction)


def interval_text(low: float | None, high: float | None) -> str:
    """Return "[+1.0, +5.2]": the bounds of a difference, fractions, in points; "" without both."""
    return "" if low is None or high is None else f"[{points(low)}, {points(high)}]"


def gap_text(effect: float, low: float | None, high: float | None) -> str:
    """Return "−3.1 [−5.2, −1.0]": a difference, and its interval where there is one, in points."""
    return f"{points(effect)} {interval_text(low, high)}".rstrip()


def set_title(dataset: str) -> str:
    """Return the data set as tables call it; an unknown one by its id; "A → B" for a transfer."""
    if is_transfer(dataset):
        return ARROW.join(map(set_title, set_ids(dataset)))
    return CARDS[dataset].title if dataset in CARDS else dataset


def columns_words(datasets: Sequence[str]) -> str:
    """Return "5 data sets", or "7 protocols" where the columns are of one data set."""
    several = len({*datasets})
    if several == len(datasets):
        return counted(several, "data set")
    return f"{len(datasets)} {'protocols' if several == 1 else 'pairs of data set and protocol'}"


def of_training(dataset: str) -> str:
    """Return " of A": whose training a transfer "A → B" has; "" for any other."""
    return f" of {set_title(set_ids(dataset)[0])}" if is_transfer(dataset) else ""


def under_protocol(title: str, protocol: str) -> str:
    """Return the title of a data set with the protocol that it was run under."""
    return f"{title} ({protocol})"


def duration(seconds: float) -> str:
    """Write seconds as people say them: "8.3 s", "4 min 05 s", "2 h 07 min"."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, left = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {left:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def day(at: float) -> str:
    """Return the day of a time in seconds since 1970, in UTC: "2026-01-31"."""
    return datetime.datetime.fromtimestamp(at, datetime.UTC).date().isoformat()


def run_words(run: KeptRun) -> str:
    """Return when a run was: "2026-01-31", or "2026-01-31, commit 1a2b3c4d5e6f, with changes"."""
    return f"{day(run.at)}, {run.commit.words}" if run.commit else day(run.at)


def memory(size: float) -> str:
    """Write bytes in binary units with three significant digits: "812 MiB", "1.42 GiB"."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1000 or unit == "GiB":
            break
        size /= 1024
    return f"{size:.3g} {unit}"


def seeds_words(seeds: Sequence[int], fewest: int | None = None) -> str:
    """Return "3 seeds (0, 1, 2)"; over eight seeds only their number and range.

    `fewest`: how many a number has at least; "1 to 3 seeds (of 0, 1, 2)" where that is not all.
    """
    number = counted(len(seeds), "seed")
    which = f"{min(seeds)} to {max(seeds)}" if len(seeds) > 8 else ", ".join(map(str, seeds))
    if fewest is None or fewest == len(seeds):
        return f"{number} ({which})"
    return f"{fewest} to {number} (of {which})"


def slug(*parts: str) -> str:
    """Return a name for anchors and files: letters, digits, hyphens, points and "_"."""
    return re.sub(r"[^A-Za-z0-9_.]+", "-", "-".join(parts)).strip("-")


def p_text(p: float | None) -> str:
    """Return a p-value as it is printed: "< 0.001", "0.012", "0.43"; a dash where there is none."""
    if p is None:
        return "–"
    if p < 0.001:
        return "< 0.001"
    return f"{p:.3f}" if p < 0.1 else f"{p:.2f}"
