"""A step of training in a cell beside the same step written plainly in torch.

The plain step takes turns with ours inside the training: after each step of ours it does the same
with networks of its own, on the same images, which it gets as tensors.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Adam

from crossres.benchmark.config.profiles import load_profile
from crossres.benchmark.measures.learning_curves import Curves
from crossres.benchmark.runs.cell import make_deterministic
from crossres.methods.interface.registry import method_class
from crossres.methods.interface.run import Run
from crossres.methods.interface.training_data import TrainSet
from crossres.methods.shared.reid_options import ReidOptions
from crossres.methods.shared.training.schedule import rate_factor
from tools.performance.contests import Disagreement
from tools.performance.figures import Ratio, ratio_of
from tools.performance.timing import no_garbage_collected

PEOPLE, IMAGES = 20, 8
RATES = (2, 3, 4)
STEPS, FIRST = 24, 4  # the first ones, in which torch chooses its kernels, are not counted
FITS = {"plain": 12, "msifla": 5}
COMPARED = 4  # steps whose losses must agree: later ones differ by rounding that has grown
WITHIN = 1e-3  # of the loss
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
TRAINING = "training, profile quick"
PEER = "the same networks, plainly in torch"


@dataclass(frozen=True)
class Batch:
    """Images (B, 3, H, W) and the HR ones of them at rates 4, 3, 2, 1, (4, n, 3, H, W)."""

    images: Tensor
    versions: Tensor
    labels: Tensor


class PlainStep(Protocol):
    """A step written plainly."""

    def __call__(self, batch: Batch, share: float) -> Tensor:
        """Do it at this share of the learning rates of re-ID networks; return their loss."""


def training() -> Iterator[Ratio]:
    """Yield the ratios of `plain` and `msifla`: each step of a fit, all fits being rounds."""
    for name, fits in FITS.items():
        pairs = [_fit(name) for _ in range(fits)]
        ours, plain = zip(*pairs, strict=True)
        yield ratio_of(TRAINING, (f"a step of {name}", PEER), ours, plain)


def _fit(name: str) -> tuple[float, float]:
    """Train once; return the mean CPU seconds of a step of ours and of the plain ones."""
    profile = load_profile("quick")
    method: Any = method_class(name)(replace(profile, train={**profile.train, "iterations": STEPS}))
    train = _train_set(profile.height, profile.width)
    plain = PLAIN[name](method.build(train.identities, Run(0), False), method.options)
    turns = _Turns(train, plain, method.options)
    curves = Curves(turns.progress)
    run = Run(0, "cpu", curves.progress, turns.recording(curves.record_loss), turns.record_draws)
    make_deterministic(run)  # as a cell does
    try:
        with no_garbage_collected():
            method.fit(train, run)
    finally:
        torch.use_deterministic_algorithms(False)
    return turns.mean_seconds()


class _Turns:
    """What a training calls: after each step of ours the plain one has its turn."""

    def __init__(self, train: TrainSet, plain: PlainStep, options: ReidOptions) -> None:
        self._train, self._plain, self._options = train, plain, options
        self._losses: list[Tensor] = []
        self._ours, self._plains = list[float](), list[float]()
        self._end = time.process_time()

    def recording(self, record: Callable[[str, Tensor], None]) -> Callable[[str, Any], None]:
        """Return a `record_loss` that also keeps those of the re-ID networks."""

        def record_loss(name: str, value: Tensor) -> None:
            record(name, value)
            if name != "reconstruction":
                self._losses.append(value.detach())

        return record_loss

    def record_draws(self, *arrays: NDArray[Any]) -> None:
        """Keep which images the batch has, and which of them are mirrored."""
        self._drawn = arrays

    def progress(self, done: int, total: int) -> None:
        """End a step of ours, and do a plain one."""
        self._ours.append(time.process_time() - self._end)
        batch = self._batch(*self._drawn[:2])
        share = rate_factor(
            done - 1,
            total,
            self._options.lr_drop_at,
            self._options.lr_drop,
            self._options.reid_warmup,
        )
        torch.use_deterministic_algorithms(False)
        start = time.process_time()
        loss = self._plain(batch, share)
        self._plains.append(time.process_time() - start)
        torch.use_deterministic_algorithms(True, warn_only=True)
        ours = float(sum(self._losses))
        if done <= COMPARED and abs(float(loss) - ours) > WITHIN * abs(ours):
            raise Disagreement(
                f"{TRAINING}: a loss of {ours} in step {done}, plainly {float(loss)}"
            )
        self._losses.clear()
        self._end = time.process_time()

    def mean_seconds(self) -> tuple[float, float]:
        """Return the means of both, without the first steps."""
        return float(np.mean(self._ours[FIRST:])), float(np.mean(self._plains[FIRST:]))

    def _batch(self, indices: NDArray[np.int64], mirrored: NDArray[np.bool_]) -> Batch:
        train = self._train
        hr = np.flatnonzero(train.rates[indices] == 1)
        rows = np.searchsorted(train.hr, indices[hr])
        versions = [train.variants[rate][rows] for rate in (4, 3, 2)] + [train.images[indices[hr]]]
        return Batch(
            _tensor(train.images[indices], mirrored),
            torch.stack([_tensor(some, mirrored[hr]) for some in versions]),
            torch.from_numpy(train.labels[indices]),
        )


# --- plain steps ----------------------------------------------------------------------------------


def _plain(network: Any, options: Any) -> PlainStep:
    network.train().to(memory_format=torch.channels_last)
    optimiser = Adam(network.parameters(), weight_decay=options.reid_weight_decay, fused=True)

    def step(batch: Batch, share: float) -> Tensor:
        optimiser.param_groups[0]["lr"] = share * options.reid_lr
        optimiser.zero_grad()
        loss = _reid_loss(network.reid[0], batch.images, batch.labels, options)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        return loss.detach()

    return step


def _msifla(network: Any, options: Any) -> PlainStep:
    network.train().to(memory_format=torch.channels_last)
    ir = Adam(network.ir.parameters(), options.ir_lr, fused=True)
    ir_by_reid = Adam(network.ir.parameters(), options.ir_reid_lr, fused=True)
    reid = Adam(network.reid.parameters(), weight_decay=options.reid_weight_decay, fused=True)

    def step(batch: Batch, share: float) -> Tensor:
        reid.param_groups[0]["lr"] = share * options.reid_lr
        versions = batch.versions[:, : options.ir_images]
        ir.zero_grad()
        reid.zero_grad()
        loss = torch.zeros(())
        for rebuilt, rate in zip(
            _cascade(network.ir, versions.flatten(0, 1)), options.scales, strict=True
        ):
            target = versions[4 - rate].expand_as(versions)
            loss = loss + 4 * F.mse_loss(rebuilt.view(versions.shape), target)
        loss.backward()  # type: ignore[no-untyped-call]
        ir.step()
        ir.zero_grad()
        outputs = zip(network.reid, _cascade(network.ir, batch.images), strict=True)
        losses = [_reid_loss(part, images, batch.labels, options) for part, images in outputs]
        loss = torch.stack(losses).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        reid.step()
        ir_by_reid.step()
        return loss.detach()

    return step


PLAIN: dict[str, Callable[[Any, Any], PlainStep]] = {"plain": _plain, "msifla": _msifla}


def _cascade(networks: nn.ModuleList, images: Tensor) -> Iterator[Tensor]:
    for network in networks:
        images = network(images)
        yield images


def _reid_loss(network: nn.Module, images: Tensor, labels: Tensor, options: ReidOptions) -> Tensor:
    """Return cross-entropy and batch-hard triplet loss, summed over the parts."""
    mean, deviation = (torch.tensor(x).view(1, 3, 1, 1) for x in (MEAN, DEVIATION))
    features, logits = network((images - mean) / deviation)
    entropies = [
        F.cross_entropy(part, labels, label_smoothing=options.label_smoothing) for part in logits
    ]
    distances = torch.cdist(features, features)
    same = labels[:, None] == labels
    farthest = distances.masked_fill(~same, 0.0).amax(2)
    nearest = distances.masked_fill(same, torch.inf).amin(2)
    triplet = F.relu(options.margin + farthest - nearest).mean(1).sum()
    return torch.stack(entropies).sum() + triplet


# --- images ---------------------------------------------------------------------------------------


def _train_set(height: int, width: int) -> TrainSet:
    """Draw images of noise: what is on them does not change how long a step takes."""
    rng = np.random.default_rng(0)
    count = PEOPLE * IMAGES
    rates = np.tile([1, 2, 1, 3, 1, 4, 1, 2], PEOPLE)
    hr = np.flatnonzero(rates == 1)
    sizes = [count, *(len(hr) for _ in RATES)]
    images = [rng.integers(0, 256, (n, height, width, 3), dtype=np.uint8) for n in sizes]
    return TrainSet(
        images[0],
        np.arange(count) // IMAGES,
        np.zeros(count, dtype=np.int64),
        rates,
        dict(zip(RATES, images[1:], strict=True)),
        hr,
    )


def _tensor(images: NDArray[np.uint8], mirrored: NDArray[np.bool_]) -> Tensor:
    """Convert (N, H, W, 3) to (N, 3, H, W) in [0, 1], some of them mirrored."""
    turned = np.where(mirrored[:, None, None, None], images[:, :, ::-1], images)
    return torch.from_numpy(turned).permute(0, 3, 1, 2).float() / 255
