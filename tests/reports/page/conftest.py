"""A small results folder whose cells keep their rankings, and its report."""

from dataclasses import replace
from pathlib import Path

import pytest

from crossres.benchmark import load_table
from crossres.reports.write import write_report
from tests.reports.conftest import Drawn, draw_results
from tests.reports.rankings import add_rankings

RANKED_TABLE = replace(load_table("table2"), datasets=("mlr-market", "mlr-viper"))


@pytest.fixture(scope="session")
def ranked(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """Three rows, two sets and two seeds with rankings; not to be changed by a test."""
    drawn = draw_results(tmp_path_factory.mktemp("ranked"), RANKED_TABLE, seeds=(0, 1))
    add_rankings(drawn.folder, drawn.records)
    return drawn


@pytest.fixture(scope="session")
def ranked_report(ranked: Drawn) -> Path:
    """The page of its report."""
    return write_report(ranked.folder)[0]
