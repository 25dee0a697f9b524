"""Files of users are read in one way, whatever program saved them; else one line says why not."""

import codecs
from pathlib import Path

import pytest

from crossres.datasets.base.bounds import HIGHEST_SEED, SEEDS, checked_count, checked_seeds
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.suggest import did_you_mean
from crossres.datasets.base.texts import plain_number, read_csv, read_json, read_text, read_toml

TEXT = 'label = "Größe λ"\n\nnext = 1\n'
COLUMNS = ("row", "value")


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace("\n", "\r").encode(),
        codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + TEXT.replace("\n", "\r\n").encode("utf-16-be"),
    ],
)
def test_marks_line_ends_and_utf_16_are_taken(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "t.toml"
    file.write_bytes(content)
    assert read_text(file, "text") == TEXT
    assert read_toml(file, "table") == {"label": "Größe λ", "next": 1}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("a\nGröße\n".encode("latin-1"), "line 2 is not UTF-8 text"),
        ("ab\n".encode("utf-16-le"), "line 1 holds the character NUL"),
        (codecs.BOM_UTF32_LE + "ab\n".encode("utf-32-le"), "line 1 holds the character NUL"),
        (codecs.BOM_UTF16_LE + b"a", "line 1 is not UTF-8 text"),
        (None, "it does not exist"),
    ],
)
def test_what_can_only_be_guessed_is_refused(
    content: bytes | None, reason: str, tmp_path: Path
) -> None:
    file = tmp_path / "t.toml"
    if content is not None:
        file.write_bytes(content)
    for read in (read_text, read_toml):
        with pytest.raises(InputError) as caught:
            read(file, "table")
        assert str(file) in str(caught.value)
        assert reason in str(caught.value)


def test_a_folder_and_a_name_that_cannot_be_are_refused(tmp_path: Path) -> None:
    for file in (tmp_path, tmp_path / "a\0b", tmp_path / ("x" * 300)):
        with pytest.raises(InputError, match="not a readable text"):
            read_text(file, "text")


@pytest.mark.parametrize(
    "content",
    [
        "row,value\nA,1\n\nB,2\n",
        "row;value\nA;1\n;\nB;2\n",
        "row\tvalue\nA\t1\n\n\nB\t2\n",
        '"row", "value"\n"A", "1"\n"B","2"',
    ],
)
def test_separators_quotes_and_blank_lines(content: str, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(content)
    rows = [values for _, values in read_csv(tmp_path / "p.csv", "list", COLUMNS)]
    assert rows == [{"row": "A", "value": "1"}, {"row": "B", "value": "2"}]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "the first line must be row,value"),
        ("row,values\n", "the first line must be row,value"),
        ("row,value\nA,1\nB\n", "line 3: has 1 fields; needs 2"),
        ('row,value\n"A,1\nB,2\n', "a quote is not closed"),
    ],
)
def test_a_wrong_csv_is_named(content: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(content)
    with pytest.raises(InputError) as caught:
        read_csv(tmp_path / "p.csv", "list", COLUMNS)
    assert f"{tmp_path / 'p.csv'}" in str(caught.value)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("text", "number"),
    [("29.9", 29.9), ("29,9", 29.9), (" 7 ", 7.0), ("-1", -1.0), ("inf", None), ("nan", None),
     ("1e999", None), ("1_0", None), ("29.9%", None), ("1,2,3", None), ("", None), ("٣", None)],
)  # fmt: skip
def test_plain_numbers(text: str, number: float | None) -> None:
    assert plain_number(text) == number


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a = inf", "a is inf; give a finite number"),
        ("a = -nan", "a is nan; give a finite number"),
        ("a = 1e999", "a is inf; give a finite number"),
        ("[t]\na = { b = [1.0, nan] }", "t.a.b, item 2 is nan"),
        ("a = 2020-01-01", "a is the date or time 2020-01-01; put it in quotes"),
        ("a = 07:30:00", "a is the date or time 07:30:00"),
        (f"a = 1{'0' * 30}", "a is a whole number beyond 2^53"),
        (f"a = 1{'0' * 5000}", "not valid TOML"),
        (f"a = {'[' * 5000}", "not valid TOML"),
        ("a = ", "not valid TOML"),
    ],
)
def test_what_is_no_number_in_toml_is_named(line: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text(line + "\n")
    with pytest.raises(InputError) as caught:
        read_toml(tmp_path / "t.toml", "table")
    assert str(tmp_path / "t.toml") in str(caught.value)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "NaN",
        "[-Infinity]",
        '{"a": 1e999}',
        f"{'9' * 250}e60",
        f"9{'0' * 309}.5",
        "[" * 100_000,
    ],
)
def test_json_holds_finite_numbers_alone(text: str, tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text(text)
    with pytest.raises(InputError, match=r"not a readable baseline .*; make it again"):
        read_json(tmp_path / "b.json", "baseline", "make it again")
    (tmp_path / "b.json").write_bytes(codecs.BOM_UTF8 + b'{"a": 1.5}\r\n')
    assert read_json(tmp_path / "b.json", "baseline", "make it again") == {"a": 1.5}


@pytest.mark.parametrize(
    ("seeds", "reason"),
    [
        ((), "0 seeds; give from 1 to"),
        ((0, 1, 0), "seed 0 stands twice"),
        ((True,), "seed True must be an integer"),
        ((0.5,), "seed 0.5 must be an integer"),
        ((-1,), "seed -1 must be an integer from 0"),
        ((HIGHEST_SEED + 1,), f"from 0 to {HIGHEST_SEED}"),
        (range(SEEDS + 1), f"{SEEDS + 1} seeds; give from 1 to {SEEDS}"),
    ],
)
def test_seeds_are_bounded(seeds: tuple[object, ...], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        checked_seeds(seeds)
    assert checked_seeds(range(SEEDS)) == tuple(range(SEEDS))


@pytest.mark.parametrize("value", [0, 11, True, 5.0, "5"])
def test_counts_are_bounded(value: object) -> None:
    with pytest.raises(InputError, match="jobs must be an integer from 1 to 10, not"):
        checked_count(value, "jobs", 10)
    assert checked_count(10, "jobs", 10) == 10


def test_near_names_are_suggested() -> None:
    names = ["MLR-VIPeR", "MLR-Market-1501", "rank1"]
    assert did_you_mean("mlr-vipr", names) == " (did you mean 'MLR-VIPeR'?)"
    assert did_you_mean("Rank-1", names) == " (did you mean 'rank1'?)"
    assert did_you_mean("xyz", names) == did_you_mean("", []) == ""
