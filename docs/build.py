"""The site: `docs/`, with the README and the other pages beside it, as HTML in `build/docs/site`.

    python docs/build.py [FOLDER]

Nothing says yet at which address the sources are public, so a link to a file that is no page
becomes its text.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
BUILD = REPOSITORY / "build" / "docs"
OUTSIDE = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
}
"""Pages that lie above docs/, and their names in the site."""
LINK = re.compile(r"(!?)\[([^][]+)\]\((?!https?:|#)([^)#\s]+)(#[^)\s]*)?\)")


def place(file: str) -> str | None:
    """Where a file of the repository stands in the site; None when it has no place there."""
    if file.startswith("docs/"):
        return file.removeprefix("docs/")
    return OUTSIDE.get(file)


def page(file: str) -> str:
    """The text of a page, its links as in the site: by a page's title, where that was its file."""
    here = Path(file).parent
    home = Path(place(file) or "").parent

    def moved(link: re.Match[str]) -> str:
        mark, text, target, anchor = link.groups()
        file = os.path.normpath(here / target)
        found = place(file)
        if not found:
            return text
        text = title(file) if text.endswith(".md") else text
        return f"{mark}[{text}]({os.path.relpath(found, home)}{anchor or ''})"

    return LINK.sub(moved, read(file))


def title(file: str) -> str:
    """The heading of a page."""
    return read(file).partition("\n")[0].removeprefix("# ")


def read(file: str) -> str:
    return (REPOSITORY / file).read_text(encoding="utf-8")


def stage(into: Path) -> None:
    """Write the pages, their pictures and style sheets into a new folder."""
    shutil.copytree(REPOSITORY / "docs", into, ignore=shutil.ignore_patterns("*.py", "*.toml"))
    pages = [path.relative_to(REPOSITORY).as_posix() for path in REPOSITORY.glob("docs/**/*.md")]
    for file in [*sorted(pages), *OUTSIDE]:
        (into / (place(file) or "")).write_text(page(file), encoding="utf-8")


def main(folder: Path = BUILD) -> int:
    """Build `folder`/site from `folder`/pages, both made anew; returns what zensical returns."""
    for made in ("pages", "site"):
        shutil.rmtree(folder / made, ignore_errors=True)
    stage(folder / "pages")
    shutil.copy(REPOSITORY / "docs" / "zensical.toml", folder)
    build = [sys.executable, "-m", "zensical", "build", "--clean", "--strict"]
    return subprocess.run(build, cwd=folder).returncode


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
