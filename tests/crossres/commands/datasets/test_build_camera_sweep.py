"""`crossres datasets build --camera-sweep`: one manifest for each camera, or one clear line."""

import json

from crossres.datasets import Manifest

SWEEP = ("datasets", "build", "mlr-market", "--camera-sweep", "--profile", "smoke", "--out", "out")


def test_a_sweep_writes_the_manifest_of_every_camera_and_seed(command, tmp_path):
    built = command(*SWEEP, "--seeds", "0,1", "--json")
    assert built.returncode == 0, built.stderr
    manifests = [
        Manifest.read(tmp_path / entry["manifest"]) for entry in json.loads(built.stdout)["built"]
    ]
    cameras = sorted({manifest.protocol for manifest in manifests})
    assert cameras == [f"mlr-sing[lr_camera={camid}]" for camid in range(1, len(cameras) + 1)]
    assert len(cameras) > 2
    assert {(m.protocol, m.seed) for m in manifests} == {(c, s) for c in cameras for s in (0, 1)}
    for manifest in manifests:
        (camera,) = set(manifest.rows("query")["camid"])
        assert f"lr_camera={camera}]" in manifest.protocol


def test_a_sweep_of_a_protocol_without_an_lr_camera_is_refused(command):
    refused = command(*SWEEP, "--protocol", "mlr-perid")
    assert refused.returncode == 2
    assert "a camera sweep sets lr_camera" in refused.stderr
    assert "Traceback" not in refused.stderr
