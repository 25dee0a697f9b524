"""A user's own method in a file, from the check to the report, and what is said when it goes."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crossres.benchmark import RunRequest, load_table, read_records, run_table
from crossres.benchmark.records.merging import merge_folders
from crossres.benchmark.runs.local_engine import local
from crossres.methods.interface import registry
from crossres.signs import PLAIN
from tests.command_line import Answered
from tests.methods.file_method import know_no_method_files, write_method

Run = Callable[..., Answered]
PLUGIN = Path(__file__).parents[2] / "plugin"
TABLE = """
id = "mine"
title = "Colours of mine"
datasets = ["mlr-viper"]
metrics = ["rank1", "mAP"]
seeds = [0]

[[rows]]
label = "Two"
method = "own/colours.py:Colours"

[[rows]]
label = "Three"
method = "own/colours.py:Colours"
options = { bins = 3 }
"""


@pytest.fixture(autouse=True)
def _known_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    know_no_method_files(monkeypatch)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """The file, beside the table that names it."""
    (tmp_path / "mine.toml").write_text(TABLE)
    return write_method(tmp_path / "own")


def run(command: Run, *more: str | Path, table: str = "mine.toml") -> Answered:
    return command("run", table, "--profile", "smoke", "--jobs", 1, "--out", "out", *more)


def said(answered: Answered) -> str:
    """The one line of a command that could not be done."""
    assert answered.returncode == 2
    (line,) = answered.stderr.splitlines()
    return line


def test_from_the_file_to_the_report_and_what_is_said_when_it_changes_or_goes(
    command: Run, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = run(command, "--save-weights")
    assert answered.returncode == 0, answered.stderr
    records = read_records(tmp_path / "out")
    assert {r.cell.method for r in records} == {"file-colours"}
    assert {r.cell.options["bins"] for r in records} == {2, 3}
    page = tmp_path / "out" / "report" / "index.html"
    assert "Colours of mine" in page.read_text("utf-8")

    # The same file elsewhere is the same method: keys and code are the same.
    shutil.copytree(tmp_path / "own", tmp_path / "moved" / "own")
    shutil.copy(tmp_path / "mine.toml", tmp_path / "moved")
    moved = json.loads(run(command, "--dry-run", "--json", table="moved/mine.toml").stdout)
    assert [(c["key"] in {r.key for r in records}, c["state"]) for c in moved["cells"]] == [
        (True, "done")
    ] * 2

    # A comment is no change, a file beside it that it imports is one.
    own.write_text(own.read_text() + "# a comment\n")
    assert command("status", "out").returncode == 0
    scale = tmp_path / "own" / "parts" / "scale.py"
    scale.write_text(scale.read_text().replace("255.0", "127.5"))
    assert "stale: 2 records made by other code" in command("status", "out").stdout
    key = records[0].key
    shown = command("show", key, "--results", "out").stdout
    assert "the code has changed since" in shown
    assert run(command, "--rows", "1").returncode == 0
    assert "1 done, 1 to run again" in command("status", "out").stdout

    # Gone: the results are still told of, and one line says what cannot be done.
    weights = tmp_path / "out" / "weights" / key
    (tmp_path / "own").rename(tmp_path / "away")
    page.unlink()
    assert command("report", "out").returncode == 0
    assert "Colours of mine" in page.read_text("utf-8")
    status = command("status", "out")
    assert f"gone: {own}, the file of method file-colours, is no longer there" in status.stdout
    assert json.loads(command("status", "out", "--json").stdout)["gone"]
    shown = command("show", key, "--results", "out").stdout
    assert f"{own}, the file of method file-colours, is no longer there: the command needs" in shown
    assert "own/colours.py: there is no such file; correct its path" in said(run(command))
    kept = said(run(command, table="out/tables/mine.toml"))
    assert f"method file-colours: {own} is no longer there; put it back, change its path" in kept

    # Its weights, by the file where it is now.
    crops = tmp_path / "crops"
    shutil.copytree(PLUGIN.parents[1] / "docs" / "images", crops)
    of_row = ("embed", "--results", "out", "--row", "Three", "--images", crops, "--out", "g.npz")
    assert f"method file-colours: {own} is no longer there" in said(command(*of_row))
    embed = ("embed", "--weights", weights, "--images", crops, "--out", "f.npz")
    monkeypatch.setattr(registry, "_kept", {})  # as in another process
    assert "there is no method 'file-colours' here" in said(command(*embed))
    other_method = ("--method", PLUGIN / "same_at_all_rates.py:SameAtAllRates")
    assert "is called 'same-at-all-rates', and" in said(command(*embed, *other_method))
    here = ("--method", "away/colours.py:Colours")
    assert command(*embed, *here).returncode == 0
    features = np.load(tmp_path / "f.npz")
    assert features["features"].shape[1] in (6, 9)
    crop = crops / str(features["paths"][0])
    search = ("search", crop, "--gallery", crops, "--out", "s.html", "--json")
    monkeypatch.setattr(registry, "_kept", {})
    monkeypatch.setattr(registry, "_read", {})
    assert "there is no method 'file-colours' here" in said(command(*search, "--weights", weights))
    assert "name these with --weights" in said(command(*search, *here))
    assert "is called 'same-at-all-rates', and" in said(
        command(*search, "--weights", weights, *other_method)
    )
    found = json.loads(command(*search, "--weights", weights, *here).stdout)
    assert found["method"].startswith("Colours of a file, weights ")
    squares = np.square(features["features"][1:] - features["features"][0]).sum(axis=1)
    (query,) = found["queries"]
    order = [str(features["paths"][1 + row]) for row in np.argsort(squares, kind="stable")]
    assert [match["path"] for match in query["matches"]] == order
    export = ("export", weights, "--onnx", "m.onnx")
    assert "is called 'same-at-all-rates', and" in said(command(*export, *other_method))


def test_cells_run_what_was_read_for_the_plan_whatever_becomes_of_the_file(
    own: Path, tmp_path: Path, cache: Path
) -> None:
    """As on a node of a cluster that has no such file."""
    request = RunRequest(
        load_table(tmp_path / "mine.toml"), tmp_path / "out", profile="smoke", jobs=1, cache=cache
    )

    def without_the_file(take: Any, jobs: Any) -> Any:
        shutil.rmtree(own.parent, ignore_errors=True)
        return local(take, jobs)

    summary = run_table(request, engine=without_the_file)
    assert summary.complete, [f.reason for f in summary.failures]
    codes = {r.digests["code"] for r in read_records(tmp_path / "out")}
    assert codes == {*summary.plan.wanted.codes.values()}


def test_failed_cells_are_tried_again_by_the_file_as_it_is_now(
    command: Run, own: Path, tmp_path: Path
) -> None:
    text = own.read_text()
    own.write_text(text.replace("run.progress(1, 1)", "raise RuntimeError('not yet')"))
    assert run(command, "--rows", "1").returncode == 1
    (failed,) = json.loads(command("status", "out", "--json").stdout)["failed"]
    assert failed["reason"] == "RuntimeError: not yet"
    own.unlink()
    assert "is no longer there; put it back" in said(command("retry", "out"))
    own.write_text(text)
    assert command("retry", "out").returncode == 0
    assert len(read_records(tmp_path / "out")) == 1


def test_folders_that_were_made_in_two_places_merge(
    command: Run, own: Path, tmp_path: Path
) -> None:
    assert own.is_file()
    assert run(command, "--rows", "1").returncode == 0
    shutil.copytree(tmp_path / "out", tmp_path / "other")
    table = tmp_path / "other" / "tables" / "mine.toml"
    table.write_text(table.read_text().replace(str(own), "/elsewhere/colours.py"))
    merged = merge_folders([tmp_path / "out", tmp_path / "other"], tmp_path / "both")
    assert merged.disputes == ()
    table.write_text(table.read_text().replace("Colours of a file", "Other colours"))
    merged = merge_folders([tmp_path / "out", tmp_path / "other"], tmp_path / "two")
    assert [dispute.name for dispute in merged.disputes] == ["tables/mine.toml"]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("colours.py:Colours", "missing.py:Colours", "own/missing.py: there is no such file"),
        ("py:Colours", "py:Colour", "there is no class 'Colour' (did you mean 'Colours'?)"),
        ("bins = 3", "bin = 3", "has no option 'bin' (did you mean 'bins'?); its options are"),
        ("bins = 3", 'bins = "3"', "method file-colours: bins must be an integer, not '3'"),
        ('own/colours.py:Colours"\nopt', 'twin.py:Colours"\nopt', "one of them another name"),
    ],
)
def test_a_bad_table_is_one_line_that_names_it(
    command: Run, own: Path, tmp_path: Path, old: str, new: str, line: str
) -> None:
    shutil.copytree(own.parent, tmp_path, dirs_exist_ok=True)
    (tmp_path / "colours.py").rename(tmp_path / "twin.py")
    assert old in TABLE
    (tmp_path / "mine.toml").write_text(TABLE.replace(old, new))
    answer = said(run(command, "--dry-run"))
    assert line in answer
    assert answer.startswith("crossres: table mine")


def test_a_kept_path_must_be_a_whole_one(command: Run, own: Path, tmp_path: Path) -> None:
    """A results folder names no code that lies in it."""
    assert run(command, "--dry-run").returncode == 0
    entry = '[[method_files]]\nname = "x"\npath = "x.py"\nclass_name = "X"\ndeclared = "DECLARED"\n'
    declared = registry.declaration("file-colours")
    assert declared.name == own.stem.replace("colours", "file-colours")
    known = registry._kept["file-colours"].declared.replace('"', '\\"')
    (tmp_path / "mine.toml").write_text(TABLE + "\n" + entry.replace("DECLARED", known))
    assert "method file 1: x.py is no whole path" in said(run(command, "--dry-run"))


EQUAL_TERMS = """
id = "equal-terms"
datasets = ["mlr-viper"]
metrics = ["rank1", "mAP"]
seeds = [0]

[[rows]]
label = "Plain"
method = "plain"

[[rows]]
label = "The same at all rates"
method = "same_at_all_rates.py:SameAtAllRates"

[[rows]]
label = "Nothing pulled"
method = "same_at_all_rates.py:SameAtAllRates"
options = { pull = 0.0 }
"""


def test_the_method_of_the_docs_is_trained_on_equal_terms_with_ours(
    command: Run, tmp_path: Path
) -> None:
    """Without what is new in it, it gives the bits of our plain network."""
    (tmp_path / "mine.toml").write_text(EQUAL_TERMS)
    shutil.copy(PLUGIN / "same_at_all_rates.py", tmp_path)
    assert run(command).returncode == 0
    records = read_records(tmp_path / "out")
    embeddings = {
        (r.cell.method, r.cell.options.get("pull")): r.digests["embeddings"] for r in records
    }
    plain = embeddings.pop(("plain", None))
    assert embeddings[("same-at-all-rates", 0.0)] == plain
    assert embeddings[("same-at-all-rates", 1.0)] != plain
    text = (tmp_path / "out" / "report" / "equal-terms.md").read_text("utf-8")
    assert "Plain" in text
    assert "The same at all rates" in text


# --- the check, and a package to begin with -------------------------------------------------------


def test_the_check_names_each_promise_and_how_to_mend_a_broken_one(
    command: Run, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = command("methods", "check", "own/colours.py:Colours")
    assert good.returncode == 0
    *lines, last = good.stdout.splitlines()
    assert {line[0] for line in lines} == {"✓"}
    assert last == f"own/colours.py:Colours conforms: it keeps all {len(lines)} promises"

    loud = own.with_name("loud.py")
    loud.write_text(
        own.read_text().replace("run.progress", "print('fit'); run.progress") + "print(1)"
    )
    loud_check = command("methods", "check", "own/loud.py:Colours", "--json")
    assert json.loads(loud_check.stdout)["passed"]
    assert {"1", "fit"} <= {*loud_check.stderr.split()}

    own.write_text(
        own.read_text()
        .replace("run.progress(1, 1)", "np.random.seed(0)")
        .replace("return found.astype(np.float32)", "return found")
    )
    bad = command("methods", "check", "own/colours.py:Colours")
    assert bad.returncode == 1
    lines = bad.stdout.splitlines()
    fault = lines.index("✗ fit: fit must leave the global random state as it was")
    assert lines[fault + 1].startswith("  → wrap it in torch.random.fork_rng()")
    assert "✗ embeddings: embed returns float64, not float32" in lines
    assert "✓ save and load: save and load keep every parameter" in lines
    assert any(line.startswith("– resuming: ") and line.endswith("not checked") for line in lines)
    assert lines[-1].startswith("own/colours.py:Colours does not conform: ")

    content = json.loads(command("methods", "check", "own/colours.py:Colours", "--json").stdout)
    assert content["passed"] is False
    assert "save and load" in content["checks"]
    assert "fit" not in content["checks"]
    assert content["reason"].startswith("fit must leave the global random state as it was; wrap")
    broken = [p for p in content["promises"] if p["holds"] is False]
    assert {p["check"] for p in broken} >= {"fit", "embeddings"}
    assert all(p["seen"] and p["remedy"] for p in broken)
    assert len(content["promises"]) == len(good.stdout.splitlines()) - 1

    monkeypatch.setattr("crossres.commands.methods.signs_of", lambda _: PLAIN)
    plain = command("methods", "check", "own/colours.py:Colours").stdout
    assert plain.isascii()
    assert "FAIL fit: fit must leave" in plain


def test_a_package_to_begin_with_keeps_every_promise(command: Run, tmp_path: Path) -> None:
    answered = command("methods", "new", "my-idea", "--out", "code")
    assert answered.returncode == 0
    folder = tmp_path / "code" / "my-idea"
    names = {"README.md", "my-idea.toml", "my_idea.py", "pyproject.toml", "test_my_idea.py"}
    assert {path.name for path in folder.iterdir()} == names
    assert not any("{{" in path.read_text("utf-8") for path in folder.iterdir())
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert command("methods", "check", "code/my-idea/my_idea.py:MyIdea").returncode == 0
    assert "is there already, and is left as it is" in said(
        command("methods", "new", "my-idea", "--out", "code")
    )
    after = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert after == before
    for command_line in answered.stdout.splitlines()[-3:]:
        assert command_line in (folder / "README.md").read_text("utf-8")


def test_the_package_to_begin_with_has_the_method_of_the_docs(command: Run, tmp_path: Path) -> None:
    assert command("methods", "new", "same-at-all-rates").returncode == 0
    module = tmp_path / "same-at-all-rates" / "same_at_all_rates.py"
    assert module.read_bytes() == (PLUGIN / "same_at_all_rates.py").read_bytes()


@pytest.mark.parametrize(
    "name",
    ["plain", "random", "torch", "My-idea", "a_b", "-a", "a--b", "1a", "class", "ö", "options"],
)
def test_names_that_a_package_cannot_have(command: Run, name: str, tmp_path: Path) -> None:
    assert said(command("methods", "new", "--", name)).endswith("give another name")
    assert list(tmp_path.iterdir()) == []


def test_other_rows_of_a_kept_table_run_where_the_file_of_one_is_gone(
    command: Run, own: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine.toml").write_text(TABLE + '[[rows]]\nlabel = "Plain"\nmethod = "plain"\n')
    assert run(command, "--rows", "1").returncode == 0
    own.unlink()
    kept = "out/tables/mine.toml"
    assert "is no longer there" in said(run(command, "--rows", "1", table=kept))
    answered = run(command, "--rows", "Plain", table=kept)
    assert answered.returncode == 0, answered.stderr
    assert {r.cell.method for r in read_records(tmp_path / "out")} == {"file-colours", "plain"}
    assert load_table(tmp_path / "out" / "tables" / "mine.toml").method_files
