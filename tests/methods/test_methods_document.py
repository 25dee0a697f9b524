"""docs/methods: every method has its page, and the index says of each what is true."""

import inspect
import re
from pathlib import Path

import pytest

from crossres.methods.interface.registry import METHODS, declaration, method_class

ROOT = Path(__file__).parents[2]
INDEX = ROOT / "docs" / "methods" / "README.md"


def lines_of(name: str) -> int:
    """The lines of its module, and of that of what it declares."""
    paths = [Path(inspect.getfile(cls)) for cls in (method_class(name), declaration(name))]
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in paths)


@pytest.mark.parametrize("name", sorted(METHODS))
def test_the_index_tells_the_truth(name: str) -> None:
    cls = method_class(name)
    rows = re.findall(rf"^\| `{re.escape(name)}` \|(.*)\|$", INDEX.read_text(), re.MULTILINE)
    assert len(rows) == 1, f"docs/methods/README.md needs one row for {name}"
    cells = [cell.strip() for cell in rows[0].split("|")]
    title, grade, rate, lines, page = cells
    assert title == cls.title
    assert grade == cls.grade
    assert rate == ("given" if cls.needs_rate else "")
    assert lines == str(lines_of(name))
    link = re.fullmatch(r"\[[^]]+\]\(([^)]+)\)", page)
    assert link is not None
    assert (INDEX.parent / link.group(1)).is_file()
