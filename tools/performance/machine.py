"""What the figures were measured on: CPU, caches, versions, threads, kernels."""

import os
import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import torch
from threadpoolctl import threadpool_info

from tools.performance.peers import MODULES
from tools.portable_cells import cpu_model

CACHES = Path("/sys/devices/system/cpu/cpu0/cache")


def this_machine() -> dict[str, Any]:
    """Describe the machine; nothing in it names it."""
    return {
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "caches": dict(_caches(CACHES)),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": torch.__version__,
        "pillow": PIL.__version__,
        **{package: _version(package) for package in MODULES},
        "blas": _numpys_blas(),
        "threads": torch.get_num_threads(),
        "torch instructions": torch.backends.cpu.get_cpu_capability(),
    }


def _caches(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield (name, size) of each cache of a core, as Linux tells them."""
    for cache in sorted(folder.glob("index*")):
        level, kind, size = (
            (cache / name).read_text(encoding="utf-8").strip() for name in ("level", "type", "size")
        )
        yield f"L{level} {kind.lower()}", size


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _numpys_blas() -> str:
    """Return library, version, kernels and threads of the BLAS that numpy came with."""
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    own = [pool for pool in pools if "numpy" in Path(pool["filepath"]).parent.name] or pools
    return ", ".join(
        f"{pool['internal_api']} {pool['version']} ({pool.get('architecture', 'unknown')}, "
        f"{pool['num_threads']} thread)"
        for pool in own
    )
