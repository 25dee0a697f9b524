"""The notebook as a page: run while the site is built, its outputs as they came."""

import base64
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbclient import NotebookClient
from traitlets.config import Config

from tools.site.pages import of_site

SECONDS = 300  # that a cell may take
FRAME = re.compile(r"<table.*</table>", re.DOTALL)


def page(file: Path, folder: Path) -> str:
    """Run a notebook in `folder`/notebook, made anew; returns the page, and writes its pictures.

    These come into a folder beside `file`. Raises CellExecutionError where a cell fails.
    """
    notebook = nbformat.read(file, as_version=4)
    place = folder / "notebook"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    with TemporaryDirectory() as short:  # the path of a socket has about 100 characters
        # A kernel that listens on ports is open to others on the machine.
        sockets = Config(KernelManager={"transport": "ipc", "ip": f"{short}/kernel"})
        NotebookClient(notebook, config=sockets, timeout=SECONDS).execute(cwd=str(place))
    pictures = file.with_name(f"{file.stem}-outputs")
    pictures.mkdir()
    text = "\n\n".join(part for cell in notebook.cells for part in _parts(cell, pictures))
    return of_site(f"{text}\n", f"docs/{file.name}")


def _parts(cell: Any, pictures: Path) -> Iterator[str]:
    """Yield a cell as Markdown: its text or its code, then what came of that."""
    if cell.cell_type == "markdown":
        yield cell.source
        return
    yield f"```python\n{cell.source}\n```"
    for output in cell.outputs:
        if output.output_type == "stream":
            if output.name == "stdout":  # standard error has progress, which is for terminals
                yield f"```text\n{output.text.rstrip()}\n```"
        else:
            yield _shown(output.data, pictures)


def _shown(data: Any, pictures: Path) -> str:
    """Return the value of a cell as a picture, a table or a text."""
    if "image/png" in data:
        picture = pictures / f"{len(list(pictures.iterdir())) + 1}.png"
        picture.write_bytes(base64.b64decode(data["image/png"]))
        return f"![What the cell above draws]({pictures.name}/{picture.name})"
    if table := FRAME.search(data.get("text/html", "")):
        return re.sub(r"<table[^>]*>", "<table>", table[0])
    return f"```text\n{data['text/plain']}\n```"
