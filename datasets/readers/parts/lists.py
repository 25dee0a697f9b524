"""List files: one image a line, in sets whose file names do not say who is on an image."""

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.texts import decode
from crossres.datasets.readers.parts.files import read_whole

TEST_PIDS = 1_000_000
"""Added to the numbers of test identities, as train and test may both be counted from 1."""


def text_lines(file: Path) -> list[str]:
    """Return the lines of a text, whatever its line ends; InputError when it is not one."""
    return text_of(file).split("\n")


def text_of(file: Path) -> str:
    """Return the text of a list, with newlines as line ends; InputError when it is not one."""
    try:
        return decode(read_whole(file))
    except ValueError as error:
        raise InputError(f"{file}: {error}; save it as plain UTF-8 text") from error


def entries(
    file: Path, pattern: re.Pattern[str], grammar: str
) -> Iterator[tuple[int, re.Match[str]]]:
    """Yield (line number, match) of each line that is not blank; InputError names a wrong one."""
    for number, line in enumerate(text_lines(file), start=1):
        text = line.strip()
        match = pattern.fullmatch(text)
        if match is not None:
            yield number, match
        elif text:
            raise at_line(file, number, f"{text[:60]!r} is not {grammar}", "correct the line")


def file_key(name: str) -> str:
    """Return a file name but for the case of its suffix, in which lists and disks may differ."""
    stem, dot, suffix = name.rpartition(".")
    return stem + dot + suffix.casefold()


def listed_files(
    file: Path,
    pattern: re.Pattern[str],
    grammar: str,
    files: Collection[str],
    folder: str,
    group: int = 0,
) -> dict[str, re.Match[str]]:
    """Return the lines of a list by the `file_key` of the image that `group` of each names.

    `files` are the keys of those in `folder`. Raises InputError as `entries`, and for a line that
    names an image that is missing or listed before.
    """
    lines: dict[str, re.Match[str]] = {}
    for number, match in entries(file, pattern, grammar):
        key = file_key(match[group])
        if key not in files:
            missing = f"there is no {match[group]} in {folder}"
            raise at_line(file, number, missing, "unpack the data set again")
        if key in lines:
            twice = f"{match[group]} is listed before"
            raise at_line(file, number, twice, "remove one of the lines")
        lines[key] = match
    return lines


def at_line(file: Path, number: int, problem: str, remedy: str) -> InputError:
    """Return the error about one line of a list."""
    return InputError(f"{file}: line {number}: {problem}; {remedy}")


def pid_of(number: int, part: str) -> int:
    """Return the pid of an identity number (at most six digits) of a list.

    Never the same for train and any other part, and never 0, which would mean a distractor.
    """
    return (number or TEST_PIDS - 1) if part == "train" else TEST_PIDS + number
