"""Claims: what is said of made values, and what of a bad file."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from crossres.benchmark.claims import answer, answers
from crossres.benchmark.config.claims import Claim, load_claims
from crossres.benchmark.config.tables import load_table
from crossres.benchmark.stats.paired import difference
from crossres.benchmark.stats.power import seeds_to_find
from crossres.benchmark.stats.ranking import holm
from crossres.benchmark.stats.sample import Sample
from crossres.datasets.base.errors import InputError

A_BEATS_B = Claim("c", "A beats B.", "1", "t", "rank1", "A", ("B",), "higher", ("caviar", "vric"))


def row(caviar: list[float], vric: list[float]) -> Sample:
    samples = {"caviar": caviar, "vric": vric}
    return Sample({(name, k): v for name, values in samples.items() for k, v in enumerate(values)})


B = row([0.50, 0.52, 0.51, 0.50], [0.40, 0.43, 0.40, 0.41])
HIGHER = [0.60, 0.63, 0.60, 0.61]


@pytest.mark.parametrize(
    ("a", "verdict", "findings"),
    [
        (row(HIGHER, [0.51, 0.53, 0.50, 0.52]), "holds", ["holds", "holds"]),
        (row(HIGHER, [0.40, 0.42, 0.41, 0.40]), "undecided", ["holds", "undecided"]),
        (row(HIGHER, [0.30, 0.32, 0.31, 0.30]), "does not hold", ["holds", "does not hold"]),
        (row(HIGHER, [0.40, 0.431, 0.399, 0.411]), "no difference", ["holds", "no difference"]),
        # Nothing but a tendency: both are ahead, neither by more than chance.
        (
            row([0.53, 0.50, 0.56, 0.49], [0.44, 0.40, 0.47, 0.39]),
            "undecided",
            ["undecided", "undecided"],
        ),
        (Sample({}), "not measured", ["not measured", "not measured"]),
        (Sample({("caviar", 0): 0.9}), "undecided", ["undecided", "not measured"]),
    ],
)
def test_verdicts(a, verdict, findings) -> None:
    answered = answer(A_BEATS_B, {"A": a, "B": B})
    assert answered.verdict == verdict
    assert [finding.verdict for finding in answered.findings] == findings
    assert (answered.p <= 0.05) == (verdict not in ("undecided", "not measured"))


def test_a_claim_holds_as_surely_as_its_weakest_comparison() -> None:
    values = {"A": row(HIGHER, [0.51, 0.53, 0.50, 0.52]), "B": B}
    gaps = [difference(values["A"], B, on=name) for name in ("caviar", "vric")]
    assert answer(A_BEATS_B, values).p == max(gap.p for gap in gaps)


def test_what_lies_within_the_margin_is_two_one_sided_tests() -> None:
    gaps = np.array([0.001, -0.002, 0.002, 0.0005])
    a = Sample({("caviar", k): 0.5 + gap for k, gap in enumerate(gaps)})
    b = Sample(dict.fromkeys(a, 0.5))
    claim = replace(A_BEATS_B, datasets=("caviar",), margin=0.005)
    answered = answer(claim, {"A": a, "B": b})
    sides = [
        stats.ttest_1samp(gaps, side * 0.005, alternative=way).pvalue
        for side, way in ((1, "less"), (-1, "greater"))
    ]
    assert answered.verdict == "no difference"
    assert answered.p == pytest.approx(2 * max(sides), rel=1e-6)
    assert answer(replace(claim, margin=0.002), {"A": a, "B": b}).verdict == "undecided"


def test_claims_that_are_held_together_are_corrected_together() -> None:
    a = row([0.53, 0.56, 0.52, 0.53], [0.43, 0.47, 0.42, 0.44])
    (alone,) = answers([A_BEATS_B], [{"A": a, "B": B}])
    assert alone.verdict == "holds"
    assert 0.05 / 40 < alone.p < 0.05
    many = answers([A_BEATS_B] * 40, [{"A": a, "B": B}] * 40)
    assert {claim.verdict for claim in many} == {"undecided"}
    # Comparisons of a claim that does not hold are said to hold by their own tests alone.
    assert {f.verdict for f in alone.findings} == {"holds"}
    gaps = [difference(a, B, on=name).p for name in ("caviar", "vric")]
    for claim in many:
        assert [f.verdict for f in claim.findings] == [
            "holds" if p <= 0.05 else "undecided" for p in holm(gaps)
        ]
    assert all(claim.p == pytest.approx(min(1, 40 * alone.p)) for claim in many)
    assert all(claim.seeds is not None for claim in many)
    beside_nothing = answers([A_BEATS_B, A_BEATS_B], [{"A": a, "B": B}, {}])
    assert [claim.verdict for claim in beside_nothing] == ["holds", "not measured"]


def test_of_two_verdicts_that_is_given_which_stands_among_all_claims() -> None:
    """A is lower by a little: hardly surely lower, and surely no more than the margin."""
    b = Sample({("caviar", k): 0.5 for k in range(6)})
    gaps = np.array([-0.0004, -0.0001, -0.0003, -0.0002, 0.0, -0.0003])
    a = Sample({trial: 0.5 + gap for trial, gap in zip(b, gaps, strict=True)})
    claim = replace(A_BEATS_B, datasets=("caviar",), margin=0.01)
    (alone,) = answers([claim], [{"A": a, "B": b}])
    assert alone.verdict == "does not hold"
    assert 0.05 / 40 < alone.p < 0.05
    many = answers([claim] * 40, [{"A": a, "B": b}] * 40)
    assert {answered.verdict for answered in many} == {"no difference"}
    beside_nothing = answers([claim] * 40, [{"A": a, "B": b}, *[{}] * 39])
    assert beside_nothing[0] == alone


def test_a_claim_the_other_way_round_is_its_mirror_image() -> None:
    lower = Claim("c", "", "", "t", "rank1", "B", ("A",), "lower", A_BEATS_B.datasets)
    values = {"A": row(HIGHER, [0.51, 0.53, 0.50, 0.52]), "B": B}
    (right,) = answer(A_BEATS_B, values).overall
    (mirrored,) = answer(lower, values).overall
    assert right[1] == mirrored[1]
    assert answer(lower, values).verdict == "holds"


def test_the_seeds_that_would_decide_find_the_margin_in_all_comparisons() -> None:
    near = {"A": row([0.52, 0.50, 0.53, 0.51], [0.41, 0.44, 0.42, 0.40]), "B": B}
    answered = answer(A_BEATS_B, near)
    assert answered.verdict == "undecided"
    gaps = [finding.difference for finding in answered.findings]
    assert answered.seeds == max(seeds_to_find(0.01, gap, 0.9) for gap in gaps)
    # Not the measured size, which would promise less where chance made it large.
    large = {"A": row([0.50, 0.72, 0.40, 0.60], [0.41, 0.44, 0.42, 0.40]), "B": B}
    assert answer(A_BEATS_B, large).seeds > answered.seeds
    nothing = answer(A_BEATS_B, {"A": B, "B": B})
    assert (nothing.verdict, nothing.seeds) == ("no difference", None)


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
        ("[[claims]]", "margin = 0\n[[claims]]", "margin must be percentage points, above 0"),
        ("[[claims]]", "margin = nan\n[[claims]]", "margin is nan; give a finite number"),
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
