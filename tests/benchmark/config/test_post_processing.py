"""Post-processing in table files: what is read, what is refused, and that its mark stays."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from crossres.benchmark.config.post_processing import in_words, post_processing_from
from crossres.benchmark.config.tables import Row, Table, load_table, select_rows
from crossres.datasets.base.errors import InputError

TABLE = """
id = "mine"
metrics = ["mAP"]
datasets = ["mlr-viper"]
seeds = [0]
reference = "A + mirrored"

[[rows]]
label = "A"
method = "plain"

[[rows]]
label = "A + mirrored"
latex = "A$_m$"
method = "plain"
post_processing = { mirror = true, rerank = {} }

[[rows]]
label = "B"
method = "plain"
options = { networks = 2 }
post_processing = { mirror = false, shifts = 0, pyramid = [] }
"""


def table_with(tmp_path: Path, *changes: tuple[str, str]) -> Table:
    text = TABLE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return load_table(path)


def test_rows_are_marked_and_their_parameters_resolved(tmp_path: Path) -> None:
    plain, mirrored, nothing = table_with(tmp_path).rows
    assert (plain.label, plain.post_processing) == ("A", {})
    assert (nothing.label, nothing.post_processing) == ("B", {})
    assert (mirrored.label, mirrored.latex) == ("A + mirrored †", r"A$_m$\textsuperscript{\dag}")
    rerank = {"k1": 20, "k2": 6, "original": 0.3}
    assert mirrored.post_processing == {"mirror": True, "rerank": rerank}
    assert replace(mirrored) == mirrored


def test_the_mark_cannot_be_left_out_or_made_up() -> None:
    assert Row("A", "plain", post_processing={"mirror": True}).label == "A †"
    assert Row("A †", "plain", post_processing={"mirror": True}).label == "A †"
    with pytest.raises(ValueError, match="† marks rows with post_processing"):
        Row("A †", "plain")


def test_rows_are_named_with_and_without_the_mark(tmp_path: Path) -> None:
    table = table_with(tmp_path)
    assert table.reference == "A + mirrored †"
    for name in ("A + mirrored", "A + mirrored †", "2"):
        assert select_rows(table, [name]) == (table.rows[1],)
    both = table_with(tmp_path, ("A + mirrored", "A"))
    assert [select_rows(both, [name])[0].label for name in ("A", "A †")] == ["A", "A †"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{ flop = true }", "unknown entry 'flop'"),
        ("{ rerank = true }", "rerank must be a table, not True; rerank = {} has the published"),
        ("{ rerank = { k1 = 0 } }", "rerank: k1 must be within 1 and 1000, not 0"),
        ("{ rerank = { k2 = 22 } }", "rerank: k2 must be within 1 and 21, not 22"),
        ("{ rerank = { lambda = 0.3 } }", "unknown entry 'lambda'"),
        ("{ rerank = { original = 1.5 } }", "original must be within 0 and 1"),
        ("{ expansion = { k = 0 } }", "k must be within 1 and 1000"),
        ("{ expansion = { alpha = -1 } }", "alpha must be within 0 and 100"),
        ("{ expansion = {}, pyramid = [2] }", "leave one of them out"),
        ("{ shifts = true }", "shifts must be a finite number"),
        ("{ shifts = 9 }", "shifts must be within 0 and 8"),
        ("{ pyramid = [4, 2] }", "pyramid must have rising factors"),
        ("{ pyramid = [1] }", "a factor of pyramid must be within 2 and 8, not 1"),
        ("[1]", "post_processing must be a table"),
    ],
)
def test_what_is_wrong_is_said_with_the_file(tmp_path: Path, content: str, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        table_with(tmp_path, ("{ mirror = true, rerank = {} }", content))
    text = str(caught.value)
    assert reason in text
    assert "\n" not in text
    assert f"{tmp_path / 'mine.toml'}, row 2" in text


def test_a_label_with_the_mark_of_others_is_refused_with_the_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"mine\.toml, row 3: † marks rows"):
        table_with(tmp_path, ('"B"', '"B †"'))


def test_content_is_read_back() -> None:
    content: dict[str, Any] = {
        "mirror": True,
        "shifts": 0.5,
        "pyramid": [2, 4],
        "restorations": True,
        "rerank": {"k1": 5, "k2": 2, "original": 0.0},
    }
    assert post_processing_from(content, "here").content() == content
    assert post_processing_from({}, "here").content() == {}
    assert in_words(content) == (
        "mirrored images, shifts of 0.5 pixels, pyramid 2+4, restorations, "
        "k-reciprocal re-ranking (k1 5, k2 2, lambda 0.0)"
    )
    assert in_words(None) == ""
    assert in_words({"later": {"a": "b"}}) == "later (a b)"  # a record of another version
