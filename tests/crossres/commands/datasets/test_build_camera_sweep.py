"""`crossres datasets build --camera-sweep`: one manifest for each camera, or one clear line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from crossres.datasets import Manifest


@pytest.fixture
def build(tmp_path: Path):
    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "crossres", "datasets", "build", *arguments]
        return subprocess.run(
            [*command, "--camera-sweep", "--profile", "smoke", "--out", str(tmp_path / "out")],
            capture_output=True,
            text=True,
            env=os.environ | {"CROSSRES_CACHE": str(tmp_path / "cache")},
        )

    return run


def test_a_sweep_writes_the_manifest_of_every_camera_and_seed(build):
    process = build("mlr-market", "--seeds", "0,1", "--json")
    assert process.returncode == 0, process.stderr
    manifests = [
        Manifest.read(Path(entry["manifest"])) for entry in json.loads(process.stdout)["built"]
    ]
    cameras = sorted({manifest.protocol for manifest in manifests})
    assert cameras == [f"mlr-sing[lr_camera={camid}]" for camid in range(1, len(cameras) + 1)]
    assert len(cameras) > 2
    assert {(m.protocol, m.seed) for m in manifests} == {(c, s) for c in cameras for s in (0, 1)}
    for manifest in manifests:
        (camera,) = set(manifest.rows("query")["camid"])
        assert f"lr_camera={camera}]" in manifest.protocol


def test_a_sweep_of_a_protocol_without_an_lr_camera_is_refused(build):
    process = build("mlr-market", "--protocol", "mlr-perid")
    assert process.returncode == 2
    assert "a camera sweep sets lr_camera" in process.stderr
    assert "Traceback" not in process.stderr
