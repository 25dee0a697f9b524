"""One installed package, crossres; its rooms are folders at the top of the repository."""

from setuptools import find_packages, setup

FOLDERS = {
    "crossres": "crossres",
    "crossres.datasets": "datasets",
    "crossres.methods": "methods",
    "crossres.benchmark": "benchmark",
    "crossres.reports": "reports",
}

setup(
    package_dir=FOLDERS,
    packages=[
        package
        for name, folder in FOLDERS.items()
        for package in (name, *(f"{name}.{inner}" for inner in find_packages(folder)))
    ],
)
