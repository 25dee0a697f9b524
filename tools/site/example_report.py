"""The report that the site shows: a small table on one twin, run while the site is built."""

import json
import shutil
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

PLACE = "example-report"
PROFILE = "quick"
TABLE = Path(__file__).with_name("example.toml")
CLAIMS = Path(__file__).with_name("example-claims.toml")


def write(into: Path, folder: Path, profile: str = PROFILE) -> None:
    """Write the report as a folder `into`; cells that `folder`/example has are not run again."""
    results = folder / "example"
    keys = _run(results, folder / "cache", profile)
    if any(path.stem not in keys for path in results.glob("records/*.json")):
        shutil.rmtree(results)  # of another version of crossres: its cells would be "left out"
        _run(results, folder / "cache", profile)
    shutil.copytree(results / "report", into)


def _run(results: Path, cache: Path, profile: str) -> Collection[str]:
    """Run the table; returns the keys of its cells. Raises where a cell has failed."""
    command = [sys.executable, "-m", "crossres", "run", str(TABLE), "--claims", str(CLAIMS)]
    command += ["--profile", profile, "--out", str(results), "--cache", str(cache)]
    command += ["--jobs", "1", "--json"]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    keys: list[str] = json.loads(answer)["cells"]
    return keys
