"""The manifest: one row per image of a split, with a digest that names exactly this split.

Written as CSV, so that anyone can use the very same split in another code base.
"""

import io
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from crossres.datasets.base.arguments import as_a, as_ids, as_path, as_text, as_whole
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import digest_of, write_atomically
from crossres.datasets.base.kinds import kind_of_file
from crossres.datasets.base.suggest import unknown
from crossres.datasets.base.texts import read_text, separator
from crossres.datasets.splits.spec import parse_spec

if TYPE_CHECKING:  # pandas takes longer to load than what many do who only know of manifests
    import pandas as pd

SPLITS = ("train", "query", "gallery")
RATES = (0, 1, 2, 3, 4, 6, 8)
DEFAULT_KERNEL = "bicubic"
DEFAULT_GRID = "native"
UNKNOWN_CAMERA = -1
_COLUMNS = ("path", "pid", "camid", "split", "rate")
_HEADER = ("dataset", "protocol", "seed", *_COLUMNS)
_NAMED = 12  # columns of a foreign file that a message lists
_PART = r"(?!\.{1,2}(?:/|\Z))[^/\\\n\r\0]+"
_PATH = re.compile(f"{_PART}(?:/{_PART})*")  # stays inside the raw folder, the same on every system


@dataclass(frozen=True, eq=False)
class Manifest:
    """Which images are train, query and gallery, and at what rate each is down-sampled.

    `protocol` is a name with its options ("mlr-sing[kernel=box]"), in canonical form.
    `table` columns: path (str, relative to the raw folder, "/" between parts), pid (int64; 0 =
    distractor, -1 = junk in sets that have these), camid (int64; -1 = unknown), split (train |
    query | gallery), rate (int64: 1 = HR; 2, 3, 4, 6, 8 = to be down-sampled; 0 = natively LR,
    nothing is resampled). Rows are sorted by split (train, query, gallery), then
    path. `notes` are warnings for people; they are neither in the digest nor in the CSV.

    Raises InputError when a column, type, value, pid or path is not as said, or when a pid is both
    in train and in query or gallery.
    """

    dataset: str
    protocol: str
    seed: int
    table: "pd.DataFrame"
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        """Check the table, and put it into its one order."""
        as_text(self.dataset, "the manifest's dataset")
        as_text(self.protocol, "the manifest's protocol")
        object.__setattr__(self, "seed", as_whole(self.seed, "the manifest's seed"))
        table = _typed(self.table)
        _check(table)
        object.__setattr__(self, "table", _sorted(table))

    @cached_property
    def _csv(self) -> bytes:
        table = self.table.loc[:, list(_COLUMNS)].copy()
        for index, name in enumerate(("dataset", "protocol", "seed")):
            table.insert(index, name, getattr(self, name))
        text: str = table.to_csv(index=False, lineterminator="\n")
        return text.encode("utf-8")

    @cached_property
    def digest(self) -> str:
        """Return the hex SHA-256 of the bytes that `write` writes."""
        return digest_of(self._csv)

    @property
    def kernel(self) -> str:
        """Return the kernel that makes LR images of HR ones (docs/protocols.md, "Resampling")."""
        return parse_spec(self.protocol).options.get("kernel", DEFAULT_KERNEL)

    @property
    def grid(self) -> str:
        """Return the grid of down-sampling: "native", or the network's "input" size."""
        return parse_spec(self.protocol).options.get("grid", DEFAULT_GRID)

    def rows(self, split: str) -> "pd.DataFrame":
        """Return the rows of one split, in manifest order, numbered from 0."""
        if as_text(split, "split") not in SPLITS:
            raise unknown("split", split, SPLITS)
        return self.table[self.table["split"] == split].reset_index(drop=True)

    def write(self, path: Path | str) -> None:
        """Write the CSV, whole or not at all."""
        write_atomically(as_path(path, "manifest"), self._csv)

    @classmethod
    def read(cls, path: Path | str) -> "Manifest":
        """Read a CSV that `write` wrote; InputError names a file that is none."""
        import pandas as pd

        path = as_path(path, "manifest")
        text = read_text(path, "manifest")
        try:
            table = pd.read_csv(
                io.StringIO(text),
                sep=separator(text),
                dtype={"dataset": str, "protocol": str, "path": str, "split": str},
                keep_default_na=False,
            )
        except ValueError as error:
            raise InputError(
                f"{path}: not a manifest ({_not_csv(path)}); give a file that build wrote"
            ) from error
        if tuple(table.columns) != _HEADER:
            kind = kind_of_file(path).name
            there = f"it is {kind}" if kind else f"it has {','.join(table.columns[:_NAMED])}"
            raise InputError(
                f"{path}: not a manifest ({there}); the columns must be {','.join(_HEADER)}"
            )
        heads = table[["dataset", "protocol", "seed"]].drop_duplicates()
        if len(heads) != 1:
            raise InputError(f"{path}: needs one data set, protocol and seed, has {len(heads)}")
        dataset, protocol, seed = heads.iloc[0]
        if not pd.api.types.is_integer_dtype(table["seed"]):
            raise InputError(f"{path}: seed {seed!r} is not a whole number")
        try:
            return cls(str(dataset), str(protocol), int(seed), table[list(_COLUMNS)])
        except InputError as error:
            raise InputError(f"{path}: {error}") from error


def _not_csv(path: Path) -> str:
    kind = kind_of_file(path).name
    return f"it is {kind}" if kind else "no CSV in UTF-8 with as many fields in each line"


def _typed(table: "pd.DataFrame") -> "pd.DataFrame":
    import pandas as pd

    table = as_a(pd.DataFrame, table, "the manifest's table")
    missing = [name for name in _COLUMNS if name not in table.columns]
    if missing:
        raise InputError(f"the manifest lacks the columns {', '.join(missing)}")
    typed = table.loc[:, list(_COLUMNS)].copy()
    for name in ("pid", "camid", "rate"):
        if not pd.api.types.is_integer_dtype(typed[name]):
            raise InputError(f"the manifest's column {name} must hold whole numbers only")
        typed[name] = as_ids(typed[name], f"the manifest's column {name}")
    for name in ("path", "split"):
        if not all(isinstance(value, str) for value in typed[name].tolist()):
            raise InputError(f"the manifest's column {name} must hold text only")
    return typed


def _check(table: "pd.DataFrame") -> None:
    if table.empty:
        raise InputError("the manifest has no row")
    for name, allowed in (("split", SPLITS), ("rate", RATES)):
        wrong = table[~table[name].isin(allowed)]
        if len(wrong):
            row = wrong.iloc[0]
            choices = ", ".join(map(str, allowed))
            raise InputError(f"{row['path']}: {name} {row[name]!s} is none of {choices}")
    if (table["pid"] < -1).any():
        raise InputError(f"{table[table['pid'] < -1]['path'].iloc[0]}: a pid is at least -1")
    for path in table["path"].tolist():
        if not _PATH.fullmatch(path):
            raise InputError(f"{path!r}: a manifest path must be relative, without '..' or '\\'")
    twice = table["path"].duplicated()
    if twice.any():
        raise InputError(f"{table['path'][twice].iloc[0]}: is in the manifest twice")
    train = table["split"] == "train"
    both = set(table["pid"][train]) & set(table["pid"][~train])
    if both:
        raise InputError(f"pid {min(both)} is in train and in test; the splits must share none")


def _sorted(table: "pd.DataFrame") -> "pd.DataFrame":
    rank = {split: index for index, split in enumerate(SPLITS)}
    splits, paths = table["split"].tolist(), table["path"].tolist()
    keys = [(rank[split], path) for split, path in zip(splits, paths, strict=True)]
    return table.iloc[sorted(range(len(keys)), key=keys.__getitem__)].reset_index(drop=True)
