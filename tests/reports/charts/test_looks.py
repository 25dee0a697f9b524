"""Looks of rows: the same wherever a row stands, legible on both papers, and told apart."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest

from crossres.benchmark import Row, Table, built_in_tables, load_table
from crossres.methods import method_names
from crossres.reports.charts.looks import Look, colours_apart, looks_of
from crossres.reports.charts.oklch import apart, colour_at, hue_of, linear_rgb, oklab
from crossres.reports.write import write_report

TABLE1, TABLE2 = load_table("table1"), load_table("table2")
STYLE = Path(__file__).parents[3] / "reports" / "templates" / "style.css"
PAPERS = ("#fdfdfb", "#131517")
# Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB.
DEFICIENCIES = {
    "protan": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deutan": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritan": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def contrast(colour: str, paper: str) -> float:
    """The contrast ratio of WCAG 2."""
    light = [
        sum(w * v for w, v in zip((0.2126, 0.7152, 0.0722), linear_rgb(c), strict=True))
        for c in (colour, paper)
    ]
    return (max(light) + 0.05) / (min(light) + 0.05)


def seen(colour: str, deficiency: str) -> str:
    """The colour as a reader with a deficiency of colour vision sees it."""
    matrix, rgb = DEFICIENCIES[deficiency], linear_rgb(colour)
    light = [sum(a * b for a, b in zip(row, rgb, strict=True)) for row in matrix]
    coded = [min(1, max(0, v)) ** (1 / 2.4) * 1.055 - 0.055 for v in light]
    return "#" + "".join(f"{max(0, round(255 * v)):02x}" for v in coded)


def many(count: int) -> Table:
    """A table of rows that nobody has given a look."""
    rows = tuple(Row(f"row {k}", "plain", {"networks": k + 2}) for k in range(count))
    return replace(TABLE2, rows=rows)


def looks_in(table: Table) -> list[Look]:
    looks = looks_of([table])
    return [looks.of(row) for row in table.lines]


def test_the_colour_space_is_the_published_one() -> None:
    assert oklab("#ffffff") == pytest.approx((1, 0, 0), abs=1e-4)
    assert oklab("#ff0000") == pytest.approx((0.62796, 0.22486, 0.12585), abs=1e-4)
    assert oklab("#0000ff") == pytest.approx((0.45201, -0.03246, -0.31153), abs=1e-4)
    lightness, a, b = oklab("#3b7aa9")
    assert colour_at(lightness, (a**2 + b**2) ** 0.5, hue_of("#3b7aa9")) == "#3b7aa9"
    assert max(linear_rgb(colour_at(0.7, 0.4, 150))) <= 1
    assert hue_of("#ff0000") == pytest.approx(29.23, abs=0.01)


@pytest.mark.parametrize("table", [*built_in_tables(), many(60)], ids=lambda table: table.id)
def test_looks_are_legible_on_both_papers(table: Table) -> None:
    for look in looks_in(table):
        assert contrast(look.light, PAPERS[0]) >= 4.5
        assert contrast(look.light, "#ffffff") >= 4.5
        assert contrast(look.dark, PAPERS[1]) >= 4.5


@pytest.mark.parametrize("table", [*built_in_tables(), many(60)], ids=lambda table: table.id)
def test_no_look_is_near_black_on_light_paper_or_near_white_on_dark(table: Table) -> None:
    for look in looks_in(table):
        assert oklab(look.light)[0] >= 0.38
        assert oklab(look.dark)[0] <= 0.87


def test_rows_of_table_1_are_far_apart_on_light_paper() -> None:
    looks = looks_of([TABLE1])
    rows = [looks.of(row).light for row in TABLE1.rows]
    assert min(apart(first, second) for first, second in combinations(rows, 2)) >= 0.095


def test_the_papers_are_those_of_the_page() -> None:
    css = STYLE.read_text(encoding="utf-8")
    assert [f"--paper: {paper};" in css for paper in PAPERS] == [True, True]


@pytest.mark.parametrize("table", [*built_in_tables(), many(24)], ids=lambda table: table.id)
def test_rows_of_one_table_are_told_apart(table: Table) -> None:
    for first, second in combinations(looks_in(table), 2):
        distance = colours_apart(first, second)
        assert distance >= (0.075 if first.dashes == second.dashes else 0.03)


@pytest.mark.parametrize("table", [TABLE1, TABLE2, load_table("extended")], ids=lambda t: t.id)
def test_msifla_is_told_from_others_by_colour_blind_readers(table: Table) -> None:
    looks = looks_of([table])
    (ours,) = {looks.of(row) for row in table.rows if looks.of(row).is_strong}
    others = [looks.of(row) for row in table.rows if looks.of(row) != ours]
    assert others
    for deficiency in DEFICIENCIES:
        for other in others:
            for one, two in ((ours.light, other.light), (ours.dark, other.dark)):
                assert apart(seen(one, deficiency), seen(two, deficiency)) >= 0.06


def test_the_variants_of_table_2_are_told_apart_by_colour_blind_readers() -> None:
    looks = looks_of([TABLE2])
    for first, second in combinations([looks.of(row) for row in TABLE2.rows], 2):
        for deficiency in DEFICIENCIES:
            for one, two in ((first.light, second.light), (first.dark, second.dark)):
                assert apart(seen(one, deficiency), seen(two, deficiency)) >= 0.06


def test_every_built_in_method_has_a_look_of_its_own() -> None:
    names = [name for name in method_names() if ":" not in name]
    rows = tuple(Row(name, name) for name in names)
    alone = [looks_of([replace(TABLE1, rows=(row,), oracle=None)]).of(row) for row in rows]
    together = looks_of([replace(TABLE1, rows=rows[::-1])])
    assert alone == [together.of(row) for row in rows]
    assert len({(look.light, look.dark) for look in alone}) == len(names)


def test_a_look_belongs_to_the_method_and_its_options_not_to_the_place() -> None:
    table = many(20)
    other_way = replace(table, rows=table.rows[::-1])
    renamed = replace(
        table, rows=tuple(replace(row, label=row.label.upper()) for row in table.rows)
    )
    looks = looks_of([table, TABLE1])
    for row in table.rows:
        assert looks_of([TABLE1, other_way]).of(row) == looks.of(row)
        assert looks_of([renamed, TABLE1]).of(row) == looks.of(row)
    both = looks_of([TABLE1, TABLE2])
    assert both.of(TABLE1.rows[-1]) == both.of(TABLE2.rows[-1])


def test_a_variant_alone_has_the_hue_of_its_method_and_another_line() -> None:
    own, variant = Row("SING", "sing"), Row("SING without SR", "sing", {"sr": "none"})
    looks = looks_of([replace(TABLE1, rows=(own, variant), oracle=None)])
    assert hue_of(looks.of(variant).light) == pytest.approx(hue_of(looks.of(own).light), abs=4)
    assert looks.of(variant).dashes != looks.of(own).dashes
    assert looks.of(variant) != looks.of(own)


def test_the_page_has_one_class_for_a_row_of_two_tables(draw_two: Path) -> None:
    page = write_report(draw_two)[0].read_text(encoding="utf-8")
    looks = looks_of([TABLE2, load_table("controls")])
    name = looks.css_class(TABLE2.rows[0])
    assert f".{name}{{--k:#5b6472;--dashes:8 3;--width:2}}" in page
    assert page.count(f'class="key {name}"') > 4
    for table in (TABLE2, load_table("controls")):
        for row in table.rows:
            assert f'class="key {looks.css_class(row)}"' in page
    assert "% 7" not in "".join(file.read_text() for file in STYLE.parent.glob("*.j2"))


@pytest.fixture
def draw_two(tmp_path: Path) -> Path:
    """A results folder of two tables that share a row."""
    from tests.reports.conftest import draw_results

    for name in ("table2", "controls"):
        draw_results(tmp_path, load_table(name), datasets=("caviar",), seeds=(0, 1))
    return tmp_path
