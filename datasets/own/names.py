"""What the identities and cameras of a user's own set are called: a CSV for people."""

import csv
import io
from pathlib import Path

from crossres.datasets.base.files import write_atomically
from crossres.datasets.base.texts import cell_text
from crossres.datasets.readers import Names

HEADER = ("kind", "number", "name")  # kind: pid or camid


def names_csv(names: Names) -> str:
    """Return the CSV: each identity, then each camera, by number, with its name."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(HEADER)
    for kind, called in (("pid", names.pids), ("camid", names.camids)):
        table.writerows((kind, number, cell_text(called[number])) for number in sorted(called))
    return text.getvalue()


def write_names(folder: Path, dataset: str, names: Names) -> Path | None:
    """Write <data set>-names.csv; return its path, None where all names are the numbers."""
    if names == Names():
        return None
    path = folder / f"{dataset}-names.csv"
    write_atomically(path, names_csv(names))
    return path
