"""The mean of a network's weights over the end of its training."""

from typing import Any

import torch
from torch import Tensor, nn


class MeanOfWeights:
    """Averages all floating-point numbers of a module, running statistics of normalisation too."""

    def __init__(self, module: nn.Module) -> None:
        self._module, self._count = module, 0
        self._means: dict[str, Tensor] = {}

    def state_dict(self) -> dict[str, Any]:
        """Return the means so far, and of how many."""
        return {"count": self._count, "means": self._means}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` returned."""
        values = self._module.state_dict()
        self._count = state["count"]
        self._means = {name: mean.to(values[name].device) for name, mean in state["means"].items()}

    @torch.no_grad()
    def add(self) -> None:
        """Take the numbers as they are now into the mean."""
        self._count += 1
        for name, value in self._module.state_dict().items():
            if not value.is_floating_point():
                continue
            if name in self._means:
                self._means[name].lerp_(value, 1.0 / self._count)
            else:
                self._means[name] = value.clone()

    @torch.no_grad()
    def load(self) -> None:
        """Give the module the means of its numbers; nothing where none were added."""
        state = self._module.state_dict()
        for name, mean in self._means.items():
            state[name].copy_(mean)
