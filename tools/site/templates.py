"""The templates of generated pages, in the folder beside this file."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_suffix("")),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    autoescape=False,  # what goes into Markdown is escaped by `markdown.escaped`
)


def rendered(name: str, **values: Any) -> str:
    """Fill a template with values."""
    return _TEMPLATES.get_template(name).render(**values)
