"""Pairs of cells from two results folders: which belong together, and what differs in a pair."""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from crossres.benchmark import Record, Row, load_profile
from crossres.benchmark.compare.comparison import tally
from crossres.benchmark.compare.pairs import Change, match
from crossres.benchmark.compare.rows import Rows
from crossres.benchmark.records.cell import TrainedOn, key_of
from tests.benchmark.compare.cases import TABLE, Make

# --- what differs in a pair -----------------------------------------------------------------------


def test_equal_metrics_are_not_equal_bits(make: Make) -> None:
    a = [make(seed=seed) for seed in range(3)]
    b = [a[0], make(seed=1, outputs="elsewhere"), make(0.6, seed=2)]
    pairs = match(a, b, [TABLE]).pairs
    assert [p.sameness for p in pairs] == ["bit-equal", "same metrics", "other metrics"]
    assert [p.same_key for p in pairs] == [True] * 3
    assert [p.other_outputs for p in pairs[:2]] == [(), ("weights", "embeddings")]


def test_a_changed_evaluation_is_not_bit_equal(make: Make) -> None:
    a = make()
    b = replace(a, metrics={"single-shot": {**a.metrics["single-shot"], "mINP": 0.4}})
    [pair] = match([a], [b], [TABLE]).pairs
    assert (pair.sameness, pair.other_outputs) == ("other metrics", ())


def test_a_measure_that_one_version_lacks_does_not_count(make: Make) -> None:
    a = make()
    more = {**a.metrics, "multi-shot": {"rank1": 0.3}}
    b = replace(a, metrics=more, cmc={**a.cmc, "multi-shot": (0.3,) * 50})
    assert match([a], [b], [TABLE]).pairs[0].sameness == "bit-equal"


def test_a_copy_is_not_a_second_run(make: Make) -> None:
    record = make()
    later = replace(record, seconds={**record.seconds, "total": 11.0})
    pairs = [match([record], [other], [TABLE]).pairs[0] for other in (record, later)]
    assert [(pair.copied, pair.sameness) for pair in pairs] == [
        (True, "bit-equal"),
        (False, "bit-equal"),
    ]


def test_other_training_data_of_a_transfer_are_another_manifest(make: Make) -> None:
    def trained(manifest: str) -> Record:
        record = make(dataset="caviar:mlr-viper", outputs=manifest)
        trained_on = TrainedOn("caviar", "mlr-sing", "twin:tiny:1", manifest * 64)
        cell = replace(record.cell, trained_on=trained_on)
        key = key_of(cell, record.profile, record.digests["manifest"])
        return replace(record, cell=cell, key=key)

    a, b = trained("a"), trained("b")
    [pair] = match([a, make()], [b], [TABLE]).pairs  # and never with one that is no transfer
    assert pair.changes == (Change("manifest"),)
    pixels = replace(a, digests={**a.digests, "training pixels": "c" * 64})
    assert match([a], [pixels], [TABLE]).pairs[0].changes == (Change("pixels"),)


def test_changes_are_those_of_a_flat_comparison_entry_by_entry(make: Make) -> None:
    """Options, nested entries of the profile, and the machine, with what one side lacks."""
    longer = {"train": {**load_profile("smoke").train, "iterations": 9, "warmup": {"steps": 2}}}
    a = make(method="pcb", parts=4)
    b = make(method="pcb", parts=3, profile=longer)
    b = replace(b, environment={**b.environment, "threads": 4})
    [pair] = match([a], [b], []).pairs
    assert pair.changes == (
        Change("option", "parts", "4", "3"),
        Change("profile", "train.iterations", "6", "9"),
        Change("profile", "train.warmup.steps", "absent", "2"),
        Change("environment", "threads", "1", "4"),
    )


# --- which cells belong together ------------------------------------------------------------------


def test_rows_stay_together_when_a_profile_changes(make: Make) -> None:
    longer = {"train": {**load_profile("smoke").train, "iterations": 9}}
    a = [make(method="pcb"), make(method="pcb", parts=4)]
    b = [make(method="pcb", parts=4, profile=longer), make(method="pcb", profile=longer)]
    for matches in (match(a, b, [TABLE]), match(a, b, [])):
        assert [p.a.cell.options == p.b.cell.options for p in matches.pairs] == [True, True]
        changes = {change for pair in matches.pairs for change in pair.changes}
        assert changes == {Change("profile", "train.iterations", "6", "9")}
    assert [pair.row for pair in match(a, b, [TABLE]).pairs] == ["PCB", "Four parts"]


def test_the_row_of_a_table_goes_before_likeness(make: Make) -> None:
    """B's profile gives PCB another default, with which it looks more like A's other row."""
    methods = {"methods": {"pcb": {"part_width": 16, "parts": 4, "embed_flip": True}}}
    a = [make(method="pcb"), make(method="pcb", parts=4, embed_flip=True)]
    b = [make(method="pcb", parts=4, embed_flip=True, profile=methods)]
    matches = match(a, b, [TABLE])
    assert [(p.row, p.a) for p in matches.pairs] == [("PCB", a[0])]
    assert {(c.kind, c.name) for c in matches.pairs[0].changes} == {
        ("option", "parts"),
        ("option", "embed_flip"),
    }
    assert match(a, b, []).pairs[0].a == a[1]


def test_an_override_that_changes_no_option_is_still_told(make: Make) -> None:
    methods = {"methods": {"pcb": {"part_width": 16, "parts": 6}}}
    [pair] = match([make(method="pcb")], [make(method="pcb", profile=methods)], [TABLE]).pairs
    assert [(c.kind, c.name) for c in pair.changes] == [("profile", "methods")]


def test_another_twin_is_told_by_its_source_alone(make: Make) -> None:
    [pair] = match([make()], [make(source="twin:tiny:2")], [TABLE]).pairs
    assert pair.changes == (Change("source", "", "twin:tiny:1", "twin:tiny:2"),)


@pytest.mark.parametrize(
    "changes", [{"source": "real"}, {"seed": 1}, {"dataset": "caviar"}, {"method": "bot"}]
)
def test_what_cannot_be_compared_is_not_paired(make: Make, changes: dict[str, Any]) -> None:
    a, b = make(), make(**changes)
    matches = match([a], [b], [TABLE])
    assert (matches.pairs, matches.only_a, matches.only_b) == ((), (a,), (b,))


def test_a_cell_has_one_counterpart(make: Make) -> None:
    a = [make(method="pcb", parts=parts) for parts in (2, 3)]
    b = [make(method="pcb", parts=5)]
    matches = match(a, b, [TABLE])
    assert len(matches.pairs) == len(matches.only_a) == 1
    assert matches.only_b == ()


def rows_of(records: Sequence[Record]) -> tuple[str, ...]:
    return tuple(pair.row for pair in match(records, records, [TABLE]).pairs)


def test_rows_of_one_name_are_told_apart(make: Make) -> None:
    a = [make(source=source) for source in ("real", "twin:tiny:1")]
    assert rows_of(a) == ("Plain (real)", "Plain (twin:tiny:1)")
    b = [make(method="bot"), make(method="bot", erase=0.1)]
    first = b[0].cell.options["erase"]
    assert rows_of(b) == ("bot (erase 0.1)", f"bot (erase {first})")


# --- all pairs of two folders ---------------------------------------------------------------------


def random_folder(make: Make, chance: random.Random, outputs: str) -> list[Record]:
    """Rows of PCB, of two seeds each, with options that two folders may share."""
    records: dict[str, Record] = {}
    for _ in range(chance.randint(1, 5)):
        options = {
            "parts": chance.choice([2, 3, 4]),
            "embed_flip": chance.choice([True, False]),
            "margin": chance.choice([0.1, 0.2]),
        }
        for seed in (0, 1):
            record = make(method="pcb", seed=seed, outputs=outputs, **options)
            records[record.key] = record
    return list(records.values())


def distance(a: Record, b: Record) -> int:
    left, right = a.cell.options, b.cell.options
    return sum(left.get(name) != right.get(name) for name in {*left, *right})


@pytest.mark.parametrize("number", range(15))
def test_nobody_is_left_for_a_nearer_cell_that_is_free(make: Make, number: int) -> None:
    chance = random.Random(number)
    a, b = random_folder(make, chance, "a"), random_folder(make, chance, "b")
    matches = match(a, b, [])
    by_a = {pair.a.key: pair.b for pair in matches.pairs}
    by_b = {pair.b.key: pair.a for pair in matches.pairs}
    assert len(by_a) == len(by_b) == len(matches.pairs)
    assert {*by_a, *(record.key for record in matches.only_a)} == {record.key for record in a}
    assert {*by_b, *(record.key for record in matches.only_b)} == {record.key for record in b}
    keys = {record.key for record in a} & {record.key for record in b}
    assert {pair.a.key for pair in matches.pairs if pair.same_key} == keys
    for left in (record for record in a if record.key not in keys):
        for right in (record for record in b if record.key not in keys):
            if left.cell.seed != right.cell.seed:
                assert by_a.get(left.key) != right
                continue
            # One of the two has a counterpart that is at least as near.
            partners = [
                distance(left, by_a[left.key]) if left.key in by_a else None,
                distance(right, by_b[right.key]) if right.key in by_b else None,
            ]
            assert any(d is not None and d <= distance(left, right) for d in partners)
    assert match(a[::-1], b[::-1], []) == matches


# --- post-processing ------------------------------------------------------------------------------


def processed(record: Record, key: str, **steps: Any) -> Record:
    return replace(record, key=key, cell=replace(record.cell, post_processing=steps))


def test_cells_with_post_processing_are_not_held_against_those_without(make: Make) -> None:
    plain = make()
    mirrored, shifted = processed(plain, "m", mirror=True), processed(plain, "s", shifts=0.5)
    matches = match([plain], [mirrored], [TABLE])
    assert (matches.pairs, matches.only_a, matches.only_b) == ((), (plain,), (mirrored,))
    [pair] = match([mirrored], [shifted], [TABLE]).pairs
    assert pair.row == "plain †"  # no row of the table has it, so it is called after its method
    changes = [
        Change("post-processing", "mirror", "true", "absent"),
        Change("post-processing", "shifts", "absent", "0.5"),
    ]
    assert list(pair.changes) == changes
    assert [entry.change for entry in tally([pair])] == changes


def test_a_row_is_that_of_cells_with_its_own_post_processing(make: Make) -> None:
    plain = make()
    mirrored = processed(plain, "m", mirror=True)
    table = replace(
        TABLE, rows=(*TABLE.rows, Row("Plain", "plain", post_processing={"mirror": True}))
    )
    rows = Rows([table])
    assert rows.indices(plain) == (0,)
    assert rows.indices(mirrored) == (3,)
    other = processed(plain, "o", rerank={})
    assert rows.indices(other) == ()
    assert "its post-processing: k-reciprocal re-ranking" in rows.reason(other)
    without = Rows([replace(table, rows=table.rows[3:])])
    assert without.reason(plain).endswith("with these options has no post-processing")
