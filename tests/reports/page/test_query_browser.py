"""What the query browser is given: the data of each set of queries, and files of thumbnails."""

import base64
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crossres.benchmark.records.artifacts import ArtifactFolder, artifact_path, write_artifact
from crossres.benchmark.records.images import ImageFolder
from crossres.reports import build_grids
from crossres.reports.charts.looks import looks_of
from crossres.reports.page import query_browser as module
from crossres.reports.page.query_browser import (
    Browser,
    RankedCell,
    browser_of,
    query_set,
    read_rankings,
)
from crossres.reports.write import write_report
from tests.reports.conftest import Drawn, draw_results
from tests.reports.page.conftest import RANKED_TABLE
from tests.reports.rankings import FAR, QUERIES, add_rankings


def browser_for(drawn: Drawn, folder: Path | None = None, *, embedded: bool = False) -> Browser:
    results = folder or drawn.folder
    artifacts = ArtifactFolder(results)
    (grid,) = build_grids(drawn.records, drawn.table)
    found = browser_of(
        [(grid, "x")],
        artifacts,
        ImageFolder(results),
        looks_of([grid.table]),
        embedded=embedded,
    )
    assert artifacts.problems == ()
    return found


def loaded(files: Mapping[str, str]) -> dict[str, Any]:
    """What the files hand to the script, by name."""
    calls = [re.fullmatch(r"crossresQueries\((\"[^\"]+\"),(.*)\);\n", t) for t in files.values()]
    assert all(calls)
    return {json.loads(call[1]): json.loads(call[2]) for call in calls if call}


def test_rows_have_what_their_artifacts_hold(ranked: Drawn) -> None:
    browser = browser_for(ranked)
    assert [(s.column, s.seed) for s in browser.sets] == [
        ("MLR-Market-1501", 0), ("MLR-Market-1501", 1), ("MLR-VIPeR", 0), ("MLR-VIPeR", 1)
    ]  # fmt: skip
    contents = loaded(browser.files)
    for of_seed in browser.sets:
        data, uris = contents[of_seed.name], contents[f"{of_seed.name}-0"]
        assert data["total"] == len(data["names"]) == QUERIES
        assert [row["label"] for row in data["rows"]] == [row.label for row in RANKED_TABLE.rows]
        for row in data["rows"]:
            arrays = np.load(artifact_path(ranked.folder, row["key"]))
            assert data["names"] == arrays["scored_names"].tolist()
            assert data["pids"] == arrays["scored_pids"].tolist()
            assert row["ranks"] == arrays["first_ranks"].tolist()
            assert row["pids"] == arrays["ranked_pids"].ravel().tolist()
            expected = 1 / arrays["first_ranks"]
            np.testing.assert_allclose(row["ap"], expected, rtol=1e-3)
            assert row["rank1"] == (arrays["first_ranks"] == 1).tolist()
            rows = np.column_stack([arrays["ranked_rows"], arrays["first_rows"]]) + QUERIES
            shown = [uris[k] for k in row["images"]]
            thumbnails = ImageFolder(ranked.folder).read(_pixels(ranked, row["key"]))
            for uri, number in zip(shown, rows.ravel().tolist(), strict=True):
                content = base64.b64decode(uri.removeprefix("data:image/webp;base64,"))
                assert content == thumbnails[number].content
                assert content[8:12] == b"WEBP"


def _pixels(drawn: Drawn, key: str) -> str:
    return next(record.digests["pixels"] for record in drawn.records if record.key == key)


def test_what_is_said_of_the_gallery_depends_on_the_tables_rule(ranked: Drawn) -> None:
    browser = browser_for(replace(ranked, table=replace(ranked.table, gallery="multi-shot")))
    contents = loaded(browser.files)
    assert {contents[query_set.name]["gallery"] for query_set in browser.sets} == {
        "Right, wrong, AP and rank-1 are those in the multi-shot gallery; "
        "the tables are of it, too."
    }
    data = contents[browser.sets[0].name]
    ranks = np.array(data["rows"][0]["ranks"])
    np.testing.assert_allclose(data["rows"][0]["ap"], 1 / ranks, rtol=1e-3)


def test_images_come_in_the_order_of_the_queries(
    ranked: Drawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IMAGES_IN_FILE", 5)
    browser = browser_for(ranked)
    contents = loaded(browser.files)
    data = contents[browser.sets[0].name]
    wanted = np.column_stack([data["images"], *(
        np.reshape(row["images"], (QUERIES, 6)) for row in data["rows"]
    )])  # fmt: skip
    assert list(dict.fromkeys(wanted.ravel().tolist())) == list(range(wanted.max() + 1))
    chunks = [contents[f"{browser.sets[0].name}-{k}"] for k in range(-(-(wanted.max() + 1) // 5))]
    assert {len(chunk) for chunk in chunks[:-1]} == {5}
    assert sum(map(len, chunks)) == wanted.max() + 1 == len(data["imageNames"])
    assert json.loads(browser.index)["most"] == 5


def test_of_drawn_queries_those_that_were_drawn(tmp_path: Path) -> None:
    table = replace(RANKED_TABLE, datasets=("mlr-viper",))
    drawn = draw_results(tmp_path, table, seeds=(0,))
    add_rankings(tmp_path, drawn.records, total=2 * QUERIES)
    browser = browser_for(drawn)
    (data,) = (loaded(browser.files)[s.name] for s in browser.sets)
    assert (data["total"], len(data["names"])) == (2 * QUERIES, QUERIES)
    assert data["names"][:3] == ["query/0000_c0.jpg", "query/0002_c2.jpg", "query/0004_c1.jpg"]
    assert data["rates"][:3] == [2, 4, 3]
    assert data["rows"][0]["ap"][1:3] == [1 / FAR, 1.0]


def test_cells_with_other_queries_are_a_set_of_their_own(ranked: Drawn) -> None:
    other = {"pixels": "0" * 64}
    records = [
        replace(r, digests={**r.digests, **other}) if r.cell.method == ranked.records[0].cell.method
        and r.cell.options == ranked.records[0].cell.options else r
        for r in ranked.records
    ]  # fmt: skip
    browser = browser_for(replace(ranked, records=tuple(records)))
    assert len({query_set.name for query_set in browser.sets}) == len(browser.sets) == 8
    contents = loaded(browser.files)
    market = [s for s in browser.sets if s.column.startswith("MLR-Market-1501") and s.seed == 0]
    assert [s.column for s in market] == [
        "MLR-Market-1501 · mlr-perid (1)", "MLR-Market-1501 · mlr-perid (2)"
    ]  # fmt: skip
    assert [len(contents[s.name]["rows"]) for s in market] == [1, 2]
    assert not any(contents[market[0].name]["imageNames"])  # of those pixels there are none


def test_without_rankings_or_images(ranked: Drawn, tmp_path: Path) -> None:
    shutil.copytree(ranked.folder, tmp_path, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "images")
    keys = {r.key for r in ranked.records if r.cell.dataset == "mlr-viper"}
    one_row = next(r.key for r in ranked.records if r.key not in keys and r.cell.seed == 0)
    for key in (*keys, one_row):  # as older versions wrote them
        with np.load(artifact_path(tmp_path, key)) as opened:
            kept = {n: opened[n] for n in opened.files if not n.startswith(("ranked", "first"))}
        write_artifact(tmp_path, key, kept)
    browser = browser_for(ranked, tmp_path)
    contents = loaded(browser.files)
    assert {s.column for s in browser.sets} == {"MLR-Market-1501"}
    assert [len(contents[s.name]["rows"]) for s in browser.sets] == [2, 3]
    first = browser.sets[0].name
    assert set(contents[f"{first}-0"]) == set(contents[first]["imageNames"]) == {""}


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("first_ranks", np.arange(3), "first_ranks has the shape (3,), not (12,)"),
        ("ranked_rows", np.zeros((QUERIES, 4)), "ranked_rows has the shape (12, 4), not (12, 5)"),
        ("scored_pids", np.zeros(5, int), "scored_pids has the shape (5,), not (12,)"),
        ("ranked_queries", np.full(QUERIES, 99), "ranked_queries names a query that is none of 12"),
        ("ranked_queries", np.full(QUERIES, -1), "ranked_queries names a query that is none of 12"),
        ("ranked_queries", np.zeros(QUERIES), "ranked_queries names no queries"),
    ],
)
def test_damaged_rankings_are_named(
    ranked: Drawn, tmp_path: Path, name: str, value: Any, fault: str
) -> None:
    record = ranked.records[0]
    shutil.copytree(ranked.folder, tmp_path, dirs_exist_ok=True)
    path = artifact_path(tmp_path, record.key)
    with np.load(path) as opened:
        write_artifact(tmp_path, record.key, {n: opened[n] for n in opened.files} | {name: value})
    (grid,) = build_grids(ranked.records, ranked.table)
    artifacts = ArtifactFolder(tmp_path)
    browser = browser_of([(grid, "x")], artifacts, ImageFolder(tmp_path), looks_of([grid.table]))
    assert len(loaded(browser.files)[browser.sets[0].name]["rows"]) == 2
    assert len(artifacts.problems) == 1
    assert artifacts.problems[0].startswith(f"{path}: {fault}; ")


def test_an_odd_name_ends_no_script(ranked: Drawn) -> None:
    record, odd = ranked.records[0], "</script><script>alert(1)</script> \u2028 ü"
    arrays = read_rankings(ArtifactFolder(ranked.folder), record.key)
    assert arrays is not None
    names = np.full_like(arrays["scored_names"], odd, dtype=f"U{len(odd)}")
    cell = RankedCell("a row", "", record, {**arrays, "scored_names": names})
    browser = Browser([query_set("x", ("a table", odd, 0), "multi-shot", [cell], {})], True)
    texts = [browser.index, *(text for _, text in browser.blocks)]
    assert not any("<" in text for text in texts)
    assert all(text.isascii() for text in texts)
    assert json.loads(texts[0])["sets"][0]["column"] == odd
    assert json.loads(texts[1])["names"] == [odd] * QUERIES
    assert browser.files == {}


def test_files_lie_beside_the_page_or_in_it(
    ranked: Drawn, ranked_report: Path, tmp_path: Path
) -> None:
    shutil.copytree(ranked.folder, tmp_path, dirs_exist_ok=True)
    queries = tmp_path / "report" / "queries"
    before = {path.name: path.read_bytes() for path in queries.iterdir()}
    assert before == {p.name: p.read_bytes() for p in (ranked_report.parent / "queries").iterdir()}
    assert len(before) == 8  # of each set and seed the data, and one file of images
    (queries / "of-an-earlier-report.js").write_text("")
    (queries / "mine.txt").write_text("")
    paths = write_report(tmp_path)
    assert paths[-1] == queries
    assert {path.name for path in queries.iterdir()} == {*before, "mine.txt"}
    assert all((queries / name).read_bytes() == content for name, content in before.items())
    page = paths[0].read_text(encoding="utf-8")
    assert "script-src 'self' 'unsafe-inline'" in page
    assert len(page) < 3 * 10**6

    (queries / "mine.txt").unlink()
    whole = write_report(tmp_path, single_file=True)
    assert not queries.exists()
    assert queries not in whole
    page = whole[0].read_text(encoding="utf-8")
    assert "script-src 'unsafe-inline'" in page
    assert page.count('id="queries-data-') == 8
