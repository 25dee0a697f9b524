"""The sessions of the project: `nox -l` lists them; each one only calls the public commands."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nox
from packaging.requirements import Requirement

nox.needs_version = ">=2024.10.9"
nox.options.sessions = ["lint", "types", "tests"]
nox.options.reuse_venv = "yes"

# Python compiles a module when it is imported first, and keeps that; most of torch's never are.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # some containers have it
PIP = ("--no-compile", "--constraint", "constraints.txt")
GATE_FINDS = "6"  # points of mAP in any one row: docs/gate.md, "The smallest grid"
PYPROJECT = nox.project.load_toml("pyproject.toml")
DEBIAN_TOOLS = {
    "chromium": ["chromium"],
    "pdflatex": [
        "texlive-latex-base",
        "texlive-latex-recommended",
        "texlive-latex-extra",
        "texlive-fonts-recommended",
        "texlive-publishers",  # IEEEtran
    ],
    "pdftoppm": ["poppler-utils"],
    "zsh": ["zsh"],
    "fish": ["fish"],
}


def _install(session: nox.Session, *groups: str, project: str | None = ".") -> None:
    needed = nox.project.dependency_groups(PYPROJECT, *groups) if groups else []
    session.install(*PIP, *needed, *(["--editable", project] if project else []))


def _install_dependencies(session: nox.Session) -> None:
    """What the project needs, without the project."""
    session.install(*PIP, *PYPROJECT["project"]["dependencies"])


@contextmanager
def _as_installed(session: nox.Session) -> Iterator[tuple[str, str]]:
    """The project as users have it, for tools that read files: its folder, and pyproject.toml.

    In the repository the rooms are no folders of the package, as an editable install finds them.
    """
    shutil.rmtree("build/lib", ignore_errors=True)  # what is gone from the code stays there
    site = Path(session.create_tmp(), "site").resolve()
    shutil.rmtree(site, ignore_errors=True)
    session.install("--no-deps", "--target", str(site), ".")
    config = str(Path("pyproject.toml").resolve())
    with session.chdir(site.parent):
        yield str(site), config


def _system_tools(session: nox.Session) -> None:
    """Install the browser, the LaTeX and the shells that tests use, where that is possible."""
    missing = [tool for tool in DEBIAN_TOOLS if not _is_here(tool)]
    packages = [package for tool in missing for package in DEBIAN_TOOLS[tool]]
    if missing and shutil.which("apt-get") and os.geteuid() == 0:
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        session.run("apt-get", "update", "-qq", external=True, env=quiet, silent=True)
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
        session.run(*install, external=True, env=quiet, silent=True)
    elif missing:
        session.warn(
            f"not found: {', '.join(missing)}; the tests that need them are skipped. "
            f"On Debian: apt-get install {' '.join(packages)}"
        )


def _is_here(tool: str) -> bool:
    """Whether a program is installed, LaTeX with the class of IEEE's papers."""
    if shutil.which(tool) is None:
        return False
    finds = ["kpsewhich", "IEEEtran.cls"]
    return tool != "pdflatex" or subprocess.run(finds, capture_output=True).returncode == 0


@nox.session
def tests(session: nox.Session) -> None:
    """All tests: unit, property, end to end, a real browser and a real LaTeX."""
    _system_tools(session)
    _install(session, "tests")
    # One more than cores, as tests also wait for processes and for a browser. Neighbours share what
    # their fixtures make: a worker takes others' tests when it has none left.
    count = str((os.cpu_count() or 1) + 1)
    workers = ["-n", count, "--dist", "worksteal"] if not session.posargs else []
    one_thread = {"OMP_NUM_THREADS": "1"} if workers else {}
    session.run("pytest", *workers, "--benchmark-disable", *session.posargs, env=one_thread)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, and the contract that a room imports only from the rooms below it."""
    _install(session, "lint", project=None)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    with _as_installed(session) as (site, config):
        session.run("lint-imports", "--config", config, env={"PYTHONPATH": site})


@nox.session
def types(session: nox.Session) -> None:
    """The strict type checker over the rooms."""
    _install(session, "types", project=None)
    _install_dependencies(session)
    with _as_installed(session) as (site, config):
        session.run("mypy", "--config-file", config, env={"MYPYPATH": site})


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site into build/docs/site; a link that leads nowhere is an error."""
    _install(session, "docs")
    session.run("python", "-m", "tools.site", *session.posargs)


@nox.session
def benchmark(session: nox.Session) -> None:
    """Time ours beside peers; a ratio that has grown fails; `-- --write` commits those of now."""
    _install(session, "benchmark")
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    session.run("python", "-m", "tools.performance", *session.posargs, env=one_thread)


@nox.session
def paper(session: nox.Session) -> None:
    """Two optimiser steps of every method at the sizes of profile `paper`, with their cost."""
    _install(session, "tests")
    session.run("pytest", "tests/paper", "-m", "paper", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Read 10,000 damaged raw folders; other cases with `-- --first 10000 --cases 500`."""
    _install(session, "tests")
    session.run("python", "tests/datasets/fuzz", *session.posargs)


def _reproduce(session: nox.Session, table: str, project: str = ".") -> None:
    _install(session, project=project)
    session.run("crossres", "run", table, *session.posargs)


@nox.session(name="reproduce-table1")
def reproduce_table1(session: nox.Session) -> None:
    """Fill Table 1 on the twins; on real data with `-- --data ROOT --profile paper`."""
    _reproduce(session, "table1", ".[classic]")


@nox.session(name="reproduce-table2")
def reproduce_table2(session: nox.Session) -> None:
    """Fill Table 2 on the twins; on real data with `-- --data ROOT --profile paper`."""
    _reproduce(session, "table2")


@nox.session(name="reproduce-table3")
def reproduce_table3(session: nox.Session) -> None:
    """Fill Table 3 on the twins; on real data with `-- --data ROOT --profile paper`."""
    _reproduce(session, "table3")


@nox.session(name="reproduce-table4")
def reproduce_table4(session: nox.Session) -> None:
    """Fill Table 4, likewise (vehicles; profile `quick-epochs`: as many epochs for all rows)."""
    _reproduce(session, "table4")


@nox.session(name="reproduce-extended")
def reproduce_extended(session: nox.Session) -> None:
    """Fill the table of methods beside Table 1, likewise."""
    _reproduce(session, "extended", ".[timm]")


@nox.session(name="reproduce-controls")
def reproduce_controls(session: nox.Session) -> None:
    """Fill the table that asks whether it is the method or the ensemble, likewise."""
    _reproduce(session, "controls")


@nox.session(name="reproduce-test-time")
def reproduce_test_time(session: nox.Session) -> None:
    """Fill the table of what post-processing at test time is worth, likewise."""
    _reproduce(session, "test-time")


@nox.session(name="reproduce-transfer")
def reproduce_transfer(session: nox.Session) -> None:
    """Fill the table of what is trained on one data set and tested on another, likewise."""
    _reproduce(session, "transfer")


@nox.session(name="reproduce-frozen")
def reproduce_frozen(session: nox.Session) -> None:
    """Fill the table of features that nobody trained here; on real data with `-- --data ROOT`."""
    _reproduce(session, "frozen", ".[lite]")


@nox.session
def gate(session: nox.Session) -> None:
    """Run the smallest grid that sees a drop, and hold it against the committed baseline."""
    _install(session)
    session.run("crossres", "run", "gate", *session.posargs)
    against = ("--baseline", "baselines/gate.json", "--table", "gate", "--must-find", GATE_FINDS)
    session.run("crossres", "check", "results/gate", *against)


@nox.session
def portable(session: nox.Session) -> None:
    """Say whether this machine gives the committed bits; `-- --write` commits those of this one."""
    _install(session, project=".[classic]")
    shutil.rmtree("results/portable", ignore_errors=True)
    session.run("crossres", "run", "baselines/portable.toml", "--out", "results/portable")
    if session.posargs == ["--write"]:
        write = ("--out", "baselines/portable.json")
        session.run("crossres", "baseline", "results/portable", *write)
    session.run("python", "tools/portable_cells.py", "results/portable")


@nox.session
def mutations(session: nox.Session) -> None:
    """Try the gate on bugs, leaks and clean changes; on some of them with `-- --only TEXT`."""
    _install(session)
    session.run("python", "tests/mutations", *session.posargs)


@nox.session
def chaos(session: nox.Session) -> None:
    """Kill a run 100 times, fail each of its file operations, fill its disk; `-- kills` alone."""
    _install(session, "tests")
    session.run("python", "tests/chaos", *session.posargs)


@nox.session
def simulations(session: nox.Session) -> None:
    """Draw tables whose rows are equal, and count how often statements say otherwise."""
    _install(session)
    session.run("python", "tests/simulations", *session.posargs)


# Their lowest versions for a CPU are not kept by every index, and are gigabytes from those that do.
AS_IN_CONSTRAINTS = ("torch", "torchvision", "pytest", "pytest-timeout", "hypothesis")

LOWEST_TESTS = (
    "tests/test_imports.py",  # every module
    "tests/crossres/test_cli.py::test_run_writes_records_and_report_and_resumes",
    "tests/crossres/test_cli.py::test_twin_then_build_from_it_as_if_it_were_real",
    "tests/crossres/test_cli.py::test_a_truncated_image_is_named",
    "tests/datasets/golden/test_digests.py",
    "tests/datasets/twins/test_digests.py",
    "tests/tools/test_golden_digests.py",
    "tests/datasets/readers/parts/test_images.py",
    "tests/datasets/readers/test_cuhk03.py",
    "tests/methods/shared/classic",
    "tests/methods/test_judea.py",
    "tests/methods/test_sld2l.py",
    "tests/methods/test_sdf.py",
    "tests/methods/shared/networks/test_timm_trunks.py",
    "tests/methods/shared/networks/test_imagenet_weights.py",
    "tests/methods/shared/networks/test_lite0.py",
    "tests/reports/charts/test_pdf.py",
    "tests/reports/tables/test_latex.py",
)


def _lowest_versions() -> list[str]:
    """The lower bounds of pyproject.toml as pins, and of the rest what constraints.txt pins."""
    project = PYPROJECT["project"]
    optional = [line for lines in project["optional-dependencies"].values() for line in lines]
    lowest = {
        needed.name: f"{needed.name}=={bound.version}"
        for needed in map(Requirement, [*project["dependencies"], *optional])
        for bound in needed.specifier
        if bound.operator == ">="
    }
    pins = Path("constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {pin.partition("==")[0]: pin for pin in pins}
    return list((lowest | {name: pinned[name] for name in AS_IN_CONSTRAINTS}).values())


@nox.session
def lowest(session: nox.Session) -> None:
    """Cells, a report, damaged files and the twins' pixels with the lowest versions allowed."""
    session.install(*_lowest_versions())
    session.install("--no-deps", "--editable", ".")
    session.run("pytest", *LOWEST_TESTS, *session.posargs)
