"""Decoding: the bytes of one JPEG, PNG or BMP file in, 8-bit RGB out, turned as EXIF asks.

The decoders of Pillow are called directly, not through `Image.open`, which would only warn of
pictures that fill the memory, and print its warnings between the lines of ours. docs/datasets.md
says what is done with grey, palettes, alpha, profiles and the like.
"""

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.kinds import kind_of
from crossres.datasets.readers.parts.files import open_file, read_whole

MAX_SIDE = 4096
MAX_PIXELS = 1 << 22  # more than any crop has; decoding and resampling then stay below 1 GiB


class _Jpeg(JpegImageFile):
    def _read_dpi_from_exif(self) -> None:
        """Leave the dpi alone: nobody asks for it, and of damaged EXIF it would warn."""


# By content, not by suffix: a .png that holds JPEG bytes is fine.
_DECODERS: dict[bytes, Callable[[BinaryIO], ImageFile.ImageFile]] = {
    b"\xff\xd8\xff": _Jpeg,
    b"\x89PNG\r\n\x1a\n": PngImageFile,
    b"BM": BmpImageFile,
}
_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")  # 8 bits or fewer
_PNG_DEPTH = 24  # place of the byte that tells the bits of a channel

_ORIENTATION, _SHORT = 0x0112, 3
_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
# Orientation -> how the stored picture is turned to stand upright; 1 is upright already.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SWAPPING = range(5, 9)  # orientations that make the width the height


def decode(file: Path) -> NDArray[np.uint8]:
    """Decode an image by its content to (H, W, 3) uint8 RGB, turned as its EXIF asks.

    Raises InputError naming the file, what it is and what helps when it is missing, truncated, not
    JPEG, PNG or BMP, of more than 8 bits a channel, or larger than MAX_SIDE or MAX_PIXELS.
    """
    # Read whole first: the decoder would ask for it in dozens of small pieces.
    image = _opened(file, io.BytesIO(read_whole(file)))
    turn = _TURNS.get(_orientation(image))
    # Other code in the process may have asked for grey instead of an error.
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    image.info.pop("transparency", None)  # dropped by the conversion anyway, with a warning
    try:
        upright = image.convert("RGB")
    except Exception as error:  # whatever a decoder makes of damaged bytes
        raise _damaged(file) from error
    return np.array(upright if turn is None else upright.transpose(turn), dtype=np.uint8)


def image_size(file: Path) -> tuple[int, int]:
    """Return (width, height) of what `decode` gives, from the header alone; InputError likewise."""
    with open_file(file) as stream:
        image = _opened(file, stream)
        width, height = image.size
        return (height, width) if _orientation(image) in _SWAPPING else (width, height)


def _opened(file: Path, stream: BinaryIO) -> ImageFile.ImageFile:
    """Return the image with its header read, checked for what the header alone tells."""
    head = stream.read(_PNG_DEPTH + 1)
    decoder = next(
        (factory for magic, factory in _DECODERS.items() if head.startswith(magic)), None
    )
    if decoder is None:
        raise _foreign(file, head + stream.read(1024))
    stream.seek(0)
    try:
        image = decoder(stream)
    except Exception as error:  # whatever a decoder makes of damaged bytes
        raise _damaged(file) from error
    width, height = image.size
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise InputError(
            f"{file}: claims {width} x {height} pixels, which no crop of a person or vehicle has; "
            "copy it again"
        )
    if image.mode not in _MODES or (decoder is PngImageFile and head[_PNG_DEPTH] > 8):
        raise InputError(f"{file}: has channels of more than 8 bits; convert it to 8 bits")
    return image


def _orientation(image: ImageFile.ImageFile) -> int:
    """Return the EXIF orientation, 1 to 8; 1 (upright) where none is told in a way that can be
    read.

    EXIF stands before the pixels, so that the header of the file is enough.
    """
    exif = image.info.get("exif")
    if not isinstance(exif, bytes):  # a PNG may have a text of that name
        return 1
    tiff = exif.removeprefix(b"Exif\0\0")
    order = _BYTE_ORDERS.get(tiff[:4])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, start)
        for offset in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, number, value = struct.unpack_from(f"{order}HHIH", tiff, offset)
            if tag == _ORIENTATION:
                return int(value) if (kind, number) == (_SHORT, 1) and value in _TURNS else 1
    except struct.error:  # it points outside of itself
        pass
    return 1


def _damaged(file: Path) -> InputError:
    return _unusable(file, "it is damaged or cut short", "copy it again")


def _foreign(file: Path, head: bytes) -> InputError:
    kind = kind_of(head)
    reason = f"it is {kind.name}" if kind.name else "it begins like none of them"
    return _unusable(file, reason, kind.remedy or "copy it again")


def _unusable(file: Path, reason: str, remedy: str) -> InputError:
    return InputError(f"{file}: not a whole JPEG, PNG or BMP image ({reason}); {remedy}")
