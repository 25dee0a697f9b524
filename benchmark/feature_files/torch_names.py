"""Names in a file of `torch.save`, without opening the pickle in it: only its opcodes are read."""

import pickletools
import zipfile
from pathlib import Path

from crossres.benchmark.feature_files.names import known_names, plain

MOST_BYTES = 2**20
TEXTS = ("BINUNICODE", "SHORT_BINUNICODE", "UNICODE")


def names_in(path: Path) -> list[str]:
    """Return the texts in the pickle that are names of arrays of features, in their order.

    Raises whatever zipfile and pickletools raise for a damaged file.
    """
    with zipfile.ZipFile(path) as archive:
        member = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
        with archive.open(member) as stream:
            content = stream.read(MOST_BYTES)
    texts = [str(text) for code, text, _ in pickletools.genops(content) if code.name in TEXTS]
    return list(dict.fromkeys(text for text in texts if plain(text) in known_names()))
