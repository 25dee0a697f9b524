"""One training: its seed, its device, who follows its progress, and who keeps its checkpoints."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, Self, SupportsFloat

from numpy.typing import NDArray

from crossres.datasets.base.arguments import as_a, as_function, as_text, as_whole
from crossres.datasets.base.draws import draw


def ignore_progress(done: int, total: int) -> None:
    """Drop the progress: the default of `progress`."""


def ignore_loss(name: str, value: SupportsFloat) -> None:
    """Drop the loss: the default of `record_loss`."""


def ignore_draws(*arrays: NDArray[Any]) -> None:
    """Drop the draws: the default of `record_draws`."""


def ignore_resumption() -> None:
    """Do nothing: the default of `resumed`."""


class UnusableCheckpoint(Exception):
    """A training cannot go on from a checkpoint; the text says why, in words that follow "it"."""


@dataclass(frozen=True)
class Checkpoints:
    """Where a training leaves what it needs to go on after an interruption, and finds it again.

    due(): asked after each step, says whether to keep a checkpoint now. keep(files): takes one, by
    file name; it replaces the one before, and nothing in it may be pickled. files: the checkpoint
    to go on from; None: the training starts anew. resumed(): called once when the training has
    taken `files` up, before its next step; raises UnusableCheckpoint where it must start anew.
    `trainings` counts the trainings of a run, so that of several each finds its own checkpoint.
    """

    due: Callable[[], bool]
    keep: Callable[[Mapping[str, bytes]], None]
    files: Mapping[str, bytes] | None = None
    resumed: Callable[[], None] = ignore_resumption
    trainings: Iterator[int] = field(default_factory=count)


@dataclass(frozen=True)
class Run:
    """One training: its seed, its device ("cpu", "cuda", ...) and three functions that follow it.

    progress(done, total): called after each step. record_loss(name, value): a loss, a float or a
    tensor of one number, of the step that the next `progress` ends; of several in a step the mean
    counts. Tensors are read later and in bulk, so that nothing waits for a GPU.
    record_draws(*arrays): what a step drew at random, such as the images of its batch; losses of
    two trainings are the same only where they drew the same. dataset: the id of the data set that
    is trained on; it goes into all draws, so that trainings of one seed on several sets are
    independent. checkpoints: None where nobody would keep them; a method may ignore them.
    """

    seed: int
    device: str = "cpu"
    progress: Callable[[int, int], None] = ignore_progress
    record_loss: Callable[[str, SupportsFloat], None] = ignore_loss
    record_draws: Callable[..., None] = ignore_draws
    dataset: str = ""
    checkpoints: Checkpoints | None = None

    def __post_init__(self) -> None:
        as_whole(self.seed, "seed of a Run")
        as_text(self.device, "device of a Run")
        as_text(self.dataset, "data set of a Run")
        for name in ("progress", "record_loss", "record_draws"):
            as_function(getattr(self, name), f"{name} of a Run")
        if self.checkpoints is not None:
            as_a(Checkpoints, self.checkpoints, "checkpoints of a Run")

    def seed_for(self, *purpose: str | int) -> int:
        """Return a 63-bit seed for one named purpose; purposes never share a stream of numbers."""
        dataset = (self.dataset,) if self.dataset else ()
        return draw("run", *dataset, self.seed, *purpose) >> 1

    def part(self, before: int, total: int) -> Self:
        """Return the same run for a part of the training: `before` of `total` steps precede it."""
        return replace(self, progress=lambda done, _: self.progress(before + done, total))
