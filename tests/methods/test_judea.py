"""JUDEA: its joint discriminant against Eq. 2."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossres.methods.judea import JudeaOptions, joint_discriminant
from crossres.methods.shared.classic.projections import within
from tests.methods.oracles import rows_of

Array = NDArray[Any]


def test_the_joint_discriminant_solves_equation_2() -> None:
    """The numerator and denominator written out term by term; no other W has a larger ratio."""
    normal, labels = rows_of(5, 4, 3, 1)
    low, _ = rows_of(5, 4, 2, 2)
    options = JudeaOptions(size=1, alpha=2.0, beta=0.5, rho=1e-3)
    w_n, w_l = joint_discriminant([normal, low], labels, options)

    def ratio(w_n: Array, w_l: Array) -> float:
        above = below = ridge = 0.0
        scales = [(normal @ w_n).ravel(), (low @ w_l).ravel()]
        means = [np.array([z[labels == c].mean() for c in range(5)]) for z in scales]
        apart = [m - z.mean() for m, z in zip(means, scales, strict=True)]
        for z, m, d in zip(scales, means, apart, strict=True):
            above += 4 * float((d**2).sum())
            below += float(((z - m[labels]) ** 2).sum())
        above += 2 * options.beta * 4 * float((apart[0] * apart[1]).sum())
        below += options.alpha * float(((means[0] - means[1]) ** 2).sum())
        mean_n, mean_l = (
            np.stack([x[labels == c].mean(0) for c in range(5)]) for x in (normal, low)
        )
        trace = np.trace(within(normal, labels)) + np.trace(within(low, labels))
        trace += options.alpha * float((mean_n**2).sum() + (mean_l**2).sum())
        ridge = 1e-3 * float(trace) / 5 * float((w_n**2).sum() + (w_l**2).sum())
        return above / (below + ridge)

    best = ratio(w_n, w_l)
    generator = np.random.default_rng(3)
    for scale in (1e-3, 1e-2, 1.0):
        for _ in range(50):
            moved = [w + scale * generator.normal(size=w.shape) for w in (w_n, w_l)]
            assert ratio(*moved) <= best + 1e-9


def test_hcmd_brings_the_class_means_of_both_scales_together() -> None:
    (normal, labels), (low, _) = rows_of(6, 4, 4, 1), rows_of(6, 4, 4, 2)
    gaps = []
    for alpha in (0.0, 1.0, 100.0):
        scales = joint_discriminant([normal, low], labels, JudeaOptions(size=2, alpha=alpha))
        both = [x @ w for x, w in zip((normal, low), scales, strict=True)]
        means = [np.stack([z[labels == c].mean(0) for c in range(6)]) for z in both]
        gaps.append(((means[0] - means[1]) ** 2).sum() / (means[0] ** 2 + means[1] ** 2).sum())
    assert gaps[0] > gaps[1] > gaps[2]
