"""What a search gave, as one page that needs nothing else, and as lines of text."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PilImage

from crossres.benchmark.runs.search import Image, SearchResult
from crossres.datasets.base.files import write_atomically
from crossres.datasets.base.version import own_version
from crossres.datasets.base.words import counted
from crossres.reports.charts.images import data_uri
from crossres.reports.page.page import environment

HEIGHT = 160  # pixels, on the page


def write_search(path: Path, result: SearchResult) -> None:
    """Write the page: every query with its nearest images, each with rank, distance and name."""
    pictures: dict[Image, str] = {}

    def picture(image: Image) -> str:
        if image not in pictures:
            with PilImage.open(image[0] / image[1]) as opened:
                pictures[image] = data_uri(np.asarray(opened.convert("RGB")), HEIGHT)
        return pictures[image]

    templates = environment()
    templates.globals.update(picture=picture)
    page = templates.get_template("search.html.j2").render(result=result, version=own_version())
    write_atomically(path, page)


def search_lines(result: SearchResult) -> Iterator[str]:
    """Yield the nearest image of each query."""
    images = counted(result.gallery_images, "image")
    yield f"{counted(len(result.rankings), 'query', 'queries')} in {images}, by {result.method}"
    for ranking in result.rankings:
        nearest = ", ".join(f"{m.image[1]} ({m.distance:.3f})" for m in ranking.matches[:3])
        yield f"{ranking.query[1]}: {nearest}"


def search_json(result: SearchResult) -> dict[str, Any]:
    """Return it as JSON values."""
    return {
        "method": result.method,
        "gallery_images": result.gallery_images,
        "queries": [
            {
                "query": str(ranking.query[0] / ranking.query[1]),
                "matches": [
                    {"path": match.image[1], "distance": match.distance}
                    for match in ranking.matches
                ],
            }
            for ranking in result.rankings
        ],
    }
