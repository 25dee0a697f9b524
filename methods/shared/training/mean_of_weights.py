"""The mean of a network's weights over the end of its training."""

from dataclasses import replace

import torch
from torch import nn

from crossres.methods.interface.run import Run


class MeanOfWeights:
    """Averages all numbers of a module after each step that lies past a share of the training.

    Running statistics of batch normalisation are averaged, too.
    """

    def __init__(self, module: nn.Module, start: float) -> None:
        self._module, self._start, self._count = module, start, 0
        self._sums: dict[str, torch.Tensor] = {}

    def following(self, run: Run) -> Run:
        """Return the run with each of its steps averaged."""
        if self._start >= 1.0:
            return run

        def progress(done: int, total: int) -> None:
            if done > self._start * total:
                self._add()
            run.progress(done, total)

        return replace(run, progress=progress)

    @torch.no_grad()
    def _add(self) -> None:
        self._count += 1
        for name, value in self._module.state_dict().items():
            if not value.is_floating_point():
                continue
            if name in self._sums:
                self._sums[name].lerp_(value, 1.0 / self._count)
            else:
                self._sums[name] = value.clone()

    @torch.no_grad()
    def load(self) -> None:
        """Give the module the averages, where there are any."""
        state = self._module.state_dict()
        for name, mean in self._sums.items():
            state[name].copy_(mean)
