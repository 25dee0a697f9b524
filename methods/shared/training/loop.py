"""The iterations of a training: which images, how augmented, how far the schedule has come.

All methods that use it see the same batches under the same seed, so that rows of a table pair up.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from crossres.methods.interface.run import Run
from crossres.methods.interface.training_data import TrainSet
from crossres.methods.shared.reid_options import ReidOptions
from crossres.methods.shared.tensors import Augmented, erasing_mask, normalise, to_tensor
from crossres.methods.shared.training.sampling import batches, lacking
from crossres.methods.shared.training.schedule import rate_factor, train_spec

LOG = logging.getLogger("crossres.methods")


@dataclass(frozen=True)
class Iteration:
    """One iteration: its number, the number of all, its images, and what to erase from them."""

    step: int
    total: int
    batch: Augmented
    options: ReidOptions
    generator: np.random.Generator
    run: Run

    @property
    def done(self) -> float:
        """The share of the schedule that lies behind, in [0, 1)."""
        return self.step / self.total

    def rate(self, start: float, warmup: float = 0.0) -> float:
        """The learning rate now, of one that starts at `start`."""
        o = self.options
        return start * rate_factor(self.step, self.total, o.lr_drop_at, o.lr_drop, warmup)

    def labels(self, device: torch.device) -> Tensor:
        """The identities of the batch's images, (B,) int64."""
        return torch.from_numpy(self.batch.train.labels[self.batch.indices]).to(device)

    def mask(self, count: int, device: torch.device) -> Tensor | None:
        """What random erasing leaves of `count` images, (count, 1, H, W), or None for all."""
        if self.options.erase == 0.0:
            return None
        height, width = self.batch.train.images.shape[1:3]
        kept = erasing_mask((count, height, width), self.options.erase, self.generator)
        self.run.record_draws(kept)
        return torch.from_numpy(kept).to(device)

    def seen(self, device: torch.device) -> Tensor:
        """The batch's images as a re-ID network trains on them: normalised, erased where asked."""
        return self.erased(normalise(to_tensor(self.batch.images(), device)))

    def erased(self, images: Tensor) -> Tensor:
        """Normalised images (B, 3, H, W) as random erasing leaves them."""
        mask = self.mask(len(images), images.device)
        return images if mask is None else images * mask


def iterations(
    train: TrainSet, table: dict[str, Any], options: ReidOptions, run: Run
) -> Iterator[Iteration]:
    """The iterations that a profile's `train` table asks for; the run is told of each."""
    spec = train_spec(table)
    total = spec.total(train.labels)
    short = lacking(train)
    if any(short.values()):
        LOG.info("identities without HR images: %(hr)d, without LR images: %(lr)d", short)
    chosen = np.random.default_rng(run.seed_for("batches"))
    changed = np.random.default_rng(run.seed_for("augmentation"))
    hidden = np.random.default_rng(run.seed_for("erasing"))
    for step, indices in enumerate(batches(train, spec.batch, total, chosen)):
        batch = Augmented(train, indices, options.flip, options.crop, changed)
        run.record_draws(indices, batch.mirrored, batch.offsets)
        yield Iteration(step, total, batch, options, hidden, run)
        run.progress(step + 1, total)
