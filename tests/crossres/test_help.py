"""Help: what the command line alone prints, its order, and that it fits a terminal."""

from argparse import ArgumentParser
from collections.abc import Callable

import pytest

from crossres.cli import USES, _parser
from crossres.parser import commands_of
from tests.command_line import Answered

Command = Callable[..., Answered]


def test_the_command_alone_prints_help(command: Command) -> None:
    alone, asked = command(), command("--help")
    assert (alone.returncode, alone.stderr) == (0, "")
    assert alone.stdout == asked.stdout
    assert "crossres COMMAND --help" in alone.stdout


@pytest.mark.parametrize("group", ["datasets", "methods", "tables", "cache"])
def test_a_group_alone_prints_its_help(group: str, command: Command) -> None:
    alone = command(group)
    assert (alone.returncode, alone.stderr) == (0, "")
    assert alone.stdout == command(group, "--help").stdout
    assert "list" in alone.stdout


def test_every_command_stands_once_under_a_use_in_this_order(command: Command) -> None:
    names = [name for commands in USES.values() for name in commands]
    assert names == list(commands_of(_parser()))
    lines = command("--help").stdout.splitlines()
    heads = [line for line in lines if line.endswith(":") and line[0] != " "]
    assert heads == ["options:", *(f"{use}:" for use in USES)]
    for commands in USES.values():
        for name, does in commands.items():
            assert f"  {name:10}  {does}" in lines


def test_help_fits_80_columns(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert max(map(len, command().stdout.splitlines())) <= 80
    for name, parser in below(_parser()):
        usage = parser.format_help().partition("example:")[0]  # examples are for copying
        assert max(map(len, usage.splitlines())) <= 80, name


def below(parser: ArgumentParser, name: str = "crossres") -> list[tuple[str, ArgumentParser]]:
    inner = commands_of(parser)
    return [(name, parser), *(p for n, i in inner.items() for p in below(i, f"{name} {n}"))]


def test_no_option_can_be_shortened(command: Command) -> None:
    answered = command("run", "table2", "--dry", "--profile", "smoke")
    assert answered.returncode == 2
    assert "unknown option --dry" in answered.stderr
    assert "did you mean '--dry-run'?" in answered.stderr
