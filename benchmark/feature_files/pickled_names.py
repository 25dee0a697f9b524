"""Names in a Python pickle, without opening it: only the texts among its opcodes are looked at."""

import io
import pickletools
import zipfile
from pathlib import Path

from crossres.benchmark.feature_files.names import known_names, plain

MOST_BYTES = 2**20
TEXTS = ("BINUNICODE", "SHORT_BINUNICODE", "UNICODE")


def names_in(path: Path) -> list[str]:
    """Return the names of arrays of features in a pickle, or in a file of torch.save, in order.

    What cannot be read has none.
    """
    stream, names = io.BytesIO(_pickle_of(path)), dict[str, None]()
    try:
        while True:  # what torch.save wrote before 1.6 are several pickles
            for code, text, _ in pickletools.genops(stream):
                if code.name in TEXTS and plain(str(text)) in known_names():
                    names[str(text)] = None
    except Exception:  # the end, or damage, for which it has many errors
        return list(names)


def _pickle_of(path: Path) -> bytes:
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            return file.read(MOST_BYTES)
    with zipfile.ZipFile(path) as archive:
        member = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
        with archive.open(member) as stream:
            return stream.read(MOST_BYTES)
