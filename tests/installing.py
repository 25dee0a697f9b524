"""Install packages into a folder, as pip does into a site-packages, without a network."""

import subprocess
import sys
from pathlib import Path


def install_into(site: Path, source: Path) -> None:
    """Install the package in the folder `source`, in which pip builds, and none that it needs."""
    quiet = ["--quiet", "--disable-pip-version-check", "--no-cache-dir"]
    offline = ["--no-deps", "--no-build-isolation", "--no-index"]
    install = [sys.executable, "-m", "pip", "install", *quiet, *offline]
    process = subprocess.run(
        [*install, "--target", str(site), str(source)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert process.returncode == 0, process.stderr
