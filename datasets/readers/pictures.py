"""Decoding: the bytes of one JPEG, PNG or BMP file in, 8-bit RGB out.

The decoders of Pillow are called directly, not through `Image.open`, which would only warn of
pictures that fill the memory, and print its warnings between the lines of ours.
"""

import io
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import ImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from datasets.errors import InputError
from datasets.readers.files import open_file, read_whole

MAX_SIDE = 4096
MAX_PIXELS = 1 << 22  # more than any crop has; decoding and resampling then stay below 1 GiB
# By content, not by suffix: a .png that holds JPEG bytes is fine.
_DECODERS: dict[bytes, Callable[[BinaryIO], ImageFile.ImageFile]] = {
    b"\xff\xd8\xff": JpegImageFile,
    b"\x89PNG\r\n\x1a\n": PngImageFile,
    b"BM": BmpImageFile,
}
_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")  # 8 bits or fewer


def decode(file: Path) -> NDArray[np.uint8]:
    """Decode an image by its content to (H, W, 3) uint8 RGB.

    Raises InputError naming the file when it is missing, truncated, not JPEG, PNG or BMP, of more
    than 8 bits a channel in grey, or larger than MAX_SIDE or MAX_PIXELS.
    """
    # Read whole first: the decoder would ask for it in dozens of small pieces.
    image = _opened(file, io.BytesIO(read_whole(file)))
    # Other code in the process may have asked for grey instead of an error.
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    image.info.pop("transparency", None)  # dropped by the conversion anyway, with a warning
    try:
        return np.array(image.convert("RGB"), dtype=np.uint8)
    except Exception as error:  # whatever a decoder makes of damaged bytes
        raise _undecodable(file, error) from error


def image_size(file: Path) -> tuple[int, int]:
    """Return (width, height) from the header alone; InputError as in `decode`."""
    with open_file(file) as stream:
        return _opened(file, stream).size


def _opened(file: Path, stream: BinaryIO) -> ImageFile.ImageFile:
    """The image with its header read, checked for what the header alone tells."""
    try:
        head = stream.read(8)
        stream.seek(0)
        decoder = next(one for magic, one in _DECODERS.items() if head.startswith(magic))
        image = decoder(stream)
    except StopIteration:
        raise _undecodable(file, ValueError("it begins like none of them")) from None
    except Exception as error:  # whatever a decoder makes of damaged bytes
        raise _undecodable(file, error) from error
    width, height = image.size
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise InputError(
            f"{file}: claims {width} x {height} pixels, which no crop of a person or vehicle has; "
            "copy it again"
        )
    if image.mode not in _MODES:
        raise InputError(
            f"{file}: has pixels of more than 8 bits ({image.mode}); convert it to 8 bits"
        )
    return image


def _undecodable(file: Path, error: Exception) -> InputError:
    reason = " ".join(str(error).replace(str(file), "file").split())
    return InputError(f"{file}: not a whole JPEG, PNG or BMP image ({reason}); copy it again")
