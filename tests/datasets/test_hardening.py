"""What the fuzzer once found, one by one: nothing in a raw folder hangs, exhausts or leads outside.

Each of these was another exception, a hang, a silent mistake or a file read elsewhere.
"""

import os
import pickle
import socket
import struct
import warnings
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from crossres.datasets import CARDS, InputError, Source, build_manifest, open_raw, open_store
from crossres.datasets.readers import reader
from crossres.datasets.readers.parts.files import MAX_BYTES, read_whole
from crossres.datasets.readers.parts.images import MAX_SIDE
from crossres.datasets.readers.parts.listing import decode, image_size

# Layouts whose index is the names in their folders; those with lists may tell when they open.
SETS_OF_NAMES = ("caviar", "mlr-market", "mlr-viper", "mlr-sysu", "mlr-pku")
SETS_OF_FILES = [name for name in CARDS if name != "mlr-cuhk03"]
HUGE = 1 << 36


def read(dataset, root):
    return open_raw(dataset, Source(root), Path(os.devnull))  # a cache that cannot be written


def refusal(call, *arguments):
    """The text of the InputError that the call raises, checked to be one printable line."""
    with pytest.raises(InputError) as caught:
        call(*arguments)
    text = str(caught.value)
    assert text.isprintable()
    assert ";" in text
    return text


# --- errors are one line that can be shown --------------------------------------------------------


def test_whatever_is_named_the_error_is_one_printable_line():
    text = str(InputError("a\nb\r\t\x1b[31m\udcff\u2028é; remove it"))
    assert text == r"a\nb\r\t\x1b[31m\udcff\u2028é; remove it"
    copy = pickle.loads(pickle.dumps(InputError(text)))
    assert str(copy) == text


@pytest.mark.parametrize(
    "name", [b"a\nb.jpg", b"\xff\xfe.jpg", b"\x1b[2J.jpg", b"x" * 251 + b".jpg"]
)
def test_names_that_cannot_be_shown_are_shown_escaped(name, make, tmp_path):
    folder, _ = make("caviar", tmp_path)
    (folder / os.fsdecode(name)).write_bytes(b"")
    assert "outside the grammar" in refusal(read, "caviar", tmp_path)


def test_a_root_that_cannot_even_be_asked_for(tmp_path):
    for root in (tmp_path / ("x" * 300), tmp_path / "a\0b"):
        assert "there is no such folder" in refusal(read, "mlr-viper", root)
    (tmp_path / "loop").symlink_to("loop")
    assert "there is no such folder" in refusal(read, "mlr-viper", tmp_path / "loop")


# --- what is no regular file ----------------------------------------------------------------------


def pipe(path):
    os.mkfifo(path)


def listening(path):
    with socket.socket(socket.AF_UNIX) as endpoint:
        endpoint.bind(path.name)


def folder(path):
    path.mkdir()


def loop(path):
    path.symlink_to(path.name)


def dangling(path):
    path.symlink_to("nothing")


def device(path):
    path.symlink_to("/dev/zero")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", [pipe, listening, folder, loop, dangling, device])
@pytest.mark.parametrize("dataset", SETS_OF_FILES)
def test_what_is_no_file_is_named_not_waited_for(dataset, kind, make, tmp_path, monkeypatch):
    raw, truth = make(dataset, tmp_path)
    file = raw / truth[0].path
    file.unlink()
    monkeypatch.chdir(file.parent)  # the whole path is too long for a socket
    kind(file)
    if dataset in SETS_OF_NAMES:
        assert str(file) in refusal(read, dataset, tmp_path)
    assert str(file) in refusal(reader(CARDS[dataset].reader).open_image, raw, truth[0].path)


@pytest.mark.timeout(60)
def test_a_pipe_as_the_one_file_or_the_marker(make, tmp_path):
    raw, truth = make("mlr-cuhk03", tmp_path)
    pipe(raw / "crossres-twin.json")
    assert "is no regular file" in refusal(read, "mlr-cuhk03", tmp_path)
    (raw / "cuhk-03.mat").unlink()
    pipe(raw / "cuhk-03.mat")
    assert str(tmp_path) in refusal(read, "mlr-cuhk03", tmp_path)
    assert str(raw) in refusal(reader("cuhk03").open_image, raw, truth[0].path)


def test_a_link_to_a_file_is_that_file(make, tmp_path):
    raw, truth = make("mlr-viper", tmp_path)
    expected = build_manifest(read("mlr-viper", tmp_path)).digest
    file = raw / truth[0].path
    file.rename(tmp_path / "object")
    file.symlink_to(tmp_path / "object")
    (raw / "cam_b").rename(tmp_path / "elsewhere")
    (raw / "cam_b").symlink_to(tmp_path / "elsewhere")
    for root in (raw, raw / "cam_a", raw / "cam_b"):  # from below a link, too
        assert build_manifest(read("mlr-viper", root)).digest == expected


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("dataset", sorted(CARDS))
def test_what_may_not_be_read_is_named(dataset, make, tmp_path):
    readable, _ = make(dataset, tmp_path / "readable")
    used = build_manifest(read(dataset, readable)).table["path"].iloc[0]
    raw, _ = make(dataset, tmp_path / "set")
    file = reader(CARDS[dataset].reader).source_file(raw, used)
    for path, mode in ((file, 0), (file.parent, 0), (raw, 0o100), (raw, 0o400), (raw.parent, 0)):
        usual = path.stat().st_mode
        path.chmod(mode)
        try:
            opened = read(dataset, raw)
            open_store(opened, build_manifest(opened), 8, 4, tmp_path / "cache")
        except InputError as error:
            text = str(error)
        finally:
            path.chmod(usual)
        assert str(tmp_path) in text
        assert "\n" not in text


# --- files and pictures of absurd size ------------------------------------------------------------


def test_a_sparse_file_is_not_read_into_memory(make, tmp_path):
    raw, truth = make("mlr-pku", tmp_path)
    file = raw / truth[0].path
    os.truncate(file, HUGE)
    assert f"{file}: is larger than {MAX_BYTES} bytes" in refusal(decode, file)
    assert read_whole(raw / truth[1].path) == (raw / truth[1].path).read_bytes()
    (raw / "crossres-twin.json").touch()
    os.truncate(raw / "crossres-twin.json", HUGE)
    assert "larger than 4096 bytes" in refusal(read, "mlr-pku", tmp_path)


def png_that_claims(width, height):
    def chunk(name, content):
        checked = name + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"0")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "size", [(60_000, 60_000), (11_000, 10_000), (MAX_SIDE + 1, 1), (1, 2**31 - 1), (4096, 1025)]
)
def test_decompression_bombs_are_refused_from_their_header(size, tmp_path):
    file = tmp_path / "x.png"
    file.write_bytes(png_that_claims(*size))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a warning would stand between the lines of a report
        assert f"claims {size[0]} x {size[1]} pixels" in refusal(decode, file)
        assert f"{file}" in refusal(image_size, file)


def test_a_bomb_in_a_set_is_named_when_the_store_is_built(make, tmp_path):
    raw, truth = make("mlr-viper", tmp_path)
    expected = build_manifest(read("mlr-viper", tmp_path)).digest
    (raw / truth[0].path).write_bytes(png_that_claims(50_000, 50_000))
    opened = read("mlr-viper", tmp_path)
    manifest = build_manifest(opened)
    assert manifest.digest == expected
    assert truth[0].path in refusal(open_store, opened, manifest, 8, 4, tmp_path / "cache")


def test_sixteen_bits_of_grey_are_refused_not_clipped(tmp_path):
    Image.fromarray(np.full((9, 7), 40_000, np.uint16)).save(tmp_path / "deep.png")
    assert "more than 8 bits" in refusal(decode, tmp_path / "deep.png")


def test_a_palette_with_transparency_is_decoded_without_a_warning(tmp_path):
    pixels = np.arange(9 * 7 * 3, dtype=np.uint8).reshape(9, 7, 3)
    picture = Image.fromarray(pixels).quantize(63)
    picture.save(tmp_path / "p.png", transparency=bytes(63))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(decode(tmp_path / "p.png"), np.array(picture.convert("RGB")))


# --- names that are numbers too large, or the same on one system and not on another ---------------


@pytest.mark.parametrize(
    "name", ["cam1/12345678901234567890/a.jpg", "cam1/0001/é.jpg", "cam1/0001/a\\b.jpg"]
)
def test_nested_sysu_names_are_plain(name, make_nested, tmp_path):
    make_nested(tmp_path)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"")
    assert "outside the grammar <camera>/<id>/<file>" in refusal(read, "mlr-sysu", tmp_path)


def test_two_folders_of_one_camera_are_not_two_cameras(make_nested, tmp_path):
    make_nested(tmp_path / "SYSU")
    (tmp_path / "SYSU" / "cam2").rename(tmp_path / "SYSU" / "camera_1")
    assert "no raw folder of mlr-sysu" in refusal(read, "mlr-sysu", tmp_path)


def test_the_case_of_market_names_is_part_of_their_grammar(make, tmp_path):
    """Rates are drawn from the names: in another case they would silently be another split."""
    raw, truth = make("mlr-market", tmp_path)
    file = raw / truth[0].path
    file.rename(file.with_name(file.name.replace("_c", "_C")))
    assert "outside the grammar" in refusal(read, "mlr-market", tmp_path)


def test_an_identity_of_the_training_and_the_test_part_is_named(make, tmp_path):
    raw, _ = make("mlr-market", tmp_path)
    moved = raw / "query" / "0002_c1s1_000001_01.jpg"
    (raw / "bounding_box_train" / moved.name).rename(moved)
    assert f"{moved}: its identity is in the training part" in refusal(read, "mlr-market", tmp_path)


# --- a twin never passes as real ------------------------------------------------------------------


def test_the_marker_is_found_in_any_case(make, tmp_path):
    raw, _ = make("mlr-viper", tmp_path)
    (raw / "CROSSRES-TWIN.JSON").write_text('{"size": "tiny", "version": 3}')
    assert read("mlr-viper", tmp_path).source == "twin:tiny:3"


@pytest.mark.parametrize(
    "content",
    [
        "[" * 4000,
        '{"size": "tiny", "version": Infinity}',
        '{"size": "tiny", "version": true}',
        '{"size": "tiny", "version": -1}',
        '{"size": "tiny", "version": 1' + "0" * 3000 + "}",
        '{"size": "a\\nb", "version": 1}',
        '{"size": 7, "version": 1}',
        '["size", "version"]',
        "null",
    ],
)
def test_a_damaged_marker_is_refused(content, make, tmp_path):
    raw, _ = make("mlr-viper", tmp_path)
    (raw / "crossres-twin.json").write_text(content)
    assert "not the marker of a twin" in refusal(read, "mlr-viper", tmp_path)


# --- HDF5: nothing of another kind, of absurd size, or from another file --------------------------


@pytest.fixture
def mat(make, tmp_path):
    """edit(change): change the opened cuhk-03.mat; the secret is a whole file of the kind."""
    make("mlr-cuhk03", tmp_path / "secret")
    raw, _ = make("mlr-cuhk03", tmp_path / "raw")

    def edit(change):
        with h5py.File(raw / "cuhk-03.mat", "r+") as file:
            change(file, str(tmp_path / "secret" / "cuhk03_release" / "cuhk-03.mat"))
        return raw

    return edit


def put_cell(file, dataset):
    """Put a data set into the first cell that holds an image."""
    cells = file[file["detected"][0, 0]]
    values = cells[()]
    values[next(at for at, cell in np.ndenumerate(values) if file[cell].ndim == 3)] = dataset.ref
    cells[...] = values


def link_elsewhere(file, secret):
    del file["detected"]
    file["detected"] = h5py.ExternalLink(secret, "detected")


def link_in_two_steps(file, secret):
    del file["testsets"]
    file["away"] = h5py.ExternalLink(secret, "/")
    file["testsets"] = h5py.SoftLink("/away/testsets")


def a_type_in_place(file, _secret):
    del file["detected"]
    file["detected"] = np.dtype("f8")


def a_group_as_cell(file, _secret):
    cells = file[file["detected"][0, 0]]
    cells[0, 0] = file.create_group("made").ref


def an_endless_image(file, _secret):
    put_cell(file, file.create_dataset("made", (3, 2**40, 2), "u1", chunks=(1, 2**20, 1)))


def an_image_of_doubles(file, _secret):
    put_cell(file, file.create_dataset("made", (3, 20, 40), "f8"))


def infinite_test_set(file, _secret):
    file["testsets"][0, 0] = file.create_dataset("made", data=[[np.inf], [1.0]]).ref


def half_a_test_identity(file, _secret):
    file["testsets"][0, 0] = file.create_dataset("made", data=[[1.5], [1.0]]).ref


def identities_kept_elsewhere(file, secret):
    dataset = file.create_dataset("made", (2, 3), "f8", external=[(secret, 0, h5py.h5f.UNLIMITED)])
    file["testsets"][0, 0] = dataset.ref


@pytest.mark.parametrize(
    "change",
    [
        link_elsewhere,
        link_in_two_steps,
        a_type_in_place,
        a_group_as_cell,
        an_endless_image,
        an_image_of_doubles,
        infinite_test_set,
        half_a_test_identity,
        identities_kept_elsewhere,
    ],
)
def test_hdf5_is_refused_for_what_it_claims_or_leads_to(change, mat, tmp_path):
    raw = mat(change)
    text = refusal(read, "mlr-cuhk03", tmp_path / "raw")
    assert f"{raw / 'cuhk-03.mat'}: not the HDF5 file of CUHK03" in text


def image_kept_elsewhere(file, secret):
    options = {"external": [(secret, 0, h5py.h5f.UNLIMITED)]}
    put_cell(file, file.create_dataset("made", (3, 20, 40), "u1", **options))


def virtual_image(file, secret):
    layout = h5py.VirtualLayout(shape=(3, 20, 40), dtype=np.uint8)
    layout[...] = h5py.VirtualSource(secret, "#refs#/0", shape=(3, 20, 40))
    put_cell(file, file.create_virtual_dataset("made", layout))


@pytest.mark.parametrize("change", [image_kept_elsewhere, virtual_image])
def test_pixels_are_never_taken_from_another_file(change, mat, tmp_path):
    raw = mat(change)
    first = min(read("mlr-cuhk03", tmp_path / "raw").images, key=lambda image: image.path)
    assert "kept in another file" in refusal(reader("cuhk03").open_image, raw, first.path)
