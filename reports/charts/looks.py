"""How rows look in drawings: a colour on light and on dark paper, and the style of their lines.

A look belongs to a method with its options, so a row has the same one in every drawing, table and
report, wherever it stands. Those of built-in methods are data; other rows draw theirs by hash.
"""

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from crossres.benchmark.config.tables import Row, Table
from crossres.datasets.base.draws import draw
from crossres.datasets.base.files import digest_of
from crossres.reports.charts.oklch import apart, colour_at, hue_of

ENOUGH = 0.075  # between two colours of one report, in OKLab, where so many are to be had
OTHER_STYLE = 0.05  # what another style of line is worth where they are not
TRIES = 64  # looks that a row draws before it takes the best of them
HUES = 24


@dataclass(frozen=True)
class Look:
    """A row's colours on light and on dark paper, "#rrggbb", and the style of its lines.

    `dashes`: dash, gap, dash, ..., in widths of the line; () is solid. `is_strong`: to be drawn
    with a thicker line than others.
    """

    light: str
    dark: str
    dashes: tuple[float, ...] = ()
    is_strong: bool = False


@dataclass(frozen=True)
class Looks:
    """The looks of all rows of one report."""

    by_identity: Mapping[str, Look]

    def of(self, row: Row) -> Look:
        """Return the look of a row of a table that the looks were made for."""
        return self.by_identity[_identity(row)]

    def css_class(self, row: Row) -> str:
        """Return the class that sets the row's look, as `css` defines it."""
        return _css_class(_identity(row))

    def css(self) -> str:
        """Return style rules that set --k, a colour, --dashes and --width for each row's class.

        In curves of many rows, and in their legend, those that are not strong are grey, but for
        those of class `this`.
        """
        looks = sorted((_css_class(identity), look) for identity, look in self.by_identity.items())
        others = ", ".join(f".{name}" for name, look in looks if not look.is_strong)
        light = [f".{name}{{--k:{k.light};{_css_line(k)}}}" for name, k in looks]
        dark = [f".{name}{{--k:{k.dark}}}" for name, k in looks]
        curves = f".many svg:is(.rates, .cmc) :is({others}):not(.this)"
        legend = f".many .legend :not(.this) :is({others})"
        grey = f"{curves}, {legend}{{--k:var(--grey)}}" if others else ""
        return "\n".join([*light, "@media (prefers-color-scheme: dark) {", *dark, "}", grey])


def looks_of(tables: Iterable[Table]) -> Looks:
    """Return the looks of the rows of all tables, and of their oracles.

    Rows with looks of their own have these. Others draw by hash, first the methods with their own
    options, then those with others, until they find one that is far enough from all before; so the
    order of the tables and of their rows changes nothing.
    """
    identities = {_identity(row) for table in tables for row in table.lines}
    looks = {identity: look for identity, look in _assigned().items() if identity in identities}
    for identity in sorted(identities - set(looks), key=lambda text: (_is_variant(text), text)):
        looks[identity] = _farthest(islice(_drawn(identity), TRIES), list(looks.values()))
    return Looks(looks)


def _identity(row: Row) -> str:
    """Return what a look belongs to, as JSON: all that the row says but its label.

    An option that is set to the method's own value counts: a profile may have another one.
    """
    return _text(row.method, row.options, row.post_processing, row.protocol)


def _text(
    method: str, options: Mapping[str, Any], processing: Mapping[str, Any], protocol: str | None
) -> str:
    return json.dumps([method, options, processing, protocol], sort_keys=True)


def _is_variant(identity: str) -> bool:
    return any(json.loads(identity)[1:])


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


@cache
def _assigned() -> dict[str, Look]:
    data = _data()
    looks = {
        _text(method, {}, {}, None): _look(look, is_strong=method in data["strong"])
        for method, look in data["methods"].items()
    }
    for row in data["rows"]:
        look = _look(row["look"]) if "look" in row else looks[_text(row["method"], {}, {}, None)]
        looks[_text(row["method"], row["options"], {}, None)] = look
    return looks


def _look(values: Sequence[str], *, is_strong: bool = False) -> Look:
    light, dark, style = values
    return Look(light, dark, tuple(_data()["styles"][style]), is_strong)


def _drawn(identity: str) -> Iterator[Look]:
    """Yield looks without end: of a variant first those with the hue of its method."""
    styles, tones = (list(_data()[name].values()) for name in ("styles", "tones"))
    own = _assigned().get(_text(json.loads(identity)[0], {}, {}, None))
    if own is not None:
        others = [style for style in styles if tuple(style) != own.dashes]
        for tone in tones:
            yield _toned(tone, hue_of(own.light), others[draw("style", identity) % len(others)])
    attempt = 0
    while True:
        number = draw("look", identity, attempt)
        number, hue = divmod(number, HUES)
        number, tone = divmod(number, len(tones))
        yield _toned(tones[tone], 360 * hue / HUES, styles[number % len(styles)])
        attempt += 1


def _toned(tone: Sequence[float], hue: float, dashes: Sequence[float]) -> Look:
    lightness, on_dark, chroma, chroma_on_dark = tone
    return Look(
        colour_at(lightness, chroma, hue), colour_at(on_dark, chroma_on_dark, hue), tuple(dashes)
    )


def _farthest(candidates: Iterable[Look], taken: Sequence[Look]) -> Look:
    """Return the first that is far enough from all that are taken, else the farthest of all."""
    seen: list[tuple[float, Look]] = []
    for look in candidates:
        if all(colours_apart(look, other) >= ENOUGH for other in taken):
            return look
        seen.append((min(_distance(look, other) for other in taken), look))
    return max(seen, key=lambda entry: entry[0])[1]


def colours_apart(first: Look, second: Look) -> float:
    """Return how far the colours of two looks are apart on the paper where they are closer."""
    return min(apart(first.light, second.light), apart(first.dark, second.dark))


def _distance(first: Look, second: Look) -> float:
    return colours_apart(first, second) + OTHER_STYLE * (first.dashes != second.dashes)


def _css_class(identity: str) -> str:
    return f"k-{digest_of(identity.encode())[:8]}"


def _css_line(look: Look) -> str:
    """Return the style and the width of a line in pixels."""
    dashes = " ".join(f"{2 * length:g}" for length in look.dashes) or "none"
    return f"--dashes:{dashes};--width:{3 if look.is_strong else 2}"
