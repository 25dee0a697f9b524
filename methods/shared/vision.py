"""torchvision, imported so that it also works where its compiled operators cannot be loaded.

Its Python part registers a fake kernel for `nms` and `qnms`, which must be declared by then.
"""

from typing import Any

import torch

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_declared: list[torch.library.Library] = []


def torchvision_models() -> Any:
    """The module torchvision.models. We use no operator of torchvision's own, only its networks."""
    for name in ("nms", "qnms"):
        _declare(name)
    import torchvision.models

    return torchvision.models


def _declare(name: str) -> None:
    """Declare `torchvision::name` when no compiled library does; a Library must stay alive."""
    if hasattr(torch.ops.torchvision, name):
        return
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    library.define(name + _SCHEMA)  # type: ignore[no-untyped-call]
    _declared.append(library)
