"""A paper's sentences about its results as data.

A claims file is a TOML file; the MSIFLA paper's is tables/claims.toml.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from crossres.benchmark.config.tables import CLAIMS, FOLDER, LONGEST, Table, load_table
from crossres.benchmark.config.transfers import set_ids
from crossres.benchmark.metrics.by_rate import NAMES
from crossres.datasets.base.build import checked
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.places import user_path
from crossres.datasets.base.suggest import did_you_mean
from crossres.datasets.base.texts import plain_text, read_toml
from crossres.datasets.cards import CARDS

Direction = Literal["higher", "lower"]
OTHERS = "others"
MARGIN = 1.0  # percentage points: differences below are none
ENTRIES = {
    **dict.fromkeys(("id", "text", "section", "table", "metric", "left", "direction"), str),
    "right": Literal["others"] | tuple[str, ...],
    "datasets": tuple[str, ...],
    "margin": float,
}


@dataclass(frozen=True)
class Claim:
    """`left` has a higher (or lower) `metric` than each row of `rights` on each of `datasets`.

    Rows are labels of the `table`; `text` is the paper's sentence, `section` where it stands. What
    is smaller than `margin`, a fraction, is no difference.
    """

    id: str
    text: str
    section: str
    table: Table
    metric: str
    left: str
    rights: tuple[str, ...]
    direction: Direction
    datasets: tuple[str, ...]
    margin: float = MARGIN / 100


def load_claims(name: str | Path = "", tables: Sequence[Table] = ()) -> tuple[Claim, ...]:
    """Return the claims of a file: the MSIFLA paper's, "ablations" (ours), or those at a path.

    A claim names its table by the id of one of `tables`, or as `load_table` takes it.
    Raises InputError naming the file, the claim and what is wrong.
    """
    built_in = FOLDER / (f"{CLAIMS}-{name}.toml" if str(name) else f"{CLAIMS}.toml")
    path = built_in if built_in.is_file() else user_path(name)
    if path.suffix != ".toml":
        kinds = [file.stem.removeprefix(f"{CLAIMS}-") for file in FOLDER.glob(f"{CLAIMS}-*.toml")]
        raise InputError(
            f"unknown claims {str(name)!r}{did_you_mean(name, kinds)}; known are "
            f"{', '.join(sorted(kinds))}; your own are given by the path of their .toml file"
        )
    where = f"claims {path}"
    content = checked(
        where, read_toml(path, "claims"), {"claims": list, "margin": float}, ("claims",)
    )
    margin = content.get("margin", MARGIN)
    claims = tuple(
        _claim(f"{where}, claim {n}", c, tables, margin) for n, c in enumerate(content["claims"], 1)
    )
    names = [claim.id for claim in claims]
    if len(set(names)) < len(names):
        raise InputError(f"claims {path}: two claims have one id; give each its own")
    return claims


def _claim(where: str, content: Any, tables: Sequence[Table], margin: float) -> Claim:
    values = checked(where, content, ENTRIES, ENTRIES.keys() - {"datasets", "margin"})
    for entry in ("id", "text", "section"):
        values[entry] = plain_text(f"{where}: {entry}", values[entry], LONGEST)
    name = values.pop("table")
    table = next((table for table in tables if table.id == name), None) or load_table(name)
    labels = [row.label for row in table.rows]
    left, right = values["left"], values.pop("right")
    rights = [label for label in labels if label != left] if right == OTHERS else right
    for label in (left, *rights):
        if label not in labels:
            near = did_you_mean(label, labels)
            raise InputError(
                f"{where}: table {table.id} has no row {label!r}{near}; rows: {labels}"
            )
    for entry, choices in (("metric", NAMES), ("direction", get_args(Direction))):
        if values[entry] not in choices:
            near = did_you_mean(values[entry], choices)
            raise InputError(
                f"{where}: {entry} must be one of {', '.join(choices)}, not {values[entry]!r}{near}"
            )
    datasets = values.pop("datasets", None) or list(table.datasets)
    known = {*CARDS, *(own.id for own in table.own)}
    ids = [name for dataset in datasets for name in set_ids(dataset)]
    if unknown := [name for name in ids if name not in known]:
        near = did_you_mean(unknown[0], CARDS)
        raise InputError(
            f"{where}: unknown data set {unknown[0]!r}{near}; see `crossres datasets list`"
        )
    points = values.pop("margin", margin)
    if not 0 < points <= 100:
        raise InputError(f"{where}: margin must be percentage points, above 0 and up to 100")
    chosen = {"rights": tuple(rights), "datasets": tuple(datasets), "margin": points / 100}
    return Claim(**values, table=table, **chosen)
