"""What the documentation tells people to type works, and every name in it exists.

The commands of a page run in order, in a folder of their own with the files that the page shows, at
the size of a test: `typed` says what is put in for real data and for what takes minutes.
"""

import contextlib
import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import crossres
from crossres.benchmark import load_table
from crossres.cli import _parser
from crossres.parser import Parser

REPOSITORY = Path(__file__).parents[1]
DOCS = sorted(path.relative_to(REPOSITORY).as_posix() for path in REPOSITORY.glob("docs/**/*.md"))
PAGES = ["README.md", "CONTRIBUTING.md", *DOCS]
FENCE = re.compile(r"^```(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
NAMED = re.compile(r"^`(\S+)`:\n\n```\w+\n((?:.*\n)*?)```$", re.MULTILINE)
CODE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)(?:#[^)\s]*)?\)")
ONLY_IN_SITE = re.compile(r"<!-- site:.*?-->", re.DOTALL)  # test_site.py follows its links

KINDS = {"sh", "python", "toml", "csv", "text", "latex"}  # tests/reports compile the LaTeX
ELSEWHERE = {
    "docs/adding-a-method.md": "test_plugin_package.py installs its package and runs all of it",
}
NOT_RUN = {
    "python3 -m venv .venv": "makes the environment that this test is in",
    ". .venv/bin/activate": "enters the environment that this test is in",
    "crossres datasets fetch mlr-viper --out ROOT": "asks a server; test_fetch.py has its own",
    "crossres run table2 --engine ray": "test_ray_engine.py has a cluster",
    "crossres run table2 --engine ray --address head.cluster:6379 --dry-run": "the same",
    "sbatch tools/cluster/slurm.sh table2 --profile paper --data ~/reid --out results/paper": (
        "asks Slurm; test_slurm_cluster.py stands in for it"
    ),
    "crossres embed --model torchreid:osnet_x1_0 --weights-file osnet_x1_0_market.pth "
    "--images ~/crops --out crops.npz": "test_released_models.py has a file",
    "crossres search ~/crops/007_0.bmp --gallery ~/crops --model transreid:vit_jpm_stride12 "
    "--weights-file transformer_120.pth": "the same",
    "python tools/golden_digests.py LISTS > datasets/golden/digests.csv": "needs public name lists",
}
FOREIGN = {"--dataset": "of DI-ReID's code, in docs/exports.md"}
FEATURES = ("FEATURES.npz", "OTHERS.npz")
ROOMS = ("crossres", "datasets", "methods", "benchmark", "reports")
"""A table runs at this size; what a command says itself is kept, but for the profile."""
SMALL = {"--profile": "smoke", "--datasets": "mlr-viper", "--seeds": "0", "--rows": "1,2"}
WITH_PROFILE = (
    "crossres run",
    "crossres datasets build",
    "crossres datasets export",
    "crossres datasets sheet",
)


def text(page: str) -> str:
    return (REPOSITORY / page).read_text(encoding="utf-8")


def commands(page: str) -> list[str]:
    """The commands of the page's `sh` blocks, in order."""
    blocks = "".join(block for kind, block in FENCE.findall(text(page)) if kind == "sh")
    lines = re.sub(r" *\\\n *", " ", blocks).splitlines()
    return [command for line in lines if line for command in line.split(" && ")]


def code(page: str) -> list[str]:
    """What stands between single backticks, without line breaks and the escapes of tables."""
    prose = FENCE.sub("", text(page))
    return [" ".join(span.split()).replace("\\|", "|") for span in CODE.findall(prose)]


# --- every command --------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder: raw folders in `reid` (drawn ones), photographs in `crops` and `station`.

    And features of two code bases, of the same images.
    """
    folder = tmp_path_factory.mktemp("home")
    for dataset in ("mlr-viper", "mlr-market"):
        crossres.draw_twin(dataset, folder / "reid", "tiny")
    shutil.copytree(folder / "reid" / "VIPeR" / "cam_a", folder / "crops")
    for camera, name in (("cam_a", "hall"), ("cam_b", "north-gate")):
        (folder / "station" / name).mkdir(parents=True)
        for image in sorted((folder / "reid" / "VIPeR" / camera).iterdir()):
            shutil.copy(image, folder / "station" / name / f"p{image.name}")
    draws, pids = np.random.default_rng(0), np.arange(40)
    for name, noise in zip(FEATURES, (0.5, 1.0), strict=True):
        qf, gf = (pids[:, None] + noise * draws.normal(size=(40, 8)) for _ in range(2))
        cameras = {"q_camids": np.zeros(40, int), "g_camids": np.ones(40, int)}
        np.savez(folder / name, qf=qf, gf=gf, q_pids=pids, g_pids=pids, **cameras)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)])
def test_every_command_of_a_page(
    page: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if page in ELSEWHERE:
        assert "def test_every_command_of_the_page" in text("tests/test_plugin_package.py")
        return
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("CROSSRES_CACHE", str(home / "cache"))
    for name, content in NAMED.findall(text(page)):
        if "/" not in name:
            Path(name).write_text(content, encoding="utf-8")
    for command in commands(page):
        if command not in NOT_RUN:
            run(command, home)


def run(command: str, home: Path) -> None:
    words = shlex.split(command)
    if "=" in words[0] or "--kernels" in words:
        # A process of its own: the fork server of this one has read the environment.
        setting = [words.pop(0).split("=", 1)] if "=" in words[0] else []
        command_line = [sys.executable, "-m", *typed(words, home)]
        environment = os.environ | dict(setting) | {"PYTHONPATH": str(REPOSITORY)}
        subprocess.run(command_line, env=environment, check=True)
    elif words[0] == "crossres":
        assert exit_code(typed(words, home)) == 0, command
    elif words[0] == "nox":
        check_session(words)
    elif "pip" in words:
        check_requirements(words[words.index("install") + 1 :])
    elif words[0] == "python" and words[1:] == [Path(words[1]).name]:  # a file that the page shows
        subprocess.run([sys.executable, *words[1:]], check=True)
    else:
        pytest.fail(f"{command}: nothing here runs it; give it a way, or NOT_RUN its reason")


def typed(words: list[str], home: Path) -> list[str]:
    """The command of a page as a user of the test would type it."""
    words = [str(home / "reid") if w == "ROOT" else w for w in words]
    words = [str(home / word) if word in FEATURES else word for word in words]
    words = [str(Path(word).expanduser()) if word[0] == "~" else word for word in words]
    words = [saved(word) if word.endswith("/KEY") else word for word in words]
    if " ".join(words).startswith("crossres run"):
        words += [w for o, v in SMALL.items() if o not in words for w in (o, v)] + ["--jobs", "1"]
    elif " ".join(words).startswith(WITH_PROFILE) and "--profile" not in words:
        words += ["--profile", "smoke"]
    if words[:2] == ["crossres", "check"]:  # so small a run is blind: nothing but equality is found
        words.append("--exact")
    if "--profile" in words:
        words[words.index("--profile") + 1] = "smoke"
    return words


def saved(path: str) -> str:
    """The first folder of weights beside the one that is called KEY."""
    return str(min(Path(path).parent.iterdir()))


def exit_code(words: list[str]) -> int:
    try:
        return crossres.main(words[1:])
    except SystemExit as exit_:  # --version, --help, and what argparse refuses
        return int(exit_.code or 0)


@cache
def sessions() -> list[str]:
    listed = [sys.executable, "-m", "nox", "--list", "--noxfile", str(REPOSITORY / "noxfile.py")]
    process = subprocess.run(listed, capture_output=True, text=True, check=True)
    return re.findall(r"^[*-] (\S+)", process.stdout, re.MULTILINE)


def check_session(words: list[str]) -> None:
    """The sessions exist, and what is handed on to `crossres run` or pytest is understood."""
    session, arguments = words, []
    if "--" in words:
        session, arguments = words[: words.index("--")], words[words.index("--") + 1 :]
    assert session[:2] in (["nox", "-s"], ["nox", "-l"])
    assert set(session[2:]) <= set(sessions())
    for table in (name.removeprefix("reproduce-") for name in session[2:] if "reproduce-" in name):
        load_table(table)
        parse(["run", table, *arguments])
    if session[2:] == ["tests"]:
        assert all((REPOSITORY / word.partition("::")[0]).exists() for word in arguments)


def check_requirements(words: list[str]) -> None:
    """Each is this project, with extras and groups that it has, or a tool that constraints name."""
    project = tomllib.loads(text("pyproject.toml"))
    extras = set(project["project"]["optional-dependencies"])
    pinned = set(re.findall(r"^([\w-]+)==", text("constraints.txt"), re.MULTILINE))
    arguments = iter(words)
    for word in arguments:
        if word in ("-c", "--constraint"):
            assert next(arguments) == "constraints.txt"
        elif word == "--group":
            assert next(arguments) in project["dependency-groups"]
        elif word not in ("-e", "--editable"):
            name, _, extra = word.rstrip("]").partition("[")
            assert name in {".", "crossres"} | pinned, word
            assert set(filter(None, extra.split(","))) <= extras, word


def test_what_is_not_run_is_still_written_somewhere() -> None:
    assert set(NOT_RUN) <= {command for page in PAGES for command in commands(page)}
    assert set(ELSEWHERE) <= set(PAGES)


# --- everything else that is code -----------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_every_block_says_what_it_is_and_is_that(page: str) -> None:
    for kind, block in FENCE.findall(text(page)):
        assert kind in KINDS, f"```{kind}: one of {', '.join(sorted(KINDS))}"
        if kind == "python":
            compile(block, page, "exec")
        elif kind == "toml":
            tomllib.loads(block)


def test_the_python_of_the_readme_runs() -> None:
    (block,) = (block for kind, block in FENCE.findall(text("README.md")) if kind == "python")
    exec(block, {})


@pytest.mark.parametrize("page", PAGES)
def test_excerpts_are_what_the_sources_say(page: str) -> None:
    for name, block in NAMED.findall(text(page)):
        if "/" in name:
            assert f"\n{block}" in f"\n{text(name)}", f"{name} differs"


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files(page: str) -> None:
    here, files = (REPOSITORY / page).parent, ONLY_IN_SITE.sub("", text(page))
    assert [link for link in LINK.findall(files) if not (here / link).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_commands_in_prose_are_understood(page: str) -> None:
    for span in code(page):
        for command in alternatives(span):
            words = shlex.split(command)
            if words[0] == "crossres":
                parse([{"N": "1"}.get(word, word) for word in words[1:]])
            elif words[0] == "nox":
                check_session(words)
            elif words[:2] == ["pip", "install"]:
                check_requirements(words[2:])
            else:
                flags = {word for word in words if word.startswith("--")} - set(FOREIGN)
                assert flags <= options(), f"{page}: no command has {flags - options()}"


def alternatives(span: str) -> list[str]:
    """`crossres a b | c` is two commands; what is no command is left out."""
    if not re.match(r"(crossres|nox|pip install) |--\w", span):
        return []
    first, *alternatives = span.split(" | ")
    return [first, *(" ".join([*first.split()[:-1], alternative]) for alternative in alternatives)]


def parse(words: list[str]) -> None:
    """Let the real parser read it; a command that is only named may lack what it requires."""

    def refuse(_: Parser, message: str) -> None:
        assert "required" in message, f"crossres {' '.join(words)}: {message}"
        raise SystemExit

    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(SystemExit):
        patch.setattr(Parser, "error", refuse)
        _parser().parse_args(words)


@cache
def options() -> set[str]:
    return set(_options(_parser()))


def _options(parser: ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action, _SubParsersAction):
            for below in action.choices.values():
                yield from _options(below)


@pytest.mark.parametrize("page", PAGES)
def test_names_in_prose_exist(page: str) -> None:
    for span in code(page):
        if re.fullmatch(rf"({'|'.join(ROOMS)}|docs|tests|tools)/[a-z\d_./-]+\.\w+", span):
            assert (REPOSITORY / span).exists(), f"{page}: there is no file {span}"
        elif match := re.match(rf"(?:{'|'.join(ROOMS)})(?:\.\w+)+(?=\(|$)", span):
            assert is_name(match[0]), f"{page}: there is no {match[0]}"


def is_name(name: str) -> bool:
    """Whether a dotted name is a module, something in one, an entry point group or a file."""
    if name == "crossres.methods" or (REPOSITORY / name).exists():
        return True
    module, _, attribute = name.rpartition(".")
    try:
        return hasattr(importlib.import_module(module), attribute) or bool(
            importlib.import_module(name)
        )
    except ModuleNotFoundError:
        return False


# --- the site -------------------------------------------------------------------------------------


def test_every_page_is_in_the_navigation() -> None:
    site = tomllib.loads(text("docs/zensical.toml"))["project"]
    above = {"index.md", "contributing.md", "changelog.md"}
    made = {"first-steps.md", "reference/commands.md", "reference/python.md"}
    pages = {page.removeprefix("docs/") for page in DOCS}
    assert sorted(_files(site["nav"])) == sorted(pages | above | made)


def _files(nav: list[dict[str, object]]) -> Iterator[str]:
    for entry in nav:
        for below in entry.values():
            yield from _files(below) if isinstance(below, list) else [str(below)]
