"""Galleries and chains: the same queries for every row, frames by identity, damage never fatal."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crossres.benchmark.records.artifacts import ArtifactFolder, artifact_path
from crossres.reports import build_grids
from crossres.reports.page.gallery import (
    MOST_QUERIES,
    pictures,
    pictures_fault,
    queries_for,
    rate_words,
)
from crossres.reports.write import write_report


def test_rows_answer_the_same_queries(drawn) -> None:
    (grid,) = build_grids(drawn.records, drawn.table)
    artifacts = ArtifactFolder(drawn.folder)
    for column in grid.columns:
        answers = pictures(grid, column, artifacts, MOST_QUERIES)
        assert answers.seed == 0
        assert len(answers.queries) == MOST_QUERIES
        for query in answers.queries:
            assert [ranking.row for ranking in query.rankings] == [0, 1, 2]
            assert f"{query.pid:04d}" in query.shot.title
            for ranking in query.rankings:
                arrays = np.load(drawn.folder / "artifacts" / f"{ranking.key}.npz")
                names = [f"query {name}, identity {query.pid}" for name in arrays["query_names"]]
                number = names.index(query.shot.title)
                correct = arrays["top_pids"][number] == arrays["query_pids"][number]
                assert [shot.correct for shot in ranking.top] == correct.tolist()
                assert ranking.match_rank == arrays["match_ranks"][number]
    assert artifacts.problems == ()


def test_what_most_rows_get_wrong_comes_first(drawn, tmp_path: Path) -> None:
    (grid,) = build_grids(drawn.records, drawn.table)
    column = grid.columns[0]
    shutil.copytree(drawn.folder / "artifacts", tmp_path / "artifacts")
    # Query 1 is wrong in one row, 2 in all rows, 0 nowhere; so is 4, but by less than 2.
    ranks = {0: [1, 9, 5, 1, 2], 1: [1, 1, 5, 1, 2], 2: [1, 1, 5, 1, 2]}
    for row, wrong in ranks.items():
        path = tmp_path / "artifacts" / f"{grid.cells[row, column].records[0].key}.npz"
        arrays = dict(np.load(path))
        arrays["match_ranks"] = np.array([*wrong, *[1] * (len(arrays["match_ranks"]) - 5)])
        np.savez(path, **arrays)
    names = [f"query {name}, identity {pid}" for name, pid in
             zip(arrays["query_names"], arrays["query_pids"], strict=True)]  # fmt: skip
    answers = pictures(grid, column, ArtifactFolder(tmp_path), 4)
    assert [names.index(query.shot.title) for query in answers.queries] == [2, 4, 1, 0]


@pytest.mark.parametrize(
    ("queries", "said"),
    [
        (3, "shown are 3: first those that most rows get wrong, and where these are fewer, "
            "those that all rows get right."),
        (1, "shown is the one that most rows get wrong, or, where there is none, one that all "
            "get right."),
    ],
)  # fmt: skip
def test_it_is_said_how_queries_are_chosen(
    drawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, queries: int, said: str
) -> None:
    shutil.copytree(drawn.folder, tmp_path / "results")
    monkeypatch.setattr("crossres.reports.page.page.queries_for", lambda _: queries)
    assert said in write_report(tmp_path / "results", [drawn.table])[0].read_text()


def test_chains_have_the_steps_of_their_row(drawn) -> None:
    (grid,) = build_grids(drawn.records, drawn.table)
    answers = pictures(grid, grid.columns[0], ArtifactFolder(drawn.folder), 2)
    assert [chain.labels for chain in answers.chains] == [
        ("input", "IR_1"),
        *[("input", "IR_1/3", "IR_1/2", "IR_1")] * 2,
    ]
    assert {len(chain.images) for chain in answers.chains} == {2}


def copied_artifact(drawn: Any, key: str, folder: Path) -> tuple[Path, dict[str, Any]]:
    """The artifact of a cell, in a copy of all artifacts, where a test may change it."""
    shutil.copytree(drawn.folder / "artifacts", folder / "artifacts")
    path = folder / "artifacts" / f"{key}.npz"
    return path, dict(np.load(path))


def test_a_chain_ends_with_the_original_where_one_was_kept(drawn, tmp_path: Path) -> None:
    (grid,) = build_grids(drawn.records, drawn.table)
    column = grid.columns[0]
    key = grid.cells[1, column].records[0].key
    path, arrays = copied_artifact(drawn, key, tmp_path)
    arrays["query_rates"][0] = 1  # HR: it has no original
    arrays["chain_originals"] = arrays["chain_images"][:, -1]
    np.savez(path, **arrays)
    chains = {c.key: c for c in pictures(grid, column, ArtifactFolder(tmp_path), 6).chains}
    lasts = [steps[-1].title for steps in chains.pop(key).images]
    assert lasts.count("HR original") == len(lasts) - 1
    assert {steps[-1].title for c in chains.values() for steps in c.images} == {"IR_1"}
    arrays["chain_originals"] = arrays["chain_originals"][:, :-1]
    np.savez(path, **arrays)
    damaged = pictures(grid, column, ArtifactFolder(tmp_path), 6)
    assert {s[-1].title for c in damaged.chains for s in c.images} == {"IR_1"}


def test_a_row_that_kept_other_queries_is_left_out_of_them(drawn, tmp_path: Path) -> None:
    (grid,) = build_grids(drawn.records, drawn.table)
    column = grid.columns[0]
    path, arrays = copied_artifact(drawn, grid.cells[1, column].records[0].key, tmp_path)
    arrays["query_names"] = np.array([f"other/{name}" for name in arrays["query_names"]])
    np.savez(path, **arrays)
    answers = pictures(grid, column, ArtifactFolder(tmp_path), 2)
    assert [[r.row for r in query.rankings] for query in answers.queries] == [[0, 2], [0, 2]]


@pytest.mark.parametrize("damage", ["cut", "text", "pickle", "lacking", "empty"])
def test_damaged_artifacts_are_named(tmp_path: Path, damage: str) -> None:
    path = artifact_path(tmp_path, "x")
    path.parent.mkdir()
    np.savez(path, query_images=np.zeros((1, 4, 4, 3), np.uint8))
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-40])
    elif damage == "text":
        path.write_text("not an archive")
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "pickle":
        np.savez(path, query_images=np.array([{"a": 1}], dtype=object))
    artifacts = ArtifactFolder(tmp_path)
    for _ in range(2):
        assert artifacts.read("x", (), pictures_fault, optional=("query_images",)) is None
    (problem,) = artifacts.problems
    assert problem.startswith(f"{path}: ")
    assert problem.endswith("; delete it and its record, then run again")


def test_a_damaged_artifact_is_a_line_in_the_report(drawn, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    shutil.copytree(drawn.folder, folder)
    key = drawn.records[0].key
    (folder / "artifacts" / f"{key}.npz").write_bytes(b"PK\x03\x04 half")
    html = write_report(folder)[0].read_text(encoding="utf-8")
    assert f"artifacts/{key}.npz: not a readable artifact" in html
    assert str(tmp_path) not in html


def test_large_tables_show_fewer_queries(drawn) -> None:
    (grid,) = build_grids(drawn.records, drawn.table)
    assert queries_for([grid]) == MOST_QUERIES
    assert queries_for([grid] * 4) == 1


def test_rates_in_words() -> None:
    assert [rate_words(rate) for rate in (0, 1, 3)] == ["natively LR", "HR", "LR, 1/3"]
