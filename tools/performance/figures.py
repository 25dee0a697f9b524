"""What was measured, and the file that holds it: baselines/performance.json."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crossres.datasets.base.errors import InputError
from tools.performance.timing import quickest_ratio, spread

DIGITS = 4


@dataclass(frozen=True)
class Ratio:
    """The quickest CPU time of something of ours over that of a peer, from the same rounds.

    spread: between the quartiles of the rounds' own ratios, as a share of their median.
    """

    subject: str
    ours: str
    peer: str
    ratio: float
    seconds: float
    peer_seconds: float
    rounds: int
    spread: float

    @property
    def name(self) -> str:
        """What is divided by what."""
        return f"{self.subject}: {self.ours} / {self.peer}"

    @property
    def compared(self) -> float:
        """Return the logarithm of what must not grow, so that it may grow by a difference."""
        return math.log(self.ratio)


@dataclass(frozen=True)
class Growth:
    """How CPU seconds or MiB grow with the size of the gallery: as its power `exponent`."""

    subject: str
    ours: str
    unit: str
    sizes: tuple[int, ...]
    values: tuple[float, ...]
    exponent: float

    @property
    def name(self) -> str:
        """What grows."""
        return f"{self.subject}: {self.ours}"

    @property
    def compared(self) -> float:
        """Return the exponent, which is a logarithm already."""
        return self.exponent


Figure = Ratio | Growth


@dataclass(frozen=True)
class Figures:
    """All figures of a machine; missing: peers that could not be imported there, and why."""

    machine: dict[str, Any]
    figures: tuple[Figure, ...]
    missing: dict[str, str]


def ratio_of(
    subject: str, names: tuple[str, str], ours: Sequence[float], peer: Sequence[float]
) -> Ratio:
    """Return the figure of times that were measured in turns; names: of ours and of the peer."""
    return Ratio(
        subject,
        *names,
        ratio=rounded(quickest_ratio(ours, peer)),
        seconds=rounded(min(ours)),
        peer_seconds=rounded(min(peer)),
        rounds=len(ours),
        spread=rounded(spread(ours, peer)),
    )


def growth_of(
    subject: str, ours: str, unit: str, sizes: Sequence[int], values: Sequence[float]
) -> Growth:
    """Return the figure of values at sizes: the slope of the line through their logarithms."""
    exponent = float(np.polyfit(np.log(sizes), np.log(values), 1)[0])
    values = tuple(rounded(value) for value in values)
    return Growth(subject, ours, unit, tuple(sizes), values, round(exponent, 3))


def rounded(value: float) -> float:
    """Round to as many digits as are worth writing."""
    return float(f"{value:.{DIGITS}g}")


def to_json(figures: Figures) -> str:
    """Return the text of the file."""
    content = {
        "machine": figures.machine,
        "missing": figures.missing,
        "ratios": [asdict(figure) for figure in figures.figures if isinstance(figure, Ratio)],
        "growth": [asdict(figure) for figure in figures.figures if isinstance(figure, Growth)],
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def read_figures(path: Path) -> Figures:
    """Read a file that `to_json` made; InputError names it where it is no such file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        growth = [
            Growth(**entry | {name: tuple(entry[name]) for name in ("sizes", "values")})
            for entry in content["growth"]
        ]
        ratios = [Ratio(**entry) for entry in content["ratios"]]
        return Figures(content["machine"], (*ratios, *growth), content["missing"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: no figures of `nox -s benchmark` ({type(error).__name__}); "
            "make them with `nox -s benchmark -- --write`"
        ) from error
