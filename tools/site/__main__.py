"""Build the site: `python -m tools.site [FOLDER]`; exit code 1 where a link leads nowhere.

`FOLDER`/site (build/docs/site) is made anew of the pages of the repository and of what is made
while it is built: the references of commands and Python, the notebook with its outputs, and a
report, whose results folder and twins stay in `FOLDER` for the next time.
"""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.site import commands, example_report, notebook, pages, python_door

FOLDER = pages.REPOSITORY / "build" / "docs"


def main(arguments: Sequence[str] | None = None) -> int:
    """Build; returns what zensical returns."""
    options = _parser().parse_args(arguments)
    folder: Path = options.folder.resolve()
    for made in ("pages", "site"):
        shutil.rmtree(folder / made, ignore_errors=True)
    staged = folder / "pages"
    pages.stage(staged)
    made_pages = {
        "reference/commands.md": commands.page(),
        "reference/python.md": python_door.page(),
        "first-steps.md": notebook.page(staged / "first-steps.ipynb", folder),
    }
    for place, text in made_pages.items():
        (staged / place).parent.mkdir(exist_ok=True)
        (staged / place).write_text(text, encoding="utf-8")
    example_report.write(staged / example_report.PLACE, folder, options.profile)
    shutil.copy(pages.REPOSITORY / "docs" / "zensical.toml", folder)
    build = [sys.executable, "-m", "zensical", "build", "--clean", "--strict"]
    return subprocess.run(build, cwd=folder).returncode


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="site", description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER, metavar="FOLDER")
    parser.add_argument(
        "--profile",
        default=example_report.PROFILE,
        metavar="NAME",
        help="of the report (default: %(default)s); smoke takes seconds, and its numbers mean "
        "nothing",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
