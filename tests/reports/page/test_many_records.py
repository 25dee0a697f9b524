"""A page of more records than a browser bears names most of them; each link still has its place."""

import re
import shutil
from pathlib import Path

import pytest

from crossres.reports.page import page
from crossres.reports.write import contents_of, write_contents
from tests.reports.conftest import Drawn


def test_most_of_many_records_are_named(
    drawn: Drawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = tmp_path / "results"
    shutil.copytree(drawn.folder, results, ignore=shutil.ignore_patterns("report"))
    monkeypatch.setattr(page, "MOST_WHOLE", len(drawn.records) - 1)
    index = write_contents(contents_of(results, [drawn.table]))[0]
    html = index.read_text(encoding="utf-8")
    places = re.findall(r'id="r-([0-9a-f]{20})"', html)
    assert sorted(places) == sorted(record.key for record in drawn.records)
    assert set(re.findall(r'href="#r-([0-9a-f]{20})"', html)) <= set(places)
    assert set(re.findall(r"\.\./records/([0-9a-f]{20})\.json", html)) == set(places)
    whole = len(drawn.table.rows) * len(drawn.table.datasets)
    assert html.count('<div class="record"') == whole
    assert html.count("all records in full") == whole
