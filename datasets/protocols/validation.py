"""The validation split: a protocol's own rules on nothing but its training identities.

What a protocol tests on is not touched, so that learning rates and schedules can be chosen with no
look at it (docs/protocols.md, "Validation").
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import replace

from crossres.datasets.base.draws import ordered
from crossres.datasets.base.errors import InputError
from crossres.datasets.protocols.roles import train_pids
from crossres.datasets.protocols.trial import Trial
from crossres.datasets.readers import RawImage
from crossres.datasets.splits.spec import Spec, parse_spec

OPTION = "validation"
_ON = "true"


def is_validation(protocol: str) -> bool:
    """Return whether a protocol, in canonical form, tests on validation identities."""
    return f"{OPTION}={_ON}" in protocol.partition("[")[2].removesuffix("]").split(",")


def on_validation(protocol: str) -> str:
    """Return the protocol with `validation=true`: "mlr-sing[validation=true]"."""
    spec = parse_spec(protocol)
    return str(Spec(spec.name, {**spec.options, OPTION: _ON}))


def off_validation(protocol: str) -> str:
    """Return the protocol that one in canonical form is the validation of; another one as it is."""
    if not is_validation(protocol):
        return protocol
    spec = parse_spec(protocol)
    return str(Spec(spec.name, {k: v for k, v in spec.options.items() if k != OPTION}))


def held_out(trial: Trial) -> Trial:
    """Return the trial whose test is on validation identities; without the option, the same.

    Its images are those of training identities alone, and bear parts: "train", and for validation
    identities what their protocol tests ("query" and "gallery", "test", or ""). InputError where
    there are fewer than three training identities: one to train, and two to tell apart.
    """
    if not trial.options.on(OPTION):
        return trial
    order = ordered(train_pids(trial), *trial.names("validation"))
    if len(order) < 3:
        raise InputError(
            f"{trial.raw.folder}: {OPTION}=true divides the training identities, of which there "
            f"must be three at least, not {len(order)}; leave this option out"
        )
    count = len(order) - max(2, len(order) // 3)
    training, validation = set(order[:count]), set(order[count:])
    images = (
        *(replace(image, part="train") for image in trial.images if image.pid in training),
        *_tested(trial, [image for image in trial.images if image.pid in validation]),
    )
    note = f"validation: {len(validation)} of {len(order)} training identities are tested"
    return replace(trial, images=images, strangers=()).noting(note)


def _tested(trial: Trial, images: Sequence[RawImage]) -> Iterator[RawImage]:
    """Yield the images of validation identities with the parts that tested images have here."""
    if not trial.official:
        yield from (replace(image, part="") for image in images)
    elif any(image.part == "test" for image in trial.images):
        yield from (replace(image, part="test") for image in images)
    elif trial.raw.native_lr:
        yield from _pairs(trial, images)
    else:
        yield from _lists(trial, images)


def _lists(trial: Trial, images: Iterable[RawImage]) -> Iterator[RawImage]:
    """Make one image of each (identity, camera), of each kind of boxes, query, the rest gallery."""
    for group in _groups(images, lambda image: (image.pid, image.camid, image.boxes)):
        query, *others = ordered(group, *trial.names("query"), key=lambda image: image.key)
        yield replace(query, part="query")
        yield from (replace(image, part="gallery") for image in others)


def _pairs(trial: Trial, images: Iterable[RawImage]) -> Iterator[RawImage]:
    """Make one image of each identity query and one gallery, of another camera where there is one.

    VRIC's own lists are such pairs.
    """
    for group in _groups(images, lambda image: image.pid):
        query, *others = ordered(group, *trial.names("query"), key=lambda image: image.key)
        yield replace(query, part="query")
        elsewhere = [image for image in others if image.camid != query.camid]
        yield from (replace(image, part="gallery") for image in (elsewhere or others)[:1])


def _groups(
    images: Iterable[RawImage], key: Callable[[RawImage], Hashable]
) -> Iterable[list[RawImage]]:
    groups: dict[Hashable, list[RawImage]] = defaultdict(list)
    for image in images:
        groups[key(image)].append(image)
    return groups.values()
