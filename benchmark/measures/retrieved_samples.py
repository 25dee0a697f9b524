"""Keep what a cell retrieved for some of its queries, with the images, for reports."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crossres.benchmark.metrics.own_images import UNKNOWN_CAMERA
from crossres.datasets.base.draws import ordered, pick
from crossres.datasets.pixels.originals import natively_wide
from crossres.datasets.pixels.store import PixelStore
from crossres.datasets.raw.source import Raw
from crossres.datasets.splits.manifest import Manifest
from crossres.methods.interface.method import Embeddings, Method

DistancesOfRows = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float64]]
"""distances_of(query_rows (n,), gallery_rows (m,)): (n, m)."""

SHOWN_QUERIES = 6
SHOWN_MATCHES = 5


def artifact_of(
    method: Method,
    raw: Raw,
    manifest: Manifest,
    store: PixelStore,
    embeddings: tuple[Embeddings, Embeddings],
    scores: Mapping[str, NDArray[np.float64]],
    distances_of: DistancesOfRows | None = None,
) -> dict[str, NDArray[Any]]:
    """Return the arrays of one cell: n queries, the k = 5 nearest of one drawn gallery image a pid.

    query_images (n, H, W, 3) uint8, query_pids, query_rates, query_names (n,); top_images
    (n, k, H, W, 3) uint8, top_pids, top_distances (n, k); match_ranks (n,) int64 from 1; and for
    methods that reconstruct: chain_labels (K,), chain_images (n, K, H, W, 3) uint8, from "input".
    For sets of vehicles query_wide (n,) and top_wide (n, k) bool: whether the raw file is wider
    than high, which no image at the input size tells. Raises InputError where one is not readable.
    Of all Q queries, for intervals and paired tests: scored_pids, scored_rates and scored_camids
    (Q,), and for each gallery rule scores_<rule> (Q, 6), `Metrics.per_query` as handed in.
    `distances_of` gives the distances, where they are others than those of the embeddings.
    """
    query, gallery = manifest.rows("query"), manifest.rows("gallery")
    query_rows, gallery_rows = _drawn(manifest, query, gallery)
    images = np.asarray(store.images("query"))[query_rows]
    if distances_of is None:
        distances = method.distances(embeddings[0][query_rows], embeddings[1][gallery_rows])
    else:
        distances = distances_of(query_rows, gallery_rows)
    order = np.argsort(distances, axis=1, kind="stable")
    pids = gallery["pid"].to_numpy()[gallery_rows]
    query_pids = query["pid"].to_numpy()[query_rows]
    top = order[:, :SHOWN_MATCHES]
    hits = pids[order] == query_pids[:, None]
    names = query["path"].to_numpy(dtype=str)[query_rows]
    top_names = gallery["path"].to_numpy(dtype=str)[gallery_rows][top]
    return {
        "query_images": images,
        "query_pids": query_pids,
        "query_rates": query["rate"].to_numpy()[query_rows],
        "query_names": names,
        "top_images": np.asarray(store.images("gallery"))[gallery_rows][top],
        "top_pids": pids[top],
        "top_distances": np.take_along_axis(distances, top, axis=1),
        "match_ranks": hits.argmax(axis=1).astype(np.int64) + 1,
        **_chain(method, images),
        **_wide(raw, names, top_names),
        "scored_pids": query["pid"].to_numpy(),
        "scored_rates": query["rate"].to_numpy(),
        "scored_camids": query["camid"].to_numpy(),
        **{f"scores_{rule}": per_query for rule, per_query in scores.items()},
    }


def _drawn(
    manifest: Manifest, query: pd.DataFrame, gallery: pd.DataFrame
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw the rows of the queries to show, and of one gallery image per pid (without junk)."""
    names = ("artifact", manifest.dataset, manifest.protocol, manifest.seed)
    paths = gallery["path"].tolist()
    by_pid = {pid: rows.tolist() for pid, rows in gallery.groupby("pid").groups.items()}
    gallery_rows = {
        pid: pick(rows, *names, "gallery", key=paths.__getitem__)
        for pid, rows in sorted(by_pid.items())
        if pid != -1
    }
    cameras = gallery["camid"].tolist()
    usable = [
        row
        for row, pid, camid in zip(range(len(query)), query["pid"], query["camid"], strict=True)
        if pid in gallery_rows and (camid == UNKNOWN_CAMERA or cameras[gallery_rows[pid]] != camid)
    ]
    chosen = ordered(usable, *names, "query", key=query["path"].tolist().__getitem__)
    drawn = np.array(list(gallery_rows.values()), dtype=np.int64)
    return np.array(chosen[:SHOWN_QUERIES], dtype=np.int64), drawn


def _chain(method: Method, images: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
    steps = method.reconstructions(images) if len(images) else {}
    if not steps:
        return {}
    labels = np.array(["input", *steps])
    return {"chain_labels": labels, "chain_images": np.stack([images, *steps.values()], axis=1)}


def _wide(
    raw: Raw, queries: NDArray[np.str_], top: NDArray[np.str_]
) -> dict[str, NDArray[np.bool_]]:
    if raw.card.subject != "vehicle":
        return {}
    wide = natively_wide(raw, [*queries.tolist(), *top.ravel().tolist()])
    return {
        "query_wide": wide[: len(queries)],
        "top_wide": wide[len(queries) :].reshape(top.shape),
    }
