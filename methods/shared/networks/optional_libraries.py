"""torchvision and timm, imported so that they also work where compiled operators cannot be loaded.

torchvision registers a fake kernel for `nms` and `qnms` in Python, which must be declared by then:
by its compiled library, or else by us. Never by both, which would abort the process.
"""

import importlib.util
from pathlib import Path
from typing import Any

import torch

from crossres.datasets.base.errors import InputError

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_declared: list[torch.library.Library] = []


def torchvision_models() -> Any:
    """Import torchvision.models. We use no operator of torchvision's own, only its networks."""
    _load_compiled()
    for name in ("nms", "qnms"):
        _declare(name)
    import torchvision.models

    return torchvision.models


def timm(extra: str = "timm") -> Any:
    """Import timm, which imports torchvision. Without it, InputError names the extra to install."""
    torchvision_models()
    try:
        import timm
    except ImportError as error:
        raise InputError(f"this network needs timm: pip install 'crossres[{extra}]'") from error
    return timm


def _load_compiled() -> None:
    """Load the operators of torchvision where its library fits this build of torch."""
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        return
    libraries = Path(spec.origin).parent.glob("_C.*")
    for library in (path for path in libraries if path.suffix in (".so", ".pyd")):
        try:
            torch.ops.load_library(str(library))  # type: ignore[no-untyped-call]
        except OSError:
            continue


def _declare(name: str) -> None:
    """Declare `torchvision::name` when no compiled library does; a Library must stay alive."""
    if hasattr(torch.ops.torchvision, name):
        return
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    library.define(name + _SCHEMA)  # type: ignore[no-untyped-call]
    _declared.append(library)
