"""Protocols: pure functions from (all images of a raw folder, seed) to a manifest.

Every random choice is a hash of (data set, protocol, seed, purpose, item); docs/protocols.md says
each rule precisely enough to be written again.
"""

from crossres.datasets.base.arguments import as_a, as_whole
from crossres.datasets.base.suggest import unknown
from crossres.datasets.cards import Card, card
from crossres.datasets.protocols.named import PROTOCOLS, Protocol
from crossres.datasets.protocols.options import (
    canonical,
    check_option,
    of_card,
    plain,
    read_options,
)
from crossres.datasets.protocols.sweep import camera_sweep
from crossres.datasets.raw.source import Raw
from crossres.datasets.splits.manifest import Manifest
from crossres.datasets.splits.spec import Spec, parse_spec

__all__ = [
    "PROTOCOLS",
    "Protocol",
    "build_manifest",
    "camera_sweep",
    "canonical_text",
    "gallery_rule",
]


def build_manifest(raw: Raw, protocol: str | None = None, seed: int = 0) -> Manifest:
    """Return the split of one trial; `protocol` None means the default of the data set's card.

    `protocol` is a name, or a name with options: "mlr-sing[balanced=true]". The seed (>= 0) numbers
    the trial. Raises InputError on an unknown protocol or option, one that the data set has no use
    for, a negative seed, or a raw folder with too few identities to split.
    """
    usual = as_a(Raw, raw, "raw").card.protocol
    spec = parse_spec(usual if protocol is None else protocol)
    rule, seed = _protocol(spec.name), as_whole(seed, "seed")
    options = read_options(raw, spec, rule.options)
    return rule.build(raw, seed, options, canonical(spec.name, options))


def canonical_text(dataset: str | Card, protocol: str) -> str:
    """Return how manifests of a data set name this protocol: options sorted, without the defaults.

    What only the raw folder decides (the default of `splits`) stays as it is given. Raises
    InputError on an unknown protocol or option, or a value outside its range.
    """
    spec = parse_spec(protocol)
    options = _protocol(spec.name).options
    for key, value in spec.options.items():
        check_option(spec.name, options, key, value)
    defaults = {**options, **of_card(card(dataset)), "splits": None}
    values = {key: plain(value) for key, value in spec.options.items()}
    return str(Spec(spec.name, {k: v for k, v in values.items() if v != defaults[k]}))


def gallery_rule(protocol: str) -> str:
    """Return the gallery rule that belongs to a protocol: "single-shot" or "multi-shot"."""
    return _protocol(parse_spec(protocol).name).gallery


def _protocol(name: str) -> Protocol:
    if name not in PROTOCOLS:
        raise unknown("protocol", name, PROTOCOLS)
    return PROTOCOLS[name]
