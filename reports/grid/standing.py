"""Beside what numbers may stand: what must be said of them, and whether published ones may.

All of it comes from the records, so that a report made later from these alone says the same.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from crossres.benchmark.records.record import Record, Standing
from crossres.datasets.protocols.validation import is_validation
from crossres.datasets.raw.source_name import CUSTOM, is_twin
from crossres.reports.wording import set_title

TWIN = "TWIN DATA: drawn, not the real set; never comparable with published numbers."
VALIDATION = (
    "VALIDATION: tested on identities held out of the training ones, to choose options by; never "
    "comparable with published numbers, nor with those of test identities."
)
UNVERIFIED = (
    "DATA NOT VERIFIED: records of an older version, which did not check the raw folder; "
    "run their cells again. Until then they are not comparable with published numbers."
)


def cautions(records: Iterable[Record]) -> tuple[str, ...]:
    """Return what must be said wherever these numbers appear: "HEAD: text"; () for real data."""
    all_records = list(records)
    sentences = [TWIN] if any(is_twin(record.cell.source) for record in all_records) else []
    if partial := _copies(all_records):
        sets = "; ".join(
            f"{name} with {', or a copy with '.join(map(', '.join, copies))}"
            for name, copies in partial.items()
        )
        sentences.append(f"PARTIAL DATA: {sets}; never comparable with published numbers.")
    own = sorted({name for r in all_records for name, of in r.cell.sources.items() if of == CUSTOM})
    if own:
        names = ", ".join(map(set_title, own))
        sentences.append(f"CUSTOM DATA: {names}; nothing is published of it to compare with.")
    if any(_is_of_validation(record) for record in all_records):
        sentences.append(VALIDATION)
    if any(_is_unverified(record) for record in all_records):
        sentences.append(UNVERIFIED)
    warnings = (record.standing.warning.split() for record in all_records if record.standing)
    lines = dict.fromkeys(" ".join(words).rstrip(".") for words in warnings if words)
    return (*sentences, *(f"{line}." for line in lines))


def data_title(records: Sequence[Record]) -> str:
    """Return "partial data: MLR-Market-1501, 12 of 1,501 identities", and whether they are of
    validation; "" where neither is so.
    """
    sets = [f"{name}, {copies[0][0]}" for name, copies in _copies(records).items()]
    words = ["validation identities"] if any(map(_is_of_validation, records)) else []
    return "; ".join([*words, *([f"partial data: {'; '.join(sets)}"] if sets else [])])


def headed(caution: str) -> tuple[str, str]:
    """Return the head, which is set in bold, and the rest."""
    head, colon, text = caution.partition(":")
    return head, colon + text


def is_of_the_set(record: Record) -> bool:
    """Say whether the cell was tested on what bears the name of its set, or on a twin of it."""
    is_whole = record.cell.source != "partial" and not _is_unverified(record)
    return is_whole and not _is_of_validation(record)


def is_comparable(records: Iterable[Record]) -> bool:
    """Say whether published values may stand beside these: verified, at the paper's size, of test
    identities.
    """
    return all(
        record.cell.source == "real"
        and record.standing is not None
        and record.standing.paper_size
        and not _is_of_validation(record)
        for record in records
    )


def _is_of_validation(record: Record) -> bool:
    return is_validation(record.cell.protocol)


def _is_unverified(record: Record) -> bool:
    return record.cell.source == "real" and record.standing is None


def _copies(records: Iterable[Record]) -> dict[str, list[tuple[str, ...]]]:
    """Return the title of each partial data set -> in what each of its copies differs, once."""
    by_title: dict[str, dict[tuple[str, ...], None]] = defaultdict(dict)
    for record in records:
        if record.cell.source != "partial" and record.cell.trained_on is None:
            continue  # soon, as it is asked of thousands of records
        stated, cell = record.standing or Standing(), record.cell
        words = {
            cell.trained: (*stated.trained_counts, *stated.trained_sizes),
            cell.tested: (*stated.other_counts, *stated.other_sizes),
        }
        for name, source in cell.sources.items():
            if source == "partial":
                by_title[set_title(name)][words[name] or ("unknown differences",)] = None
    return {title: list(by_title[title]) for title in sorted(by_title)}
