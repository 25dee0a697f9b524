"""One optimiser step of several parts of a network, each with a learning rate of its own."""

from collections.abc import Iterable

from torch import Tensor
from torch.optim import Optimizer

from crossres.methods.shared.training.loop import Iteration
from crossres.methods.shared.training.schedule import set_rate

Part = tuple[Optimizer, float, float]  # with its first learning rate and its warm-up


def descend(now: Iteration, parts: list[Part], losses: Iterable[Tensor]) -> None:
    """Step all parts along the gradient of the sum of `losses`, propagated one after another.

    A generator of losses needs the memory of one at a time.
    """
    for optimiser, start, warmup in parts:
        set_rate(optimiser, now.rate(start, warmup))
        optimiser.zero_grad()
    for loss in losses:
        loss.backward()  # type: ignore[no-untyped-call]
    for optimiser, _, _ in parts:
        optimiser.step()
