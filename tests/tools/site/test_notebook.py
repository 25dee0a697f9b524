"""The notebook: stored without outputs; a page shows those that came, or none is made."""

from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from tools.site import notebook

REPOSITORY = Path(__file__).parents[3]
(FILE,) = REPOSITORY.glob("docs/**/*.ipynb")
DRAWN = """
import pandas as pd
from IPython.display import Image, display
png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
import base64, sys
print("told"); print("progress", file=sys.stderr)
display(Image(base64.b64decode(png)))
pd.DataFrame({"a": [1]})
"""


def stored(cells: list[str], folder: Path) -> Path:
    file = folder / "small.ipynb"
    code = [nbformat.v4.new_code_cell(cell) for cell in cells]
    text = nbformat.v4.new_markdown_cell("# Small\n\n[it](../README.md)")
    nbformat.write(nbformat.v4.new_notebook(cells=[text, *code]), file)
    return file


def test_it_is_stored_without_outputs_as_jupyter_writes_it() -> None:
    text = FILE.read_text(encoding="utf-8")
    stored = nbformat.reads(text, as_version=4)
    nbformat.validate(stored)
    assert [c for c in stored.cells if c.get("outputs") or c.get("execution_count")] == []
    assert nbformat.writes(stored).rstrip() == text.rstrip()


def test_outputs_become_the_page(tmp_path: Path) -> None:
    page = notebook.page(stored([DRAWN, "1 + 1"], tmp_path), tmp_path)
    assert page.startswith("# Small\n\n[it](index.md)\n\n```python\n")
    assert "```text\ntold\n```" in page
    assert "progress\n" not in page
    assert "](small-outputs/1.png)" in page
    assert (tmp_path / "small-outputs" / "1.png").read_bytes().startswith(b"\x89PNG")
    assert "<table>" in page
    assert "<td>1</td>" in page
    assert page.rstrip().endswith("```text\n2\n```")


def test_a_cell_that_fails_makes_no_page(tmp_path: Path) -> None:
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        notebook.page(stored(["1 / 0"], tmp_path), tmp_path)
