"""Every re-identification method by name: ours, and those of plug-ins.

Methods are imported when they are asked for, so that listing them never loads torch.
"""

import importlib
from importlib.metadata import entry_points
from typing import Any

from crossres.datasets.base.arguments import as_text
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.suggest import unknown
from crossres.methods.interface.method import Method
from crossres.methods.interface.options import options_as_json, resolve
from crossres.methods.interface.profile import Profile

GROUP = "crossres.methods"
METHODS: dict[str, str] = {
    "msifla": "crossres.methods.msifla:Msifla",
    "judea": "crossres.methods.judea:Judea",
    "sld2l": "crossres.methods.sld2l:Sld2l",
    "sdf": "crossres.methods.sdf:Sdf",
    "sing": "crossres.methods.sing:SingMethod",
    "csr-gan": "crossres.methods.csr_gan:CsrGan",
    "cad-net": "crossres.methods.cad_net:CadNet",
    "intact": "crossres.methods.intact:Intact",
    "pri": "crossres.methods.pri:Pri",
    "pcb-pri": "crossres.methods.pri:PcbPri",
    "apsr": "crossres.methods.apsr:Apsr",
    "rain": "crossres.methods.rain:Rain",
    "ps-hrnet": "crossres.methods.ps_hrnet:PsHrnet",
    "jbim": "crossres.methods.jbim:Jbim",
    "lrar": "crossres.methods.lrar:Lrar",
    "vpfa": "crossres.methods.vpfa:Vpfa",
    "plain": "crossres.methods.plain:Plain",
    "pcb": "crossres.methods.pcb:Pcb",
    "bot": "crossres.methods.bot:Bot",
}


def method_names() -> list[str]:
    """List our methods, then those of plug-ins (entry points of the group "crossres.methods")."""
    return [*METHODS, *sorted(set(_plugins()) - set(METHODS))]


def method_class(name: str) -> type[Method]:
    """Return the class of this name. Raises InputError, listing the known names, if there is none.

    Also for a plug-in whose class cannot be imported or is no Method.
    """
    target = METHODS.get(as_text(name, "method")) or _plugins().get(name)
    if target is None:
        raise unknown("method", name, method_names())
    module, _, attribute = target.partition(":")
    try:
        cls = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise InputError(
            f"method {name!r}: cannot import {target} ({error}); install or remove its plug-in"
        ) from error
    if not (isinstance(cls, type) and issubclass(cls, Method)):
        raise InputError(f"method {name!r}: {target} is not a subclass of crossres.Method")
    return cls


def resolve_options(name: str, profile: Profile, options: dict[str, Any]) -> dict[str, Any]:
    """Return all options of method `name` as JSON values.

    From its defaults, then the profile, then `options`, the last one winning.
    """
    declared = method_class(name).Options
    return options_as_json(resolve(name, declared, profile.overrides(name, declared), options))


def _plugins() -> dict[str, str]:
    return {point.name: point.value for point in entry_points(group=GROUP)}
