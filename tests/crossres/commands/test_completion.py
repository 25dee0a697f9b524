"""Completion: what crossres answers to a shell, and what real shells make of it."""

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from argparse import ArgumentParser, _HelpAction
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crossres import completion
from crossres.arguments import user_path
from crossres.benchmark.config.profiles import profile_names
from crossres.benchmark.config.tables import load_table, table_names
from crossres.benchmark.metrics.measure import METRICS
from crossres.cli import _parser
from crossres.completion import SHELLS
from crossres.completion.values import VALUES
from crossres.datasets.cards import CARDS
from crossres.datasets.protocols import PROTOCOLS
from crossres.datasets.twins import SIZES
from crossres.methods.interface.registry import METHODS
from crossres.parser import commands_of
from tests.command_line import Answered
from tests.crossres.test_loading import loaded_by

Command = Callable[..., Answered]
FREE = {  # texts that nobody else knows, and numbers
    "address", "from_", "ignore", "input_size", "layout", "name", "pattern", "query", "rate",
    "checkpoint_minutes", "data_seed", "drop", "false_alarms", "identities", "jobs", "max_size",
    "memory", "must_find", "older_than", "parts", "port", "repetitions", "seed", "seeds",
    "time", "tolerance", "top",
}  # fmt: skip


@pytest.fixture
def answered(command: Command) -> Callable[..., tuple[str, list[str]]]:
    """answered(*words): which paths, and the values; the last word is where the cursor is."""

    def ask(*words: str) -> tuple[str, list[str]]:
        answer = command("__complete", "words", *words)
        assert (answer.returncode, answer.stderr) == (0, "")
        paths, *lines = answer.stdout.splitlines()
        assert all(line.count("\t") == 1 for line in lines)
        return paths, [line.partition("\t")[0] for line in lines]

    return ask


Ask = Callable[..., tuple[str, list[str]]]


# --- what crossres answers ------------------------------------------------------------------------


def test_commands_and_those_of_groups(answered: Ask) -> None:
    assert answered("") == ("values", list(commands_of(_parser())))
    assert answered("re") == ("values", ["retry", "report"])
    assert answered("cache", "") == ("values", ["list", "prune"])
    assert answered("datasets", "sh") == ("values", ["show", "sheet"])


def test_options_that_can_still_be_given(answered: Ask) -> None:
    paths, options = answered("run", "table2", "--")
    assert paths == "values"
    assert {"--datasets", "--profile", "--dry-run", "--help"} <= set(options)
    assert "--profile" not in answered("run", "--profile", "smoke", "table2", "--")[1]
    assert "--dry-run" not in answered("run", "--dry-run", "--")[1]
    assert "--table" in answered("report", "out", "--table", "table2", "--")[1]
    assert answered("run", "--dat") == ("values", ["--datasets", "--data-seed", "--data"])
    assert answered("run", "--", "--dat") == ("files", [])  # a table may be called so


@pytest.mark.parametrize(
    ("words", "names", "paths"),
    [
        (("run", ""), table_names(), "files"),
        (("tables", "show", ""), table_names(), "files"),
        (("report", "out", "--table", ""), table_names(), "files"),
        (("methods", "show", ""), METHODS, "files"),
        (("datasets", "verify", ""), CARDS, "files"),
        (("datasets", "sheet", "caviar", ""), CARDS, "files"),
        (("run", "table2", "--profile", ""), profile_names(), "files"),
        (("run", "table2", "--protocol", ""), PROTOCOLS, "values"),
        (("datasets", "twin", "caviar", "--size", ""), SIZES, "values"),
        (("check", "out", "--metrics", ""), METRICS, "values"),
        (("claims", "out", "--claims", ""), ["ablations"], "files"),
        (("completion", ""), SHELLS, "values"),
        (("run", "table2", "--kernels", ""), ["portable", "native"], "values"),
        (("embed", "--device", ""), ["cpu", "cuda", "auto"], "values"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_values_are_those_that_commands_take(
    words: tuple[str, ...], names: list[str], paths: str, answered: Ask
) -> None:
    """They are read past the modules that know them, so both must agree."""
    assert answered(*words) == (paths, [*names])


def test_entries_of_a_list_and_values_behind_equals(answered: Ask) -> None:
    run = ("run", "table2", "--datasets")
    assert answered(*run, "mlr-vi")[1] == ["mlr-viper"]
    assert answered(*run, "caviar,mlr-v")[1] == [
        "caviar,mlr-viper",
        "caviar,mlr-vru",
        "caviar,mlr-veri",
    ]
    assert answered(*run, "mlr-viper,mlr-vr")[1] == ["mlr-viper,mlr-vru"]
    assert answered("run", "--profile=sm") == ("files", ["--profile=smoke"])
    assert answered("run", "--datasets=vric,cav")[1] == ["--datasets=vric,caviar"]
    assert answered("embed", "--model", "t") == (
        "values nospace",
        ["timm:", "torchvision:", "torchreid:", "transreid:"],
    )


def test_rows_of_the_table_that_is_given(answered: Ask, tmp_path: Path) -> None:
    assert answered("run", "table2", "--rows", "")[1] == ["1", "2", "3", "oracle"]
    (tmp_path / "mine.toml").write_text('[[rows]]\nlabel = "A, b"\n[[rows]]\n')
    assert answered("run", "mine.toml", "--rows", "")[1] == ["1", "2"]
    assert answered("run", "nowhere.toml", "--rows", "") == ("values", [])
    assert answered("run", "--rows", "") == ("values", [])


def test_rows_are_described_by_their_labels(command: Command) -> None:
    lines = command("__complete", "words", "run", "table2", "--rows", "").stdout.splitlines()[1:]
    labels = [line.partition("\t")[2] for line in lines]
    assert labels == [row.label for row in load_table("table2").lines]


def test_keys_of_records_and_of_failed_cells(answered: Ask, tmp_path: Path) -> None:
    for place in ("results/a/records/00.json", "results/b/records/01.json", "c/records/02.json"):
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).touch()
    (tmp_path / "c" / "failures").mkdir()
    (tmp_path / "c" / "failures" / "03.log").write_text("Row · set · seed 0\n{}\n")
    assert answered("show", "")[1] == ["00", "01"]
    assert answered("show", "--results", "c", "")[1] == ["02"]
    assert answered("retry", "c", "")[1] == ["03"]
    assert answered("retry", "c", "03", "")[1] == ["03"]


def test_paths(answered: Ask) -> None:
    assert answered("status", "") == ("folders", [])
    assert answered("run", "--data", "") == ("folders", [])
    assert answered("evaluate", "") == ("files", [])
    assert answered("embed", "--method", "") == ("files", [])


@pytest.mark.parametrize(
    "words",
    [("nothing", ""), ("run", "--nothing", ""), ("run", "--nothing=x"), ("run", "a", "b"),
     ("run", "table2", "\udcff"), ("run", "bad.toml", "--rows", ""), ()],
    ids=repr,
)  # fmt: skip
def test_what_makes_no_sense_has_no_values(
    words: tuple[str, ...], command: Command, tmp_path: Path
) -> None:
    (tmp_path / "bad.toml").write_bytes(b"\xff[[")
    answer = command("__complete", "words", *words)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert len(answer.stdout.splitlines()) <= 1 or words == ("run", "a", "b")


@pytest.mark.parametrize(
    ("line", "value"),
    [("crossres run tab", "table1"), ("crossres  run 'tab", "table1"), ("crossres ", "doctor"),
     ('crossres run "mine a.toml" --profile "smo', "smoke"), ("crossres run a\\ b.toml --ki", "")],
)  # fmt: skip
def test_a_line_is_split_as_a_shell_does(line: str, value: str, command: Command) -> None:
    lines = command("__complete", "line", line).stdout.splitlines()
    assert "".join(lines[1:2]).partition("\t")[0] == value


def test_every_argument_has_values_or_is_known_to_have_none() -> None:
    for name, parser in leaves(_parser()):
        for action in parser._actions:
            if isinstance(action, _HelpAction) or action.nargs == 0 or action.choices is not None:
                continue
            is_path = action.type in (user_path, Path) or str(action.metavar).startswith("FILE")
            assert is_path or action.dest in {*VALUES, *FREE}, (name, action.dest)


def leaves(parser: ArgumentParser, name: str = "") -> Iterator[tuple[str, ArgumentParser]]:
    below = commands_of(parser)
    if not below:
        yield name, parser
    for word, inner in below.items():
        yield from leaves(inner, f"{name} {word}".strip())


def test_a_tab_waits_for_nothing_large() -> None:
    for words in (("run", ""), ("methods", "show", ""), ("run", "--protocol", ""), ("show", "")):
        assert loaded_by("__complete", "words", *words) == (0, set())


# --- what shells make of it -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the command, files beside it, and the scripts of all shells."""
    folder = tmp_path_factory.mktemp("home")
    command = folder / "bin" / "crossres"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m crossres "$@"\n')
    command.chmod(0o755)
    (folder / "my table.toml").touch()
    (folder / "notes.md").touch()
    (folder / "results" / "table2").mkdir(parents=True)
    for shell in SHELLS:
        text = subprocess.run(
            [command, "completion", shell], capture_output=True, text=True, check=True
        ).stdout
        assert text == Path(completion.__file__).with_name(f"crossres.{shell}").read_text()
        (folder / f"script.{shell}").write_text(text)
    return folder


class Terminal:
    """A shell in a terminal, to which keys are typed."""

    def __init__(self, home: Path, *command: str) -> None:
        env = {
            "PATH": f"{home / 'bin'}:{os.environ['PATH']}",
            **{"HOME": str(home), "TERM": "dumb", "LANG": "C.UTF-8", "PS1": "$ "},
        }
        self._pid, self._file = pty.fork()
        if not self._pid:
            os.chdir(home)
            os.execvpe(command[0], command, env)

    def typed(self, keys: str, until: str, seconds: float = 20.0) -> str:
        """Type keys; what is shown when `until` is there, or after so many seconds."""
        os.write(self._file, keys.encode())
        shown, end = "", time.monotonic() + seconds
        while time.monotonic() < end and until not in shown:
            ready, _, _ = select.select([self._file], [], [], 0.05)
            if ready:
                shown += os.read(self._file, 65536).decode(errors="replace")
                shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|[\r\x07]", "", shown)
        return shown

    def completed(self, line: str, until: str) -> str:
        """Type a line that ends with TAB; what is shown. The line is given up afterwards."""
        shown = self.typed(line, until)
        self.typed("\x15", "nothing that is ever shown", seconds=0.2)
        return shown

    def close(self) -> None:
        os.close(self._file)
        os.waitpid(self._pid, 0)


@pytest.fixture(params=["bash", "zsh"])
def terminal(request: pytest.FixtureRequest, home: Path) -> Iterator[Terminal]:
    """A real shell that has read its script."""
    shell = request.param
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    bare = {"bash": ("--norc", "--noprofile"), "zsh": ("-f",)}[shell]
    opened = Terminal(home, shell, *bare, "-i")
    ready = {"bash": "", "zsh": "autoload -Uz compinit; compinit -u -D; PS1='$ '; "}[shell]
    opened.typed(f"{ready}. ./script.{shell}; echo sour''ced\n", "sourced")
    yield opened
    opened.close()


def test_a_real_shell_completes(terminal: Terminal) -> None:
    for line, until in (
        ("crossres da\t", "crossres datasets "),
        ("crossres methods show pcb-\t", "show pcb-pri "),
        ("crossres run table2 --datasets vric,cav\t", "--datasets vric,caviar "),
        ("crossres run --profile=smo\t", "--profile=smoke "),
        ("crossres embed --model ti\t", "--model timm:"),
        ("crossres run not\t", "run notes.md "),
        ("crossres run my\t", "run my\\ table.toml "),
        ("crossres status res\t", "status results/"),
        ("crossres evaluate --out=not\t", "--out=notes.md "),
        ("crossres run table2 --datasets 'mlr-vip\t", "'mlr-viper' "),
        ("~/bin/crossres da\t", "datasets "),
    ):
        assert until in terminal.completed(line, until), line
    listed = terminal.completed("crossres run table2 --rows \t\t", "oracle")
    assert "oracle" in listed
    assert "Traceback" not in listed


def test_bash_3_without_its_newer_options_completes(home: Path) -> None:
    """`compopt` came with bash 4; macOS has 3.2."""
    if shutil.which("bash") is None:
        pytest.skip("no bash here")
    line = "crossres run --profile=smo"
    asked = (
        "compopt() { return 127; }; . ./script.bash; "
        f"COMP_LINE='{line}' COMP_POINT={len(line)} COMP_WORDS=(crossres run --profile = smo) "
        "COMP_CWORD=4; _crossres crossres; printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    env = os.environ | {"PATH": f"{home / 'bin'}:{os.environ['PATH']}"}
    shown = subprocess.run(
        ["bash", "--norc", "-c", asked],
        cwd=home,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (shown.stdout, shown.stderr) == ("smoke\n", "")


def test_fish_completes(home: Path) -> None:
    if shutil.which("fish") is None:
        pytest.skip("no fish here")
    lines = {
        "crossres da": "datasets\t",
        "crossres run table2 --datasets vric,cav": "vric,caviar\tCAVIAR",
        "crossres run --profile=smo": "--profile=smoke",
        "crossres embed --model ti": "timm:\t",
        "crossres run not": "notes.md",
        "crossres run my": "my table.toml",
        "crossres status res": "results/\t",
        "crossres evaluate --out=not": "--out=notes.md",
        "crossres run table2 --rows o": "oracle\tOracle: Plain on HR queries",
    }
    asked = "".join(f"complete -C '{line}'; echo ===; " for line in lines)
    script = f"source script.fish; {asked} complete -C '/nowhere/crossres da'"
    env = os.environ | {"PATH": f"{home / 'bin'}:{os.environ['PATH']}", "HOME": str(home)}
    shown = subprocess.run(
        ["fish", "--no-config", "-c", script],
        cwd=home,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    *answers, nothing = shown.stdout.split("===\n")
    assert (nothing, shown.stderr) == ("", "")
    for answer, expected in zip(answers, lines.values(), strict=True):
        assert answer.startswith(expected), (answer, expected)
        assert answer.count("\n") == 1
