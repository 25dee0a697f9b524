"""Claims: what is said of made values, and what of a bad file."""

from pathlib import Path

import pytest

from benchmark.claims import Claim, answer, load_claims
from benchmark.tables import load_table
from datasets.errors import InputError

A_BEATS_B = Claim("c", "A beats B.", "1", "t", "rank1", "A", ("B",), "higher", ("caviar", "vric"))


def row(caviar: list[float], vric: list[float]) -> dict[tuple[str, int], float]:
    named = {"caviar": caviar, "vric": vric}
    return {(name, k): value for name, values in named.items() for k, value in enumerate(values)}


B = row([0.50, 0.52, 0.51], [0.40, 0.43, 0.40])


@pytest.mark.parametrize(
    ("a", "verdict", "findings"),
    [
        (row([0.60, 0.63, 0.60], [0.51, 0.53, 0.50]), "holds", ["holds", "holds"]),
        (row([0.60, 0.63, 0.60], [0.40, 0.42, 0.41]), "undecided", ["holds", "undecided"]),
        (row([0.60, 0.63, 0.60], [0.30, 0.32, 0.31]), "does not hold", ["holds", "does not hold"]),
        ({}, "not measured", ["not measured", "not measured"]),
        ({("caviar", 0): 0.9}, "undecided", ["undecided", "not measured"]),
    ],
)
def test_verdicts(a, verdict, findings) -> None:
    found = answer(A_BEATS_B, {"A": a, "B": B})
    assert found.verdict == verdict
    assert [finding.verdict for finding in found.findings] == findings


def test_a_claim_the_other_way_round_is_its_mirror_image() -> None:
    lower = Claim("c", "", "", "t", "rank1", "B", ("A",), "lower", A_BEATS_B.datasets)
    values = {"A": row([0.60, 0.63, 0.60], [0.51, 0.53, 0.50]), "B": B}
    (right,) = answer(A_BEATS_B, values).overall
    (mirrored,) = answer(lower, values).overall
    assert right[1] == mirrored[1]
    assert answer(lower, values).verdict == "holds"


def test_the_seeds_that_would_decide() -> None:
    near = {"A": row([0.52, 0.50, 0.53], [0.41, 0.44, 0.42]), "B": B}
    found = answer(A_BEATS_B, near)
    assert found.verdict == "undecided"
    assert found.seeds == max(finding.seeds for finding in found.findings)
    assert found.seeds > 3
    nothing = answer(A_BEATS_B, {"A": B, "B": B})
    assert (nothing.verdict, nothing.seeds) == ("undecided", None)


def test_the_papers_claims_name_rows_that_are_there() -> None:
    claims = load_claims()
    assert len(claims) >= 8
    assert {claim.section for claim in claims} <= {"4.3", "4.4"}


def test_each_method_of_the_ablations_is_held_against_itself() -> None:
    claims = load_claims("ablations")
    table = load_table("ablations")
    assert len(claims) == len({row.method for row in table.rows}) == len(table.rows) / 2
    by_label = {row.label: row for row in table.rows}
    for claim in claims:
        (right,) = claim.rights
        assert by_label[claim.left].method == by_label[right].method == claim.id
        assert by_label[right].options
        assert not by_label[claim.left].options


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('left = "Baseline + CMSR²"', 'left = "Nobody"', "has no row 'Nobody'"),
        ('metric = "rank1"', 'metric = "rank2"', "metric must be one of"),
        ('direction = "higher"', 'direction = "up"', "direction must be one of higher, lower"),
        ('table = "table2"', 'table = "table9"', "unknown table 'table9'"),
        ('id = "one"', "", "id is missing"),
        ('right = ["Baseline"]', 'right = "some"', "right must be a list"),
        ('section = "4.4"', 'datasets = ["x"]\nsection = "4.4"', "unknown data set 'x'"),
        ("[[claims]]", "[claims]", "claims must be a list"),
    ],
)
def test_a_bad_file_is_one_clear_line(tmp_path: Path, old: str, new: str, words: str) -> None:
    text = (
        '[[claims]]\nid = "one"\nsection = "4.4"\ntext = "t"\ntable = "table2"\n'
        'metric = "rank1"\nleft = "Baseline + CMSR²"\nright = ["Baseline"]\ndirection = "higher"\n'
    )
    path = tmp_path / "claims.toml"
    path.write_text(text)
    assert len(load_claims(path)) == 1
    path.write_text(text.replace(old, new))
    with pytest.raises(InputError, match=words) as caught:
        load_claims(path)
    assert str(path) in str(caught.value) or "table9" in str(caught.value)
    path.write_text(text + text)
    with pytest.raises(InputError, match="two claims have one id"):
        load_claims(path)
