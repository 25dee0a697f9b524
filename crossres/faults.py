"""An error that ends a command: one line for people and, under `--json`, one object for programs.

The line is as InputError has it: "FILE: what is wrong; what to do".
"""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_NEAR = re.compile(r"\((did you mean .+?\?)\)")


def asks_for_json(words: Sequence[str]) -> bool:
    """Say whether a command line asks for JSON, also one that cannot be parsed."""
    options = words[: words.index("--")] if "--" in words else words
    return "--json" in options


def show_fault(text: str, code: int, words: Sequence[str] = (), file: str | None = None) -> int:
    """Print an error and return its exit code; `words` are those of the command line."""
    print(f"crossres: {text}", file=sys.stderr)
    if asks_for_json(words):
        print(json.dumps(fault_json(text, code, words, file), indent=1))
    return code


def fault_json(text: str, code: int, words: Sequence[str], file: str | None) -> dict[str, Any]:
    """Return an error as JSON values: `error` (the line), `file`, `remedy`, `exit_code`.

    `file` and `remedy` are null where the line names none.
    """
    return {
        "error": text,
        "file": file or _file(text, words),
        "remedy": _remedy(text),
        "exit_code": code,
    }


def _file(text: str, words: Sequence[str]) -> str | None:
    """Return the path that a line begins with: one that is there, or that was given."""
    head, colon, _ = text.partition(": ")
    given = {value for word in words for value in (word, word.partition("=")[2])}
    without_noun = head.partition(" ")[2]  # "table mine.toml, row 1: ..."
    candidates = (head, without_noun, *(path.partition(", ")[0] for path in (head, without_noun)))
    paths = (path for path in candidates if path and (path in given or _is_there(path)))
    return next(paths, None) if colon else None


def _is_there(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


def _remedy(text: str) -> str | None:
    """Return the name that was meant, else what stands after the last semicolon."""
    if near := _NEAR.search(text):
        return near[1]
    _, semicolon, last = text.rpartition("; ")
    in_brackets = last.count(")") != last.count("(")
    return last if semicolon and not in_brackets else None
