"""Records: what is written is read, what is not whole is never a result."""

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossres.benchmark.config.profiles import load_profile, profile_content
from crossres.benchmark.records.cell import Cell, canonical_json, key_of
from crossres.benchmark.records.record import (
    Record,
    read_record,
    read_records,
    record_path,
    scan_records,
    write_record,
)
from crossres.datasets.base.errors import InputError

DIGEST = "0123456789abcdef" * 4
CELL = Cell("plain", {"a": 1, "b": [1, 2]}, "caviar", "mlr-sing", "real", 0, "smoke")


def make_record(seed: int = 0, **changes: Any) -> Record:
    cell = replace(CELL, seed=seed)
    profile = profile_content(load_profile("smoke"), "plain")
    names = ("rank1", "rank5", "rank10", "rank20", "mAP", "mINP")
    rules = ("single-shot", "multi-shot")
    counts = ("train_images", "train_pids", "query_images", "query_pids", "gallery_images")
    record = Record(
        key=key_of(cell, profile, DIGEST),
        cell=cell,
        profile=profile,
        metrics={rule: dict.fromkeys(names, 1 / 3) | {"valid_queries": 3} for rule in rules},
        cmc=dict.fromkeys(rules, (1 / 3,) * 50),
        digests=dict.fromkeys(("manifest", "pixels", "embeddings", "weights", "code"), DIGEST),
        counts=dict.fromkeys((*counts, "gallery_pids", "parameters", "embedding_size"), 7),
        seconds=dict.fromkeys(("prepare", "fit", "embed", "evaluate", "total"), 0.1),
        peak_memory_bytes=10**9,
        environment=dict.fromkeys(("crossres", "python", "torch", "numpy", "platform"), "x")
        | {"device": "cpu", "threads": 1},
        notes=("größer ±",),
    )
    return replace(record, **changes)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    record = make_record()
    path = write_record(tmp_path, record)
    assert path == record_path(tmp_path, record.key)
    assert read_record(path) == record
    assert read_records(tmp_path) == [record]
    assert [p.name for p in (tmp_path / "records").iterdir()] == [path.name]


@given(st.lists(st.floats(0, 1), min_size=50, max_size=50))
def test_floats_survive_to_the_last_bit(curve: list[float]) -> None:
    text = canonical_json(curve)
    assert json.loads(text) == curve


@pytest.mark.parametrize(
    "changes",
    [
        {"metrics": {"single-shot": {"rank1": 0.5}}},
        {"cmc": {"single-shot": (0.5,) * 49}},
        {"key": "abc"},
        {"digests": {}},
        {"peak_memory_bytes": -1},
    ],
)
def test_a_record_against_the_schema_is_not_written(tmp_path: Path, changes: Any) -> None:
    with pytest.raises(ValueError, match="does not follow the record schema"):
        write_record(tmp_path, make_record(**changes))
    assert not (tmp_path / "records").exists()


def test_nan_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_record(tmp_path, make_record(seconds={"total": float("nan")}))


def changed(content: Any, **changes: Any) -> Any:
    return {**content, **changes}


def test_unsound_files_are_named_and_never_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sound = make_record()
    text = write_record(tmp_path, sound).read_text()
    content = json.loads(text)
    cell = content["cell"]
    bad = {
        "half": text[: len(text) // 2],
        "empty": "",
        "binary": "\x00\x01",
        "foreign": '{"hello": 1}',
        "list": "[1, 2]",
        "deep": "[" * 100_000,
        "old": json.dumps(changed(content, schema=0)),
        "extra": json.dumps(changed(content, colour=1)),
        "renamed": text,
        "percent": json.dumps(changed(content, cmc={"single-shot": [33.3] * 50})),
    }
    altered = {**cell, "options": {**cell["options"], "a": 2}}
    for name, broken in bad.items():
        (tmp_path / "records" / f"{name}.json").write_text(broken)
    second = make_record(seed=1)
    record_path(tmp_path, second.key).write_text(
        json.dumps(changed(content, key=second.key, cell=altered))
    )
    records = scan_records(tmp_path)
    assert list(records.records.values()) == [sound]
    assert len(records.broken) == len(bad) + 1
    for name in (*bad, second.key):
        assert sum(f"{name}.json" in line for line in records.broken) == 1
    assert all("remove it" in line and "\n" not in line for line in records.broken)
    with caplog.at_level(logging.WARNING):
        assert read_records(tmp_path) == [sound]
    assert len(caplog.records) == len(bad) + 1


def test_a_folder_without_records_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no results there"):
        read_records(tmp_path)


def test_copying_two_folders_together_merges_them(tmp_path: Path) -> None:
    records = [make_record(seed) for seed in (0, 1)]
    for number, record in enumerate(records):
        path = write_record(tmp_path / str(number), record)
        target = tmp_path / "both" / "records" / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    assert read_records(tmp_path / "both") == sorted(records, key=lambda record: record.key)
