"""Cards: what each data set is, where to get it, and the numbers its raw folder should have.

cards.toml says how a set is read and split, owners.toml what its owners give out.
"""

import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from crossres.datasets.base.arguments import as_text
from crossres.datasets.base.suggest import unknown


@dataclass(frozen=True)
class Count:
    """Published numbers of a group of images; None where a number is not published.

    The group: the images of `part`, cut out as `boxes`, of camera `camid`, and of `kind` "known"
    (pid > 0), "distractors" or "junk"; what is empty does not narrow it. `also` are numbers of
    images that whole copies are known to have, too. `within` is the share by which numbers known
    second-hand only may be off: such a difference is reported, but is no fault.
    """

    part: str = ""
    boxes: str = ""
    camid: int | None = None
    kind: str = ""
    images: int | None = None
    identities: int | None = None
    cameras: int | None = None
    also: tuple[int, ...] = ()
    within: float = 0.0

    def __str__(self) -> str:
        camera = "" if self.camid is None else f"camera {self.camid}"
        return " ".join(filter(None, (self.part, self.boxes, self.kind, camera))) or "all"


@dataclass(frozen=True)
class Layout:
    """How a folder of a user's own crops is read: by one of `pattern`, `folders` and `list_file`.

    `pattern` is a regular expression over the whole path below the folder, with the groups pid,
    camid, view and split, of which only pid must be there. `folders` says what the names of the
    folders around the images are, outermost first ("pid", "camid", "split", "" for what does not
    matter). `list_file` is the whole path of a CSV with the columns path, pid and, if there are,
    camid, view, split, rate.
    `ignore` is a regular expression over the paths that are no part of the data ("": none).
    `lr_cameras` are the names of the cameras that mlr-sing down-samples; `natively_lr` those whose
    images are LR as they are, or BY_SIZE. `definition` is the file that says all this, for errors.
    """

    pattern: str = ""
    folders: tuple[str, ...] = ()
    list_file: str = ""
    ignore: str = ""
    lr_cameras: tuple[str, ...] = ()
    natively_lr: tuple[str, ...] = ()
    definition: str = field(default="", compare=False)


BY_SIZE = ("by-size",)  # a `natively_lr` that is measured
OWN_READER = "own"


@dataclass(frozen=True)
class Card:
    """One data set.

    `folder` is the usual name of the raw folder, `protocol` the default one. `images`, `identities`
    (pid > 0 where there are distractors) and `cameras` (0: none is known) are the published counts
    of the raw folder. `subject` is what the images show.
    `lr_cameras` are the camids that mlr-sing down-samples; empty: the smallest camid of two, a
    drawn one of more, or the natively LR camera that the reader measured. `camera_rule` is the
    protocol that the options `base` and `train` mean where the default one is none of cameras ("":
    mlr-sing). `two_cameras_only` drops identities seen by one camera; `images_per_camera` keeps so
    many images of each (pid, camid); `test_identities` of `identities` are tested where a split is
    drawn (None: half of them), and official parts then serve the protocols of official lists only;
    `caveat` is noted in every manifest. `archives` are the names of the owners' archive, `digest`
    its published digest ("md5:<hex>" or "git-blob:<hex>", "" when none is known), `url` its public
    address ("" when it must be asked for), `counts` the published numbers of its parts, `size` the
    (width, height) in pixels of every image (None: they vary, or it is not known).
    `own` says how a user's own set is read (None: one of ours). Of such a set `folder` is the whole
    path of its raw folder, and nothing is published: its counts and `lr_cameras` are those of the
    folder once it has been read.
    """

    id: str
    title: str
    reader: str
    folder: str
    protocol: str
    layout: str
    obtain: str
    licence: str
    images: int
    identities: int
    cameras: int
    subject: Literal["person", "vehicle"] = "person"
    lr_cameras: tuple[int, ...] = ()
    camera_rule: str = ""
    two_cameras_only: bool = False
    images_per_camera: int | None = None
    test_identities: int | None = None
    caveat: str = ""
    archives: tuple[str, ...] = ()
    digest: str = ""
    url: str = ""
    citation: str = ""
    counts: tuple[Count, ...] = ()
    size: tuple[int, int] | None = None
    own: Layout | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the card as JSON values, without what only a user's own set has."""
        values = asdict(self)
        return {name: value for name, value in values.items() if name != "own" or value}


def _load() -> dict[str, Card]:
    owners = _read("owners.toml")
    return {
        name: Card(id=name, **_frozen(fields | owners.get(name, {})))
        for name, fields in _read("cards.toml").items()
    }


def _read(name: str) -> dict[str, dict[str, Any]]:
    return tomllib.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))


def _frozen(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields with tuples in place of lists and Counts in place of tables."""
    counts = tuple(Count(**_tuples(count)) for count in fields.get("counts", ()))
    return _tuples(fields) | {"counts": counts}


def _tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in fields.items()}


CARDS = _load()


def card(dataset: str | Card) -> Card:
    """Return the card of a data set; InputError on an unknown one lists those there are."""
    if isinstance(dataset, Card):
        return dataset
    if as_text(dataset, "data set") not in CARDS:
        raise unknown("data set", dataset, CARDS)
    return CARDS[dataset]
