"""Post-processing of a trained method's answers at test time, as a row of a table asks for it.

What each step does, and in which order: docs/test-time.md.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from crossres.datasets.base.build import build
from crossres.datasets.base.errors import InputError

MARK = "†"  # behind the label of each row with post-processing
MOST_SHIFT = 8.0  # pixels of the input
MOST_NEIGHBOURS = 1000
STRONGEST = 100.0  # exponent of a weight
PYRAMID = (2, 8)  # the least and the greatest factor of a level


@dataclass(frozen=True)
class Expansion:
    """Query expansion: a query is replaced by its mean with its `k` nearest gallery images.

    Each is weighted by its cosine with the query, to the power of `alpha` (0: all alike).
    """

    k: int = 5
    alpha: float = 3.0

    def __post_init__(self) -> None:
        """Check the values; ValueError."""
        _check_within("k", self.k, 1, MOST_NEIGHBOURS)
        _check_within("alpha", self.alpha, 0, STRONGEST)


@dataclass(frozen=True)
class Reranking:
    """k-reciprocal re-ranking: `k1` and `k2` of the paper; `original` is its lambda.

    `original`: the share of the original distance in the final one.
    """

    k1: int = 20
    k2: int = 6
    original: float = 0.3

    def __post_init__(self) -> None:
        """Check the values; ValueError."""
        _check_within("k1", self.k1, 1, MOST_NEIGHBOURS)
        _check_within("k2", self.k2, 1, self.k1 + 1)
        _check_within("original", self.original, 0, 1)


@dataclass(frozen=True)
class PostProcessing:
    """What is done at test time beyond one embedding of each image; by default nothing.

    mirror: the mirrored image, too. shifts: the image moved by so many pixels to each side, too
    (0: not). pyramid: the image down-sampled by these factors, too. restorations: what the method
    rebuilds of an image, too.
    """

    mirror: bool = False
    shifts: float = 0.0
    pyramid: tuple[int, ...] = ()
    restorations: bool = False
    expansion: Expansion | None = None
    rerank: Reranking | None = None

    def __post_init__(self) -> None:
        """Check the values; ValueError."""
        _check_within("shifts", self.shifts, 0, MOST_SHIFT)
        for factor in self.pyramid:
            _check_within("a factor of pyramid", factor, *PYRAMID)
        if list(self.pyramid) != sorted({*self.pyramid}):
            raise ValueError("pyramid must have rising factors, such as [2, 4]")
        if self.expansion and self.has_levels:
            raise ValueError(
                "expansion averages embeddings, and pyramid and restorations fuse distances; "
                "leave one of them out"
            )

    @property
    def has_levels(self) -> bool:
        """Whether distances of several versions of an image are fused."""
        return bool(self.pyramid) or self.restorations

    def content(self) -> dict[str, Any]:
        """Return as JSON values what is done, with all its parameters; {} where nothing is."""
        values = asdict(self) | {"pyramid": list(self.pyramid)}
        return {name: value for name, value in values.items() if value not in (False, None, [])}


def post_processing_from(content: Mapping[str, Any], where: str) -> PostProcessing:
    """Return the post-processing of a table's row, or of a record.

    Raises InputError, beginning with `where`, for an unknown entry or a value out of bounds.
    """
    values = dict(content)
    for name, kind in (("expansion", Expansion), ("rerank", Reranking)):
        if name in values:
            if not isinstance(values[name], Mapping):
                raise InputError(
                    f"{where}: {name} must be a table, not {values[name]!r}; "
                    f"{name} = {{}} has the published values"
                )
            values[name] = build(kind, values[name], f"{where}: {name}")
    return build(PostProcessing, values, where)


def in_words(content: Mapping[str, Any] | None) -> str:
    """Say what post-processing a cell's content stands for; "" where there is none.

    Entries of other versions of crossres are said by their names.
    """
    return ", ".join(_step(name, value) for name, value in sorted((content or {}).items(), key=_at))


_WORDS = {
    "mirror": "mirrored images",
    "shifts": "shifts of {} pixels",
    "pyramid": "pyramid {}",
    "restorations": "restorations",
    "expansion": "query expansion",
    "rerank": "k-reciprocal re-ranking",
}


_PARAMETERS = {"original": "lambda"}  # as papers write it


def _at(entry: tuple[str, Any]) -> int:
    names = [field.name for field in fields(PostProcessing)]
    return names.index(entry[0]) if entry[0] in names else len(names)


def _step(name: str, value: Any) -> str:
    words = _WORDS.get(name, name)
    if isinstance(value, Mapping):
        values = ", ".join(
            f"{_PARAMETERS.get(entry, entry)} {number}" for entry, number in sorted(value.items())
        )
        return f"{words} ({values})"
    return words.format("+".join(map(str, value)) if isinstance(value, list) else value)


def _check_within(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise ValueError(f"{name} must be within {least:g} and {most:g}, not {value!r}")
