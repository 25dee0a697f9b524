"""The signs of yes, no, unknown and "mend it so", as far as a console can show them."""

from typing import Any

SIGNS = {True: "✓", False: "✗", None: "–", "mend": "→"}
PLAIN = {True: "ok  ", False: "FAIL", None: "?   ", "mend": "->"}


def signs_of(encoding: str | None) -> dict[Any, str]:
    """Return SIGNS, or PLAIN where the encoding lacks one of them; None is that of a text."""
    try:
        "".join(SIGNS.values()).encode(encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return PLAIN
    return SIGNS
