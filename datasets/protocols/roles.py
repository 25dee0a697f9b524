"""Who trains, and which images of the others are queries and gallery."""

from collections.abc import Callable, Iterable

from crossres.datasets.base.draws import ordered
from crossres.datasets.base.errors import InputError
from crossres.datasets.protocols.rates import HR, Rates
from crossres.datasets.protocols.trial import Trial
from crossres.datasets.readers import RawImage
from crossres.datasets.splits.manifest import Manifest

OWN_REMEDY = "`crossres datasets show` counts what the definition describes"
Row = tuple[str, int, int, str, int]  # path, pid, camid, split, rate
Role = Callable[[RawImage, int], str]  # (image of no train identity, its rate) -> split, or ""


def row(image: RawImage, split: str, rate: int) -> Row:
    """Return the row of a manifest for an image."""
    return (image.path, image.pid, image.camid, split, rate)


def train_rows(trial: Trial, rates: Rates) -> tuple[list[Row], list[str]]:
    """Return all images of the train identities, or of the first `train_ids` of them; and notes."""
    pids, notes = limited(trial, train_pids(trial), "train_ids", "train-ids")
    images = (i for i in trial.images if i.pid in pids and i.part in ("", "train"))
    return [row(image, "train", rates[image.path]) for image in images], notes


def limited(
    trial: Trial, pids: Iterable[int], option: str, purpose: str
) -> tuple[set[int], list[str]]:
    """Return as many first identities in hash order as the option says: nested by construction."""
    limit, order = trial.options.number(option), ordered(pids, *trial.names(purpose))
    short = limit is not None and limit > len(order)
    note = f"{option}={limit}: there are {len(order)} such identities; all are used"
    return set(order[:limit]), [note] if short else []


def train_pids(trial: Trial) -> set[int]:
    """Choose the training pids by official parts, a shipped test list, or in hash order."""
    if trial.official:
        return {image.pid for image in trial.images if image.part == "train"}
    pids = sorted({image.pid for image in trial.images})
    if trial.options["splits"] == "shipped":
        return set(pids) - set(_shipped(trial))
    return set(ordered(pids, *trial.names("split"))[: len(pids) - _test_count(trial, len(pids))])


def _shipped(trial: Trial) -> tuple[int, ...]:
    lists = list(trial.raw.test_sets.values())
    return lists[trial.seed % len(lists)]


def _test_count(trial: Trial, pids: int) -> int:
    """Count half of the identities, rounded up; or the card's share (CUHK03: 100 of 1467)."""
    if trial.card.test_identities is None:
        return pids - pids // 2
    return max(1, pids * trial.card.test_identities // trial.card.identities)


def test_rows(trial: Trial, rates: Rates, role: Role, strangers: Iterable[RawImage]) -> list[Row]:
    """Return the rows of all images to which `role` gives a split, train identities left out."""
    train = train_pids(trial)
    images = [image for image in trial.images if image.pid not in train]
    return [
        row(image, split, rates[image.path])
        for image in (*images, *strangers)
        if (split := role(image, rates[image.path]))
    ]


def lr_against_hr(trial: Trial) -> Role:
    """Make LR images queries and HR ones gallery; official parts must agree.

    With probe=all the LR images of the official gallery part are the queries, and the official
    query images take no part. A distractor is never a query.
    """
    query_part = "gallery" if trial.options["probe"] == "all" else "query"
    distracts, keeps_distractors = distractors(trial), trial.options.on("distractors")

    def role(image: RawImage, rate: int) -> str:
        if rate == HR:
            is_gallery = image.part in ("", "gallery") and (
                keeps_distractors or not distracts(image)
            )
            return "gallery" if is_gallery else ""
        return "query" if image.part in ("", query_part) and not distracts(image) else ""

    return role


def by_part(trial: Trial) -> Role:
    """Return the official query and gallery parts; the distractors only where asked for."""
    distracts, keeps_distractors = distractors(trial), trial.options.on("distractors")

    def role(image: RawImage, _rate: int) -> str:
        takes_part = image.part in ("query", "gallery") and (
            keeps_distractors or not distracts(image)
        )
        return image.part if takes_part else ""

    return role


def distractors(trial: Trial) -> Callable[[RawImage], bool]:
    """Return whether an image is of pid 0, or of an identity without an official query."""
    queried = {image.pid for image in trial.images if image.part == "query"}
    return lambda image: bool(queried) and image.pid >= 0 and image.pid not in queried


def manifest(trial: Trial, protocol: str, rows: list[Row], notes: Iterable[str] = ()) -> Manifest:
    """Return the manifest of these rows; InputError when one of the splits is empty."""
    import pandas as pd

    strangers = {image.path for image in trial.strangers}
    kept_rows, lost = _without_lost_queries(rows, strangers)
    for split in ("train", "query", "gallery"):
        if not any(kept_row[3] == split for kept_row in kept_rows):
            few = trial.options.on("validation")
            usual = "is the raw folder complete?" if trial.raw.own is None else OWN_REMEDY
            remedy = "leave validation=true out" if few else usual
            raise InputError(f"{trial.raw.folder}: no image is left for {split}; {remedy}")
    table = pd.DataFrame(kept_rows, columns=["path", "pid", "camid", "split", "rate"])
    return Manifest(trial.raw.dataset, protocol, trial.seed, table, (*trial.notes, *notes, *lost))


def _without_lost_queries(rows: list[Row], strangers: set[str]) -> tuple[list[Row], list[str]]:
    """Drop queries whose identity has no gallery image; note these and the distractors."""
    queried = {pid for _, pid, _, split, _ in rows if split == "query"}
    in_gallery = {
        pid for path, pid, _, split, _ in rows if split == "gallery" and path not in strangers
    }
    notes = []
    if queried - in_gallery:
        count = len(queried - in_gallery)
        notes.append(f"{count} test identities have no HR image; their queries are dropped")
    if in_gallery - queried:
        count = len(in_gallery - queried)
        notes.append(f"{count} test identities have no LR image; they are gallery distractors")
    return [row for row in rows if row[3] != "query" or row[1] in in_gallery], notes
