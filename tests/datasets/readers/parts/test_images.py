"""What is in an image file besides pixels: EXIF, depth, palettes, alpha, CMYK, profiles, frames."""

import io
import os
import struct
import subprocess
import sys
import warnings

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps, PngImagePlugin

from crossres.datasets import InputError, Source, open_raw, open_store, verify_raw
from crossres.datasets.base.kinds import kind_of
from crossres.datasets.pixels.image_folder import image_chunks
from crossres.datasets.protocols import build_manifest
from crossres.datasets.readers.parts.listing import decode, image_size

H, W = 40, 20
RAMP = np.add.outer(np.arange(H) * 5, np.arange(W) * 2)
PIXELS = np.stack([RAMP, RAMP[::-1], np.full((H, W), 90)], -1).astype(np.uint8)
ORIENTATION = 0x0112


def exif(orientation):
    tags = Image.Exif()
    tags[ORIENTATION] = orientation
    return tags


def content(picture, suffix="PNG", **options):
    stream = io.BytesIO()
    picture.save(stream, suffix, **options)
    return stream.getvalue()


def raw_exif(orientation, order="<", kind=3, count=1, entries=1, start=8):
    """EXIF with one entry, written by hand: also as no library writes it."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    value = struct.pack(f"{order}HHIHH", ORIENTATION, kind, count, orientation, 0)
    return mark + struct.pack(f"{order}IH", start, entries) + value + bytes(4)


# --- EXIF -----------------------------------------------------------------------------------------


def upright(pixels, orientation):
    """What the standard says: where the 0th row and the 0th column of the stored picture belong."""
    return {
        1: pixels,
        2: pixels[:, ::-1],
        3: pixels[::-1, ::-1],
        4: pixels[::-1],
        5: pixels.transpose(1, 0, 2),
        6: pixels.transpose(1, 0, 2)[:, ::-1],
        7: pixels[::-1, ::-1].transpose(1, 0, 2),
        8: pixels.transpose(1, 0, 2)[::-1],
    }[orientation]


@pytest.mark.parametrize("suffix", ["PNG", "JPEG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_stands_upright_as_its_exif_says(orientation, suffix, tmp_path):
    file, plain = tmp_path / "x.jpg", tmp_path / "plain.jpg"
    picture = Image.fromarray(PIXELS)
    options = {"quality": 95} if suffix == "JPEG" else {}
    file.write_bytes(content(picture, suffix, exif=exif(orientation), **options))
    plain.write_bytes(content(picture, suffix, **options))
    pixels = decode(file)
    assert np.array_equal(pixels, upright(decode(plain), orientation))
    with Image.open(file) as opened:  # as another reader turns it
        assert np.array_equal(pixels, np.asarray(ImageOps.exif_transpose(opened).convert("RGB")))
    assert image_size(file) == pixels.shape[1::-1]
    assert pixels.flags.c_contiguous


@pytest.mark.parametrize("order", ["<", ">"])
def test_exif_of_either_byte_order_is_read(order, tmp_path):
    (tmp_path / "x.png").write_bytes(content(Image.fromarray(PIXELS), exif=raw_exif(6, order)))
    assert decode(tmp_path / "x.png").shape == (W, H, 3)


@pytest.mark.parametrize("suffix", ["PNG", "JPEG"])
@pytest.mark.parametrize(
    "damaged",
    [
        b"Exif\0\0",
        b"Exif\0\0II*\0",
        b"\0" * 40,
        b"II*\0" + b"\xff" * 4,
        raw_exif(6)[:12],
        raw_exif(0),
        raw_exif(9),
        raw_exif(65_535),
        raw_exif(6, kind=2),
        raw_exif(6, count=2**32 - 1),
        raw_exif(6, start=2**32 - 1),
        raw_exif(1, entries=65_535),
    ],
    ids=range(12),
)
def test_malformed_exif_costs_nothing(damaged, suffix, tmp_path):
    picture, file = Image.fromarray(PIXELS), tmp_path / "x.jpg"
    exif = damaged if damaged.startswith(b"Exif") else b"Exif\0\0" + damaged
    file.write_bytes(content(picture, suffix, exif=exif))
    (tmp_path / "plain.jpg").write_bytes(content(picture, suffix))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it would stand between our lines
        assert np.array_equal(decode(file), decode(tmp_path / "plain.jpg"))
        assert image_size(file) == (W, H)


def test_a_text_named_exif_is_no_exif(tmp_path):
    text = PngImagePlugin.PngInfo()
    text.add_itxt("exif", "II*")
    (tmp_path / "x.png").write_bytes(content(Image.fromarray(PIXELS), pnginfo=text))
    assert np.array_equal(decode(tmp_path / "x.png"), PIXELS)


def lay_down(file):
    """Store the picture as a phone does: lying on its side, with EXIF that says so."""
    with Image.open(file) as opened:
        picture = opened.convert("RGB")
    lying = picture.transpose(Image.Transpose.ROTATE_90)
    times = os.stat(file)  # noqa: PTH116
    file.write_bytes(content(lying, "PNG", exif=exif(6)))
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.mark.parametrize("dataset", ["mlr-viper", "caviar", "vric"])
def test_a_set_of_lying_pictures_gives_the_same_split_and_pixels(dataset, make, tmp_path):
    """Caviar and VRIC take the sizes of images from their headers, and choose by them."""
    raw, truth = make(dataset, tmp_path)
    built = []
    for lying in (False, True):
        for image in truth if lying else ():
            if raw.joinpath(image.path).suffix == ".jpg":
                with Image.open(raw / image.path) as stored:
                    lossless = content(stored.convert("RGB"))
                (raw / image.path).write_bytes(lossless)
            lay_down(raw / image.path)
        opened = open_raw(dataset, Source(raw), tmp_path)
        manifest = build_manifest(opened)
        built.append((manifest.digest, opened.notes, open_store(opened, manifest, 16, 8, tmp_path)))
    assert built[0][:2] == built[1][:2]
    assert np.array_equal(built[0][2].images("query"), built[1][2].images("query"))
    assert verify_raw(dataset, Source(raw), tmp_path, decode=True).findings == ()


def test_a_folder_of_lying_pictures_is_embedded_upright(tmp_path):
    for name, turned in (("a", False), ("b", True)):
        (tmp_path / f"{name}.png").write_bytes(content(Image.fromarray(PIXELS)))
        if turned:
            lay_down(tmp_path / f"{name}.png")
    (pixels,) = image_chunks(tmp_path, ["a.png", "b.png"], 16, 8)
    assert np.array_equal(pixels[0], pixels[1])


# --- what else changes a picture ------------------------------------------------------------------


def decoded(tmp_path, picture, suffix="PNG", **options):
    (tmp_path / "x.png").write_bytes(content(picture, suffix, **options))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return decode(tmp_path / "x.png")


def test_grey_is_three_equal_channels(tmp_path):
    grey = PIXELS[..., 0]
    assert np.array_equal(decoded(tmp_path, Image.fromarray(grey)), np.stack([grey] * 3, -1))


def test_alpha_is_dropped_and_the_colours_below_it_are_read(tmp_path):
    alpha = np.full((H, W, 1), 7, np.uint8)
    alpha[::2] = 0
    assert np.array_equal(
        decoded(tmp_path, Image.fromarray(np.concatenate([PIXELS, alpha], -1))), PIXELS
    )


def test_a_palette_gives_its_colours_transparent_or_not(tmp_path):
    picture = Image.fromarray(PIXELS).quantize(64)
    expected = np.asarray(picture.convert("RGB"))
    assert np.array_equal(decoded(tmp_path, picture), expected)
    assert np.array_equal(decoded(tmp_path, picture, transparency=bytes(64)), expected)


def test_cmyk_is_converted_without_a_profile(tmp_path):
    cmyk = np.zeros((H, W, 4), np.uint8)
    cmyk[..., 0], cmyk[..., 3] = 100, 50
    picture = Image.fromarray(cmyk, "CMYK")
    ink = (255 - 100) * (255 - 50) / 255, 255 - 50, 255 - 50
    assert np.allclose(decoded(tmp_path, picture, "JPEG", quality=100), ink, atol=2)


def test_sixteen_bits_are_refused_in_grey_and_in_colour(tmp_path):
    for colour, channels in ((0, 1), (2, 3), (4, 2), (6, 4)):
        header = struct.pack(">IIBBBBB", W, H, 16, colour, 0, 0, 0)
        rows = (b"\0" + bytes(2 * channels * W)) * H
        (tmp_path / "deep.png").write_bytes(png(header, rows))
        for read in (decode, image_size):
            with pytest.raises(InputError, match="more than 8 bits; convert it to 8 bits"):
                read(tmp_path / "deep.png")


def png(header, rows):
    import zlib

    def chunk(name, body):
        checked = name + body
        return struct.pack(">I", len(body)) + checked + struct.pack(">I", zlib.crc32(checked))

    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def test_of_an_animation_the_first_picture_is_read(tmp_path):
    second = Image.fromarray(255 - PIXELS)
    frames = decoded(tmp_path, Image.fromarray(PIXELS), save_all=True, append_images=[second])
    assert np.array_equal(frames, PIXELS)


def test_a_colour_profile_is_not_applied(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    picture = Image.fromarray(PIXELS)
    assert np.array_equal(decoded(tmp_path, picture, icc_profile=profile), PIXELS)
    with_it = decoded(tmp_path, picture, "JPEG", icc_profile=profile)
    assert np.array_equal(with_it, decoded(tmp_path, picture, "JPEG"))


# --- what is no picture ---------------------------------------------------------------------------

AVIF = b"\0\0\0\x20ftypavif" + bytes(40)
HEIC = b"\0\0\0\x18ftypheic" + bytes(40)
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n"


@pytest.mark.parametrize(
    ("name", "remedy", "bad"),
    [
        ("a WebP image", "convert it to PNG", b"RIFF\x10\0\0\0WEBPVP8 " + bytes(20)),
        ("an AVIF image", "convert it to PNG", AVIF),
        ("a HEIC image", "convert it to PNG", HEIC),
        ("a GIF image", "convert it to PNG", b"GIF89a" + bytes(20)),
        ("a TIFF image", "convert it to PNG", b"II*\0" + bytes(20)),
        ("a web page", "download it again", b"\n<!DOCTYPE html><html>404</html>"),
        ("a Git LFS pointer", "git lfs pull", POINTER),
        ("an empty file (0 bytes)", "copy it again", b""),
        ("a file of zeros", "copy it again", bytes(300)),
        ("a resource fork of macOS", "remove it", b"\0\x05\x16\x07\0\x02\0\0Mac OS X"),
        ("a zip archive", "unpack it", b"PK\x03\x04" + bytes(30)),
        ("a Python pickle", "copy it again", b"\x80\x04\x95"),
        ("none of them", "copy it again", b"something else"),
        ("damaged or cut short", "copy it again", content(Image.fromarray(PIXELS))[:60]),
        ("damaged or cut short", "copy it again", content(Image.fromarray(PIXELS), "JPEG")[:400]),
        ("damaged or cut short", "copy it again", b"\xff\xd8\xff"),
    ],
)
def test_what_is_no_picture_is_named_with_what_helps(name, remedy, bad, tmp_path):
    file = tmp_path / "x.jpg"
    file.write_bytes(bad)
    with pytest.raises(InputError) as caught:
        decode(file)
    message = str(caught.value)
    assert message.startswith(f"{file}: not a whole JPEG, PNG or BMP image (it ")
    assert name in message.partition(";")[0]
    assert remedy in message.partition(";")[2]


def test_places_that_are_no_files_are_named(tmp_path):
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "link.jpg").symlink_to(tmp_path / "gone.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    for name, expected in (
        ("folder.jpg", "is a folder, not a file"),
        ("link.jpg", f"is a link to {tmp_path / 'gone.jpg'}, which is not there"),
        ("none.jpg", "the file is missing"),
        ("pipe.jpg", "is no regular file"),
    ):
        with pytest.raises(InputError, match=expected):
            decode(tmp_path / name)


def test_the_sort_of_a_file_does_not_depend_on_what_follows():
    assert kind_of(b"GIF89a" + bytes(5000)) == kind_of(b"GIF89a")
    for text in (b"#!/bin/sh", b"BMI,age\n20,1\n", b"P1 and P2\n", b"PK,name\n"):
        assert kind_of(text).name == ""


def test_decoding_prints_nothing_of_the_library(tmp_path):
    """In a process of its own: tests hide warnings."""
    (tmp_path / "x.jpg").write_bytes(
        content(Image.fromarray(PIXELS), "JPEG", exif=b"Exif\0\0" + raw_exif(6)[:16])
    )
    code = "import sys, pathlib; from crossres.datasets.readers.parts.listing import decode; "
    code += "print(decode(pathlib.Path(sys.argv[1])).shape)"
    process = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "x.jpg")], capture_output=True, text=True
    )
    assert (process.stdout, process.stderr) == (f"({H}, {W}, 3)\n", "")
