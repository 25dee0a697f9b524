"""Every command with every kind of wrong argument: one line and exit code 2, never a traceback.

The commands and their arguments are found by walking the parser, so new ones are tried, too.
"""

import contextlib
import io
import json
from argparse import ArgumentParser, _HelpAction, _SubParsersAction
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import crossres
from crossres.arguments import user_path
from crossres.cli import _parser
from crossres.datasets.twins import draw_twin

WORDS = ("mlr-markt", "λ", "../x", "a,,b", ",", "x" * 300, "no such\nname", "\udcff")
NUMBERS = ("-1", "0", "1.5", "nan", "1e999", "9" * 20, "9" * 5000, "1_0", "٣", "3-1")
PATHS = (
    *("x" * 300, "no such\nname", "\udcff", "nowhere/x.npz", "~nobody-here/x", "text.csv/x"),
    *("folder", "folder.npz", "empty.npz", "noise.npz", "pickled.npz", "noise.toml", "text.toml"),
    *("text.csv", "text.json", "image.png", "raw", "results"),
)
LICENCE = ("MLR-VIPeR: ", "When you use it, cite: ")  # what fetch always says first
BUILD = ["datasets", "build", "mlr-viper"]
# What each command needs beside the argument that is tried, so that this one decides.
NEEDED = {
    "run": ["--profile=smoke", "--datasets=mlr-viper", "--seeds=0", "--rows=1", "--dry-run"],
    "datasets build": ["--profile=smoke"],
    "datasets export": ["--profile=smoke", "--layout=folders", "--out=exported"],
    "datasets verify": ["--size=tiny"],
    "datasets digests": ["--size=tiny"],
    "datasets twin": ["--size=tiny", "--out=drawn"],
    "datasets sheet": ["--profile=smoke", "--out=sheet.png"],
    "datasets fetch": ["--out=fetched", "--accept-licence", "--from=http://127.0.0.1:9/x.zip"],
    "check": ["--baseline=text.json"],
    "merge": ["--out=merged"],
    "cache list": ["--cache=folder"],
    "cache prune": ["--cache=folder", "--dry-run"],
    "search": ["--gallery=folder", "--weights=nowhere", "--out=searched.html"],
    "export": ["--onnx=exported.onnx"],
    "methods new": ["--out=new"],
    "doctor": ["--cache=folder"],
    "embed": ["--weights=nowhere", "--images=folder", "--out=embedded.npz"],
}
POSITIONAL = {
    "dataset": "mlr-viper",
    "datasets": "mlr-viper",
    "method": "plain",
    "table": "table2",
    "results": "results",
    "features": "features.npz",
    "folder": "folder",
    "folders": "results",
    "queries": "image.png",
    "weights": "nowhere",
    "name": "my-own",
    "key": "0",
    "keys": "0",
    "names": "twins",
    "root": "folder",
    "shell": "bash",
    "a": "text.csv",
    "b": "text.csv",
}


@dataclass(frozen=True)
class Tried:
    """An argument of a command: an option's name, or a positional one's place."""

    command: str
    parser: ArgumentParser
    action: Any

    def __str__(self) -> str:
        name = self.action.option_strings or [self.action.dest]
        return f"{self.command} {name[0]}"

    @property
    def is_path(self) -> bool:
        return self.action.type is user_path or self.action.dest in ("table", "profile", "claims")

    def words(self, value: str) -> list[str]:
        """The command with this argument, all others as they should be."""
        option = next(iter(self.action.option_strings), None)
        needed = [n for n in NEEDED.get(self.command, []) if n.partition("=")[0] != option]
        places = [a.dest for a in self.parser._actions if not a.option_strings]
        positional = [value if dest == self.action.dest else POSITIONAL[dest] for dest in places]
        tested = [f"{option}={value}"] if option else []
        return [*self.command.split(), *needed, *tested, "--", *positional]


def commands(parser: ArgumentParser, name: str = "") -> Iterator[tuple[str, ArgumentParser]]:
    below = [action for action in parser._actions if isinstance(action, _SubParsersAction)]
    if not below:
        yield name, parser
    for action in below:
        for word, inner in action.choices.items():
            yield from commands(inner, f"{name} {word}".strip())


COMMANDS = dict(commands(_parser()))
ARGUMENTS = [
    Tried(name, parser, action)
    for name, parser in COMMANDS.items()
    for action in parser._actions
    if not isinstance(action, _HelpAction) and action.nargs != 0
]


@pytest.fixture(autouse=True)
def _no_server_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """`view` serves until it is ended, which here is at once."""
    monkeypatch.setattr(
        "crossres.reports.serve.ReportServer.serve_forever", lambda _: None, raising=True
    )


@pytest.fixture(scope="module", autouse=True)
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A working folder with all that one may take for something else."""
    root = tmp_path_factory.mktemp("wrong")
    for folder in ("folder", "folder.npz", "results/records", "results/report"):
        (root / folder).mkdir(parents=True)
    for name in ("empty", "empty.npz"):
        (root / name).touch()
    for name in ("noise.npz", "noise.toml"):
        (root / name).write_bytes(np.random.default_rng(0).bytes(500))
    for name in ("text.csv", "text.toml", "text.json"):
        (root / name).write_text("a,b\n1,2\n", encoding="utf-8")
    Image.new("RGB", (8, 8)).save(root / "image.png")
    draw_twin("mlr-viper", root / "raw", "tiny")
    _write_features(root / "features.npz")
    np.savez(root / "pickled.npz", query_features=np.array([object()]))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setenv("CROSSRES_CACHE", str(root / "cache"))
        patch.setattr("pooch.core.time.sleep", lambda _: None)  # before it asks again in vain
        yield


def _write_features(path: Path) -> None:
    pids, features = np.arange(4), np.eye(4)
    parts = {"features": features, "pids": pids, "camids": np.zeros(4, int)}
    np.savez(path, **{f"{s}_{n}": a for s in ("query", "gallery") for n, a in parts.items()})


def called(words: list[str]) -> tuple[int, list[str]]:
    """The exit code, and the lines on standard error."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = crossres.main(words)
    if code != 2 and "--json" in words:
        json.loads(out.getvalue())
    return code, err.getvalue().splitlines()


def assert_refused(words: list[str], *texts: str) -> None:
    code, lines = called(words)
    assert (code, len(lines)) == (2, 1), (words, code, lines)
    assert lines[0].startswith("crossres: ")
    for text in texts:
        assert text in lines[0], (words, lines)


@pytest.mark.parametrize("tried", ARGUMENTS, ids=str)
def test_a_wrong_value_is_one_line(tried: Tried) -> None:
    values = PATHS if tried.is_path else (*WORDS, *NUMBERS)
    for value in values:
        code, lines = called(tried.words(value))
        if tried.command == "datasets fetch":
            lines = [line for line in lines if not line.startswith(LICENCE)]
        if code == 2:
            assert len(lines) == 1, (value, lines)
            assert lines[0].startswith("crossres: "), (value, lines)
            assert lines[0].isprintable()
        else:
            assert code in (0, 1), (value, code)
            assert not any("Traceback" in line for line in lines)


@pytest.mark.parametrize("tried", ARGUMENTS, ids=str)
def test_an_empty_value_is_refused(tried: Tried) -> None:
    for value in ("", "  "):
        assert_refused(tried.words(value), "empty value")


@pytest.mark.parametrize("tried", [t for t in ARGUMENTS if t.action.option_strings], ids=str)
def test_an_option_without_value_twice_or_mistyped(tried: Tried) -> None:
    (option,), command = tried.action.option_strings, tried.command.split()
    assert_refused([*command, option], option, "expected one argument")
    value = "x" if tried.action.choices is None else next(iter(tried.action.choices))
    near = option[:-1] + "_"
    assert_refused([*command, near, value], f"unknown option {near}", "did you mean '--")
    if tried.action.type is None and type(tried.action).__name__ == "_StoreOnce":
        twice = [option, value, option, value]
        assert_refused([*command, *twice], option, "given twice")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_with_too_few_or_too_many_arguments(command: str) -> None:
    words = command.split()
    required = [a for a in COMMANDS[command]._actions if a.required]
    if required:
        assert_refused(words, "required", f"crossres {command} --help")
    places = [POSITIONAL[a.dest] for a in required if not a.option_strings]
    needed = NEEDED.get(command, [])
    takes_any_number = any(a.nargs in ("+", "*") for a in COMMANDS[command]._actions)
    too_many = "more" if takes_any_number else "'more' is one argument too many"
    assert_refused([*words, *needed, *places, "more"], too_many)
    assert_refused([*words[:-1], words[-1][:-1] + "_"], "did you mean", words[-1])


def test_a_command_that_is_none() -> None:
    assert_refused(["runn", "table2"], "did you mean 'run'?")
    assert_refused(["--versoin"], "did you mean '--version'?")
    assert_refused(["dataset", "list"], "unknown command 'dataset'", "did you mean 'datasets'?")
    assert_refused(["verify"], "did you mean 'datasets verify'?")
    assert_refused(["list"], "'tables list' or 'methods list' or 'datasets list' or 'cache list'?")
    assert_refused(["verfy", "mlr-viper"], "did you mean 'datasets verify'?")
    assert_refused(["tables", "lst"], "did you mean 'list'?")
    assert_refused(["completion", "bsh"], "did you mean 'bash'?")


@pytest.mark.parametrize(
    ("words", "texts"),
    [
        (["run", "tabel2"], ["did you mean 'table2'?"]),
        (["run", "table2", "--datasets", "mlr-markt"], ["did you mean 'mlr-market'?"]),
        (["run", "table2", "--datasets", "MLR-VIPeR"], ["did you mean 'mlr-viper'?"]),
        (["run", "table2", "--profile", "smok"], ["did you mean 'smoke'?"]),
        (["run", "table2", "--rows", "Baselin"], ["did you mean 'Baseline'?"]),
        (["run", "table2", "--protocol", "mlr-sinng"], ["did you mean 'mlr-sing'?"]),
        (["run", "table2", "--seeds", "3-1"], ["--seeds", "0-4"]),
        (["run", "table2", "--seeds", "0..4"], ["--seeds", "0-4"]),
        (["run", "table2", "--jobs", "0"], ["--jobs", "from 1"]),
        (["datasets", "show", "mlr-vipr"], ["did you mean 'mlr-viper'?"]),
        (["datasets", "twin", "mlr-viper", "--size", "tinny", "--out", "x"], ["'tiny'?"]),
        ([*BUILD, "--protocol", "mlr-sing[lr_camra=1]"], ["did you mean 'lr_camera'?"]),
        ([*BUILD, "--protocol", "mlr-sing[kernel=bicubc]"], ["did you mean 'bicubic'?"]),
        (["methods", "check", "msifa"], ["did you mean 'msifla'?"]),
        (["methods", "show", "msifa"], ["did you mean 'msifla'?"]),
        (["tables", "show", "tabel2"], ["did you mean 'table2'?"]),
        (["tables", "show", "table2", "--profile", "papr"], ["did you mean 'paper'?"]),
        (["check", "results", "--baseline", "x", "--metrics", "map"], ["did you mean 'mAP'?"]),
        (["evaluate", "features.npz", "--metric", "cosin"], ["did you mean 'cosine'?"]),
        (["claims", "results", "--claims", "ablation"], ["did you mean 'ablations'?"]),
        (["status", "result"], ["no such folder (did you mean 'results'?)"]),
    ],
    ids=lambda value: " ".join(value),
)  # fmt: skip
def test_the_remedy_of_a_slip(words: list[str], texts: list[str]) -> None:
    smoke = ["--profile=smoke"] if words[0] == "run" and "--profile" not in words else []
    assert_refused([*words, *smoke], *texts)
