"""Searching a folder of crops for those that show whom a query shows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.measures.kernels import Kernels
from crossres.benchmark.metrics.equal_rows import EqualRows
from crossres.benchmark.runs.data import Progress
from crossres.benchmark.runs.embed import FrozenModel, embed_images, in_worker, method_of
from crossres.datasets.base.errors import InputError
from crossres.methods.interface.method import Method
from crossres.methods.interface.method_files import MethodSources

Image = tuple[Path, str]
"""A folder, and the path of an image in it."""


@dataclass(frozen=True)
class SearchRequest:
    """Which images (files or folders) to look for in a folder, by what, and how many to show.

    `sources` are those of the method of the weights, where it is in a file.
    """

    queries: tuple[Path, ...]
    gallery: Path
    weights: Path | FrozenModel
    device: str
    top: int
    sources: MethodSources | None = None


@dataclass(frozen=True)
class Match:
    """A gallery image and its distance from a query: the smaller, the more alike."""

    image: Image
    distance: float


@dataclass(frozen=True)
class Ranking:
    """A query and its nearest gallery images, nearest first."""

    query: Image
    matches: tuple[Match, ...]


@dataclass(frozen=True)
class SearchResult:
    """What a search gave. `method`: what the images were compared by."""

    method: str
    gallery_images: int
    rankings: tuple[Ranking, ...]


def search(request: SearchRequest, kernels: Kernels | None = None) -> SearchResult:
    """Have a worker embed queries and gallery, and rank the gallery for each query.

    Images that are equally near come in the order of their paths. The query itself, where its file
    lies in the gallery, is left out. Raises InputError for weights and images that cannot be used.
    """
    require_queries(request.queries)  # before anything is loaded
    result: SearchResult = in_worker(ranked, request, request.weights, kernels)
    return result


def require_queries(queries: Sequence[Path]) -> None:
    """Raise InputError for the first query that is neither an image nor a folder."""
    for query in queries:
        _folder_of_files(query)


def ranked(request: SearchRequest, progress: Progress) -> SearchResult:
    """Do what `search` does, in this process."""
    method = method_of(request.weights, request.device, request.sources)
    gallery, _ = embed_images(method, request.gallery, None, progress)
    paths = [str(path) for path in gallery["paths"]]
    # Of equal rows one distance is computed: a product of matrices may round them differently.
    rows = EqualRows.of(gallery["features"][:0], gallery["features"])
    different = gallery["features"][rows.firsts]
    rankings = []
    for folder, wanted in _folders(request.queries):
        queries, _ = embed_images(method, folder, None, progress, wanted)
        for row, path in enumerate(queries["paths"]):
            query = queries["features"][row : row + 1]
            (of_different,) = method.distances(query, different)
            image, distances = (folder, str(path)), of_different[rows.gallery]
            rankings.append(Ranking(image, _nearest(request, image, paths, distances)))
    return SearchResult(_words(request.weights, method), len(paths), tuple(rankings))


def _folders(queries: Sequence[Path]) -> Iterator[tuple[Path, list[str] | None]]:
    """Yield folders, and which of their images are asked for (None: all of them).

    Each query once and in order; files that stand side by side in one folder go together.
    """
    for folder, side_by_side in groupby(dict.fromkeys(queries), _folder_of_files):
        if folder is None:
            yield from ((query, None) for query in side_by_side)
        else:
            yield folder, [query.name for query in side_by_side]


def _folder_of_files(query: Path) -> Path | None:
    """Return the folder of an image; None for a folder of images."""
    if query.is_dir():
        return None
    if query.is_file():
        return query.parent
    raise InputError(f"{query}: there is no such image or folder; give one to look for")


def _nearest(
    request: SearchRequest, query: Image, paths: Sequence[str], distances: NDArray[np.float64]
) -> tuple[Match, ...]:
    order = np.argsort(distances, kind="stable")
    own = (query[0] / query[1]).resolve()
    matches: list[Match] = []
    for row in order:
        if len(matches) == request.top:
            break
        if (request.gallery / paths[row]).resolve() != own:
            matches.append(Match((request.gallery, paths[row]), float(distances[row])))
    return tuple(matches)


def _words(weights: Path | FrozenModel, method: Method) -> str:
    if isinstance(weights, FrozenModel):
        return f"{weights.name}, as it was trained by others"
    return f"{method.title}, weights {weights.name}"
