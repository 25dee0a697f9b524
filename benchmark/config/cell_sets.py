"""The data sets of a cell: the one that it is tested on, and the one that it is trained on.

Mostly they are the same; where they are not, the cell is a transfer.
"""

from dataclasses import dataclass

from crossres.benchmark.config.transfers import SIGN, transfer_id
from crossres.datasets.base.errors import InputError
from crossres.datasets.cards import CARDS, Card
from crossres.datasets.own.definition import is_definition


@dataclass(frozen=True)
class CellSets:
    """The cards of both sets; `trained_on` None: the one that is tested on."""

    tested: Card
    trained_on: Card | None = None

    @property
    def id(self) -> str:
        """The id of the set, or TRAIN:TEST."""
        tested = self.tested.id
        return tested if self.trained_on is None else transfer_id(self.trained_on.id, tested)

    @property
    def cards(self) -> tuple[Card, ...]:
        """The cards, the tested one first."""
        return (self.tested,) if self.trained_on is None else (self.tested, self.trained_on)


def cell_sets(trained_on: Card, tested: Card) -> CellSets:
    """Return the sets of cells that are trained on one set and tested on another, or the same.

    Raises InputError where they show different subjects, or are two sets of one id.
    """
    if trained_on == tested:
        return CellSets(tested)
    if trained_on.id == tested.id:
        raise InputError(f"two data sets have the id {tested.id!r}; give one of them another")
    if trained_on.subject != tested.subject:
        raise InputError(
            f"{trained_on.id} shows {trained_on.subject}s and {tested.id} {tested.subject}s; "
            "train on a set that shows what is tested"
        )
    return CellSets(tested, trained_on)


def split_name(name: str) -> tuple[str, str]:
    """Return what names the set to train on and the one to test on: ids, or paths of definitions.

    In the path of a definition the sign may stand, too; there it parts nothing unless what is
    before it names a set.
    """
    train, sign, test = name.partition(SIGN)
    names_a_set = train in CARDS or is_definition(train)
    return (train, test) if sign and (names_a_set or not is_definition(name)) else (name, name)
