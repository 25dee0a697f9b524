"""The methods room: one public door to every re-identification method, by name.

Methods are imported when they are asked for, so that listing them never loads torch.
"""

import importlib
from importlib.metadata import entry_points
from typing import Any

from datasets.arguments import as_text
from datasets.errors import InputError
from datasets.suggest import unknown
from methods.check import MethodCheckError, check_method
from methods.interface import Method, Profile, Run, TrainSet
from methods.options import options_as_json, resolve
from methods.saved import load_method

__all__ = [
    "METHODS",
    "Method",
    "MethodCheckError",
    "Profile",
    "Run",
    "TrainSet",
    "check_method",
    "load_method",
    "method_class",
    "method_names",
    "resolve_options",
]

GROUP = "crossres.methods"
METHODS: dict[str, str] = {
    "msifla": "methods.msifla:Msifla",
    "judea": "methods.judea:Judea",
    "sld2l": "methods.sld2l:Sld2l",
    "sdf": "methods.sdf:Sdf",
    "sing": "methods.sing:SingMethod",
    "csr-gan": "methods.csr_gan:CsrGan",
    "cad-net": "methods.cad_net:CadNet",
    "intact": "methods.intact:Intact",
    "pri": "methods.pri:Pri",
    "pcb-pri": "methods.pri:PcbPri",
    "apsr": "methods.apsr:Apsr",
    "rain": "methods.rain:Rain",
    "ps-hrnet": "methods.ps_hrnet:PsHrnet",
    "jbim": "methods.jbim:Jbim",
    "lrar": "methods.lrar:Lrar",
    "vpfa": "methods.vpfa:Vpfa",
    "plain": "methods.plain:Plain",
    "pcb": "methods.pcb:Pcb",
    "bot": "methods.bot:Bot",
}


def method_names() -> list[str]:
    """Our methods, then those of plug-ins (entry points of the group "crossres.methods")."""
    return [*METHODS, *sorted(set(_plugins()) - set(METHODS))]


def method_class(name: str) -> type[Method]:
    """The class registered under `name`. Raises InputError, listing the known names, if none is."""
    target = METHODS.get(as_text(name, "method")) or _plugins().get(name)
    if target is None:
        known = method_names()
        raise unknown("method", name, known)
    module, _, attribute = target.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise InputError(
            f"method {name!r}: cannot import {target} ({error}); install or remove its plug-in"
        ) from error
    if not (isinstance(found, type) and issubclass(found, Method)):
        raise InputError(f"method {name!r}: {target} is not a subclass of crossres.Method")
    return found


def resolve_options(name: str, profile: Profile, options: dict[str, Any]) -> dict[str, Any]:
    """All options of method `name` as JSON values: defaults, then the profile's, then `options`."""
    chosen = profile.methods.get(name, {})
    return options_as_json(resolve(name, method_class(name).Options, chosen, options))


def _plugins() -> dict[str, str]:
    return {point.name: point.value for point in entry_points(group=GROUP)}
