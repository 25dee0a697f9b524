"""Odd pictures: (name, whether it must be refused, bytes), made once."""

import functools
import io
import struct
import zlib

import numpy as np
from PIL import Image, PngImagePlugin

PIXELS = (np.arange(40 * 20 * 3) % 251).astype(np.uint8).reshape(40, 20, 3)


def _chunk(name: bytes, content: bytes) -> bytes:
    checked = name + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))


def png(
    width: int, height: int, depth: int = 8, colour: int = 2, rows: bytes = b"\0" * 99
) -> bytes:
    """A PNG that claims this size, whatever it holds."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def _saved(picture: Image.Image, suffix: str, **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, suffix, **options)
    return stream.getvalue()


def _bmp(width: int, height: int) -> bytes:
    return (
        b"BM"
        + struct.pack("<IHHI", 99, 0, 0, 54)
        + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    )


def _jpeg(width: int, height: int) -> bytes:
    content = bytearray(_saved(Image.fromarray(PIXELS), "JPEG"))
    start = content.index(b"\xff\xc0")
    content[start + 5 : start + 9] = struct.pack(">HH", height, width)
    return bytes(content)


def _long_text() -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_text("comment", "x" * 5_000_000, zip=True)
    return _saved(Image.fromarray(PIXELS), "PNG", pnginfo=text)


@functools.cache
def odd_pictures() -> list[tuple[str, bool, bytes]]:
    picture = Image.fromarray(PIXELS)
    palette = picture.convert("P")
    deep = Image.fromarray(np.full((40, 20), 40_000, np.uint16))
    grey = Image.fromarray(PIXELS[..., 0])
    return [
        ("png bomb", True, png(60_000, 60_000)),
        ("png bomb that only warns", True, png(11_000, 10_000)),
        ("png of one endless row", True, png(2**31 - 1, 1)),
        ("png of size 0", True, png(0, 40)),
        ("real png bomb", True, png(5000, 5000, 8, 0, bytes(5001 * 5000))),
        ("bmp bomb", True, _bmp(50_000, 50_000)),
        ("bmp of negative height", True, _bmp(20_000, -20_000)),
        ("jpeg bomb", True, _jpeg(65_000, 65_000)),
        ("jpeg of size 0", True, _jpeg(0, 40)),
        ("gif", True, _saved(picture, "GIF")),
        ("tiff", True, _saved(picture, "TIFF")),
        ("webp or ppm", True, _saved(picture, "PPM")),
        ("16-bit grey", True, _saved(deep, "PNG")),
        ("png with a bomb of text", True, _long_text()),
        ("html", True, b"<html><body>404 Not Found</body></html>"),
        ("animated png", False, _saved(picture, "PNG", save_all=True, append_images=[grey])),
        (
            "palette with transparency",
            False,
            _saved(palette, "PNG", transparency=bytes(256)),
        ),
        ("cmyk", False, _saved(picture.convert("CMYK"), "JPEG")),
        ("rgba", False, _saved(picture.convert("RGBA"), "PNG")),
        ("grey", False, _saved(grey, "JPEG")),
        ("one bit", False, _saved(grey.convert("1"), "PNG")),
        ("progressive", False, _saved(picture, "JPEG", progressive=True)),
        ("one pixel", False, _saved(Image.new("RGB", (1, 1)), "BMP")),
        ("one row", False, _saved(Image.new("RGB", (3000, 1)), "PNG")),
        ("one column", False, _saved(Image.new("RGB", (1, 3000)), "JPEG")),
    ]
