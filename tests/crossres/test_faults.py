"""An error under --json: one object on standard output, and the line for people on the other."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import crossres
from crossres.cli import _parser
from crossres.faults import fault_json
from tests.command_line import Answered
from tests.crossres.test_parser import commands

Command = Callable[..., Answered]
COMMANDS = [name.split() for name, _ in commands(_parser())]


def fault(answered: Answered) -> dict[str, Any]:
    """The object, which says what the line says."""
    content: dict[str, Any] = json.loads(answered.stdout)
    assert set(content) == {"error", "file", "remedy", "exit_code"}
    assert answered.stderr.splitlines()[-1] == f"crossres: {content['error']}"
    assert content["exit_code"] == answered.returncode
    return content


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_mistake_in_any_command_is_an_object(words: list[str], command: Command) -> None:
    content = fault(command(*words, "--json", "--nothing-like-it"))
    assert content["exit_code"] == 2
    assert "unknown option --nothing-like-it" in content["error"]
    plain = command(*words, "--nothing-like-it")
    assert (plain.returncode, plain.stdout) == (2, "")
    assert plain.stderr == f"crossres: {content['error']}\n"


def test_the_file_and_the_remedy_are_named(command: Command, tmp_path: Path) -> None:
    table = tmp_path / "mine.toml"
    table.write_text('id = "mine"\nrows = []\n')
    content = fault(command("run", table, "--json"))
    assert content["file"] == str(table)
    content = fault(command("evaluate", "nowhere.npz", "--json"))
    assert content["file"] == "nowhere.npz"
    content = fault(command("run", "table2", "--json", "--profile=nowhere/p.toml"))
    assert content["file"] == "nowhere/p.toml"
    content = fault(command("run", "tabel2", "--json"))
    assert content["file"] is None
    assert content["remedy"] == "did you mean 'table2'?"
    content = fault(command("embed", "--json"))
    assert content["remedy"] == "see crossres embed --help"
    content = fault(command("show", "0", "--json"))
    assert content["remedy"].startswith("give one with --results")


def test_an_error_of_the_system_names_its_file(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "/there/it/is")

    monkeypatch.setattr("crossres.commands.methods._line", refuse)
    monkeypatch.setattr("crossres.methods.interface.registry.method_names", refuse)
    content = fault(command("methods", "list", "--json"))
    assert content["file"] == "/there/it/is"
    assert content["remedy"] == "check the place and its permissions"


def test_ctrl_c_is_an_object_with_exit_code_1(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("crossres.methods.interface.registry.method_names", interrupt)
    content = fault(command("methods", "list", "--json"))
    assert content["exit_code"] == 1
    assert content["remedy"] == "nothing half-written is left"


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("f.toml: no such file; correct its path", "correct its path"),
        ("f.toml: unknown 'a' (did you mean 'b'?); known are b, c", "did you mean 'b'?"),
        ("workers cannot be started: their fork server is killed", None),
        ("f.csv: two faults (the first; the second)", None),
    ],
)
def test_the_remedy_of_a_line(text: str, remedy: str | None) -> None:
    assert fault_json(text, 2, [], None)["remedy"] == remedy


def test_what_follows_two_hyphens_is_no_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert crossres.main(["show", "--", "--json"]) == 2
    assert capsys.readouterr().out == ""
