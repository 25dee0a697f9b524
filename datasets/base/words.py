"""Words for counts."""

from collections.abc import Iterable

MOST_NAMED = 3


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return "1 seed", "3 seeds"."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def few(names: Iterable[str], noun: str) -> str:
    """List up to three names, or say how many there are."""
    texts = list(names)
    return listed(texts) if len(texts) <= MOST_NAMED else counted(len(texts), noun)


def listed(items: Iterable[object]) -> str:
    """Return "a", "a and b", "a, b and c"."""
    texts = [str(item) for item in items]
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} and {texts[-1]}"


def byte_words(size: float) -> str:
    """Return bytes in binary units: "17 B", "1.4 KiB", "812 MiB", "20 GiB"."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if size < 1024 or unit == "TiB":
            break
        size /= 1024
    return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.3g} {unit}"
