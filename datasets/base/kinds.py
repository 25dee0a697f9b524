"""What a file is by its first bytes, whatever its name says: the reason why it cannot be read."""

import re
from dataclasses import dataclass
from pathlib import Path

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")  # of the images that are read
_HEAD = 1024  # bytes that are looked at

_CONVERT = "convert it to PNG or JPEG"
_UNPACK = "unpack it and give the folder"
_AGAIN = "download it again"


@dataclass(frozen=True)
class Kind:
    """A sort of file, with its article; `remedy` helps whatever the file was meant to be.

    Both are "" for what is not known, `remedy` also where it depends on what was expected.
    """

    name: str = ""
    remedy: str = ""


UNKNOWN = Kind()
EMPTY = Kind("an empty file (0 bytes)", "copy it again")
ZIP = Kind("a zip archive", _UNPACK)
SPLIT_ZIP = Kind("a part of a split zip archive", "unpack all its parts and give the folder")
PICKLE = Kind("a Python pickle")
HDF5 = Kind("an HDF5 file")
UTF_16 = Kind("a text in UTF-16", "save it as UTF-8")
MATLAB_5 = Kind("a MATLAB file of version 5 to 7")
MATLAB_7_3 = Kind("a MATLAB file of version 7.3 (HDF5)")

# The first that matches counts.
_KINDS: tuple[tuple[bytes, Kind], ...] = (
    (rb"\xff\xd8\xff", Kind("a JPEG image")),
    (rb"\x89PNG\r\n\x1a\n", Kind("a PNG image")),
    (rb"BM.{4}\0{4}", Kind("a BMP image")),
    (rb"GIF8[79]a", Kind("a GIF image", _CONVERT)),
    (rb"RIFF....WEBP", Kind("a WebP image", _CONVERT)),
    (rb"....ftypavi[fs]", Kind("an AVIF image", _CONVERT)),
    (rb"....ftyp(?:hei[cxms]|hev[cxms]|mif1|msf1)", Kind("a HEIC image", _CONVERT)),
    (rb"II\*\0|MM\0\*", Kind("a TIFF image", _CONVERT)),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", Kind("a JPEG XL image", _CONVERT)),
    (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", Kind("a JPEG 2000 image", _CONVERT)),
    (rb"P[1-7]\s+[\d#]", Kind("a PPM image", _CONVERT)),
    (rb"....ftyp", Kind("a video")),
    (rb"MATLAB 5\.0", MATLAB_5),
    (rb"MATLAB 7\.3", MATLAB_7_3),
    (rb"\x89HDF\r\n\x1a\n", HDF5),
    (rb"\x93NUMPY", Kind("a NumPy array (.npy)")),
    (rb"PK\x07\x08", SPLIT_ZIP),
    (rb"PK(?:\x03\x04|\x05\x06)", ZIP),
    (rb"Rar!\x1a\x07", Kind("a RAR archive", _UNPACK)),
    (rb"7z\xbc\xaf\x27\x1c", Kind("a 7z archive", _UNPACK)),
    (rb"\x1f\x8b", Kind("a gzip archive", _UNPACK)),
    (rb"BZh[1-9]", Kind("a bzip2 archive", _UNPACK)),
    (rb"\xfd7zXZ\0", Kind("an xz archive", _UNPACK)),
    (rb"\x28\xb5\x2f\xfd", Kind("a Zstandard archive", _UNPACK)),
    (rb".{257}ustar", Kind("a tar archive", _UNPACK)),
    (rb"%PDF-", Kind("a PDF document")),
    (rb"\0\x05\x16[\0\x07]", Kind("a resource fork of macOS", "remove it")),
    (
        rb"version https://git-lfs\.github\.com/spec/",
        Kind("a Git LFS pointer", "run `git lfs pull` where it was cloned, and copy it again"),
    ),
    (
        rb"(?i:(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|head|body|script|!--))",
        Kind("a web page", _AGAIN),
    ),
    (rb"(?:\xef\xbb\xbf)?\s*<\?xml", Kind("an XML text", _AGAIN)),
    (rb"\xff\xfe|\xfe\xff", UTF_16),
    (rb"\x80[\x02-\x05]", PICKLE),
    (rb"\0+\Z", Kind("a file of zeros", "copy it again")),
)
_PATTERNS = tuple((re.compile(pattern, re.DOTALL), kind) for pattern, kind in _KINDS)


def kind_of(content: bytes) -> Kind:
    """Return the sort of a file from its first kilobyte, or all of it where it is shorter."""
    if not content:
        return EMPTY
    head = content[:_HEAD]
    return next((kind for pattern, kind in _PATTERNS if pattern.match(head)), UNKNOWN)


def kind_of_file(file: Path) -> Kind:
    """Return the sort of a file; UNKNOWN when it cannot be read."""
    try:
        with file.open("rb") as stream:
            return kind_of(stream.read(_HEAD))
    except OSError:
        return UNKNOWN
