"""The names of transfers: cells that are trained on one data set and tested on another.

TRAIN:TEST stands wherever a data set is named.
"""

SIGN = ":"  # which no id of a data set has


def transfer_id(trained_on: str, tested: str) -> str:
    """Return the name of a transfer between sets of these ids."""
    return f"{trained_on}{SIGN}{tested}"


def set_ids(dataset: str) -> tuple[str, str]:
    """Return the ids of the sets that cells of this name are trained on and tested on."""
    train, sign, test = dataset.partition(SIGN)
    return (train, test) if sign else (dataset, dataset)


def is_transfer(dataset: str) -> bool:
    """Say whether the sets of this name are two."""
    return SIGN in dataset
