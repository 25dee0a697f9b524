"""Which kernels of a CPU compute a cell: the ones that most machines have, or its own best ones.

A CPU with wider registers adds the same numbers in another order. Capped at AVX2, the libraries
that compute take the same kernels on every x86-64 machine of the last ten years. MKL, which torch
multiplies matrices with, has kernels for Intel's CPUs only among those for AVX2; only what it calls
compatible is the same on all.
"""

import os
import platform
from collections.abc import Mapping
from typing import Literal

import numpy as np

Kernels = Literal["portable", "native"]
KERNELS: tuple[Kernels, ...] = ("portable", "native")
CHOSEN = "CROSSRES_KERNELS"
# Each library reads its variable when it is loaded or first used: they must stand before.
AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_CBWR": "COMPATIBLE",
    "OPENBLAS_CORETYPE": "Haswell",
}
BEYOND_AVX2 = ("AVX512", "X86_V4")


def kernel_variables(kernels: Kernels) -> dict[str, str]:
    """Return the environment that a process must be started with to compute with these kernels."""
    if kernels == "native" or platform.machine().lower() not in ("x86_64", "amd64"):
        return {CHOSEN: kernels}
    extensions = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    without = " ".join(name for name in extensions if name.startswith(BEYOND_AVX2))
    return {CHOSEN: kernels, **AVX2, "NPY_DISABLE_CPU_FEATURES": without}


def kernels_of_process() -> str:
    """Name the kernels of this process and the instructions that torch uses: "portable, AVX2"."""
    import torch  # not for those who only plan

    kernels = os.environ.get(CHOSEN, "native")
    return f"{kernels}, {torch.backends.cpu.get_cpu_capability()}"


def kernels_named(text: object) -> Kernels:
    """Return the kernels that `kernels_of_process` named so; portable ones for anything else."""
    return "native" if str(text).split(",")[0] == "native" else "portable"


def made_with_other_kernels(environment: Mapping[str, str | int], kernels: Kernels) -> bool:
    """Say whether a record with this environment was computed on a CPU with other kernels."""
    made_with = str(environment.get("kernels", ""))
    return environment["device"] == "cpu" and made_with.split(",")[0] != kernels
