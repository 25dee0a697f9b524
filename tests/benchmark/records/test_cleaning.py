"""What `clean` takes from a results folder, and what it must never touch."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from crossres.benchmark import Record
from crossres.benchmark.records.artifacts import artifact_path, write_artifact
from crossres.benchmark.records.checkpoints import checkpoint_path, write_checkpoint
from crossres.benchmark.records.cleaning import Rest, remove, rests
from crossres.benchmark.records.failures import FailedCell, failure_log, write_failure
from crossres.benchmark.records.images import ImageFolder, images_path
from crossres.benchmark.records.leases import Leases
from crossres.benchmark.records.record import record_path, write_record
from crossres.benchmark.records.weights import weights_path, write_weights
from crossres.datasets.base.files import replace_folder
from tests.benchmark.records.test_images import images

Make = Callable[..., Record]
HEX = "0123456789abcdef" * 2
KEY, OTHER = "a" * 20, "b" * 20


def everything_of(folder: Path, key: str) -> set[Path]:
    """Write all that may lie beside a record."""
    write_failure(failure_log(folder, key), FailedCell(key, "T", "no luck"), "")
    write_artifact(folder, key, {"x": np.arange(3)})
    write_weights(folder, key, {"method.json": b"{}"})
    write_checkpoint(folder, key, {"x": b"123"})
    return {
        failure_log(folder, key),
        artifact_path(folder, key),
        weights_path(folder, key),
        checkpoint_path(folder, key),
    }


def left(path: Path) -> Path:
    """Make a file that nobody holds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"12345")
    return path


def paths(found: list[Rest]) -> set[Path]:
    return {rest.path for rest in found}


def cleaned(folder: Path, **how: bool) -> set[Path]:
    """Clean; return what went, and is not there any more."""
    removed = paths(remove(folder, rests(folder, **how), **how))
    assert not any(path.exists() for path in removed)
    assert rests(folder, **how) == []
    return removed


def test_beside_a_record_its_old_failure_and_checkpoint_go(tmp_path: Path, make: Make) -> None:
    record = make()
    everything_of(tmp_path, record.key)
    write_record(tmp_path, record)
    gone = {failure_log(tmp_path, record.key), checkpoint_path(tmp_path, record.key)}
    assert cleaned(tmp_path) == gone
    assert not (tmp_path / "failures").exists()
    assert artifact_path(tmp_path, record.key).is_file()


def test_without_a_record_artifact_and_weights_go(tmp_path: Path) -> None:
    everything_of(tmp_path, KEY)
    assert cleaned(tmp_path) == {artifact_path(tmp_path, KEY), weights_path(tmp_path, KEY)}
    assert cleaned(tmp_path, all_failures=True) == {failure_log(tmp_path, KEY)}
    assert checkpoint_path(tmp_path, KEY).is_file()  # from there the cell goes on


def test_a_damaged_record_is_no_reason(tmp_path: Path, make: Make) -> None:
    record = make()
    everything_of(tmp_path, record.key)
    write_record(tmp_path, record)
    record_path(tmp_path, record.key).write_text("{")
    assert cleaned(tmp_path) == set()


def test_nothing_of_a_cell_that_a_run_is_at_work_on(tmp_path: Path) -> None:
    held, free = everything_of(tmp_path, KEY), everything_of(tmp_path, OTHER)
    old = left(tmp_path / "records" / f".y.json.{HEX}.partial")
    with Leases(tmp_path) as leases:
        assert leases.take(KEY, "T", 1.0)
        gone = cleaned(tmp_path, all_failures=True)
    assert gone == {*free, old} - {checkpoint_path(tmp_path, OTHER)}
    assert all(path.exists() for path in held)


def test_what_a_run_takes_up_meanwhile_stays(tmp_path: Path) -> None:
    everything_of(tmp_path, KEY)
    everything_of(tmp_path, OTHER)
    chosen = rests(tmp_path, all_failures=True)
    with Leases(tmp_path) as leases:
        assert leases.take(KEY, "T", 1.0)
        removed = remove(tmp_path, chosen, all_failures=True)
    assert {rest.key for rest in chosen} == {KEY, OTHER}
    assert {rest.key for rest in removed} == {OTHER}


def test_what_has_its_record_meanwhile_stays(tmp_path: Path, make: Make) -> None:
    record = make()
    everything_of(tmp_path, record.key)
    chosen = rests(tmp_path)
    write_record(tmp_path, record)
    assert remove(tmp_path, chosen) == []
    assert artifact_path(tmp_path, record.key).is_file()


def test_temporary_files_that_nobody_writes_to_go(tmp_path: Path) -> None:
    (tmp_path / "records").mkdir()
    old = {
        left(tmp_path / "records" / f".{KEY}.json.{HEX}.partial"),
        left(tmp_path / "report" / "figures" / f".a.pdf.{HEX}.partial"),
    }
    folder = left(tmp_path / "weights" / f".{KEY}.{HEX}.partial" / "weights.safetensors").parent
    mine = left(tmp_path / "records" / ".notes.partial")
    with replace_folder(tmp_path / "weights" / OTHER) as being_written:
        assert cleaned(tmp_path) == {*old, folder}
        assert being_written.exists()
    assert mine.exists()


def test_leases_of_killed_runs_go(tmp_path: Path) -> None:
    (tmp_path / "running").mkdir()
    for key in (KEY, OTHER):
        for suffix in (".lock", ".json"):
            (tmp_path / "running" / f"{key}{suffix}").write_text("{}")
    with Leases(tmp_path) as leases:
        assert leases.take(OTHER, "T", 1.0)
        assert cleaned(tmp_path) == {tmp_path / "running" / f"{KEY}.lock"}
        assert (tmp_path / "running" / f"{OTHER}.lock").exists()
    assert not (tmp_path / "running").exists()


def test_a_lease_that_a_run_takes_meanwhile_stays(tmp_path: Path) -> None:
    (tmp_path / "running").mkdir()
    for suffix in (".lock", ".json"):
        (tmp_path / "running" / f"{KEY}{suffix}").write_text("{}")
    chosen = rests(tmp_path)
    assert [rest.kind for rest in chosen] == ["lease"]
    with Leases(tmp_path) as leases:
        assert leases.take(KEY, "T", 1.0)
        assert remove(tmp_path, chosen) == []


@pytest.mark.parametrize("name", ["mine.npz", f"{KEY}.npy", f"{KEY[:-1]}.npz"])
def test_what_is_not_called_like_ours_stays(tmp_path: Path, name: str) -> None:
    path = left(tmp_path / "artifacts" / name)
    assert cleaned(tmp_path, all_failures=True) == set()
    assert path.exists()


def test_thumbnails_that_no_record_names_go(tmp_path: Path, make: Make) -> None:
    record, gone, foreign = make(), "0" * 64, tmp_path / "images" / "mine"
    write_record(tmp_path, record)
    for pixels in (record.digests["pixels"], gone):
        ImageFolder(tmp_path).add(pixels, images(1, 2))
    foreign.mkdir()
    with Leases(tmp_path) as leases:
        assert leases.take(KEY, "another cell", 1.0)  # it may just have retrieved them
        assert rests(tmp_path) == []
    chosen = rests(tmp_path)
    assert paths(chosen) == {images_path(tmp_path, gone)}
    with Leases(tmp_path) as leases:
        assert leases.take(KEY, "a cell that began meanwhile", 1.0)
        assert remove(tmp_path, chosen) == []
    assert cleaned(tmp_path) == {images_path(tmp_path, gone)}
    assert images_path(tmp_path, record.digests["pixels"]).is_dir()
    assert foreign.is_dir()


def test_thumbnails_stay_where_a_record_is_not_readable(tmp_path: Path, make: Make) -> None:
    ImageFolder(tmp_path).add("0" * 64, images(1))
    left(record_path(tmp_path, make().key))
    assert rests(tmp_path) == []
