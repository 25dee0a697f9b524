"""Every file operation of a run fails once, each in one way; `nox -s chaos` tries all ways."""

from pathlib import Path

import pytest

from tests.chaos.disks import can_mount, disk_faults
from tests.chaos.write_failures import Room, trials


@pytest.mark.parametrize("room", ["out", "cache"])
def test_a_failed_operation_is_one_line_and_the_next_run_finishes(
    room: Room, tmp_path: Path
) -> None:
    tried = list(trials(tmp_path, (room,), all_ways=False))
    assert [line for trial in tried for line in trial.lines()] == []
    assert sum(trial.code != 0 for trial in tried) > len(tried) / 2
    names = {trial.operation.name for trial in tried}
    assert names >= {"open", "write", "mkdir", "rename", "unlink"}


def test_full_and_read_only_disks_cost_one_line_too(tmp_path: Path) -> None:
    if not can_mount(tmp_path):
        pytest.skip("no disks can be mounted here")
    assert list(disk_faults(tmp_path)) == []
