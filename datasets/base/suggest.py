"""The known name that a misspelt one most likely stands for."""

from collections.abc import Iterable
from difflib import get_close_matches

from crossres.datasets.base.errors import InputError

LEAST = 0.6  # of the letters in common


def did_you_mean(name: object, names: Iterable[str]) -> str:
    """Return " (did you mean 'rank1'?)" where one of the names is near in any case; else ""."""
    by_letters: dict[str, str] = {}
    for candidate in names:
        by_letters.setdefault(candidate.casefold(), candidate)
    near = get_close_matches(str(name).casefold(), by_letters, n=1, cutoff=LEAST)
    return f" (did you mean {by_letters[near[0]]!r}?)" if near else ""


def unknown(noun: str, name: object, names: Iterable[str], where: str = "") -> InputError:
    """Return the error about a name that is none of `names`; `noun` and `where` say what it is."""
    known_names, prefix = list(names), f"{where}: " if where else ""
    return InputError(
        f"{prefix}unknown {noun} {name!r}{did_you_mean(name, known_names)}; "
        f"known are {', '.join(known_names)}"
    )
