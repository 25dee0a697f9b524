"""A few hundred cases of the fuzzer, and proof that it would notice a fault.

`nox -s fuzz` runs 10,000 cases; tests/datasets/fuzz/__main__.py says what a case is.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from crossres.datasets import CARDS

REPO = Path(__file__).resolve().parents[2]
FUZZ = REPO / "tests" / "datasets" / "fuzz"
PLANTED = """
import os, sys, tempfile
sys.path[:0] = sys.argv[2:]
import crossres.datasets.base.errors, crossres.datasets.readers.parts.listing
exec(sys.argv[1])
from pathlib import Path
from cases import LAYOUTS, Cases
memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
with tempfile.TemporaryDirectory(dir=memory) as scratch:
    cases = Cases(Path(scratch), list(LAYOUTS))
    results = [cases.run(number) for number in range(100)]
print(*{name for result in results if result.get("problem") for name in result["mutations"]})
"""


def test_every_case_is_a_manifest_or_one_clear_error():
    command = [sys.executable, str(FUZZ), "--cases", "300"]
    process = subprocess.run(command, capture_output=True, text=True, cwd=REPO, timeout=300)
    summary = json.loads(process.stdout)
    assert summary["failures"] == [], process.stderr
    assert process.returncode == 0
    assert summary["cases"] == 300
    outcomes = summary["outcomes"]
    usual = ("manifest", "manifest and store", "error at read", "error at store")
    assert min(outcomes.get(outcome, 0) for outcome in usual) > 10
    assert {layout.split()[0] for layout in summary["layouts"]} == set(CARDS)


def test_no_damage_of_the_one_file_of_cuhk03_ends_the_process():
    """It is HDF5, read by a library in C; flipped bytes, swapped words, cut off, other objects."""
    command = [sys.executable, str(FUZZ), "--cases", "200", "--layout", "mlr-cuhk03"]
    process = subprocess.run(command, capture_output=True, text=True, cwd=REPO, timeout=300)
    summary = json.loads(process.stdout)
    assert summary["failures"] == [], process.stderr
    assert process.returncode == 0
    assert summary["mutations"]["flipped_bytes"] > 20


@pytest.mark.parametrize(
    ("fault", "found_by"),
    [
        (
            "crossres.datasets.readers.parts.listing.is_junk = lambda name: name[0] == '.'",
            {"junk_file", "junk_folder"},
        ),
        (
            "crossres.datasets.readers.parts.listing._is = lambda entry, folders: True",
            {"no_regular_file"},
        ),
        (
            "crossres.datasets.base.errors._printable = lambda character: character",
            {"renamed", "duplicated", "foreign_file", "other_folder_name"},
        ),
    ],
)
def test_a_planted_fault_is_found(fault, found_by):
    command = [sys.executable, "-c", PLANTED, fault, str(FUZZ), str(FUZZ.parent)]
    process = subprocess.run(command, capture_output=True, text=True, cwd=REPO, check=True)
    assert found_by & set(process.stdout.split())
