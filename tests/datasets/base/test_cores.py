"""CPU quotas of containers, in folders that look as Linux shows them."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from crossres.datasets.base.cores import usable_cores

CORES = 8
V1 = "33 32 0:29 {root} {mount} rw,relatime shared:9 - cgroup cgroup rw,{controllers}"
V2 = "30 29 0:26 {root} {mount} rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"


@pytest.fixture(autouse=True)
def _eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(CORES), raising=False)


def cores_seen(
    tmp_path: Path,
    mount: str,
    cgroup: str,
    files: Mapping[str, str],
    *,
    root: str = "/",
    controllers: str = "cpu,cpuacct",
) -> int:
    """The cores found with these lines of mountinfo and cgroup, and these files in the mount."""
    folder = tmp_path / "mount"
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    line = mount.format(root=root, mount=folder, controllers=controllers)
    unrelated = "22 1 0:20 / /proc rw,nosuid - proc proc rw"
    (tmp_path / "mountinfo").write_text(f"{unrelated}\n{line}\n")
    (tmp_path / "cgroup").write_text(cgroup)
    return usable_cores(tmp_path)


def v1(quota: int, period: int = 100_000, group: str = ".") -> dict[str, str]:
    return {
        f"{group}/cpu.cfs_quota_us": f"{quota}\n",
        f"{group}/cpu.cfs_period_us": f"{period}\n",
    }


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [(100_000, 1), (150_000, 2), (10_000, 1), (250_000, 3), (4_000_000, CORES)],
)
def test_a_quota_is_rounded_up_and_never_adds_cores(
    allowed: int, expected: int, tmp_path: Path
) -> None:
    new, old = tmp_path / "2", tmp_path / "1"
    assert cores_seen(new, V2, "0::/\n", {"cpu.max": f"{allowed} 100000\n"}) == expected
    assert cores_seen(old, V1, "4:cpu,cpuacct:/\n", v1(allowed)) == expected


def test_without_a_quota_all_cores_are_used(tmp_path: Path) -> None:
    assert cores_seen(tmp_path / "2", V2, "0::/\n", {"cpu.max": "max 100000\n"}) == CORES
    assert cores_seen(tmp_path / "1", V1, "4:cpu,cpuacct:/\n", v1(-1)) == CORES
    assert cores_seen(tmp_path / "none", V2, "0::/a/b\n", {}) == CORES
    assert usable_cores(tmp_path / "nothing") == CORES


def test_the_smallest_quota_of_nested_groups_counts(tmp_path: Path) -> None:
    limits = {"a/cpu.max": "200000 100000", "a/b/cpu.max": "max 100000", "cpu.max": "500000 100000"}
    assert cores_seen(tmp_path / "2", V2, "0::/a/b\n", limits) == 2
    files = {**v1(300_000, group="a"), **v1(-1, group="a/b"), **v1(100_000, group="other")}
    assert cores_seen(tmp_path / "1", V1, "9:pids:/x\n4:cpu,cpuacct:/a/b\n0::/\n", files) == 3


def test_a_container_sees_its_group_as_the_whole_mount(tmp_path: Path) -> None:
    """As docker shows version 1: the path of the group is the host's, the mount the container's."""
    group = "/docker/0a1b"
    inside = f"4:cpu,cpuacct:{group}/inner\n"
    files = {**v1(-1), **v1(200_000, group="inner")}
    assert cores_seen(tmp_path / "sub", V1, inside, files, root=group) == 2
    assert cores_seen(tmp_path / "own", V1, f"4:cpu:{group}\n", v1(100_000), root=group) == 1
    # A group outside of the namespace, which no path leads to.
    assert cores_seen(tmp_path / "out", V1, "4:cpu:/../other\n", v1(300_000)) == 3


def test_other_controllers_and_odd_files_are_passed_over(tmp_path: Path) -> None:
    quota = v1(100_000)
    assert cores_seen(tmp_path / "a", V1, "4:memory:/\n", quota, controllers="memory") == CORES
    assert cores_seen(tmp_path / "b", V1, "4:cpu:/\n", quota, controllers="cpuset") == CORES
    assert cores_seen(tmp_path / "c", V2, "0::/\n", {"cpu.max": "much\n"}) == CORES
    assert cores_seen(tmp_path / "d", V2, "0::/\n", {"cpu.max": "100000 0\n"}) == CORES
    (tmp_path / "e").mkdir()
    (tmp_path / "e" / "mountinfo").write_text("nonsense\n")
    (tmp_path / "e" / "cgroup").write_text("nonsense\n")
    assert usable_cores(tmp_path / "e") == CORES


def test_the_affinity_counts_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(1), raising=False)
    assert cores_seen(tmp_path, V2, "0::/\n", {"cpu.max": "400000 100000\n"}) == 1
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert usable_cores(tmp_path) == 3
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_cores(tmp_path) == 1
