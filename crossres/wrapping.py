"""Text for people in lines that fit the terminal; wider than 100 columns nobody reads them."""

import shutil
import textwrap

WIDEST = 100


def wrapped(text: str, first: str = "", rest: str | None = None) -> list[str]:
    """Return the text in lines of at most the terminal's width, the first one after `first`.

    The others come after `rest` (default: as `first`). Words are never broken, so that names and
    paths can be copied.
    """
    width = min(shutil.get_terminal_size().columns, WIDEST)
    return textwrap.wrap(
        text,
        max(width, len(first) + 20),
        initial_indent=first,
        subsequent_indent=first if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
