"""Merging results folders: what goes where, what is in dispute, what is damaged, resuming."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crossres.benchmark import Record, load_table
from crossres.benchmark.records import merging
from crossres.benchmark.records.artifacts import artifact_path, write_artifact
from crossres.benchmark.records.failures import FailedCell, failure_log, write_failure
from crossres.benchmark.records.images import ImageFolder, images_path
from crossres.benchmark.records.kept import keep_table
from crossres.benchmark.records.merging import merge_folders
from crossres.benchmark.records.record import read_records, record_path, write_record
from crossres.datasets.base.errors import InputError
from tests.benchmark.records.test_images import images

Make = Callable[..., Record]


def fill(folder: Path, *records: Record) -> Path:
    """Write records with artifacts, whose arrays tell whose they are."""
    for record in records:
        write_artifact(folder, record.key, {"of": np.array([record.key, folder.name])})
        write_record(folder, record)
    (folder / "records").mkdir(parents=True, exist_ok=True)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """All files by their path in the folder."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_records_of_both_with_what_belongs_to_them(tmp_path: Path, make: Make) -> None:
    a, b = make(seed=0), make(seed=1)
    left, right = fill(tmp_path / "a", a), fill(tmp_path / "b", b)
    keep_table(right, load_table("table2"))
    write_failure(failure_log(left, b.key), FailedCell(b.key, "B", "no luck"), "")
    write_failure(failure_log(left, "0" * 20), FailedCell("0" * 20, "C", "no luck"), "")
    merged = merge_folders([left, right], tmp_path / "out")
    assert (merged.disputes, merged.damaged, merged.there) == ((), (), 0)
    assert merged.written == {"records": 2, "artifacts": 2, "failures": 1, "tables": 1}
    # The log of a cell that has finished elsewhere is left out.
    expected = contents(left) | contents(right)
    del expected[f"failures/{b.key}.log"]
    assert contents(tmp_path / "out") == expected


def test_thumbnails_of_all_folders_come_together(tmp_path: Path, make: Make) -> None:
    record = make()
    pixels, other = record.digests["pixels"], "0" * 64
    left, right = fill(tmp_path / "a", record), fill(tmp_path / "b", make(seed=1))
    ImageFolder(left).add(pixels, images(1, 2))
    ImageFolder(right).add(pixels, images(2, 3))
    ImageFolder(right).add(other, images(4))
    for _ in range(2):  # the second finds all of them there
        merged = merge_folders([left, right], tmp_path / "out")
        assert merged.damaged == ()
        assert ImageFolder(tmp_path / "out").numbers(pixels).tolist() == [1, 2, 3]
        assert ImageFolder(tmp_path / "out").numbers(other).tolist() == [4]
    assert "images" not in merged.written
    assert merge_folders([right], left).written["images"] == 2
    (path,) = images_path(right, other).iterdir()
    path.write_bytes(b"no")
    damaged = merge_folders([right], tmp_path / "new")
    assert damaged.damaged == (f"{path}: not readable thumbnails (it is damaged); delete it",)
    assert damaged.written["images"] == 1


def test_another_time_machine_or_code_is_the_same_result(tmp_path: Path, make: Make) -> None:
    record = make()
    twin = replace(
        record,
        seconds={**record.seconds, "total": 99.0},
        peak_memory_bytes=1,
        environment={**record.environment, "platform": "another"},
        digests={**record.digests, "code": "0" * 64, "start": "1" * 64},
    )
    left, right = fill(tmp_path / "a", record), fill(tmp_path / "b", twin)
    merged = merge_folders([left, right], tmp_path / "out")
    assert (merged.disputes, merged.written) == ((), {"records": 1, "artifacts": 1})
    assert contents(tmp_path / "out") == contents(left)  # of the first


@pytest.mark.parametrize("out", ["out", "a", "b"])
def test_two_results_of_one_cell_are_named_and_neither_is_written(
    tmp_path: Path, make: Make, out: str
) -> None:
    same, one, other = make(seed=1), make(outputs="x"), make(outputs="y")
    left, right = fill(tmp_path / "a", one, same), fill(tmp_path / "b", other)
    before = contents(left), contents(right)
    merged = merge_folders([left, right], tmp_path / out)
    (dispute,) = merged.disputes
    assert (dispute.name, dispute.differ) == (one.key, ("embeddings", "weights"))
    assert set(dispute.paths) == {record_path(left, one.key), record_path(right, one.key)}
    assert "plain on mlr-viper" in dispute.title
    assert (tmp_path / out / "records" / f"{same.key}.json").is_file()
    if out == "out":
        assert not record_path(tmp_path / out, one.key).exists()
        assert not artifact_path(tmp_path / out, one.key).exists()
    for folder, files in zip((left, right), before, strict=True):
        assert files.items() <= contents(folder).items()


def test_equal_digests_with_other_metrics_are_two_results(tmp_path: Path, make: Make) -> None:
    record = make()
    metrics = {"single-shot": {**record.metrics["single-shot"], "mAP": 0.1}}
    folders = [fill(tmp_path / "a", record), fill(tmp_path / "b", replace(record, metrics=metrics))]
    (dispute,) = merge_folders(folders, tmp_path / "out").disputes
    assert dispute.differ == ("metrics",)


def test_what_out_holds_counts_though_nobody_names_it(tmp_path: Path, make: Make) -> None:
    out = fill(tmp_path / "out", make(outputs="x"))
    before = contents(out)
    merged = merge_folders([fill(tmp_path / "a", make(outputs="y"))], out)
    assert [dispute.name for dispute in merged.disputes] == [make().key]
    assert contents(out) == before


def test_two_tables_of_one_id_are_named_and_neither_is_written(tmp_path: Path, make: Make) -> None:
    table = load_table("table2")
    left, right = fill(tmp_path / "a", make(seed=0)), fill(tmp_path / "b", make(seed=1))
    keep_table(left, table)
    keep_table(right, replace(table, title="Another"))
    merged = merge_folders([left, right], tmp_path / "out")
    (dispute,) = merged.disputes
    assert dispute.name == "tables/table2.toml"
    assert dispute.paths == tuple(f / "tables" / "table2.toml" for f in (left, right))
    assert not (tmp_path / "out" / "tables").exists()
    assert len(read_records(tmp_path / "out")) == 2


def test_damaged_files_are_named_and_a_sound_one_elsewhere_serves(
    tmp_path: Path, make: Make
) -> None:
    first, second = make(seed=0), make(seed=1)
    left, right = fill(tmp_path / "a", first, second), fill(tmp_path / "b", first)
    record_path(left, first.key).write_text("{")
    torn = artifact_path(left, second.key)
    torn.write_bytes(torn.read_bytes()[:-30])
    merged = merge_folders([left, right], tmp_path / "out")
    record_line, artifact_line = merged.damaged
    assert record_line.startswith(f"{record_path(left, first.key)}: ")
    assert artifact_line.startswith(f"{torn}: not a readable artifact")
    assert merged.written == {"records": 2, "artifacts": 1}
    assert contents(right).items() <= contents(tmp_path / "out").items()


def test_a_flipped_bit_in_an_artifact_is_seen(tmp_path: Path, make: Make) -> None:
    record = make()
    left = fill(tmp_path / "a", record)
    write_artifact(left, record.key, {"x": np.arange(1000)})
    path = artifact_path(left, record.key)
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 4
    path.write_bytes(bytes(data))
    assert merge_folders([left], tmp_path / "out").damaged[0].startswith(f"{path}: not a readable")


def test_a_merge_that_was_killed_is_done_again(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [make(seed=seed) for seed in range(3)]
    left, right = fill(tmp_path / "a", *records[:2]), fill(tmp_path / "b", *records[1:])
    whole = contents(tmp_path / "whole") or merge_folders([left, right], tmp_path / "whole")
    assert whole
    writing = merging.write_atomically
    for killed_at in range(1, 6):
        out, done = tmp_path / f"out{killed_at}", 0

        def write(path: Path, data: bytes, limit: int = killed_at) -> None:
            nonlocal done
            done += 1
            if done == limit:
                raise KeyboardInterrupt
            writing(path, data)

        monkeypatch.setattr(merging, "write_atomically", write)
        with pytest.raises(KeyboardInterrupt):
            merge_folders([left, right], out)
        # Where a record is, its artifact is.
        for path in (out / "records").glob("*.json"):
            assert artifact_path(out, path.stem).is_file()
        monkeypatch.setattr(merging, "write_atomically", writing)
        merge_folders([left, right], out)
        assert contents(out) == contents(tmp_path / "whole")


def test_a_place_that_is_no_results_folder_is_refused(tmp_path: Path, make: Make) -> None:
    (tmp_path / "b").mkdir()
    with pytest.raises(InputError, match="no results there"):
        merge_folders([fill(tmp_path / "a", make()), tmp_path / "b"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_out_may_be_any_of_the_folders(tmp_path: Path, make: Make) -> None:
    record = make(seed=1)
    left, right = fill(tmp_path / "a", make(seed=0), record), fill(tmp_path / "b", record)
    ImageFolder(left).add(record.digests["pixels"], images(1, 2))
    keep_table(left, load_table("table2"))
    keep_table(right, load_table("controls"))
    of_left, of_right = contents(left), contents(right)
    merged = merge_folders([left, right], right)
    assert merged.written == {"records": 1, "artifacts": 1, "images": 1, "tables": 1}
    assert contents(left) == of_left
    assert contents(right) == of_left | of_right
