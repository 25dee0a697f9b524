"""The iterations of a training: which images, how augmented, how far the schedule has come.

All methods that use it see the same batches under the same seed, so that rows of a table pair up.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from crossres.methods.interface.profile import TrainSpec
from crossres.methods.interface.run import Run
from crossres.methods.interface.training_data import TrainSet
from crossres.methods.shared.checkpoints import kept, steps
from crossres.methods.shared.reid_options import ReidOptions
from crossres.methods.shared.tensors import (
    Augmented,
    erasing_mask,
    normalise,
    to_device,
    to_tensor,
)
from crossres.methods.shared.training.sampling import batches, lacking
from crossres.methods.shared.training.schedule import batch_spec, rate_factor, total_iterations

LOG = logging.getLogger("crossres.methods")
_BLOCK = 64  # batches drawn at once: a third of the time, as the caches keep the code that draws


@dataclass(frozen=True)
class Iteration:
    """One iteration: its number, the number of all, its images and their augmentation."""

    step: int
    total: int
    batch: Augmented
    options: ReidOptions
    generator: np.random.Generator
    run: Run

    @property
    def elapsed(self) -> float:
        """The share of the schedule that is over, in [0, 1)."""
        return self.step / self.total

    def rate(self, start: float, warmup: float = 0.0) -> float:
        """Return the learning rate of this iteration, where it starts at `start`."""
        o = self.options
        return start * rate_factor(self.step, self.total, o.lr_drop_at, o.lr_drop, warmup)

    def labels(self, device: torch.device) -> Tensor:
        """Return the labels of the batch's images, (B,) int64."""
        return to_device(self.batch.train.labels[self.batch.indices], device)

    def mask(self, count: int, device: torch.device) -> Tensor | None:
        """Draw what random erasing leaves of `count` images, (count, 1, H, W); None for all."""
        if self.options.erase == 0.0:
            return None
        height, width = self.batch.train.images.shape[1:3]
        mask = erasing_mask((count, height, width), self.options.erase, self.generator)
        self.run.record_draws(mask)
        return to_device(mask, device)

    def inputs(self, device: torch.device) -> Tensor:
        """Return the batch's images (B, 3, H, W) for a re-ID network: normalised, then erased."""
        return self.erased(normalise(to_tensor(self.batch.images(), device)))

    def erased(self, images: Tensor) -> Tensor:
        """Apply random erasing to normalised images (B, 3, H, W)."""
        mask = self.mask(len(images), images.device)
        return images if mask is None else images * mask


def iterations(
    train: TrainSet,
    spec: TrainSpec,
    options: ReidOptions,
    run: Run,
    total: int | None = None,
    phase: str = "",
) -> Iterator[Iteration]:
    """Yield the iterations that the profile asks for, or `total`, and report progress.

    The draws of a named phase are its own, so that what other phases draw does not depend on it.
    """
    if total is None:
        total = total_iterations(spec, train.labels)
    missing = lacking(train)
    if any(missing.values()) and not phase:
        LOG.info("identities without HR images: %(hr)d, without LR images: %(lr)d", missing)
    of_phase = (phase,) if phase else ()
    batch_draws = np.random.default_rng(run.seed_for("batches", *of_phase))
    augmentation_draws = np.random.default_rng(run.seed_for("augmentation", *of_phase))
    erasing_draws = kept(np.random.default_rng(run.seed_for("erasing", *of_phase)))
    # Batches are not kept: `steps` draws those of finished iterations again.
    drawn = (
        Augmented(train, indices, options.flip, options.crop, augmentation_draws)
        for indices in batches(train, batch_spec(spec), total, batch_draws)
    )
    for step, batch in steps(run, total, _in_blocks(drawn)):
        run.record_draws(batch.indices, batch.mirrored, batch.offsets)
        yield Iteration(step, total, batch, options, erasing_draws, run)


def _in_blocks(drawn: Iterator[Augmented]) -> Iterator[Augmented]:
    while block := list(islice(drawn, _BLOCK)):
        yield from block
