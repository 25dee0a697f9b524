"""Words for counts."""

from collections.abc import Iterable

MOST_NAMED = 3


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """ "1 seed", "3 seeds"."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def few(names: Iterable[str], noun: str) -> str:
    """Up to three names, else how many there are."""
    found = list(names)
    return listed(found) if len(found) <= MOST_NAMED else counted(len(found), noun)


def listed(items: Iterable[object]) -> str:
    """ "a", "a and b", "a, b and c"."""
    texts = [str(item) for item in items]
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} and {texts[-1]}"
