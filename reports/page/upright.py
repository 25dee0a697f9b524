"""The images in artifacts of vehicles as the paper shows them (section 4.5): upright, 2 : 1."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossres.benchmark.measures.upright_images import turned

Arrays = Mapping[str, NDArray[Any]]


def knows_wide(arrays: Arrays) -> bool:
    """Say whether an artifact knows of each image if it is wide: of vehicles, not older ones."""
    return {"query_wide", "top_wide"} <= set(arrays)


def upright(arrays: Arrays) -> Arrays:
    """Turn an artifact that `knows_wide`: its queries, top images and chains where wide.

    Their height stays, their shape becomes that of 288 x 144.
    """
    queries = arrays["query_wide"]
    wide = {"query_images": queries, "top_images": arrays["top_wide"]}
    if "chain_images" in arrays:
        count, steps = arrays["chain_images"].shape[:2]
        wide["chain_images"] = np.repeat(queries[:count, None], steps, axis=1)
    if "chain_originals" in arrays:
        wide["chain_originals"] = queries[: len(arrays["chain_originals"])]
    return {**arrays, **{name: turned(arrays[name], flags) for name, flags in wide.items()}}
