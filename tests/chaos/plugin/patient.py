"""A method for trials of runs: its training takes as long as it is told, and all else no time."""

import time
from dataclasses import dataclass

import numpy as np

from crossres import InputError, Method

STEP_SECONDS = 0.02
STRIPES = 8


@dataclass(frozen=True)
class Options:
    """seconds: what the training takes, asleep. silent: it tells nobody how far it is."""

    seconds: float = 0.3
    silent: bool = False


class Patient(Method):
    """Mean colours of stripes, turned by random weights that training takes its time to draw."""

    name = "patient"
    title = "Patient"
    grade = "control"
    reference = "none"
    Options = Options

    weights = None

    def fit(self, train, run):  # noqa: ARG002
        """Draw the weights from the seed, then wait until the time is over."""
        start = time.monotonic()
        numbers = np.random.default_rng(run.seed_for("weights"))
        self.weights = numbers.standard_normal((3 * STRIPES, 16)).astype(np.float32)
        steps = max(1, round(self.options.seconds / STEP_SECONDS))
        for step in range(1, steps + 1):
            time.sleep(max(0.0, start + step * STEP_SECONDS - time.monotonic()))
            if not self.options.silent:
                run.progress(step, steps)

    def embed(self, images):
        """Return embeddings (N, 16) float32 of images (N, H, W, 3) uint8."""
        if self.weights is None:
            raise InputError("method patient is not trained yet; call fit or load first")
        stripes = np.array_split(images.astype(np.float32) / 255, STRIPES, axis=1)
        colours = np.concatenate([stripe.mean(axis=(1, 2)) for stripe in stripes], axis=1)
        return np.stack([row @ self.weights for row in colours])

    def arrays(self):
        """Return what `save` writes."""
        return {"weights": self.weights}

    def restore(self, arrays):
        """Take up what `arrays` returned."""
        self.weights = arrays["weights"]
