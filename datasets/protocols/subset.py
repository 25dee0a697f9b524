"""The training subset of `market-3561`: as many images as papers state, of all identities."""

from crossres.datasets.base.draws import ordered
from crossres.datasets.protocols.trial import Trial

STATED, OFFICIAL = 3561, 12936  # what papers state, what the official training part holds


def subset_3561(trial: Trial) -> set[str]:
    """Return the paths kept: one image of each (identity, camera) pair, then the next in hash
    order.

    Of the full training part 3561 images are kept; of a smaller one the same share, rounded down,
    but never less than one image of each pair.
    """
    images = [image for image in trial.images if image.part == "train"]
    names = (trial.raw.dataset, "market-3561", trial.seed, "subset")
    order = ordered(images, *names, key=lambda image: image.key)
    pairs: set[tuple[int, int]] = set()
    first: list[str] = []
    later: list[str] = []
    for image in order:
        pair = (image.pid, image.camid)
        (later if pair in pairs else first).append(image.path)
        pairs.add(pair)
    size = max(len(first), len(images) * STATED // OFFICIAL)
    return {*first, *later[: size - len(first)]}
