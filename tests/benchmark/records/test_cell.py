"""Cells and their keys: everything that decides a result is in the key, and nothing else."""

import hashlib
import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossres.benchmark.config.profiles import load_profile, profile_content
from crossres.benchmark.records.cell import Cell, canonical_json, key_of, make_job, merge_equal
from crossres.datasets.raw.source import Source

DIGEST = "0123456789abcdef" * 4
CELL = Cell("plain", {"a": 1, "b": [1, 2]}, "caviar", "mlr-sing", "real", 0, "smoke")
CONTENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def reordered(content: Any) -> Any:
    """The same content with the entries of every mapping in the opposite order."""
    if isinstance(content, dict):
        return {name: reordered(content[name]) for name in reversed(content)}
    return [reordered(entry) for entry in content] if isinstance(content, list) else content


@settings(deadline=None)
@given(CONTENTS)
def test_canonical_json_is_ascii_that_reads_back_in_any_order_of_entries(content: Any) -> None:
    encoded = canonical_json(content)
    assert encoded == canonical_json(reordered(content))
    assert json.loads(encoded.decode("ascii")) == content


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_no_json_has_no_key(number: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"margin": number})


def test_a_key_is_the_hash_of_the_text_that_is_written_out_here() -> None:
    text = (
        '{"cell":{"dataset":"caviar","method":"plain","options":{"a":1,"b":[1,2]},'
        '"profile":"smoke","protocol":"mlr-sing","seed":0,"source":"real"},'
        f'"manifest":"{DIGEST}","profile":{{"name":"p"}}}}'
    )
    expected = hashlib.sha256(text.encode("ascii")).hexdigest()[:20]
    assert key_of(CELL, {"name": "p"}, DIGEST) == expected


def test_the_key_hangs_on_everything_that_decides_the_result() -> None:
    profile = profile_content(load_profile("smoke"), "plain")
    keys = {key_of(CELL, profile, DIGEST)}
    changes: list[dict[str, Any]] = [
        {"method": "msifla"},
        {"options": {"a": 2, "b": [1, 2]}},
        {"dataset": "mlr-viper"},
        {"protocol": "mlr-perid"},
        {"source": "twin:tiny:1"},
        {"seed": 1},
        {"profile": "quick"},
    ]
    keys |= {key_of(replace(CELL, **change), profile, DIGEST) for change in changes}
    keys |= {key_of(CELL, profile, DIGEST[::-1]), key_of(CELL, profile | {"height": 1}, DIGEST)}
    assert len(keys) == len(changes) + 3
    assert all(len(key) == 20 and set(key) <= set("0123456789abcdef") for key in keys)


def test_the_key_does_not_hang_on_the_options_of_other_methods(tmp_path: Path) -> None:
    smoke = load_profile("smoke")
    with_bot = replace(smoke, methods={**smoke.methods, "bot": {"parts": 2}})
    with_plain = replace(smoke, methods={**smoke.methods, "plain": {"parts": 2}})
    keys = [
        make_job(CELL, "A", profile, Source(), tmp_path, DIGEST).key
        for profile in (smoke, with_bot, with_plain)
    ]
    assert keys[0] == keys[1] != keys[2]


def test_the_key_does_not_hang_on_the_order_of_options() -> None:
    profile = profile_content(load_profile("smoke"), "plain")
    reordered = replace(CELL, options={"b": [1, 2], "a": 1})
    assert key_of(CELL, profile, DIGEST) == key_of(reordered, profile, DIGEST)
    # A golden key: records of earlier versions must stay found.
    assert key_of(CELL, {"name": "p"}, DIGEST) == "c37c0f1d1b4654ec3fd6"


def test_equal_cells_become_one_job_with_both_labels(tmp_path: Path) -> None:
    profile = load_profile("smoke")
    jobs = [
        make_job(replace(CELL, seed=seed), label, profile, Source(), tmp_path, DIGEST)
        for seed, label in ((0, "A"), (1, "A"), (0, "B"), (0, "A"))
    ]
    merged = merge_equal(jobs)
    assert [(job.cell.seed, job.labels) for job in merged] == [(0, ("A", "B")), (1, ("A",))]


def test_a_job_comes_through_a_pipe_as_it_is(tmp_path: Path) -> None:
    job = make_job(CELL, "A", load_profile("smoke"), Source(), tmp_path, DIGEST)
    sent = pickle.dumps(job)
    assert pickle.loads(sent) == job
    assert len(sent) < 10_000
