"""Artifacts: what a report shows of one cell: a few queries, their nearest gallery images, chains.

Queries and gallery are drawn by hash, never chosen by success; arrays only, no pickle.
"""

import io
import zipfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.metrics.measure import METRICS
from crossres.datasets.base.errors import InputError, reason
from crossres.datasets.base.files import write_atomically


def artifact_path(folder: Path, key: str) -> Path:
    """Return where the artifact of `key` lies in the results folder."""
    return folder / "artifacts" / f"{key}.npz"


def write_artifact(folder: Path, key: str, arrays: dict[str, NDArray[Any]]) -> Path:
    """Write the arrays as a compressed .npz, atomically; return its path."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    path = artifact_path(folder, key)
    write_atomically(path, buffer.getvalue())
    return path


def read_arrays(path: Path, names: Collection[str]) -> dict[str, NDArray[Any]] | None:
    """Return these arrays of an artifact; None where it, or one of them, is not there.

    Raises InputError when the file cannot be read.
    """
    try:
        with np.load(path, allow_pickle=False) as opened:
            if not set(names) <= set(opened.files):
                return None
            return {name: opened[name] for name in names}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: Exception) -> InputError:
    """Return the error about an artifact that cannot be read."""
    text = f"not a readable artifact ({reason(error)}); delete it and its record, then run again"
    return InputError(f"{path}: {text}")


@dataclass(frozen=True, eq=False)
class QueryScores:
    """Of all queries of a cell: pids (Q,), METRICS (Q, 6), and rates (Q,); 0: rate not known."""

    pids: NDArray[np.int64]
    scores: NDArray[np.float64]
    rates: NDArray[np.int64]


def read_scores(path: Path, gallery: str) -> QueryScores | None:
    """Return the scores of all queries under a gallery rule; None: not kept.

    Raises InputError when the file cannot be read.
    """
    arrays = read_arrays(path, ("scored_pids", f"scores_{gallery}"))
    if arrays is None:
        return None
    pids, scores = arrays.values()
    rates = (read_arrays(path, ("scored_rates",)) or {}).get("scored_rates", np.zeros_like(pids))
    for name, array, shape in (
        (f"scores_{gallery}", scores, (len(pids), len(METRICS))),
        ("scored_rates", rates, (len(pids),)),
    ):
        if array.shape != shape:
            raise InputError(
                f"{path}: {name} has the shape {array.shape}, not {shape}; delete it and its "
                "record, then run again"
            )
    return QueryScores(pids, scores, rates)
