"""Figures as the bytes of a file: the same figure gives the same bytes."""

import io
from typing import Any

from matplotlib.figure import Figure

from crossres.datasets.base.errors import InputError

DATELESS: dict[str, dict[str, Any]] = {
    ".pdf": {"CreationDate": None, "Producer": None, "Creator": None},
    ".png": {"Software": None},
    ".svg": {"Date": None},
}
FIXED: Any = {"svg.hashsalt": "crossres", "svg.fonttype": "path"}  # settings to draw under, too


def checked_format(suffix: str) -> str:
    """Return the end of a file's name in small letters; InputError when no figure ends so."""
    if suffix.lower() not in DATELESS:
        formats = ", ".join(DATELESS)
        raise InputError(f"a figure is a {formats} file, not {suffix or 'one without'}")
    return suffix.lower()


def figure_bytes(figure: Figure, suffix: str, dpi: int) -> bytes:
    """Return the content of a file of a `checked_format`, without a date in it."""
    out = io.BytesIO()
    figure.savefig(out, format=suffix[1:], dpi=dpi, metadata=DATELESS[suffix])
    return out.getvalue()
