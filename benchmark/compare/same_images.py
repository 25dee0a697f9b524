"""Whether two sets of features are of the same images, and which row of B is which of A."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.metrics.feature_arrays import present
from crossres.benchmark.metrics.text_ids import as_texts
from crossres.datasets.base.arguments import as_ids
from crossres.datasets.base.errors import InputError

Arrays = Mapping[str, Any]
Column = NDArray[Any]  # (N,) numbers or texts
MatchedBy = Literal["path", "order"]


def rows_of_same_images(
    a: Arrays, b: Arrays, side: str, cameras: bool
) -> tuple[NDArray[np.int64], MatchedBy]:
    """Return (N,) the row of B that is of the same image as each row of A, and how that is known.

    Images are matched by their paths where both have these, by the names of the files if those are
    different in each, else by the whole paths; without paths by their order. pids must be the same,
    and with `cameras` camids. InputError names the first difference.
    """
    counts = [len(_column(arrays, f"{side}_pids")) for arrays in (a, b)]
    paths = [_paths(arrays, side, n) for arrays, n in zip((a, b), counts, strict=True)]
    if paths[0] is None or paths[1] is None:
        if counts[0] != counts[1]:
            raise InputError(
                f"{counts[0]} {_images(side)} in A and {counts[1]} in B; give features of the same "
                f"images, or {side}_paths in both to see which differ"
            )
        rows = np.arange(counts[0])
    else:
        rows = _by_path(paths[0], paths[1], side)
    by: MatchedBy = "order" if paths[0] is None or paths[1] is None else "path"
    for kind in ("pids", "camids") if cameras else ("pids",):
        _check_same(a, b, f"{side}_{kind}", rows, paths[0] if by == "path" else None)
    return rows, by


def _images(side: str) -> str:
    return "queries" if side == "query" else "gallery images"


def _column(arrays: Arrays, name: str) -> Column:
    values = present(name, arrays)
    texts = as_texts(values, name)
    return as_ids(values, name) if texts is None else texts


def _paths(arrays: Arrays, side: str, count: int) -> NDArray[np.str_] | None:
    name = f"{side}_paths"
    paths = None if arrays.get(name) is None else as_texts(arrays[name], name)
    if paths is not None and len(paths) != count:
        raise InputError(f"{name} must have one entry for each of the {count} rows")
    return paths


def _by_path(a: NDArray[np.str_], b: NDArray[np.str_], side: str) -> NDArray[np.int64]:
    names = [[re.split(r"[/\\]", path)[-1] for path in paths.tolist()] for paths in (a, b)]
    if any(len(set(column)) < len(column) for column in names):
        names = [a.tolist(), b.tolist()]
    for label, column in zip("AB", names, strict=True):
        if len(set(column)) < len(column):
            twice = Counter(column).most_common(1)[0][0]
            raise InputError(f"{side}_paths of {label} have {twice} twice; give each image once")
    rows = {name: row for row, name in enumerate(names[1])}
    lacking = [name for name in names[0] if name not in rows]
    if lacking:
        raise InputError(f"{lacking[0]} is one of the {_images(side)} of A, not of B")
    if len(rows) > len(names[0]):
        more = min(rows.keys() - set(names[0]), key=rows.__getitem__)
        raise InputError(f"{more} is one of the {_images(side)} of B, not of A")
    return np.array([rows[name] for name in names[0]], dtype=np.int64)


def _check_same(
    a: Arrays, b: Arrays, name: str, rows: NDArray[np.int64], labels: NDArray[np.str_] | None
) -> None:
    left, right = _column(a, name), _column(b, name)[rows]
    if (left.dtype.kind == "U") != (right.dtype.kind == "U"):
        raise InputError(f"{name} are texts in one and numbers in the other; save both alike")
    differs = np.flatnonzero(left != right)
    if len(differs):
        row = int(differs[0])
        image = f"row {row}" if labels is None else f"{labels[row]}"
        raise InputError(
            f"{name} differ in {len(differs)} of {len(left)} rows, first for {image}: {left[row]} "
            f"in A, {right[row]} in B; give both the same ids, in the same order"
        )
