"""Kernels: the variables that a worker starts with decide which instructions torch uses."""

import platform
import subprocess
import sys

import pytest
import torch

from crossres.benchmark.measures.kernels import kernel_variables, made_with_other_kernels

ASK = (
    "import numpy; from crossres.benchmark.measures.kernels import kernels_of_process;"
    "print(kernels_of_process())"
)
X86 = platform.machine().lower() in ("x86_64", "amd64")


def kernels_of_a_process(variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    call = [sys.executable, "-W", "error", "-c", ASK]
    done = subprocess.run(call, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.mark.skipif(not X86, reason="portable kernels are those of x86-64")
def test_portable_kernels_use_nothing_beyond_avx2(monkeypatch: pytest.MonkeyPatch) -> None:
    assert kernels_of_a_process(kernel_variables("portable"), monkeypatch) == "portable, AVX2"


def test_native_kernels_are_those_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in kernel_variables("portable"):
        monkeypatch.delenv(name, raising=False)
    kernels = kernels_of_a_process(kernel_variables("native"), monkeypatch)
    assert kernels == f"native, {torch.backends.cpu.get_cpu_capability()}"


def test_a_record_knows_whether_it_was_made_with_other_kernels() -> None:
    assert not made_with_other_kernels({"device": "cpu", "kernels": "portable, AVX2"}, "portable")
    assert made_with_other_kernels({"device": "cpu", "kernels": "native, AVX512"}, "portable")
    assert made_with_other_kernels({"device": "cpu"}, "portable")  # of an older version
    assert not made_with_other_kernels({"device": "a GPU"}, "portable")
