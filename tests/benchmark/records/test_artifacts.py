"""Artifacts as a folder of them: what is asked for, what is not there, what cannot be used."""

from pathlib import Path

import numpy as np

from crossres.benchmark.records.artifacts import ArtifactFolder, artifact_path, write_artifact


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_artifact(tmp_path, "a", {"x": np.arange(3), "y": np.array(["b"]), "z": np.zeros(2)})
    artifacts = ArtifactFolder(tmp_path)
    arrays = artifacts.read("a", ("x",), optional=("y", "not there"))
    assert arrays is not None
    assert {name: array.tolist() for name, array in arrays.items()} == {"x": [0, 1, 2], "y": ["b"]}
    assert artifacts.problems == ()


def test_what_is_not_there_is_no_problem(tmp_path: Path) -> None:
    artifacts = ArtifactFolder(tmp_path)
    assert artifacts.read("a", ("x",)) is None
    write_artifact(tmp_path, "a", {"x": np.arange(3)})
    assert artifacts.read("a", ("x", "y")) is None
    assert artifacts.problems == ()


def test_what_cannot_be_used_is_one_problem_however_often_it_is_read(tmp_path: Path) -> None:
    write_artifact(tmp_path, "a", {"x": np.arange(3)})
    write_artifact(tmp_path, "b", {"x": np.arange(3)})
    artifact_path(tmp_path, "b").write_bytes(b"not an archive")
    artifacts = ArtifactFolder(tmp_path)
    for _ in range(2):
        assert artifacts.read("a", ("x",), lambda arrays: f"has {len(arrays['x'])} of 4") is None
        assert artifacts.read("b", ("x",)) is None
    odd, damaged = artifacts.problems
    remedy = "; delete it and its record, then run again"
    assert odd == f"{artifact_path(tmp_path, 'a')}: has 3 of 4{remedy}"
    assert damaged.startswith(f"{artifact_path(tmp_path, 'b')}: not a readable artifact (")
    assert damaged.endswith(remedy)
