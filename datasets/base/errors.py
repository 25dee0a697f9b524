"""The one exception that means "your input cannot be used".

Its text is one line that names the file or value and the remedy; the command line prints just that.
"""


class InputError(Exception):
    """Unusable input: a folder, file, name or option of the user's.

    What cannot be printed (line ends, bytes of a name that are no UTF-8) is escaped, so that the
    text is always one line that every terminal and log can show.
    """

    def __init__(self, text: str) -> None:
        super().__init__(printable(text))


def printable(text: str) -> str:
    """Return the text with what no terminal can show, or what would control it, as escapes."""
    return text if text.isprintable() else "".join(map(_printable, text))


def reason(error: Exception) -> str:
    """Return why a file could not be read: the system's words, but never a library's."""
    message = error.strerror if isinstance(error, OSError) else None
    return message or "it is damaged, or another kind of file"


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")
