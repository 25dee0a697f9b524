"""Turning uint8 images into the tensors of networks and back, and augmenting them on the way.

Tensors are channels_last views of the (N, H, W, 3) arrays, so that nothing is transposed.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from crossres.methods.interface.training_data import Images, TrainSet

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_MEAN, _STD = (torch.tensor(channels).view(1, 3, 1, 1) for channels in (MEAN, STD))
_TO_NORMALISE = (-_MEAN / _STD, 1.0 / _STD)
EMBED_BATCH = 64


def to_device(array: NDArray[Any], device: torch.device) -> Tensor:
    """Return an array as a tensor on a device.

    To a GPU it goes by way of pinned memory: the copy waits for nothing, so that the next batch is
    made while the GPU computes. (torch keeps pinned memory until its copy is done.)
    """
    tensor = torch.from_numpy(array)
    if device.type == "cuda" and array.size > 0:
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def to_tensor(images: Images, device: torch.device) -> Tensor:
    """Convert (N, H, W, 3) uint8 to (N, 3, H, W) float32 in [0, 1], channels_last."""
    writeable = images if images.flags.writeable else images.copy()
    return to_device(writeable, device).permute(0, 3, 1, 2).to(torch.float32).div_(255.0)


def to_images(tensor: Tensor) -> Images:
    """Convert (N, 3, H, W), clipped to [0, 1], to (N, H, W, 3) uint8."""
    scaled = tensor.detach().clamp(0.0, 1.0).mul(255.0).round_().to(torch.uint8)
    return np.ascontiguousarray(scaled.permute(0, 2, 3, 1).cpu().numpy())


def normalise(tensor: Tensor) -> Tensor:
    """Scale [0, 1] to zero mean and unit deviation over ImageNet, channel by channel.

    In one kernel.
    """
    shift, scale = _TO_NORMALISE
    return torch.addcmul(shift.to(tensor), tensor, scale.to(tensor))


def denormalise(tensor: Tensor) -> Tensor:
    """Invert `normalise`."""
    return torch.addcmul(_MEAN.to(tensor), tensor, _STD.to(tensor))


def in_batches(images: Images, apply: Callable[[Images], Tensor]) -> Tensor:
    """Join the results of `apply` on at most EMBED_BATCH images at a time; called once for none."""
    starts = range(0, max(len(images), 1), EMBED_BATCH)
    return torch.cat([apply(images[start : start + EMBED_BATCH]) for start in starts])


class Augmented:
    """The images of one batch, mirrored and cropped alike for an image and its LR variants."""

    def __init__(
        self,
        train: TrainSet,
        indices: NDArray[np.int64],
        flip: float,
        crop: int,
        generator: np.random.Generator,
    ) -> None:
        self.train, self.indices, self.crop = train, indices, crop
        self.mirrored = generator.random(len(indices)) < flip
        self.offsets = generator.integers(0, 2 * crop + 1, (len(indices), 2))
        self.hr = np.flatnonzero(train.rates[indices] == 1)

    def images(self) -> Images:
        """Return the images of the batch, (B, H, W, 3) uint8."""
        return self._augmented(self.train.images[self.indices], slice(None))

    def versions(self, rates: tuple[int, ...]) -> Images:
        """Return the HR images of the batch at these rates (1: as they are), (V, n, H, W, 3)."""
        rows = np.searchsorted(self.train.hr, self.indices[self.hr])
        versions = [
            self._augmented(
                self.train.images[self.indices[self.hr]]
                if rate == 1
                else self.train.variants[rate][rows],
                self.hr,
            )
            for rate in rates
        ]
        return np.stack(versions)

    def _augmented(self, images: Images, which: slice | NDArray[np.int64]) -> Images:
        mirrored = self.mirrored[which]
        pixels = images.view("V3")[..., 0]  # moved whole: twice as fast as channel by channel
        pixels[mirrored] = pixels[mirrored, :, ::-1]
        if self.crop == 0:
            return images
        height, width, edge = *images.shape[1:3], (self.crop, self.crop)
        padded = np.pad(images, ((0, 0), edge, edge, (0, 0)))
        for k, (top, left) in enumerate(self.offsets[which]):
            images[k] = padded[k, top : top + height, left : left + width]
        return images


def erasing_mask(
    shape: tuple[int, int, int], probability: float, generator: np.random.Generator
) -> NDArray[np.float32]:
    """Draw (B, 1, H, W) of ones for `shape` (B, H, W), zero in a rectangle of some of the images.

    Rectangles cover 2 to 40 % of an image, with an aspect ratio of 0.3 to 3.3; on normalised images
    a zero is the mean colour.
    """
    count, height, width = shape
    mask = np.ones((count, 1, height, width), dtype=np.float32)
    for k in np.flatnonzero(generator.random(count) < probability):
        area = generator.uniform(0.02, 0.4) * height * width
        ratio = np.exp(generator.uniform(np.log(0.3), np.log(3.3)))
        tall = min(height, max(1, round(float(np.sqrt(area * ratio)))))
        wide = min(width, max(1, round(float(np.sqrt(area / ratio)))))
        top, left = generator.integers(0, (height - tall + 1, width - wide + 1))
        mask[k, :, top : top + tall, left : left + wide] = 0.0
    return mask
