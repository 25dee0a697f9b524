"""The known name that a misspelt one most likely stands for."""

from collections.abc import Iterable
from difflib import get_close_matches

LEAST = 0.6  # of the letters in common


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """ " (did you mean 'rank1'?)" for a known name that is near, whatever its case; else ""."""
    by_letters = {text.casefold(): text for text in known}
    near = get_close_matches(str(name).casefold(), by_letters, n=1, cutoff=LEAST)
    return f" (did you mean {by_letters[near[0]]!r}?)" if near else ""
