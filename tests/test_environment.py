"""Consoles, standard streams, signals, folders and variables as they are on other machines."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Done = "subprocess.CompletedProcess[bytes]"
Command = Callable[..., "subprocess.CompletedProcess[bytes]"]
LIST = ("methods", "list")  # its titles hold ² and λ
ONE_CELL = ("run", "table2", "--profile=smoke", "--datasets=mlr-viper", "--seeds=0", "--rows=1")
REPOSITORY = Path(__file__).parents[1]
ROOMS = [REPOSITORY / room for room in ("datasets", "methods", "benchmark", "reports", "crossres")]
posix = pytest.mark.skipif(os.name != "posix", reason="asks for a POSIX system")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def command(cache: Path, tmp_path: Path) -> Command:
    """command(*words, **variables, how=...): a real process; a variable of None is not set."""

    def run(*words: str, how: Any = None, **variables: str | None) -> Any:
        merged = os.environ | {"CROSSRES_CACHE": str(cache)} | variables
        return subprocess.run(
            [sys.executable, "-m", "crossres", *words],
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **(how or {})},
            cwd=tmp_path,
            env={name: value for name, value in merged.items() if value is not None},
            timeout=500,
            check=False,
        )

    return run


def assert_refused(process: Any, *texts: str) -> None:
    error = process.stderr.decode()
    assert process.returncode == 2, error
    (line,) = error.splitlines()
    assert line.startswith("crossres: ")
    for text in texts:
        assert text in line


# --- consoles -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "variables",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "gbk"},
        {"PYTHONIOENCODING": "cp1252"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "utf-8"},
    ],
    ids=lambda variables: " ".join(variables.values()),
)
def test_signs_that_a_console_lacks_are_replaced(
    variables: dict[str, str], command: Command
) -> None:
    process = command(*LIST, **variables)
    assert (process.returncode, process.stderr) == (0, b"")
    encoding = variables.get("PYTHONIOENCODING", "ascii")
    text = process.stdout.decode(encoding)
    assert ("CMSR²" in text or "²" in text) == (encoding in ("utf-8", "cp1252"))
    refused = command("methods", "check", "λ²", **variables)
    assert refused.returncode == 2
    (line,) = refused.stderr.decode(encoding).splitlines()
    assert line.startswith("crossres: unknown method ")


def test_files_are_utf8_on_any_console(command: Command, tmp_path: Path) -> None:
    variables = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    two = [word.replace("--rows=1", "--rows=2") for word in ONE_CELL]
    assert command(*two, "--out=mine", **variables).returncode == 0
    assert "CMSR²" in (tmp_path / "mine" / "report" / "table2.csv").read_text(encoding="utf-8")
    warned = {"PYTHONWARNDEFAULTENCODING": "1", "PYTHONWARNINGS": "always::EncodingWarning"}
    warnings = command("report", "mine", **variables, **warned).stderr.decode("ascii", "replace")
    of_rooms = [line for line in warnings.splitlines() if line.startswith(tuple(map(str, ROOMS)))]
    assert not of_rooms
    printed = command("baseline", "mine", PYTHONIOENCODING="utf-16").stdout
    assert command("baseline", "mine", "--out=base.json").returncode == 0
    assert printed == (tmp_path / "base.json").read_bytes()


# --- standard streams -----------------------------------------------------------------------------


@posix
def test_a_full_standard_output_is_told_and_closed_ones_are_not(command: Command) -> None:
    with Path("/dev/full").open("wb") as full:
        assert_refused(command(*LIST, how={"stdout": full}), "standard output", "No space left")
        assert command("methods", "list", how={"stdout": full, "stderr": full}).returncode == 2
    for closed in ((1,), (2,), (0, 1, 2)):
        how = {"preexec_fn": lambda numbers=closed: [os.close(number) for number in numbers]}
        assert command(*LIST, how=how).returncode == 0, closed


@posix
def test_a_run_with_all_streams_closed_keeps_its_results(command: Command, tmp_path: Path) -> None:
    how = {"preexec_fn": lambda: [os.close(number) for number in (0, 1, 2)]}
    process = command(*ONE_CELL, "--out=closed", how=how)
    assert (process.returncode, process.stdout, process.stderr) == (0, b"", b"")
    assert len(list((tmp_path / "closed" / "records").glob("*.json"))) == 1
    assert (tmp_path / "closed" / "report" / "index.html").stat().st_size > 1000


@posix
@pytest.mark.parametrize("words", [("methods", "check", "plain"), ("methods", "check", "none")])
def test_a_reader_that_goes_away_changes_no_exit_code(
    words: tuple[str, ...], command: Command
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        process = command(*words, how={"stdout": writer})
    finally:
        os.close(writer)
    assert process.returncode == (0 if words[-1] == "plain" else 2)


# --- signals --------------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize("background", [False, True], ids=["foreground", "SIGINT ignored"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_run_that_is_ended_keeps_what_is_finished(
    number: signal.Signals, background: bool, cache: Path, tmp_path: Path
) -> None:
    sigint = signal.SIG_IGN if background else signal.SIG_DFL
    words = ("run", "table2", "--profile=smoke", "--datasets=mlr-viper", "--jobs=1")
    process = subprocess.Popen(
        [sys.executable, "-m", "crossres", *words, "--out=out"],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=tmp_path,
        env=os.environ | {"CROSSRES_CACHE": str(cache), "TMPDIR": str(tmp_path)},
        # Under nohup, SIGHUP would be ignored, as it should be.
        preexec_fn=lambda: [
            signal.signal(signal.SIGINT, sigint),
            signal.signal(number, signal.SIG_DFL),
        ],
    )
    records = tmp_path / "out" / "records"
    end = time.monotonic() + 400
    while time.monotonic() < end and (not records.is_dir() or not list(records.iterdir())):
        time.sleep(0.05)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=200)
    assert process.returncode == 1, stderr
    assert b"run the same command again to go on" in stderr
    assert b"Traceback" not in stderr
    assert all(path.suffix == ".json" for path in records.iterdir())
    assert not list(tmp_path.glob("crossres-*"))


# --- folders and users ----------------------------------------------------------------------------


@posix
def test_a_long_folder_for_temporary_files(command: Command, tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 100)
    folder.mkdir()
    process = command(*ONE_CELL, "--dry-run", TMPDIR=str(folder))
    assert process.returncode == 0, process.stderr
    assert not list(folder.glob("crossres-*"))  # torch leaves a folder of its own


@pytest.fixture
def homeless(tmp_path: Path) -> dict[str, str | None]:
    """Variables under which no home folder is known, as for a user without an entry in passwd."""
    module = "import pwd\ndef _none(uid): raise KeyError(uid)\npwd.getpwuid = _none\n"
    (tmp_path / "homeless").mkdir()
    (tmp_path / "homeless" / "sitecustomize.py").write_text(module, encoding="utf-8")
    path = os.pathsep.join(map(str, (tmp_path / "homeless", *filter(None, sys.path))))
    return {"HOME": None, "USERPROFILE": None, "PYTHONPATH": path}


@posix
def test_a_user_without_home(command: Command, homeless: dict[str, str], tmp_path: Path) -> None:
    build = ("datasets", "build", "mlr-viper", "--profile=smoke", "--out=m")
    assert_refused(command(*build, CROSSRES_CACHE=None, **homeless), "--cache", "CROSSRES_CACHE")
    process = command(*build, "--cache=mine", CROSSRES_CACHE=None, **homeless)
    assert (process.returncode, process.stderr) == (0, b"")
    assert (tmp_path / "mine" / "pixels").is_dir()
    assert not (tmp_path / "~").exists()


def test_a_tilde_is_the_home_folder(command: Command, tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path / "home"), "USERPROFILE": str(tmp_path / "home")}
    build = ("datasets", "build", "mlr-viper", "--profile=smoke", "--out=~/m")
    assert command(*build, CROSSRES_CACHE="~/mine", **home).returncode == 0
    assert command(*build, "--cache=~/yours", **home).returncode == 0
    assert {path.name for path in (tmp_path / "home").iterdir()} == {"m", "mine", "yours"}
    assert not (tmp_path / "~").exists()
    written = (tmp_path / "home" / "mine.toml").write_text('name = "x"\n', encoding="utf-8")
    assert written
    assert_refused(command("run", "~/mine.toml", **home), str(tmp_path / "home" / "mine.toml"))
    assert_refused(command("report", "~nobody-here/x"), "no home folder ~nobody-here")


@pytest.mark.parametrize("room", ["datasets", "methods", "benchmark", "reports"])
def test_a_mere_folder_named_like_a_room(room: str, command: Command, tmp_path: Path) -> None:
    (tmp_path / room).mkdir()
    (tmp_path / room / "notes.txt").touch()
    process = command("datasets", "list")
    assert (process.returncode, process.stderr) == (0, b"")


@posix
def test_a_working_folder_that_is_gone(cache: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    script = (
        f"import os; os.rmdir({str(gone)!r})\nfrom crossres import main\nraise SystemExit(main())"
    )
    words = ("datasets", "build", "mlr-viper", "--profile=smoke", f"--out={tmp_path / 'm'}")
    process = subprocess.run(
        [sys.executable, "-c", script, *words],
        cwd=gone,
        env=os.environ | {"CROSSRES_CACHE": str(cache)},
        capture_output=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr


# --- variables ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONOPTIMIZE": "2"},
        {"PYTHONWARNINGS": "error"},
        # Of the terminal beside others: these have nothing to do with each other.
        {"TERM": "dumb", "COLUMNS": "0", "PYTHONUNBUFFERED": "1", "PYTHONHASHSEED": "7"},
        {
            "COLUMNS": "1",
            "NO_COLOR": "1",
            "OMP_NUM_THREADS": "many",
            "CUDA_VISIBLE_DEVICES": "nonsense",
        },
    ],
    ids=lambda variables: " ".join(variables),
)
def test_one_cell_under_odd_variables(
    variables: dict[str, str], command: Command, tmp_path: Path
) -> None:
    process = command(*ONE_CELL, "--out=odd", **variables)
    assert process.returncode == 0, process.stderr
    assert b"Traceback" not in process.stderr
    assert (tmp_path / "odd" / "report" / "table2.tex").exists()
