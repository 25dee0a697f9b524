"""What a method is trained on: images, labels, cameras, rates and LR variants."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossres.datasets.base.arguments import as_a, as_array, as_ids
from crossres.datasets.base.errors import InputError

Images = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class TrainSet:
    """All that a method may see of a data set: the training identities and nothing else.

    images (N, H, W, 3) uint8 RGB; labels (N,) int64 in 0..C-1; camids (N,) int64; rates (N,)
    int64, 1 = HR, 2, 3, 4 = down-sampled by that rate, 0 = natively LR; hr (M,) int64, the indices
    of the rate-1 images; variants[r] (M, H, W, 3) uint8, row k is images[hr[k]] down-sampled by r
    on its native grid and brought back to the input size. Raises InputError when these disagree.
    """

    images: Images
    labels: NDArray[np.int64]
    camids: NDArray[np.int64]
    rates: NDArray[np.int64]
    variants: Mapping[int, Images]
    hr: NDArray[np.int64]

    def __post_init__(self) -> None:
        """Check the columns against each other; they may be arrays of any library."""
        object.__setattr__(self, "images", as_array(self.images, "training images"))
        for name in ("labels", "camids", "rates", "hr"):
            object.__setattr__(self, name, as_ids(getattr(self, name), name))
        variants = as_a(dict, self.variants, "variants").items()
        arrays = {rate: as_array(images, f"variant 1/{rate}") for rate, images in variants}
        object.__setattr__(self, "variants", arrays)
        count = len(self.images)
        if self.images.ndim != 4 or self.images.shape[3] != 3 or self.images.dtype != np.uint8:
            raise InputError(
                f"training images must be (N, H, W, 3) uint8, not {self.images.shape} "
                f"{self.images.dtype}; build them with crossres.open_store"
            )
        if any(len(column) != count for column in (self.labels, self.camids, self.rates)):
            raise InputError("labels, camids and rates must have one entry per training image")
        if count == 0 or set(np.unique(self.labels)) != set(range(int(self.labels.max()) + 1)):
            raise InputError("training labels must be 0..C-1 with every identity present")
        if not np.array_equal(self.hr, np.flatnonzero(self.rates == 1)):
            raise InputError("hr must be the indices of the training images of rate 1, in order")
        for rate, variant in self.variants.items():
            if variant.shape != (len(self.hr), *self.images.shape[1:]):
                raise InputError(f"variant 1/{rate} must hold one image per HR training image")

    @property
    def identities(self) -> int:
        """Return C, the number of training identities."""
        return int(self.labels.max()) + 1
