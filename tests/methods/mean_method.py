"""A method that is none of ours, for tests of what every method promises."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from crossres.methods.interface.method import Embeddings, Method
from crossres.methods.interface.run import Run
from crossres.methods.interface.training_data import Images, TrainSet


@dataclass(frozen=True)
class MeanOptions:
    """bins: horizontal bins of the mean colour."""

    bins: int = 2


class Mean(Method):
    """A method that passes: mean colours, centred on those of the training set."""

    name: ClassVar[str] = "mean"
    title: ClassVar[str] = "Mean colour"
    grade: ClassVar[Any] = "control"
    reference: ClassVar[str] = "tests"
    Options: ClassVar[type] = MeanOptions
    centre: NDArray[np.float32]

    def fit(self, train: TrainSet, run: Run) -> None:
        self.centre = self._colours(train.images).mean(0)
        run.progress(1, 1)

    def embed(self, images: Images) -> Embeddings:
        return np.asarray(self._colours(images) - self.centre, dtype=np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"centre": self.centre}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self.centre = arrays["centre"]

    def _colours(self, images: Images) -> NDArray[np.float32]:
        parts = images.reshape(len(images), self.options.bins, -1, images.shape[2], 3)
        return parts.mean((2, 3)).reshape(len(images), -1).astype(np.float32)
