"""The gate's answer as programs, people and CI read it."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from rich.console import Console

from crossres.benchmark import Record
from crossres.benchmark.gate.baseline import Baseline, to_baseline, with_runs
from crossres.benchmark.gate.checkout import Checkout, checkout_of
from crossres.benchmark.gate.folders import FolderCheck, check_folder
from crossres.benchmark.gate.limits import Limits
from crossres.benchmark.gate.power import chances, noise_of, seeds_for, sensitivities
from crossres.benchmark.gate.sight import WANTED
from crossres.benchmark.records.record import write_record
from crossres.datasets import InputError
from crossres.reports.gate.ci import to_annotations, to_junit
from crossres.reports.gate.json import gate_json
from crossres.reports.gate.markdown import to_summary
from crossres.reports.gate.power import power_json, print_power
from crossres.reports.gate.power_figure import power_figure
from crossres.reports.gate.terminal import print_gate
from crossres.reports.tables.markdown import markdown as escape


@pytest.fixture
def check_drawn(drawn: Any, tmp_path: Path) -> Callable[..., FolderCheck]:
    """The drawn results held against a baseline in which every metric is better by `before`."""

    def check(before: float = 0.0, limits: Limits | None = None) -> FolderCheck:
        path = tmp_path / "base.json"
        path.write_text(to_baseline(Baseline(tuple(_moved(r, before) for r in drawn.records))))
        return check_folder(drawn.folder, path, [drawn.table], limits)

    return check


def _moved(record: Record, by: float) -> Record:
    if by == 0:
        return record
    # Each cell by another amount, as training does.
    by += int(record.digests["weights"][:2], 16) / 256 / 50
    metrics = {
        rule: {n: v if n == "valid_queries" else min(1.0, v + by) for n, v in values.items()}
        for rule, values in record.metrics.items()
    }
    return replace(record, metrics=metrics)


def printed(function: Callable[..., None], *arguments: Any) -> str:
    console = Console(width=120, no_color=True, record=True, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115
    function(*arguments, console)
    return console.export_text()


def test_a_passed_gate_says_so_everywhere(check_drawn: Callable[..., FolderCheck]) -> None:
    gate = check_drawn(limits=Limits(must_find=0.2))
    assert gate.check.passed
    assert gate.verdict == (
        "passed: 45 cells are as the baseline says, being copies of it, not run again"
    )
    assert "### ✅ crossres: passed" in to_summary(gate)
    assert to_annotations(gate) == []
    root = ElementTree.fromstring(to_junit(gate))
    assert root.attrib["failures"] == "0"
    assert not root.findall(".//failure")
    assert "TWIN DATA" in printed(print_gate, gate)
    assert gate_json(gate)["bit_equal"] == 45


def test_an_unusable_gate_is_no_pass_anywhere(check_drawn: Callable[..., FolderCheck]) -> None:
    gate = check_drawn(limits=Limits(must_find=0.001))
    assert (gate.check.answer, gate.check.passed) == ("unusable", False)
    assert gate.verdict.startswith("unusable: finds drops of mAP in ")
    assert "0.1 points need " in gate.verdict
    summary, text = to_summary(gate), printed(print_gate, gate)
    assert "### ⚠️ crossres: unusable" in summary
    assert "✅" not in summary
    for output in (summary, " ".join(text.split())):
        assert "Nothing was found, but a drop that matters could have gone unnoticed." in output
    assert to_annotations(gate)[0].startswith("::error title=crossres unusable::finds drops of mAP")
    root = ElementTree.fromstring(to_junit(gate))
    assert (root.attrib["failures"], root.attrib["errors"]) == ("0", "1")
    (error,) = root.findall(".//error")
    assert error.attrib["type"] == "unusable"
    content = json.loads(json.dumps(gate_json(gate), allow_nan=False))
    assert (content["passed"], content["answer"]) == (False, "unusable")
    assert len(content["blind"]) == 4  # the mean and three rows
    failed = check_drawn(0.1, Limits(must_find=0.001))
    assert failed.check.answer == "failed"
    assert any("0.1 points need " in note for note in gate_json(failed)["notes"])


def test_the_answer_says_what_was_held_against_what_and_at_which_commit(
    check_drawn: Callable[..., FolderCheck], drawn: Any
) -> None:
    gate = replace(check_drawn(), checkout=Checkout("0123456789abcdef", "2026-01-31", changed=True))
    origin = "base.json, at commit 0123456789ab of 2026-01-31, with changes"
    assert gate.origin.startswith(f"{drawn.folder.as_posix()} against ")
    assert gate.origin.endswith(origin)
    assert escape(gate.origin) in to_summary(gate)
    assert "commit 0123456789ab" in " ".join(printed(print_gate, gate).split())
    assert gate_json(gate)["checkout"]["commit"] == "0123456789abcdef"


def test_a_checkout_is_that_of_git_and_no_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*arguments: str) -> None:
        author = ["-c", "user.name=A", "-c", "user.email=a@b"]
        subprocess.run(["git", "-C", str(tmp_path), *author, *arguments], check=True)

    assert checkout_of(tmp_path) is None
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2001-02-03T04:05:06Z")
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    git("init", "--quiet")
    (tmp_path / "file").write_text("a")
    git("add", "file")
    git("commit", "--quiet", "-m", "one")
    checkout = checkout_of(tmp_path)
    assert checkout is not None
    assert (checkout.date, checkout.changed, len(checkout.commit)) == ("2001-02-03", False, 40)
    (tmp_path / "file").write_text("b")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    checkout = checkout_of(tmp_path)
    assert checkout is not None
    assert (checkout.date, checkout.changed) == ("1970-01-01", True)
    monkeypatch.setenv("PATH", "")
    assert checkout_of(tmp_path) is None  # without git


def test_a_failed_gate_names_the_rows_and_the_size(check_drawn: Callable[..., FolderCheck]) -> None:
    gate = check_drawn(0.1)
    assert gate.verdict == "failed: worse"
    summary, text = to_summary(gate), printed(print_gate, gate)
    for output in (summary, text):
        assert "all rows" in output
        assert "beyond chance" in output
        assert "The change harms the results." in summary
    assert "| **worse** |" in summary
    content = json.loads(json.dumps(gate_json(gate), allow_nan=False))
    assert content["passed"] is False
    assert {finding["kind"] for finding in content["findings"]} == {"worse"}
    assert len(content["tests"]) == 8  # the mean and three rows, by two metrics


def test_how_training_begins_is_told_with_its_numbers(drawn: Any, tmp_path: Path) -> None:
    beginning = {"start": "5" * 64, "draws": "d" * 64}

    def begun(run: int, record: Record, triplet: float = 0.3) -> Record:
        digests = {**record.digests, **beginning, "embeddings": f"{run:064x}"}
        losses = {"triplet": triplet + run / 1000, "cross-entropy": 1.5}
        return replace(record, first_losses=losses, digests=digests)

    runs = [[begun(k, record) for record in drawn.records] for k in range(3)]
    path, folder = tmp_path / "base.json", tmp_path / "now"
    path.write_text(to_baseline(with_runs(Baseline(tuple(runs[0])), runs[1:])))
    for record in drawn.records:
        write_record(folder, begun(5, record, 0.3 if record.cell.method == "plain" else 0.9))
    gate = check_folder(folder, path, [drawn.table])
    assert gate.verdict == "failed: training"
    summary, text = to_summary(gate), printed(print_gate, gate)
    for output in (summary, " ".join(text.split())):
        assert "the loss triplet begins at 0.301 → 0.905 (200.7 % off)" in output
        assert "with 0.1 % false alarms" in output
    assert "<summary>The losses with which training begins" in summary
    assert "| triplet | 0.301 | 0.905 | 200.66 % | **training** |" in summary
    assert "| cross-entropy | 1.5 | 1.5 | 0.00 % | equal |" in summary
    content = json.loads(json.dumps(gate_json(gate), allow_nan=False))
    assert len(content["beginnings"]) == 6
    failed = ElementTree.fromstring(to_junit(gate)).findall(".//failure")
    assert [failure.attrib["type"] for failure in failed] == ["training"]


def test_junit_has_a_case_for_each_thing_that_is_checked(
    check_drawn: Callable[..., FolderCheck],
) -> None:
    root = ElementTree.fromstring(to_junit(check_drawn(0.1, Limits(time=2.0, exact=True))))
    names = [case.attrib["name"] for case in root.iter("testcase")]
    assert names[:4] == ["same data", "no cell missing", "same options", "same sizes"]
    assert names[4:6] == ["equal to the bit", "time"]
    assert len(names) == 6 + 8 + 1
    assert names[-1] == "a drop that matters would be found"
    assert root.attrib["tests"] == "15"
    failed = [case for case in root.iter("testcase") if case.find("failure") is not None]
    assert root.attrib["failures"] == str(len(failed))
    failure = failed[-1].find("failure")
    assert failure is not None
    assert failure.attrib["type"] == "worse"
    assert "The change harms the results." in (failure.text or "")


def test_annotations_and_markdown_escape_what_they_are_given(
    check_drawn: Callable[..., FolderCheck],
) -> None:
    gate = check_drawn(0.1)
    odd = replace(gate.check.findings[0], text="50 % of|a <b>\nline")
    gate = replace(gate, check=replace(gate.check, findings=(odd,)))
    assert to_annotations(gate) == ["::error title=crossres worse::50 %25 of|a <b>%0Aline"]
    assert escape(odd.text) == r"50 % of\|a \<b\> line"
    assert r"- 50 % of\|a \<b\> line" in to_summary(gate)
    assert "50 % of|a &lt;b&gt;" in to_junit(gate)


def test_a_folder_without_records_is_refused(
    check_drawn: Callable[..., FolderCheck], tmp_path: Path
) -> None:
    check_drawn()
    (tmp_path / "empty" / "records").mkdir(parents=True)
    with pytest.raises(InputError, match="no usable records"):
        check_folder(tmp_path / "empty", tmp_path / "base.json")


def test_why_a_cell_failed_is_told(
    check_drawn: Callable[..., FolderCheck], drawn: Any, tmp_path: Path
) -> None:
    check_drawn()
    first, *later = drawn.records
    folder = tmp_path / "less"
    for record in later:
        write_record(folder, record)
    (folder / "failures").mkdir()
    log = f"Baseline · caviar\n{json.dumps({'reason': 'no luck today'})}\n"
    (folder / "failures" / f"{first.key}.log").write_text(log)
    gate = check_folder(folder, tmp_path / "base.json", [drawn.table])
    assert gate.verdict == "failed: missing"
    assert "Baseline · caviar failed: no luck today" in to_summary(gate)


def test_power_is_printed_with_what_it_costs(drawn: Any) -> None:
    limits = Limits()
    baseline = Baseline(tuple(drawn.records))
    noise = noise_of(baseline, [drawn.table], limits)
    drops = sensitivities(baseline, noise, limits, (2, 5))
    needed = seeds_for(baseline, noise, limits, 0.03)
    text = printed(print_power, baseline, noise, drops, needed, 3.0, limits)
    assert "Smallest detectable drop" in text
    assert "3 points of mAP in all rows: " in text
    assert "an upper bound" in text
    content = json.loads(
        json.dumps(power_json(baseline, noise, drops, needed, limits), allow_nan=False)
    )
    assert [entry["seeds"] for entry in content["sensitivities"]] == [2, 5, 2, 5]
    assert set(content["seeds_needed"]) == {"mAP", "rank1"}


def test_power_is_drawn(drawn: Any) -> None:
    baseline, limits = Baseline(tuple(drawn.records)), Limits()
    noise = noise_of(baseline, [drawn.table], limits)
    drops = sensitivities(baseline, noise, limits, (2, 5))
    svg = power_figure(baseline, noise, drops, limits, ".svg")
    assert svg == power_figure(baseline, noise, drops, limits, ".svg")
    assert svg.lstrip().startswith(b"<?xml")
    assert power_figure(baseline, noise, drops, limits, ".PDF").startswith(b"%PDF")
    assert power_figure(baseline, noise, drops, limits, ".png").startswith(b"\x89PNG")
    with pytest.raises(InputError, match=r"a \.pdf, \.png, \.svg file, not \.jpg"):
        power_figure(baseline, noise, drops, limits, ".jpg")
    with pytest.raises(InputError, match="no possible drop is detectable"):
        power_figure(baseline, noise, sensitivities(baseline, noise, limits, (1,)), limits, ".svg")


def test_the_chance_of_the_least_drop_is_the_one_that_is_wanted(drawn: Any) -> None:
    baseline, limits = Baseline(tuple(drawn.records)), Limits()
    noise = noise_of(baseline, [drawn.table], limits)
    (least,) = sensitivities(baseline, noise, limits, (5,))[:1]
    assert least.overall
    assert least.in_a_row
    drops = (least.overall, least.in_a_row, 0.0)
    powers = chances(baseline, noise, limits, least.metric, 5, drops)
    assert powers[0][0] == pytest.approx(WANTED)
    assert powers[1][1] == pytest.approx(WANTED)
    assert powers[2][0] == pytest.approx(2 * limits.one_side / len(noise))
