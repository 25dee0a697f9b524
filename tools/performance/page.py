"""The tables of docs/performance.md: those of the committed figures, section by section."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tools.performance.figures import Figures, Growth, Ratio

SECTIONS = {  # heading of the page -> how the subjects of its table begin
    "Evaluator": "evaluator",
    "Resampler": "resampling",
    "Pixel store": "pixel store",
    "Training": "training",
}
ALIKE = 0.03
GROWTH, MACHINE = "Growth", "Machine"


def with_tables(page: str, figures: Figures) -> str:
    """Return the page with the first table of each section made anew; ValueError without one."""
    for heading, table in tables(figures).items():
        pattern = rf"^## {heading}\n(?:(?!## ).*\n)*?((?:\|.*\n)+)"
        place = re.search(pattern, page, re.MULTILINE)
        if place is None:
            raise ValueError(f"docs/performance.md has no table in a section {heading!r}")
        page = page[: place.start(1)] + table + page[place.end(1) :]
    return page


def tables(figures: Figures) -> dict[str, str]:
    """Return the lines of the table of each section."""
    ratios = [figure for figure in figures.figures if isinstance(figure, Ratio)]
    growth = [figure for figure in figures.figures if isinstance(figure, Growth)]
    by_heading = {
        heading: _ratio_table([ratio for ratio in ratios if ratio.subject.startswith(begin)])
        for heading, begin in SECTIONS.items()
    }
    return {
        **by_heading,
        GROWTH: _lines(_growth_rows(growth), "l" + "r" * (len(growth[0].sizes) + 1)),
        MACHINE: _lines(_machine_rows(figures.machine), "ll"),
    }


def _ratio_table(ratios: Sequence[Ratio]) -> str:
    """Write a table, with a column of subjects where there are several."""
    rows = list(_ratio_rows(ratios))
    if len({ratio.subject for ratio in ratios}) == 1:
        return _lines((row[1:] for row in rows), "llrrrl")
    return _lines(rows, "lllrrrl")


def _ratio_rows(ratios: Iterable[Ratio]) -> Iterator[Sequence[str]]:
    yield ("of", "ours", "peer", "ours, s", "peer, s", "ours / peer", "we are")
    for ratio in ratios:
        yield (
            ratio.subject.partition(", ")[2].replace(" x ", " × "),
            ratio.ours,
            ratio.peer,
            _number(ratio.seconds),
            _number(ratio.peer_seconds),
            f"{_number(ratio.ratio)} ± {50 * ratio.spread:.0f} %",
            _verdict(ratio.ratio),
        )


def _verdict(ratio: float) -> str:
    if abs(ratio - 1) < ALIKE:
        return "as quick"
    return "slower" if ratio > 1 else "quicker"


def _growth_rows(growth: Sequence[Growth]) -> Iterator[Sequence[str]]:
    yield ("gallery images", *(f"{size:,}" for size in growth[0].sizes), "exponent")
    for figure in growth:
        values = (f"{_number(value)} {figure.unit}" for value in figure.values)
        yield (figure.ours, *values, f"{figure.exponent:.2f}")


def _machine_rows(machine: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    yield ("what", "which")
    for name, value in machine.items():
        parts = (f"{key} {size}" for key, size in value.items()) if isinstance(value, dict) else ()
        yield (name, ", ".join(parts) or str(value))


def _number(value: float) -> str:
    """Write three significant digits, and no exponent."""
    text = f"{value:#.3g}"
    return f"{float(text):.0f}" if "e" in text else text.rstrip(".")


def _lines(rows: Iterable[Sequence[str]], sides: str) -> str:
    """Write a Markdown table; sides: "l" or "r" for each column."""
    header, *body = rows
    rule = ["--:" if side == "r" else "---" for side in sides]
    return "".join(f"| {' | '.join(row)} |\n" for row in (header, rule, *body))
