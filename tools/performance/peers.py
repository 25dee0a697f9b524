"""The peers that are measured beside us, imported where they are installed."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType

import torch
from threadpoolctl import threadpool_limits

from crossres.methods.shared.networks.optional_libraries import torchvision_models

MODULES = {  # name of the package -> module
    "faiss-cpu": "faiss",
    "pytorch-metric-learning": "pytorch_metric_learning.utils.accuracy_calculator",
    "torchmetrics": "torchmetrics.retrieval",
}


@cache
def peer(package: str) -> ModuleType | str:
    """Return the module of a peer, or why it cannot be imported, in one line."""
    try:
        torchvision_models()  # which torchmetrics imports
        return importlib.import_module(MODULES[package])
    except (ImportError, RuntimeError, OSError) as error:
        return (str(error).splitlines() or [type(error).__name__])[0]


def missing_peers() -> dict[str, str]:
    """Return the peers that cannot be imported, each with the reason."""
    modules = {package: peer(package) for package in MODULES}
    return {package: reason for package, reason in modules.items() if isinstance(reason, str)}


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Let every library that computes use one thread inside."""
    faiss, before = peer("faiss-cpu"), torch.get_num_threads()
    torch.set_num_threads(1)
    if isinstance(faiss, ModuleType):
        faiss.omp_set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)
