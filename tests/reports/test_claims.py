"""Claims in a results folder: as JSON, in the terminal, and as the report's first section."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from crossres.benchmark import Record, load_table
from crossres.benchmark.config.claims import load_claims
from crossres.benchmark.records.record import write_record
from crossres.cli import run
from crossres.reports.claims import effects, evaluate_claims, grids_of, plot, seeds_to_decide
from crossres.reports.write import write_report

TABLE = load_table("table2")


def test_claims_of_the_drawn_table(drawn) -> None:
    (claims,) = evaluate_claims(grids_of(load_claims(), drawn.records), load_claims())
    verdicts = {claim.claim.id: claim.verdict for claim in claims.measured}
    # Rows rise by far on all sets but mlr-sysu: there they are alike, in rank-5 within a point.
    assert verdicts == {
        "cmsr-rank1": "undecided",
        "cmsr-rank5": "does not hold",
        "mr2l-rank1": "undecided",
        "mr2l-rank5": "no difference",
        # Two rows of Table 2 are rows of Table 3, too.
        "three-scales-rank1": "undecided",
        "three-scales-rank5": "no difference",
    }
    (first, second, *_) = claims.measured
    assert effects(first)[0].endswith("; holds on 4 of 5")
    assert effects(second)[0].endswith("; holds on 0 of 3, reversed on 2")
    assert re.fullmatch(r"\d+ seeds", seeds_to_decide(first))
    assert seeds_to_decide(second) == ""


def test_plots_lie_on_their_scale_with_the_sign_as_measured(drawn) -> None:
    (claims,) = evaluate_claims(grids_of(load_claims(), drawn.records), load_claims())
    rises, lowers = plot(claims.measured[0]), plot(claims.measured[1])
    assert [bar.label for bar in rises.bars][:2] == ["CAVIAR", "MLR-Market-1501"]
    for drawn_plot in (rises, lowers):
        for bar in drawn_plot.bars:
            low, high = bar.ends
            assert 0 <= low <= bar.x <= high <= 100
            assert (bar.x > drawn_plot.zero) == bar.text.startswith("+")
    assert lowers.bars[0].x > lowers.zero  # said to fall, measured to rise


def test_the_command_answers(drawn, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["claims", str(drawn.folder)]) == 0
    text = capsys.readouterr().out
    assert "does not hold" in text
    assert "TWIN DATA" in text
    assert run(["claims", str(drawn.folder), "--json"]) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert (result["source"], result["profile"]) == ("twin:quick:1", "quick")
    by_id = {entry["claim"]["id"]: entry for entry in result["claims"]}
    assert by_id["cmsr-rank5"]["verdict"] == "does not hold"
    assert by_id["cmsr-rank5"]["findings"][0]["difference"]["effect"] < 0
    assert by_id["two-scales-rank1"]["verdict"] == "not measured"


def test_bad_folders_and_files_are_one_line(
    drawn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["claims", str(tmp_path)]) == 2
    assert "no results there" in capsys.readouterr().err
    assert run(["claims", str(drawn.folder), "--claims", str(tmp_path / "none.toml")]) == 2
    assert "none.toml: not a readable claims file (it does not exist)" in capsys.readouterr().err


def test_claims_stand_below_the_results_and_above_what_is_folded(report: Path) -> None:
    html = report.read_text(encoding="utf-8")
    order = ('<table class="results">', 'claims-title">Claims<', '<details class="more')
    assert sorted(order, key=html.index) == [*order]
    assert html.count('<article class="claim">') == 4
    assert html.count("verdict does-not-hold") == 1


def test_one_seed_is_said_to_be_too_few(recorder: Callable[..., Record], tmp_path: Path) -> None:
    for index in range(3):
        write_record(tmp_path, recorder(TABLE, index, "caviar", 0))
    write_report(tmp_path)
    html = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "one seed: no interval" in html
    assert "Needed on each data set to decide: more than one seed" in html
