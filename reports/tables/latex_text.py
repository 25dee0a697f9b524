"""Text for LaTeX to print literally, with the commands of a plain document alone."""

import re
import tomllib
import unicodedata
from pathlib import Path

from crossres.benchmark.config.tables import Row

_ASCII = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "`": r"\textasciigrave{}",
    "<": r"$<$",
    ">": r"$>$",
    "|": r"$|$",
    '"': "''",
    "[": "{[}",  # bare, and * likewise, it would be the optional argument of \\ or \midrule
    "]": "{]}",
    "*": "{*}",
    "\n": " ",
}


JOINING = ("-", "'", ",")  # two of them side by side would be another sign
DOTLESS = {"i": r"\i", "j": r"\j"}
ABOVE = 230  # the combining class of marks over a letter
_UNIT = re.compile(r".[\u0300-\u036f]*", re.DOTALL)
_DATA = tomllib.loads((Path(__file__).parent / "signs.toml").read_text(encoding="utf-8"))
SIGNS: dict[str, str] = _DATA["signs"]
MARKS: dict[str, str] = _DATA["marks"]


def escape(text: str) -> str:
    """Write text for LaTeX to print literally; signs not in signs.toml stand as their numbers."""
    pieces: list[str] = []
    for unit in _UNIT.findall(unicodedata.normalize("NFC", text)):
        piece = _piece(unit)
        joins = piece in JOINING and pieces and pieces[-1].endswith(piece)
        pieces.append(f"{{}}{piece}" if joins else piece)
    return "".join(pieces)


def _piece(unit: str) -> str:
    """Return one sign with the marks that stand on it."""
    if unit in SIGNS:
        return SIGNS[unit]
    if unit.isascii():
        return _ASCII.get(unit, unit)
    letter, *marks = list(unicodedata.normalize("NFD", unit))
    if len(marks) == 1 and marks[0] in MARKS and letter.isascii() and letter.isalpha():
        is_above = unicodedata.combining(marks[0]) == ABOVE
        return f"{MARKS[marks[0]]}{{{DOTLESS.get(letter, letter) if is_above else letter}}}"
    return "".join(_piece(sign) if sign.isascii() else _number_of(sign) for sign in unit)


def _number_of(sign: str) -> str:
    return rf"\texttt{{U+{ord(sign):04X}}}"


def sentence(text: str) -> str:
    """Return the text, escaped, with a full stop where it ends without a mark."""
    return escape(text) + ("" if text.endswith((".", "!", "?")) else ".")


def row_label(row: Row) -> str:
    """Return the label of a row of a table: its own LaTeX, or its text."""
    if row.latex is None:
        return escape(row.label)
    return f"{{}}{row.latex}" if row.latex.startswith(("[", "*")) else row.latex
