"""The camera sweep: one protocol text for each camera of a set, so that no camera is drawn."""

from crossres.datasets.base.errors import InputError
from crossres.datasets.protocols.named import PROTOCOLS
from crossres.datasets.protocols.options import canonical, official, read_options
from crossres.datasets.protocols.rates import camera_names
from crossres.datasets.raw.source import Raw
from crossres.datasets.splits.spec import Spec, parse_spec


def camera_sweep(raw: Raw, protocol: str | None = None) -> tuple[str, ...]:
    """Return `protocol` (None: mlr-sing) with lr_camera set to every camera of the set, in order.

    Raises InputError when the protocol has no LR camera to fix, or fixes it already, or when the
    set's LR camera is no matter of choice.
    """
    spec = parse_spec(protocol or "mlr-sing")
    options = PROTOCOLS[spec.name].options if spec.name in PROTOCOLS else {}
    if "lr_camera" not in options or "lr_camera" in spec.options:
        can = ", ".join(name for name, rule in PROTOCOLS.items() if "lr_camera" in rule.options)
        raise InputError(f"protocol {spec}: a camera sweep sets lr_camera; it needs one of {can}")
    texts = []
    for name in camera_names(raw.card, _camids(raw)):
        swept = Spec(spec.name, {**spec.options, "lr_camera": str(name)})
        texts.append(canonical(spec.name, read_options(raw, swept, options)))
    return tuple(texts)


def _camids(raw: Raw) -> list[int]:
    return [image.camid for image in raw.images if image.pid > 0 or not official(raw)]
