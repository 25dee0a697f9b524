"""A Method that is no network: arrays, learned with scikit-learn and scikit-image on one thread.

A subclass says what it learns and how an image is described, nothing else.
"""

import importlib
import random
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from crossres.datasets.base.errors import InputError
from crossres.methods.interface.method import Embeddings, Method
from crossres.methods.interface.profile import Profile
from crossres.methods.interface.run import Run
from crossres.methods.interface.training_data import Images, TrainSet
from crossres.methods.shared.classic.descriptors import in_chunks
from crossres.methods.shared.classic.libraries import LOADS
from crossres.methods.shared.classic.projections import Matrix
from crossres.methods.shared.loss_recording import recording_losses

Arrays = dict[str, NDArray[Any]]


class ClassicMethod(Method):
    """`learn` and `describe` make a method; needs the optional libraries of crossres[classic]."""

    computes_as_told: ClassVar[bool] = True  # there is no network to be told

    def __init__(self, profile: Profile, **options: Any) -> None:
        """Import the optional libraries. Raises InputError also when one is not installed."""
        super().__init__(profile, **options)
        state = random.getstate()  # which the import of joblib moves on
        try:
            for module in LOADS:
                importlib.import_module(module)
        except ImportError as error:
            raise InputError(
                f"method {self.name} needs scikit-image, scikit-learn and scipy ({error}): "
                "pip install 'crossres[classic]'"
            ) from error
        finally:
            random.setstate(state)
        self._arrays: Arrays | None = None

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """The names of the arrays that are learned with these options."""

    @abstractmethod
    def learn(self, train: TrainSet, run: Run) -> Arrays:
        """Return everything learned, by name."""

    @abstractmethod
    def describe(self, images: Images, learned: Arrays) -> NDArray[Any]:
        """Return the embeddings (n, D) of a few images (n, H, W, 3), from what was learned."""

    def fit(self, train: TrainSet, run: Run) -> None:
        with threadpool_limits(1), recording_losses(run.record_loss):
            self._arrays = self.learn(train, run)

    def embed(self, images: Images) -> Embeddings:
        learned = self.arrays()
        with threadpool_limits(1):
            embeddings = in_chunks(images, lambda chunk: self.describe(chunk, learned))
        return np.ascontiguousarray(embeddings, dtype=np.float32)

    def arrays(self) -> Arrays:
        if self._arrays is None:
            raise InputError(f"method {self.name} is not trained yet; call fit or load first")
        return self._arrays

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        if set(arrays) != set(self.names):
            raise InputError(
                f"saved arrays of {self.name} must be {', '.join(sorted(self.names))}, "
                f"not {', '.join(sorted(arrays)) or 'none'}"
            )
        black = np.zeros((1, self.profile.height, self.profile.width, 3), dtype=np.uint8)
        try:
            self.describe(black, dict(arrays))
        except (ValueError, IndexError) as error:
            text = " ".join(str(error).split())
            raise InputError(
                f"saved arrays do not fit the options of {self.name}: {text}"
            ) from error
        self._arrays = dict(arrays)


def projected(rows: NDArray[Any], learned: Mapping[str, NDArray[Any]], key: str) -> Matrix:
    """Project rows (n, ...), less their mean, on the axes learned under `key`: (n, k)."""
    flat = rows.reshape(len(rows), -1)
    return np.asarray((flat - learned[f"mean.{key}"]) @ learned[f"map.{key}"], dtype=np.float64)
