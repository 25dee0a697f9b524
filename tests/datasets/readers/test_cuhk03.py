"""CUHK03 is read from a real HDF5 file: cells, empty cells, shipped test sets, refusals."""

import errno
import subprocess
import sys
from dataclasses import replace

import h5py
import numpy as np
import pytest

from crossres.datasets import InputError, Source, build_manifest, open_raw
from crossres.datasets.readers import reader


def read(root):
    return open_raw("mlr-cuhk03", Source(root), root / "no-cache")


def test_every_cell_is_the_image_that_was_put_there(make, cuhk03, tmp_path):
    folder, truth = make("mlr-cuhk03", tmp_path)
    _, cell = cuhk03
    for image in truth:
        expected = cell(*map(int, image.path.split("/")[1:]), image.boxes)
        pixels = reader("cuhk03").open_image(folder, image.path)
        assert np.array_equal(pixels, expected)
        assert pixels.flags.c_contiguous


def test_the_shipped_test_sets_are_pids(make, cuhk03, tmp_path):
    make("mlr-cuhk03", tmp_path)
    expected = [sorted(pair * 1000 + index for pair, index in rows) for rows in cuhk03[0]]
    assert [list(pids) for pids in read(tmp_path).test_sets.values()] == expected


def test_the_file_itself_may_be_given(make, tmp_path):
    folder, truth = make("mlr-cuhk03", tmp_path)
    assert len(read(folder / "cuhk-03.mat").images) == len(truth)


def test_a_changed_file_is_read_anew(make, tmp_path):
    folder, truth = make("mlr-cuhk03", tmp_path)
    read(tmp_path)
    (folder / "cuhk-03.mat").unlink()
    with h5py.File(folder / "cuhk-03.mat", "w") as file:
        file["other"] = 1
    with pytest.raises(InputError, match="not the HDF5 file of CUHK03"):
        read(tmp_path)
    with pytest.raises(InputError, match=f"image {truth[0].path} cannot be read"):
        reader("cuhk03").open_image(folder, truth[0].path)


@pytest.mark.parametrize("kind", ["v7", "truncated", "text"])
def test_what_is_not_the_hdf5_file_is_refused(kind, make, tmp_path):
    folder, _ = make("mlr-cuhk03", tmp_path)
    file = folder / "cuhk-03.mat"
    if kind == "v7":
        file.write_bytes(b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM" + bytes(4000))
    elif kind == "truncated":
        file.write_bytes(file.read_bytes()[:4000])
    else:
        file.write_text("MATLAB 7.3 MAT-file")
    with pytest.raises(InputError, match=r"cuhk-03\.mat: not the HDF5 file of CUHK03") as caught:
        build_manifest(read(tmp_path))
    assert "save -v7.3" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert ("but a MATLAB file of version 7 or before" in str(caught.value)) == (kind == "v7")


def test_both_boxes_of_a_cell_are_told_apart(make, tmp_path):
    _, truth = make("mlr-cuhk03", tmp_path)
    boxes = {image.path.split("/")[0]: image.boxes for image in truth}
    assert boxes == {"detected": "detected", "labeled": "labeled"}
    assert list(read(tmp_path).images) == truth


def test_protocols_take_the_detected_boxes(make, tmp_path):
    make("mlr-cuhk03", tmp_path)
    raw = read(tmp_path)
    detected = tuple(image for image in raw.images if image.boxes == "detected")
    assert len(detected) < len(raw.images)
    for protocol in ("mlr-sing", "mlr-perid"):
        manifest = build_manifest(raw, protocol)
        assert manifest.digest == build_manifest(replace(raw, images=detected), protocol).digest


@pytest.mark.parametrize("damage", ["no-labeled", "group-for-cells", "wrong-reference"])
def test_a_file_of_another_structure_is_refused(damage, make, tmp_path):
    folder, _ = make("mlr-cuhk03", tmp_path)
    with h5py.File(folder / "cuhk-03.mat", "r+") as file:
        if damage == "no-labeled":
            del file["labeled"]
        elif damage == "group-for-cells":
            cells = file[file["detected"][0, 0]]
            cells[0, 0] = file["#refs#"].ref
        else:
            del file["testsets"]
            file["testsets"] = np.zeros((1, 2))
    with pytest.raises(InputError, match=r"not the HDF5 file of CUHK03 \(.*\); unpack") as caught:
        read(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("path", ["detected/9/1/1", "detected/1/0/1", "detected/1/1/11", "x"])
def test_a_path_outside_the_file_is_named(path, make, tmp_path):
    folder, _ = make("mlr-cuhk03", tmp_path)
    with pytest.raises(InputError, match=r"cannot be read \(.*\); unpack"):
        reader("cuhk03").open_image(folder, path)


def test_an_empty_cell_is_no_image(make, cuhk03, tmp_path):
    folder, _ = make("mlr-cuhk03", tmp_path)
    assert cuhk03[1](1, 1, 2) is None
    with pytest.raises(InputError, match="a cell of shape"):
        reader("cuhk03").open_image(folder, "detected/1/1/2")


def test_other_variables_are_named(make, tmp_path):
    folder, _ = make("mlr-cuhk03", tmp_path)
    (folder / "cuhk-03.mat").unlink()
    with h5py.File(folder / "cuhk-03.mat", "w") as file:
        file["filelist"], file["camId"] = 1, 2
        file["labeled"] = h5py.ExternalLink("elsewhere.h5", "/labeled")
    with pytest.raises(
        InputError, match=r"\(detected is missing; it holds camId, filelist, labeled\); unpack"
    ):
        read(tmp_path)


@pytest.mark.parametrize(
    ("content", "name", "remedy"),
    [
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer", "git lfs pull"),
        (b"PK\x03\x04" + bytes(40), "a zip archive", "unpack it"),
        (b"<html>sign in</html>", "a web page", "download it again"),
        (b"", "an empty file", "copy it again"),
    ],
)
def test_another_sort_of_file_is_named_with_what_helps(content, name, remedy, make, tmp_path):
    folder, _ = make("mlr-cuhk03", tmp_path)
    (folder / "cuhk-03.mat").write_bytes(content)
    with pytest.raises(InputError) as caught:
        read(tmp_path)
    assert f"not the HDF5 file of CUHK03 but {name}" in str(caught.value)
    assert remedy in str(caught.value).partition(";")[2]


def test_a_file_that_another_program_writes_is_told_without_advice_to_unlock(make, tmp_path):
    folder, _ = make("mlr-cuhk03", tmp_path)
    write = "import h5py, sys; f = h5py.File(sys.argv[1], 'r+'); print('open', flush=True); input()"
    command = [sys.executable, "-c", write, str(folder / "cuhk-03.mat")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout.readline() == "open\n"
        with pytest.raises(InputError, match="is open for writing in another program") as caught:
            read(tmp_path)
        writer.communicate("\n")
    assert "HDF5_USE" not in str(caught.value)
    assert read(tmp_path).images


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOSYS])
def test_a_file_system_without_locks_is_read_all_the_same(code, make, tmp_path, monkeypatch):
    _, truth = make("mlr-cuhk03", tmp_path)
    opened = h5py.File

    def without_locks(name, mode, locking=None):
        if locking is not False:
            raise OSError(code, "unable to lock file; set HDF5_USE_FILE_LOCKING=FALSE")
        return opened(name, mode)

    monkeypatch.setattr(h5py, "File", without_locks)
    assert list(read(tmp_path).images) == truth
