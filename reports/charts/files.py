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
SETTINGS: Any = {
    "pdf.fonttype": 42,  # TrueType: what publishers ask for, instead of Type 3
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same figure on every machine
    "font.size": 6.5,
    "axes.titlesize": 6.5,
    "axes.linewidth": 0.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "xtick.major.size": 2,
    "ytick.major.size": 2,
    "grid.color": "0.88",
    "grid.linewidth": 0.4,
    "axes.grid": True,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.borderpad": 0,
    "legend.labelspacing": 0.3,
    "text.parse_math": False,  # a label is text, whatever signs are in it
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
