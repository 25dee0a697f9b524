"""Every module can be imported, whatever versions of the libraries are installed."""

import importlib
import pkgutil

import pytest

ROOMS = ("crossres", *(f"crossres.{r}" for r in ("datasets", "methods", "benchmark", "reports")))
MODULES = sorted(
    {
        module.name
        for room in map(importlib.import_module, ROOMS)
        for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}.")
        if not module.name.endswith("__main__")
    }
)


@pytest.mark.parametrize("name", MODULES)
def test_it_can_be_imported(name):
    importlib.import_module(name)
