"""A paper's sentences about its results as data, and what measured values say of each of them.

A claims file is a TOML file; the MSIFLA paper's is tables/claims.toml.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from benchmark.metrics import METRICS
from benchmark.statistics import LEVEL, Difference, Values, difference, holm, seeds_needed
from benchmark.tables import CLAIMS, FOLDER, LONGEST, Table, load_table
from benchmark.toml import checked
from datasets.cards import CARDS
from datasets.errors import InputError
from datasets.places import place
from datasets.suggest import did_you_mean
from datasets.texts import plain_text, read_toml

Verdict = Literal["holds", "does not hold", "undecided", "not measured"]
Direction = Literal["higher", "lower"]
OTHERS = "others"


@dataclass(frozen=True)
class Claim:
    """`left` has a higher (or lower) `metric` than each row of `rights` on each of `datasets`.

    Rows are labels of the `table`; `text` is the paper's sentence, `section` where it stands.
    """

    id: str
    text: str
    section: str
    table: Table
    metric: str
    left: str
    rights: tuple[str, ...]
    direction: Direction
    datasets: tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """One comparison of a claim. The effect counts in the claimed direction: positive agrees.

    `seeds`: with how many on each data set the test would find a true effect of the measured size
    in 80 % of the cases; None when that takes more than 10,000 or the spread is not known.
    """

    right: str
    dataset: str
    verdict: Verdict
    difference: Difference | None
    seeds: int | None


@dataclass(frozen=True)
class Answer:
    """What is measured of a claim: in all, on average over its data sets, and one by one.

    It holds when every comparison does (each tested at 5 %, as all must pass); it does not hold
    when one is the other way round beyond chance (5 % for all together, Holm); else it is
    undecided. `seeds` is the largest number that an undecided comparison needs, as far as known.
    """

    claim: Claim
    verdict: Verdict
    findings: tuple[Finding, ...]
    overall: tuple[tuple[str, Difference], ...]
    seeds: int | None


def load_claims(name: str | Path = "", tables: Sequence[Table] = ()) -> tuple[Claim, ...]:
    """The claims of a file: the MSIFLA paper's, "ablations" (ours), or those at a path.

    A claim names its table by the id of one of `tables`, or as `load_table` takes it.
    Raises InputError naming the file, the claim and what is wrong.
    """
    built_in = FOLDER / (f"{CLAIMS}-{name}.toml" if str(name) else f"{CLAIMS}.toml")
    path = built_in if built_in.is_file() else place(name)
    if path.suffix != ".toml":
        kinds = [file.stem.removeprefix(f"{CLAIMS}-") for file in FOLDER.glob(f"{CLAIMS}-*.toml")]
        raise InputError(
            f"unknown claims {str(name)!r}{did_you_mean(name, kinds)}; known are "
            f"{', '.join(sorted(kinds))}; your own are given by the path of their .toml file"
        )
    content = checked(f"claims {path}", read_toml(path, "claims"), {"claims": list}, {})
    claims = tuple(
        _claim(f"claims {path}, claim {n}", c, tables) for n, c in enumerate(content["claims"], 1)
    )
    names = [claim.id for claim in claims]
    if len(set(names)) < len(names):
        raise InputError(f"claims {path}: two claims have one id; give each its own")
    return claims


def _claim(where: str, content: Any, tables: Sequence[Table]) -> Claim:
    if not isinstance(content, dict):
        raise InputError(f"{where}: must be a [[claims]] entry")
    texts = ("id", "text", "section", "table", "metric", "left", "direction")
    right = (
        {"right": type(content.get("right"))} if content.get("right") == OTHERS else {"right": list}
    )
    values = checked(where, content, {**dict.fromkeys(texts, str), **right}, {"datasets": list})
    for entry in ("id", "text", "section"):
        values[entry] = plain_text(f"{where}: {entry}", values[entry], LONGEST)
    name = values.pop("table")
    table = next((table for table in tables if table.id == name), None) or load_table(name)
    labels = [row.label for row in table.rows]
    left, named = values["left"], values.pop("right")
    rights = [label for label in labels if label != left] if named == OTHERS else named
    for label in (left, *rights):
        if label not in labels:
            near = did_you_mean(label, labels)
            raise InputError(
                f"{where}: table {table.id} has no row {label!r}{near}; rows: {labels}"
            )
    for entry, known in (("metric", METRICS), ("direction", get_args(Direction))):
        if values[entry] not in known:
            near = did_you_mean(values[entry], known)
            raise InputError(
                f"{where}: {entry} must be one of {', '.join(known)}, not {values[entry]!r}{near}"
            )
    datasets = values.pop("datasets", None) or list(table.datasets)
    if unknown := [name for name in datasets if name not in CARDS]:
        near = did_you_mean(unknown[0], CARDS)
        raise InputError(
            f"{where}: unknown data set {unknown[0]!r}{near}; see `crossres datasets list`"
        )
    return Claim(**values, table=table, rights=tuple(rights), datasets=tuple(datasets))


def answer(claim: Claim, values: Mapping[str, Values]) -> Answer:
    """Hold a claim against `values[row label][data set, seed]`, fractions of its metric.

    Variances are pooled over all data sets that two rows share, also those outside the claim.
    """
    sign = 1.0 if claim.direction == "higher" else -1.0
    rows = {
        label: {cell: sign * value for cell, value in values.get(label, {}).items()}
        for label in (claim.left, *claim.rights)
    }
    pairs = [(right, dataset) for right in claim.rights for dataset in claim.datasets]
    gaps = [difference(rows[claim.left], rows[right], on=dataset) for right, dataset in pairs]
    opposed = holm([gap.p if gap and gap.p is not None and gap.effect < 0 else 1.0 for gap in gaps])
    findings = tuple(
        Finding(right, dataset, _verdict(gap, p), gap, _seeds(gap))
        for (right, dataset), gap, p in zip(pairs, gaps, opposed, strict=True)
    )
    within = {
        label: {cell: value for cell, value in found.items() if cell[0] in claim.datasets}
        for label, found in rows.items()
    }
    overall = [(right, difference(within[claim.left], within[right])) for right in claim.rights]
    needed = [finding.seeds for finding in findings if finding.verdict == "undecided"]
    return Answer(
        claim,
        _together(findings),
        findings,
        tuple((right, found) for right, found in overall if found is not None),
        None if None in needed else max((n for n in needed if n is not None), default=None),
    )


def _verdict(gap: Difference | None, opposed: float) -> Verdict:
    if gap is None:
        return "not measured"
    if gap.p is not None and gap.effect > 0 and gap.p <= LEVEL:
        return "holds"
    return "does not hold" if opposed <= LEVEL else "undecided"


def _together(findings: Sequence[Finding]) -> Verdict:
    verdicts = {finding.verdict for finding in findings}
    if "does not hold" in verdicts:
        return "does not hold"
    if verdicts == {"holds"}:
        return "holds"
    return "not measured" if verdicts == {"not measured"} else "undecided"


def _seeds(gap: Difference | None) -> int | None:
    if gap is None or gap.deviation is None:
        return None
    return seeds_needed(gap.effect, gap.deviation)
