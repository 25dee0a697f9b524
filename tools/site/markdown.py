"""Plain texts of the code, helps and docstrings, as Markdown."""

import re

_CODE = re.compile(r"(`[^`]*`)")
_OPTION = re.compile(r"(?<![\w`-])(--[a-z][\w-]*|\$[A-Z_]+)")


def escaped(text: str) -> str:
    """Return a text whose characters Markdown and HTML take as they are, but for `code`."""
    pieces = _CODE.split(text)
    return "".join(piece if piece[:1] == "`" else _escaped(piece) for piece in pieces)


def with_options_as_code(text: str) -> str:
    """Return a help text, escaped, with names of options and variables as code."""
    pieces = _OPTION.split(text)
    return "".join(f"`{p}`" if _OPTION.fullmatch(p) else escaped(p) for p in pieces)


def _escaped(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\*_\[\]|#])", r"\\\1", text)
