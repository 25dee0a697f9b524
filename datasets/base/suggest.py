"""The known name that a misspelt one most likely stands for."""

from collections.abc import Iterable
from difflib import get_close_matches

from crossres.datasets.base.errors import InputError

LEAST = 0.6  # of the letters in common


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """ " (did you mean 'rank1'?)" for a known name that is near, whatever its case; else ""."""
    by_letters: dict[str, str] = {}
    for text in known:
        by_letters.setdefault(text.casefold(), text)
    near = get_close_matches(str(name).casefold(), by_letters, n=1, cutoff=LEAST)
    return f" (did you mean {by_letters[near[0]]!r}?)" if near else ""


def unknown(what: str, name: object, known: Iterable[str], where: str = "") -> InputError:
    """The error about a name that is none of those known, which it lists; `where` it stands."""
    names, place = list(known), f"{where}: " if where else ""
    return InputError(
        f"{place}unknown {what} {name!r}{did_you_mean(name, names)}; known are {', '.join(names)}"
    )
