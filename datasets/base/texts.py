"""Text, CSV, TOML and JSON files that people hand in, read in one way whatever program saved them.

A byte order mark, any line ends and UTF-16 with its mark are taken; another encoding is refused,
for it can only be guessed. Numbers are finite.
"""

import codecs
import csv
import io
import json
import math
import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, time
from pathlib import Path
from typing import Any

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import read_at_most
from crossres.datasets.base.kinds import UNKNOWN, UTF_16, kind_of, kind_of_file

MAX_BYTES = 1 << 28  # of a text: the largest baselines and manifests are a tenth of that
LARGEST = 2**53  # a whole number above that is not the same in every program
SEPARATORS = ",;\t"
_CONTROLS = ("Cc", "Cs", "Zl", "Zp")
_DIRECTIONS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_FORMULA = ("=", "+", "-", "@")  # how a text begins that a spreadsheet would compute
# Every number above 1e308 is written so: an exponent of two digits needs 200 before it.
_HUGE = re.compile(r"\d[eE]\+?\d{3}|\d{200}")
_PLAIN = re.compile(r"[+-]?\d+(?:[.,]\d+)?", re.ASCII)


def read_text(file: Path, noun: str, remedy: str = "") -> str:
    """Return the text of a file, with newlines as line ends.

    Raises InputError when the file is missing, cannot be read, or holds no text; its message calls
    the file a `noun` and ends with the `remedy` ("": to save it as text).
    """
    try:
        with file.open("rb") as stream:
            content = read_at_most(stream, MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise unreadable(file, noun, "it does not exist", "check the path") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise unreadable(file, noun, reason, "check the path and its permissions") from error
    if len(content) > MAX_BYTES:
        raise unreadable(file, noun, f"it is larger than {MAX_BYTES} bytes", "give another")
    try:
        return decode(content)
    except ValueError as error:
        content_kind = kind_of(content)
        reason = str(error) if content_kind in (UNKNOWN, UTF_16) else f"it is {content_kind.name}"
        raise unreadable(file, noun, reason, remedy or "save it as UTF-8 text") from error


def decode(content: bytes) -> str:
    """Decode UTF-8, or UTF-16 with its mark; ValueError, with the line, where it is neither."""
    is_wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if is_wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ValueError(f"line {line} is not UTF-8 text") from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise ValueError(f"line {line} holds the character NUL, so it is not UTF-8 text")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def unreadable(file: Path, noun: str, reason: str, remedy: str) -> InputError:
    """Return the error about a file that cannot be read, in one line."""
    return InputError(f"{file}: not a readable {noun} ({' '.join(reason.split())}); {remedy}")


def plain_text(where: str, text: str, most: int) -> str:
    """Return a text that stands on one line of pages and terminals, its blanks as single spaces.

    Raises InputError where it is empty, longer than `most`, or holds a sign that controls a
    terminal or the direction of writing.
    """
    line = re.sub(r"[ \t\n\r]+", " ", text).strip()
    for sign in line:
        if unicodedata.category(sign) in _CONTROLS or sign in _DIRECTIONS:
            raise InputError(f"{where} holds the control character U+{ord(sign):04X}; remove it")
    if not 0 < len(line) <= most:
        raise InputError(f"{where} has {len(line)} characters; give from 1 to {most}")
    return line


def check_name(where: str, text: str) -> None:
    """Raise InputError when a text cannot name files and anchors on every system."""
    if not _NAME.fullmatch(text):
        raise InputError(
            f"{where} {text!r} must be letters, digits, '-', '_' and '.', 64 of them at most"
        )


# --- CSV ------------------------------------------------------------------------------------------


def read_csv(file: Path, noun: str, columns: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """Return (line number, values by column) of each line below the header; blank lines are passed
    over.

    Raises InputError naming the line when the header is another, a line has more or fewer fields,
    or a quote is not closed.
    """
    text = read_text(file, noun)
    try:
        (_, head), *rows = csv_rows(text) or [(1, [])]
    except ValueError as error:
        raise unreadable(file, noun, str(error), "correct its quotes") from error
    if head != list(columns):
        raise InputError(f"{file}: the first line must be {','.join(columns)}")
    for number, row in rows:
        if len(row) != len(columns):
            raise InputError(f"{file}, line {number}: has {len(row)} fields; needs {len(columns)}")
    return [(number, dict(zip(columns, row, strict=True))) for number, row in rows]


def csv_rows(text: str) -> list[tuple[int, list[str]]]:
    """Return (line number, fields without the blanks around them) of all lines that hold anything.

    Raises ValueError, with the line, where a quote is not closed: it would swallow those below it.
    """
    table = csv.reader(
        io.StringIO(text), delimiter=separator(text), strict=True, skipinitialspace=True
    )
    try:
        stripped = [(table.line_num, [field.strip() for field in row]) for row in table]
    except csv.Error as error:
        raise ValueError(f"line {table.line_num}: a quote is not closed") from error
    return [(line, row) for line, row in stripped if any(row)]


def cell_text(text: str) -> str:
    """Return a text for a CSV, with a blank before what a spreadsheet would take for a formula."""
    return f" {text}" if text.startswith(_FORMULA) else text


def separator(text: str) -> str:
    """Return the separator of a CSV: "," or, as spreadsheets write, ";" or a tab."""
    head = text.lstrip("\n").partition("\n")[0]
    return max(SEPARATORS, key=head.count)


def plain_number(text: str) -> float | None:
    """Return the number that "29.9", or "29,9", stands for; None for anything else."""
    if not _PLAIN.fullmatch(text.strip()):
        return None
    return float(text.replace(",", "."))


# --- TOML and JSON --------------------------------------------------------------------------------


def read_toml(file: Path, noun: str) -> dict[str, Any]:
    """Return the content of a TOML file; its values are text, booleans, finite numbers, lists and
    tables.

    Raises InputError naming the file, and the entry or the line, when it is anything else.
    """
    text = read_text(file, f"{noun} file")
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file}: this {noun} file is not valid TOML: {error}") from error
    for key, value in _leaves(content):
        if fault := _fault(value):
            raise InputError(f"{file}: {key} {fault}")
    return content


def _leaves(content: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (key, value) of all that is no list or table."""
    if isinstance(content, Mapping):
        for name, value in content.items():
            yield from _leaves(value, f"{key}.{name}" if key else name)
    elif isinstance(content, list):
        for number, value in enumerate(content, start=1):
            yield from _leaves(value, f"{key}, item {number}")
    else:
        yield key, content


def _fault(value: Any) -> str | None:
    if isinstance(value, date | time):
        return f"is the date or time {value}; put it in quotes if text is meant"
    if isinstance(value, float) and not math.isfinite(value):
        return f"is {value}; give a finite number"
    if isinstance(value, int) and abs(value) > LARGEST:
        return "is a whole number beyond 2^53; give a smaller one"
    return None


def read_json(file: Path, noun: str, remedy: str) -> Any:
    """Return the content of a JSON file; InputError where it is none, or a number not finite."""
    try:
        return parse_json(read_text(file, noun, remedy))
    except (ValueError, RecursionError) as error:
        reason = f"it is {kind}" if (kind := kind_of_file(file).name) else f"no JSON: {error}"
        raise unreadable(file, noun, reason, remedy) from error


def parse_json(text: str) -> Any:
    """Return the value of a JSON text; ValueError where it is none, or a number is not finite."""
    check = _finite if _HUGE.search(text) else None  # a function more for each number takes long
    return json.loads(text, parse_constant=_refuse, parse_float=check)


def _refuse(text: str) -> float:
    raise ValueError(f"{text} is no finite number")


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _refuse(text)
