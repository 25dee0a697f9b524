"""Every re-identification method by name: ours, and those of plug-ins.

Methods are imported when they are asked for, so that listing them never loads torch; and what one
of ours declares is there without it, too.
"""

import importlib
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, cast

from crossres.datasets.base.arguments import as_text
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.suggest import unknown
from crossres.methods.interface.declaration import Declaration
from crossres.methods.interface.options import options_as_json, resolve
from crossres.methods.interface.profile import Profile

if TYPE_CHECKING:
    from crossres.methods.interface.method import Method

GROUP = "crossres.methods"
# What `crossres.methods.msifla:Msifla` declares is `declarations.msifla:MsiflaDeclaration` there.
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
    "frozen": "crossres.methods.frozen:Frozen",
    "frozen-vpfa": "crossres.methods.vpfa:FrozenVpfa",
}


def method_names() -> list[str]:
    """List our methods, then those of plug-ins (entry points of the group "crossres.methods")."""
    return [*METHODS, *sorted(set(_plugins()) - set(METHODS))]


def is_method(name: str) -> bool:
    """Say whether there is a method of this name. Plug-ins are only looked for beside ours."""
    return name in METHODS or name in _plugins()


def method_class(name: str) -> "type[Method]":
    """Return the class of this name. Raises InputError, listing the known names, if there is none.

    Also for a plug-in whose class cannot be imported or is no Method.
    """
    from crossres.methods.interface.method import Method

    target = _target(name)
    cls = _imported(name, target)
    if not (isinstance(cls, type) and issubclass(cls, Method)):
        raise InputError(f"method {name!r}: {target} is not a subclass of crossres.Method")
    return cls


def declaration(name: str) -> type[Declaration]:
    """Return what a method declares, without torch for one of ours; a plug-in is imported whole.

    Raises InputError as `method_class` does.
    """
    if name not in METHODS:
        return method_class(name)
    module, _, attribute = METHODS[name].partition(":")
    room, _, module = module.rpartition(".")
    declared = f"{room}.declarations.{module}:{attribute}Declaration"
    return cast(type[Declaration], _imported(name, declared))


def method_module(name: str) -> str:
    """Return the name of the module that the class of a method stands in. Raises InputError."""
    if name in METHODS:
        return METHODS[name].partition(":")[0]
    return method_class(name).__module__


def resolve_options(name: str, profile: Profile, options: dict[str, Any]) -> dict[str, Any]:
    """Return all options of method `name` as JSON values.

    From its defaults, then the profile, then `options`, the last one winning.
    """
    declared = declaration(name).Options
    return options_as_json(resolve(name, declared, profile.overrides(name, declared), options))


def _target(name: str) -> str:
    """Return "module:class" of a method."""
    target = METHODS.get(as_text(name, "method")) or _plugins().get(name)
    if target is None:
        raise unknown("method", name, method_names())
    return target


def _imported(name: str, target: str) -> Any:
    module, _, attribute = target.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise InputError(
            f"method {name!r}: cannot import {target} ({error}); install or remove its plug-in"
        ) from error


def _plugins() -> dict[str, str]:
    """Look through all installed packages, which takes longer than all else done with a name."""
    return {point.name: point.value for point in entry_points(group=GROUP)}
