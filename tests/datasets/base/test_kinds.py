"""Files of users that are something else: each is named with what is in it and what helps."""

import pytest

from crossres.datasets import InputError, Manifest, Source, open_raw
from crossres.datasets.exports.index import read_list

PAGE, ARRAY = b"<!DOCTYPE html><html>404</html>", b"\x93NUMPY\1\0"
ADVICE = ("allow_pickle", "weights_only", "HDF5_USE", "tokenizing", "encoding", "codec", "parser")


def refusal(read, *arguments):
    with pytest.raises(InputError) as caught:
        read(*arguments)
    message = str(caught.value)
    assert "\n" not in message
    assert not [word for word in ADVICE if word in message]
    return message


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (PAGE, "not a manifest (it is a web page)"),
        (ARRAY, "not a readable manifest (it is a NumPy array (.npy))"),
        (b"", "not a manifest (it is an empty file (0 bytes))"),
        (b"a\n1,2\n1,2,3\n\xff", "not a readable manifest (line 4 is not UTF-8 text)"),
        (b"a,b\n1,2\n1,2,3\n", "not a manifest (no CSV in UTF-8 with as many fields"),
        (
            b"file,label\nx,1\n",
            "not a manifest (it has file,label); the columns must be dataset,protocol,seed,path",
        ),
        (
            b"dataset,protocol,seed,path,pid,camid,split,rate\nmlr-viper,mlr-sing,x,a,1,0,train,1\n",
            "seed 'x' is not a whole number",
        ),
    ],
)
def test_what_is_no_manifest_is_named(content, expected, tmp_path):
    (tmp_path / "m.csv").write_bytes(content)
    message = refusal(Manifest.read, tmp_path / "m.csv")
    assert message.startswith(f"{tmp_path / 'm.csv'}: ")
    assert expected in message


def test_what_is_no_list_of_an_export_is_told_without_the_parser(tmp_path):
    (tmp_path / "e.csv").write_bytes(b"a,b\n1,2\n1,2,3\n")
    assert "(it is damaged); export again" in refusal(read_list, tmp_path / "e.csv")


def test_another_header_of_the_sysu_table_is_named(make_nested, tmp_path):
    make_nested(tmp_path)
    for content, expected in (
        ("name;id;camera\n", "line 1: no header but 'name,id,camera'; begin it with path,pid,cam"),
        ("", "line 1: no header; begin it with path,pid,cam"),
        ('path,pid,cam\n"a.jpg,1,2\n', "a quote is not closed, so it is not CSV; correct the line"),
    ):
        (tmp_path / "images.csv").write_text(content)
        assert expected in refusal(open_raw, "mlr-sysu", Source(tmp_path), tmp_path)
