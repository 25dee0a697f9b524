"""Rankings and thumbnails for drawn results folders, as cells keep them."""

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from crossres.benchmark.measures.ranked_queries import NEAREST
from crossres.benchmark.records.artifacts import artifact_path, write_artifact
from crossres.benchmark.records.images import ImageFolder
from crossres.benchmark.records.record import Record
from crossres.datasets import draw
from tests.reports.conftest import draw_person

QUERIES, GALLERY = 12, 30
FAR = 40  # the rank of a true match that is beyond what is shown
SINGLE_SHOT = 0.625  # every score in that gallery, which the rankings are not of


def rankings_of(record: Record, total: int = QUERIES, kept: int = QUERIES) -> dict[str, Any]:
    """Rankings of `kept` of `total` queries: query k shows identity k, as gallery images k, k + 1.

    The ranks of first true matches are drawn, but for query 1 (all rows wrong) and query 2 (right).
    """
    rng = np.random.default_rng(draw("ranked", record.key))
    rows = np.arange(kept) * (total // kept)
    ranks = rng.choice([1, 1, 2, 5, FAR], kept)
    ranks[1:3] = FAR, 1
    nearest = rng.permuted(np.tile(np.arange(GALLERY // 2, GALLERY), (kept, 1)), axis=1)[
        :, :NEAREST
    ]
    distances = np.sort(rng.uniform(0.2, 1.4, (kept, NEAREST)), axis=1)
    first, far = rows % (GALLERY // 2), np.full(kept, 2.5)
    for query, rank in enumerate(ranks):
        if rank <= NEAREST:
            nearest[query, rank - 1] = first[query]
            far[query] = distances[query, rank - 1]
    gallery_pids = np.arange(GALLERY)
    pids = np.arange(total) % (GALLERY // 2)
    scores = np.zeros((total, 6))
    scores[rows, 0], scores[rows, 4] = ranks == 1, 1 / ranks
    return {
        "scored_names": np.array([f"query/{k:04d}_c{k % 3}.jpg" for k in range(total)]),
        "scored_pids": pids,
        "scored_rates": np.arange(total) % 3 + 2,
        "scored_camids": np.arange(total) % 3,
        "scores_multi-shot": scores,
        "scores_single-shot": np.full_like(scores, SINGLE_SHOT),
        "ranked_queries": rows.astype(np.int32),
        "ranked_rows": nearest.astype(np.int32),
        "ranked_pids": gallery_pids[nearest],
        "ranked_camids": nearest % 4,
        "ranked_distances": distances.astype(np.float32),
        "first_rows": first.astype(np.int32),
        "first_ranks": ranks.astype(np.int32),
        "first_camids": first % 4,
        "first_distances": far.astype(np.float32),
    }


def add_rankings(folder: Path, records: Iterable[Record], **counts: int) -> None:
    """Add rankings to the artifacts of records, and the thumbnails to their folder."""
    images = ImageFolder(folder)
    for record in records:
        with np.load(artifact_path(folder, record.key)) as opened:
            arrays = {name: opened[name] for name in opened.files}
        arrays |= rankings_of(record, **counts)
        write_artifact(folder, record.key, arrays)
        images.add(record.digests["pixels"], thumbnails(len(arrays["scored_names"])))


def thumbnails(queries: int) -> dict[str, Any]:
    """All images of so many queries and of the gallery, as `thumbnails_of` gives them."""
    files = [_webp(k % (GALLERY // 2), 1 + k % 3) for k in range(queries)]
    files += [_webp(k, 1) for k in range(GALLERY)]
    return {
        "numbers": np.arange(len(files), dtype=np.int32),
        "names": np.array([f"all/{k:05d}.jpg" for k in range(len(files))]),
        "content": np.frombuffer(b"".join(files), np.uint8),
        "ends": np.cumsum([len(file) for file in files]),
    }


def _webp(pid: int, rate: int) -> bytes:
    out = io.BytesIO()
    Image.fromarray(draw_person(pid, rate, rate)).save(out, "WEBP", quality=80)
    return out.getvalue()
