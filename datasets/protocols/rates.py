"""What is LR, and at what rate: the two rules that down-sample by cameras.

Rates are of all images, whether or not they take part, so that a rule about roles moves none.
"""

from collections.abc import Iterable, Mapping

from crossres.datasets.base.draws import draw, ordered, pick
from crossres.datasets.base.errors import InputError
from crossres.datasets.cards import Card
from crossres.datasets.protocols.trial import Trial, cameras_of
from crossres.datasets.readers import RawImage
from crossres.datasets.splits.manifest import UNKNOWN_CAMERA

LR_RATES = (2, 3, 4)
HR, NATIVE = 1, 0
Rates = Mapping[str, int]  # path -> rate


def camera_rates(trial: Trial) -> tuple[Trial, Rates]:
    """Return the trial, with its notes, and the rates of the protocol that names the draws."""
    if trial.raw.own is not None:
        return _own_rates(trial)
    if trial.raw.native_lr:
        raise InputError(
            f"{trial.raw.dataset} is natively multi-resolution, nothing is drawn for it; "
            "use mlr-official"
        )
    if {image.camid for image in trial.images} == {UNKNOWN_CAMERA}:
        raise InputError(
            f"{trial.raw.dataset} does not know its cameras; use vru-uniform4 or vru-half"
        )
    return _by_identity(trial) if trial.drawn_as == "mlr-perid" else _by_camera(trial)


def _own_rates(trial: Trial) -> tuple[Trial, Rates]:
    """Return the rates of a user's own set: those that its images have, or by cameras."""
    raw = trial.raw
    if raw.native_lr and trial.drawn_as == "mlr-perid":
        raise InputError(
            f"{raw.dataset} has natively LR images, nothing is drawn for it; use mlr-sing"
        )
    if raw.native_lr:
        everyone = (*trial.images, *trial.strangers)
        return trial, {i.path: NATIVE if i.path in raw.native_lr else HR for i in everyone}
    if all(len(camids) < 2 for camids in cameras_of(trial.images).values()):
        cameras = {image.camid for image in trial.images} - {UNKNOWN_CAMERA}
        known = "one camera at most saw each identity" if cameras else "it tells no cameras"
        remedy = "leave the camera out of its definition and use" if cameras else "use"
        raise InputError(
            f"{raw.folder}: {trial.drawn_as} needs identities that were seen by two cameras, but "
            f"of {raw.dataset} {known}; {remedy} mlr-uniform"
        )
    return _by_identity(trial) if trial.drawn_as == "mlr-perid" else _by_camera(trial)


def _by_camera(trial: Trial) -> tuple[Trial, Rates]:
    """Down-sample all images of the LR camera(s) (Jiao et al., AAAI 2018)."""
    cameras = _lr_cameras(trial)
    everyone = (*trial.images, *trial.strangers)
    lr = {image.path for image in everyone if image.camid in cameras}
    if trial.raw.lr_camera is not None:
        return trial, {image.path: NATIVE if image.path in lr else HR for image in everyone}
    rates = independent_rates(trial, everyone, lr)
    if trial.options.on("balanced"):
        rates.update(_balanced_rates(trial, lr))
    return trial, rates


def _by_identity(trial: Trial) -> tuple[Trial, Rates]:
    """Draw an LR camera for each identity among the cameras that saw it."""
    if trial.raw.lr_camera is not None:
        raise InputError(
            f"{trial.raw.dataset} is natively LR, nothing is drawn for it; use mlr-sing"
        )
    cameras = cameras_of(trial.images)
    chosen = {
        pid: pick(camids, *trial.names("lr-camera"), pid)
        for pid, camids in cameras.items()
        if len(camids) > 1
    }
    alone = len(cameras) - len(chosen)
    if alone:
        trial = trial.noting(f"{alone} identities seen by one camera stay HR")
    lr = {image.path for image in trial.images if chosen.get(image.pid) == image.camid}
    return trial, independent_rates(trial, (*trial.images, *trial.strangers), lr)


def _lr_cameras(trial: Trial) -> tuple[int, ...]:
    """Return the set's LR cameras: measured, or as the option, the card or a draw says."""
    if trial.raw.lr_camera is not None:
        return (trial.raw.lr_camera,)
    camids = sorted({image.camid for image in trial.images})
    chosen = trial.options.number("lr_camera")
    if chosen is not None:
        return _chosen(trial, camids, chosen)
    of_card = tuple(camid for camid in trial.card.lr_cameras if camid in camids)
    if of_card:
        return of_card
    return (camids[0] if len(camids) == 2 else pick(camids, *trial.names("lr-camera")),)


def _chosen(trial: Trial, camids: list[int], chosen: int) -> tuple[int, ...]:
    names = camera_names(trial.card, camids)
    if chosen not in names:
        listed = ", ".join(map(str, names))
        raise InputError(f"lr_camera={chosen}: the cameras of {trial.raw.dataset} are {listed}")
    return names[chosen]


def camera_names(card: Card, camids: Iterable[int]) -> dict[int, tuple[int, ...]]:
    """Return what `lr_camera` can name -> the camids it stands for, sorted.

    A set of ours whose card lists one LR camera of every pair (CUHK03: camid = 10 * pair + view)
    has views: lr_camera=2 is view 2 of all pairs.
    """
    camids = sorted(set(camids))
    if len(card.lr_cameras) < 2 or card.own is not None:
        return {camid: (camid,) for camid in camids}
    views = sorted({camid % 10 for camid in camids})
    return {view: tuple(camid for camid in camids if camid % 10 == view) for view in views}


def independent_rates(trial: Trial, images: Iterable[RawImage], lr: set[str]) -> dict[str, int]:
    """Return path -> rate; each LR image's rate is drawn on its own, uniform over 2, 3, 4."""
    names = trial.names("rate")
    return {
        image.path: LR_RATES[draw(*names, image.key) % 3] if image.path in lr else HR
        for image in images
    }


def _balanced_rates(trial: Trial, lr: set[str]) -> dict[str, int]:
    """Return path -> rate; LR images in hash order are cut in three, the last part the largest."""
    images = [image for image in trial.images if image.path in lr]
    order = ordered(images, *trial.names("balanced"), key=lambda image: image.key)
    third = max(1, len(order) // 3)
    return {image.path: LR_RATES[min(index // third, 2)] for index, image in enumerate(order)}
