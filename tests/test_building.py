"""What `crossres datasets build` tells: how far it is, the time left, where the pixels are from."""

import json
import os
import subprocess
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]


def test_build_says_where_the_pixels_are_from(tmp_path: Path) -> None:
    def build(*more: str) -> str:
        command = [sys.executable, "-m", "crossres", "datasets", "build", "mlr-viper"]
        process = subprocess.run(
            [*command, "--profile", "smoke", "--out", str(tmp_path), *more],
            capture_output=True,
            text=True,
            check=True,
            cwd=REPO,
            env=os.environ | {"CROSSRES_CACHE": str(tmp_path / "cache")},
        )
        return process.stdout

    assert "(built), source twin:tiny:" in build()
    assert "(from cache), source" in build()
    assert json.loads(build("--json"))["built"][0]["origin"] == "cache"
