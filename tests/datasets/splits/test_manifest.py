"""The manifest: one order, one digest, a round trip through CSV, and what it refuses."""

import hashlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crossres.datasets import InputError, Manifest

ROWS = [
    ("b/2.png", 2, 1, "gallery", 1),
    ("a, odd/1.png", 2, 0, "query", 3),
    ("b/1.png", 1, 1, "train", 1),
    ("a/9.png", 1, 0, "train", 0),
]
COLUMNS = ["path", "pid", "camid", "split", "rate"]


def manifest(rows=ROWS, **changes):
    fields = {"dataset": "mlr-viper", "protocol": "mlr-sing", "seed": 2, **changes}
    return Manifest(table=pd.DataFrame(rows, columns=COLUMNS), **fields)


CSV = (
    b"dataset,protocol,seed,path,pid,camid,split,rate\n"
    b"mlr-viper,mlr-sing,2,a/9.png,1,0,train,0\n"
    b"mlr-viper,mlr-sing,2,b/1.png,1,1,train,1\n"
    b'mlr-viper,mlr-sing,2,"a, odd/1.png",2,0,query,3\n'
    b"mlr-viper,mlr-sing,2,b/2.png,2,1,gallery,1\n"
)


def test_the_csv_and_its_digest(tmp_path):
    manifest().write(tmp_path / "m.csv")
    assert (tmp_path / "m.csv").read_bytes() == CSV
    assert manifest().digest == hashlib.sha256(CSV).hexdigest()


def test_reading_gives_back_what_was_written(tmp_path):
    manifest().write(tmp_path / "m.csv")
    read_back = Manifest.read(tmp_path / "m.csv")
    assert (read_back.dataset, read_back.protocol, read_back.seed) == ("mlr-viper", "mlr-sing", 2)
    assert read_back.digest == manifest().digest
    pd.testing.assert_frame_equal(read_back.table, manifest().table)


PART = st.text(st.characters(exclude_characters="/\\\n\r\0", exclude_categories=["Cs"]), min_size=1)


@settings(deadline=None, max_examples=80)
@given(st.sets(st.lists(PART, min_size=1, max_size=3).map("/".join), min_size=1, max_size=6))
def test_any_usable_path_survives_the_round_trip(tmp_path_factory, paths):
    assume(not any(part in (".", "..") for path in paths for part in path.split("/")))
    built = manifest([(path, 1, 0, "train", 1) for path in sorted(paths, reverse=True)])
    file = tmp_path_factory.mktemp("csv") / "m.csv"
    built.write(file)
    read_back = Manifest.read(file)
    assert list(read_back.table["path"]) == sorted(paths)
    assert read_back.digest == built.digest


def test_the_order_given_does_not_matter():
    assert manifest(ROWS[::-1]).digest == manifest().digest
    assert list(manifest().table["path"]) == ["a/9.png", "b/1.png", "a, odd/1.png", "b/2.png"]


def test_everything_but_notes_is_in_the_digest():
    variants = [
        manifest(dataset="mlr-pku"),
        manifest(protocol="mlr-perid"),
        manifest(seed=3),
        *(
            manifest([(path, pid, camid, split, rate), *ROWS[1:]])
            for path, pid, camid, split, rate in [
                ("b/3.png", 2, 1, "gallery", 1),
                ("b/2.png", 3, 1, "gallery", 1),
                ("b/2.png", 2, 2, "gallery", 1),
                ("b/2.png", 2, 1, "query", 1),
                ("b/2.png", 2, 1, "gallery", 4),
            ]
        ),
    ]
    digests = {variant.digest for variant in variants} | {manifest().digest}
    assert len(digests) == len(variants) + 1
    assert manifest(notes=("odd",)).digest == manifest().digest


def test_rows_of_a_split():
    rows = manifest().rows("train")
    assert list(rows["path"]) == ["a/9.png", "b/1.png"]
    assert list(rows.index) == [0, 1]
    assert all(rows[name].dtype == np.int64 for name in ("pid", "camid", "rate"))
    with pytest.raises(InputError, match="unknown split 'test'; known are train, query"):
        manifest().rows("test")


def test_changing_the_callers_table_changes_nothing():
    table = pd.DataFrame(ROWS, columns=COLUMNS)
    built = Manifest("d", "p", 0, table)
    table.loc[0, "pid"] = 99
    assert 99 not in set(built.table["pid"])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("x.png", 5, 0, "test", 1), "x.png: split test is none of train, query, gallery"),
        (("x.png", 5, 0, "query", 5), "x.png: rate 5 is none of 0, 1, 2, 3, 4"),
        (("x.png", 5, 0, "query", 1.5), "column rate must hold whole numbers"),
        (("x.png", "5", 0, "query", 1), "column pid must hold whole numbers"),
        (("x.png", -2, 0, "gallery", 1), "x.png: a pid is at least -1"),
        (("b/2.png", 2, 1, "gallery", 1), "b/2.png: is in the manifest twice"),
        (("x.png", 1, 1, "gallery", 1), "pid 1 is in train and in test"),
        (("../x.png", 5, 1, "gallery", 1), "must be relative"),
        (("/x.png", 5, 1, "gallery", 1), "must be relative"),
        (("a//x.png", 5, 1, "gallery", 1), "must be relative"),
        (("a\\x.png", 5, 1, "gallery", 1), "must be relative"),
        (("", 5, 1, "gallery", 1), "must be relative"),
        ((7, 5, 1, "gallery", 1), "column path must hold text"),
    ],
)
def test_unusable_rows_are_refused(row, message):
    with pytest.raises(InputError, match=message.replace(".", r"\.")):
        manifest([*ROWS, row])


def test_missing_columns_and_rows_are_refused():
    with pytest.raises(InputError, match="lacks the columns camid, rate"):
        Manifest("d", "p", 0, pd.DataFrame({"path": ["a"], "pid": [1], "split": ["train"]}))
    with pytest.raises(InputError, match="has no row"):
        Manifest(
            "d",
            "p",
            0,
            pd.DataFrame({name: [] for name in COLUMNS}).astype(
                {"pid": int, "camid": int, "rate": int}
            ),
        )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "not a (readable )?manifest"),
        (b"", "not a (readable )?manifest"),
        (b"\xff\xfe", "not a (readable )?manifest"),
        (b"path,pid\na,1\n", "the columns must be dataset,protocol,seed,path"),
        (CSV + b"other,mlr-sing,2,c.png,2,1,gallery,1\n", "needs one data set, protocol and seed"),
        (CSV + b"mlr-viper,mlr-sing,2,c.png,x,1,gallery,1\n", "column pid must hold whole"),
        (CSV + b"mlr-viper,mlr-sing,2,c.png,2,1,gallery,\n", "column rate must hold whole"),
        (CSV.replace(b",2,", b",two,"), "m.csv"),
        (CSV.partition(b"\n")[0] + b"\n", "m.csv"),
    ],
)
def test_unusable_files_are_named(content, message, tmp_path):
    file = tmp_path / "m.csv"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        Manifest.read(file)
    assert "m.csv" in str(caught.value)
    assert "\n" not in str(caught.value)
