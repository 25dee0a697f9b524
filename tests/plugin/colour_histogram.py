"""A person as the colours of horizontal stripes, each weighed by how steady it is in training.

h is an image's histograms, one per stripe and channel, and s_k the standard deviation of sqrt(h_k)
within the training identities. The embedding is sqrt(h_k) / s_k, compared by Euclidean distance.
"""

from dataclasses import dataclass

import numpy as np

from crossres import InputError, Method


@dataclass(frozen=True)
class Options:
    """stripes: 1 to 8, from head to foot. bins: per channel; 2, 4, 8 or 16."""

    stripes: int = 6
    bins: int = 8

    def __post_init__(self):
        if not 1 <= self.stripes <= 8:
            raise ValueError("option stripes must be 1 to 8")
        if self.bins not in (2, 4, 8, 16):
            raise ValueError("option bins must be 2, 4, 8 or 16")


class ColourHistogram(Method):
    """Nothing but colours: what a network has to beat."""

    name = "colour-histogram"
    title = "Colour histograms"
    grade = "control"
    reference = "weighted colour histograms of horizontal stripes"
    Options = Options

    spread = None

    def fit(self, train, run):
        """Learn s from the training images; the labels are 0..C-1."""
        roots = self.histograms(train.images)
        centred = np.empty_like(roots)
        for label in range(train.identities):
            rows = train.labels == label
            centred[rows] = roots[rows] - roots[rows].mean(axis=0)
            run.record_loss("variance within an identity", np.square(centred[rows]).mean())
            run.progress(label + 1, train.identities)
        # The share of one pixel keeps colours that never occur from weighing without bound.
        self.spread = np.sqrt((centred**2).mean(axis=0)) + 1 / train.images[0, :, :, 0].size

    def embed(self, images):
        """Return embeddings (N, stripes * bins * 3) float32 of images (N, H, W, 3) uint8."""
        if self.spread is None:
            raise InputError(f"method {self.name} is not trained yet; call fit or load first")
        return (self.histograms(images) / self.spread).astype(np.float32)

    def histograms(self, images):
        """Return sqrt(h) of each image, (N, stripes * bins * 3) float64."""
        levels = images // np.uint8(256 // self.options.bins)
        shares = [
            (stripe == level).mean(axis=(1, 2))
            for stripe in np.array_split(levels, self.options.stripes, axis=1)
            for level in range(self.options.bins)
        ]
        return np.sqrt(np.concatenate(shares, axis=1))

    def arrays(self):
        """Return what `save` writes."""
        return {"spread": self.spread}

    def restore(self, arrays):
        """Take up what `arrays` returned."""
        if set(arrays) != {"spread"} or arrays["spread"].ndim != 1:
            raise InputError(f"saved weights of {self.name} must be one vector named spread")
        self.spread = arrays["spread"]
