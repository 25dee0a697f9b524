"""Cards: what each data set is, where to get it, and the numbers its raw folder should have."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from datasets.errors import InputError


@dataclass(frozen=True)
class Card:
    """One data set.

    `folder` is the usual name of the raw folder, `protocol` the default one. `images`, `identities`
    (pid > 0 where there are distractors) and `cameras` (0: none is known) are the published counts
    of the raw folder. `subject` is what the images show.
    `lr_cameras` are the camids that mlr-sing down-samples; empty: the smallest camid of two, a
    drawn one of more, or the natively LR camera that the reader measured. `two_cameras_only` drops
    identities seen by one camera; `images_per_camera` keeps so many images of each (pid, camid);
    `test_identities` of `identities` are tested where a split is drawn (None: half of them), and
    official parts then serve the protocols of official lists only;
    `caveat` is noted in every manifest. `subject` is what the images show: "person" or "vehicle".
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
    two_cameras_only: bool = False
    images_per_camera: int | None = None
    test_identities: int | None = None
    caveat: str = ""
    subject: str = "person"


def _load() -> dict[str, Card]:
    text = Path(__file__).with_name("cards.toml").read_text(encoding="utf-8")
    return {
        name: Card(id=name, **{**fields, "lr_cameras": tuple(fields.get("lr_cameras", ()))})
        for name, fields in tomllib.loads(text).items()
    }


CARDS = _load()


def card(dataset: str) -> Card:
    """Return the card of a data set; InputError on an unknown one lists those there are."""
    if dataset not in CARDS:
        raise InputError(f"unknown data set {dataset!r}; the data sets are {', '.join(CARDS)}")
    return CARDS[dataset]
