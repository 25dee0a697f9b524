"""`crossres doctor`: ready here, and each thing that can be broken is found, with its remedy."""

import json
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import crossres
from crossres import doctor
from tests.command_line import Answered

Command = Callable[..., Answered]


def content_of(answered: Answered) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(answered.stdout)
    return content


def found(command: Command, code: int, *more: object) -> dict[tuple[str, str], dict[str, str]]:
    """The findings by part and name."""
    answered = command("doctor", "--json", *more)
    assert answered.returncode == code
    content = content_of(answered)
    assert content["ready"] == (code == 0)
    return {(finding["part"], finding["name"]): finding for finding in content["findings"]}


def assert_broken(finding: dict[str, str], text: str, remedy: str) -> None:
    assert finding["state"] == "broken"
    assert text in finding["text"]
    assert remedy in finding["remedy"]


def test_this_machine_is_ready(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    by_name = found(command, 0)
    for package in ("torch", "torchvision", "numpy", "rich"):
        assert by_name["software", package]["text"] == metadata.version(package)
    assert by_name["software", "python"]["text"].startswith(sys.version.split()[0])
    assert str(Path(crossres.__file__).parent) in by_name["installation", "crossres"]["text"]
    extras = metadata.metadata("crossres").get_all("Provides-Extra")
    assert {name for part, name in by_name if part == "extras"} == set(extras)
    assert list(dict.fromkeys(part for part, _ in by_name)) == [
        part for part in doctor.PARTS if part in {part for part, _ in by_name}
    ]
    text = command("doctor").stdout
    assert text.splitlines()[-1] == "ready"
    assert max(map(len, text.splitlines())) <= 80 + len(sys.executable)


def test_every_lower_bound_is_understood() -> None:
    """What `_fault` reads of a requirement is all that it says."""
    for requirement in metadata.requires("crossres") or []:
        name, _, rest = requirement.partition(";")[0].strip().partition(">=")
        assert doctor._NAME.fullmatch(name), requirement
        assert doctor._numbers(rest), requirement


@pytest.mark.parametrize(
    ("version", "least", "older"),
    [("2.13.0+cpu", "2.6", False), ("2.5.1", "2.6", True), ("0.4", "0.4", False),
     ("2.9.1", "2.10", True), ("3.0rc1", "2.10", False)],
)  # fmt: skip
def test_an_old_package_is_broken(
    version: str, least: str, older: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "version", lambda _: version)
    finding = doctor._needed(f"torch>={least}")
    assert (finding.state == "broken") == older
    assert finding.remedy == (f"pip install 'torch>={least}'" if older else "")


def test_a_package_that_is_missing_or_cannot_be_loaded(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = metadata.version

    def version(name: str) -> str:
        if name in ("scipy", "timm"):
            raise metadata.PackageNotFoundError(name)
        return real(name)

    def refuse() -> None:
        raise OSError("libcudart.so.12: cannot open shared object file")

    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setattr(doctor, "_load_torchvision", refuse)
    by_name = found(command, 1)
    assert_broken(by_name["software", "scipy"], "not installed", "pip install 'scipy>=")
    library = by_name["software", "loading torchvision"]
    assert_broken(library, "libcudart.so.12", "pip install --force-reinstall torchvision")
    for extra in ("timm", "lite"):  # nobody needs them
        assert by_name["extras", extra]["state"] == "note"
        assert by_name["extras", extra]["remedy"] == f"pip install 'crossres[{extra}]'"
    last = command("doctor").stdout.splitlines()[-1]
    assert last.startswith("not ready: scipy, loading torchvision")


def test_a_look_that_fails_hides_no_other(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no such\nthing")

    monkeypatch.setattr(doctor, "_cpu", fail)
    by_name = found(command, 1)
    assert by_name["device", "device"]["text"] == "RuntimeError: no such thing"
    assert ("cache", "folder") in by_name


# --- the installation -----------------------------------------------------------------------------


def test_another_package_that_takes_its_place(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "_installed_at", lambda: tmp_path / "site" / "crossres")
    finding = found(command, 1)["installation", "shadowed"]
    assert_broken(finding, str(tmp_path / "site"), "PYTHONPATH")


def test_a_room_of_another_package(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = SimpleNamespace(__file__=str(tmp_path / "reports" / "__init__.py"))
    monkeypatch.setattr(
        doctor,
        "import_module",
        lambda name: other if name == "crossres.reports" else sys.modules[name],
    )
    finding = found(command, 1)["installation", "crossres.reports"]
    assert_broken(finding, str(tmp_path / "reports"), "remove")


def test_a_clone_that_is_not_what_runs(command: Command, tmp_path: Path) -> None:
    assert ("installation", "clone") not in found(command, 0)
    (tmp_path / "crossres").mkdir()
    (tmp_path / "crossres" / "cli.py").touch()
    (tmp_path / "pyproject.toml").touch()
    note = found(command, 0)["installation", "clone"]
    assert note["state"] == "note"
    assert str(tmp_path) in note["text"]
    assert note["remedy"].startswith("pip install -e .")


# --- the cache and the device ---------------------------------------------------------------------


def test_a_cache_that_cannot_be(command: Command, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in ("file", "file/below", "x" * 300):
        finding = found(command, 1, "--cache", place)["cache", "folder"]
        assert_broken(finding, place.partition("/")[0], "CROSSRES_CACHE")
    assert "not there yet" in found(command, 0, "--cache", "new/cache")["cache", "folder"]["text"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


def test_little_room_is_a_note(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: SimpleNamespace(free=2**30))
    disk = found(command, 0)["cache", "disk"]
    assert (disk["state"], disk["text"]) == ("note", "1 GiB free")
    assert disk["remedy"].startswith("crossres cache prune")


@pytest.mark.parametrize(
    ("machine", "capability", "state"),
    [("x86_64", "AVX2", "ok"), ("x86_64", "AVX512", "ok"), ("x86_64", "DEFAULT", "note"),
     ("aarch64", "DEFAULT", "note")],
)  # fmt: skip
def test_which_cpu_gives_the_committed_bits(
    machine: str, capability: str, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor.platform, "machine", lambda: machine)
    kernels = doctor._kernels(capability)
    assert kernels.state == state
    assert capability in kernels.text


def test_gpus_are_named() -> None:
    gpu = SimpleNamespace(name="H200", total_memory=141 * 2**30)
    cuda = SimpleNamespace(
        is_available=lambda: True, device_count=lambda: 2, get_device_properties=lambda _: gpu
    )
    torch = SimpleNamespace(cuda=cuda, version=SimpleNamespace(cuda="12.8"))
    first, second = doctor._gpus(torch)
    assert (first.name, second.name) == ("cuda:0", "cuda:1")
    assert first.text == "H200, 141 GiB, CUDA 12.8"


def test_without_latex_reports_are_written_all_the_same(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    note = found(command, 0)["LaTeX", "pdflatex"]
    assert note["state"] == "note"
    assert note["remedy"].startswith("apt-get install texlive")
    for name, text in (("pdflatex", ""), ("kpsewhich", "[ $1 = booktabs.sty ]")):
        script = tmp_path / name
        script.write_text(f"#!/bin/sh\n{text}\n")
        script.chmod(0o755)
    assert found(command, 0)["LaTeX", "packages"]["text"] == "graphicx.sty not found"


def test_variables_that_matter_are_shown(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    by_name = found(command, 0)
    assert by_name["shell", "OMP_NUM_THREADS"]["text"] == "3"
    assert ("shell", "MKL_NUM_THREADS") not in by_name
