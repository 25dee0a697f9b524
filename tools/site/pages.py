"""The pages of the repository as pages of the site: their places, links and tables.

Nothing says yet at which address the sources are public, so a link to a file that is no page
becomes its text. What only the site has stands in the pages as `<!-- site: ... -->`.
"""

import os
import re
import shutil
from pathlib import Path

from tools.site.tables import with_readable_tables

REPOSITORY = Path(__file__).resolve().parents[2]
OUTSIDE = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
}
"""Pages that lie above docs/, and their names in the site."""
LINK = re.compile(r"(!?)\[([^][]+)\]\((?!https?:|#)([^)#\s]+)(#[^)\s]*)?\)")
ONLY_HERE = re.compile(r"<!-- site:\s+(.*?)\s*-->", re.DOTALL)
NOTEBOOK = ".ipynb"


def stage(into: Path) -> None:
    """Write the pages, their pictures and style sheets into a new folder."""
    ignored = shutil.ignore_patterns("*.toml")
    shutil.copytree(REPOSITORY / "docs", into, ignore=ignored)
    pages = [path.relative_to(REPOSITORY).as_posix() for path in REPOSITORY.glob("docs/**/*.md")]
    for file in [*sorted(pages), *OUTSIDE]:
        (into / (place(file) or "")).write_text(page(file), encoding="utf-8")


def page(file: str) -> str:
    """Return the text of a page of the repository as the site has it."""
    return with_readable_tables(of_site(read(file), file))


def of_site(text: str, file: str) -> str:
    """Return the text of a file with the links of the site, and with what only the site has.

    A link whose text was the file of a page has the title of the page as its text. What only the
    site has says its links as they are there.
    """
    here = Path(file).parent
    home = Path(place(file) or "").parent

    def moved(link: re.Match[str]) -> str:
        mark, text, target, anchor = link.groups()
        target = os.path.normpath(here / target)
        in_site = place(target)
        if not in_site:
            return text
        text = title(target) if text.endswith(".md") else text
        return f"{mark}[{text}]({os.path.relpath(in_site, home)}{anchor or ''})"

    parts = ONLY_HERE.split(text)
    return "".join(part if k % 2 else LINK.sub(moved, part) for k, part in enumerate(parts))


def place(file: str) -> str | None:
    """Return where a file of the repository stands in the site; None for one that is not there."""
    if file.startswith("docs/"):
        inside = file.removeprefix("docs/")
        return f"{inside.removesuffix(NOTEBOOK)}.md" if inside.endswith(NOTEBOOK) else inside
    return OUTSIDE.get(file)


def title(file: str) -> str:
    """Return the heading of a page."""
    return read(file).partition("\n")[0].removeprefix("# ")


def read(file: str) -> str:
    """Return the text of a file of the repository."""
    return (REPOSITORY / file).read_text(encoding="utf-8")
