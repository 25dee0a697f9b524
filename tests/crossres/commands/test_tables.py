"""`crossres tables` and `crossres methods show`: what there is, before anything runs."""

import json
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from crossres.benchmark.config.tables import load_table, table_names
from crossres.benchmark.runs.outline import outline
from crossres.datasets import InputError
from crossres.methods.interface.registry import METHODS, declaration
from tests.command_line import Answered
from tests.methods.file_method import know_no_method_files, write_method

Command = Callable[..., Answered]
REPOSITORY = Path(__file__).parents[3]
OWN = """
id = "mine"
title = "Mine"
datasets = ["mlr-viper", "caviar"]
metrics = ["rank1"]
seeds = [0, 1]
profile = "smoke"

[[rows]]
label = "One network"
method = "plain"

[[rows]]
label = "The same, by another name"
method = "plain"

[[rows]]
label = "Mirrored"
method = "plain"
options = { parts = 2 }
post_processing = { mirror = true }
"""


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def content_of(answered: Answered) -> dict[str, Any]:
    assert answered.returncode == 0, answered.stderr
    content: dict[str, Any] = json.loads(answered.stdout)
    return content


# --- tables ---------------------------------------------------------------------------------------


def test_all_built_in_tables_are_listed(command: Command) -> None:
    tables = {
        table["id"]: table for table in content_of(command("tables", "list", "--json"))["tables"]
    }
    assert list(tables) == table_names()
    shown = command("tables", "list").stdout
    assert max(map(len, shown.splitlines())) <= 80
    text = " ".join(shown.split())
    assert "time: (hours:)minutes:seconds on twins" in text
    for name, table in tables.items():
        oracle = table["oracle_cells"]
        cells = re.escape(f"{table['cells']} + {oracle}" if oracle else str(table["cells"]))
        assert re.search(rf"\b{name} {cells} [\d:]+ {re.escape(load_table(name).title)}", text), (
            name
        )


@pytest.mark.parametrize("name", table_names())
def test_a_table_is_shown_whole(name: str, command: Command) -> None:
    table, shown = load_table(name), command("tables", "show", name)
    text = " ".join(shown.stdout.split())
    assert max(map(len, shown.stdout.splitlines())) <= 80
    for line in table.lines:
        assert line.label in text
    for named in (*table.datasets, *table.metrics, *table.protocols):
        assert named in text
    content = content_of(command("tables", "show", name, "--json"))
    assert [row["label"] for row in content["rows"]] == [row.label for row in table.lines]
    assert [row["oracle"] for row in content["rows"]].count(True) == (table.oracle is not None)
    assert content["published"] == len(table.published)
    for claim in content["claims"]:
        assert claim["text"] in text
    assert bool(content["claims"]) == (
        name in ("ablations", "table1", "table2", "table3", "table4")
    )


def test_the_cells_and_the_time_are_those_of_the_plan(command: Command, tmp_path: Path) -> None:
    """Two rows are one cell, and the natively LR set of the two has no oracle."""
    oracle = '\n[oracle]\nlabel = "HR"\nmethod = "plain"\nprotocol = "fixed-r[rate=1]"\n'
    (tmp_path / "mine.toml").write_text(OWN + oracle)
    shown = content_of(command("tables", "show", "mine.toml", "--json"))
    assert (shown["cells"], shown["oracle_cells"]) == (2 * 2 * 2, 2 * 2)
    plan = content_of(command("run", "mine.toml", "--dry-run", "--json", "--jobs", shown["jobs"]))
    assert len(plan["cells"]) == shown["cells"] + shown["oracle_cells"] // 2
    assert plan["seconds"] <= shown["seconds"] <= 1.5 * plan["seconds"]
    table = load_table(tmp_path / "mine.toml")
    assert outline(table, "paper").seconds > 100 * outline(table).seconds


def test_a_table_of_ones_own_is_shown_with_what_its_rows_do(
    command: Command, tmp_path: Path
) -> None:
    (tmp_path / "mine.toml").write_text(OWN)
    text = command("tables", "show", "mine.toml").stdout
    assert "Mirrored †" in text
    (line,) = [line.strip() for line in text.splitlines() if "parts = 2" in line]
    assert line == "plain, parts = 2, mirrored images"
    assert "profile smoke" in text
    assert "published  nothing" in text
    assert "profile quick" in command("tables", "show", "mine.toml", "--profile", "quick").stdout


def test_an_option_that_a_method_lacks_is_named(command: Command, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(OWN.replace("parts = 2", "partz = 2"))
    refused = command("tables", "show", "mine.toml")
    assert refused.returncode == 2
    assert "'Mirrored †'" in refused.stderr
    assert "did you mean 'parts'?" in refused.stderr
    with pytest.raises(InputError, match=r"unknown profile 'papr'.*did you mean 'paper'"):
        outline(load_table("table2"), "papr")


# --- methods --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_shown_with_its_options(name: str, command: Command) -> None:
    declared = declaration(name)
    shown = command("methods", "show", name)
    assert max(map(len, shown.stdout.splitlines())) <= 80
    content = content_of(command("methods", "show", name, "--json"))
    assert content["title"] == declared.title
    assert (REPOSITORY / content["page"]).is_file()
    assert [option["name"] for option in content["options"]] == [
        field.name for field in fields(declared.Options)
    ]
    lines = [line.split() for line in shown.stdout.splitlines()]
    for option in content["options"]:
        assert option["values"]
        default = json.dumps(option["default"], ensure_ascii=False)
        assert [option["name"], *default.split(), option["kind"]] in [
            line[: len(default.split()) + 2] for line in lines
        ]
    used = [t for t in table_names() if any(r.method == name for r in load_table(t).lines)]
    assert content["tables"] == used


def test_what_options_mean_is_told_whole(command: Command) -> None:
    text = " ".join(command("methods", "show", "rain").stdout.split())
    for options in declaration("rain").Options.__mro__[:3]:
        assert " ".join((options.__doc__ or "").split()) in text


def test_a_method_in_a_file_is_shown(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    know_no_method_files(monkeypatch)
    write_method(tmp_path / "own")
    content = content_of(command("methods", "show", "own/colours.py:Colours", "--json"))
    assert content["page"] is None
    assert content["tables"] == []
    assert "bins" in [option["name"] for option in content["options"]]
    refused = command("methods", "show", "own/colours.py:Colour")
    assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1)
