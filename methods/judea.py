"""JUDEA: discriminants of two scales whose class means coincide (Li et al., ICCV 2015).

Every image is described at a normal scale n and a low one l. With the scatters S_w^s and S_b^s
within and between the classes of scale s, and the class means mu_c^s, one W_s is learned a scale:

    HCMD(W) = 1/C sum_c ||W_n' mu_c^n - W_l' mu_c^l||^2                                         (1)
    max  tr(sum_s W_s' S_b^s W_s + 2 beta W_n' S_b^nl W_l)
       / tr(sum_s W_s' S_w^s W_s + alpha C HCMD(W) + rho ||W||^2)                               (2)

(2) is a generalised eigenproblem of block matrices over [W_n; W_l]; two images are as far apart
as their projections at both scales. Our reading: HCMD is the paper's principle, all constants,
the descriptors and the term S_b^nl, the scatter between classes across scales, are ours.
"""

from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossres.methods.declarations.judea import JudeaDeclaration, JudeaOptions
from crossres.methods.interface.run import Run
from crossres.methods.interface.training_data import Images, TrainSet
from crossres.methods.shared.classic.descriptors import Descriptor
from crossres.methods.shared.classic.method import Arrays, ClassicMethod, projected
from crossres.methods.shared.classic.projections import (
    Matrix,
    between,
    class_means,
    leading,
    principal,
    within,
)


class Judea(JudeaDeclaration, ClassicMethod):
    """Hand-made descriptors at two scales and one projection of each, learned jointly."""

    options: JudeaOptions

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"{part}.{t}" for t in self.options.scales for part in ("mean", "map"))

    def learn(self, train: TrainSet, run: Run) -> Arrays:
        o, learned, rows = self.options, Arrays(), list[Matrix]()
        for index, t in enumerate(o.scales):
            described = self._described(train.images, t)
            mean, basis = principal(described, o.most_axes, run.seed_for("PCA", t))
            learned |= {f"mean.{t}": mean, f"map.{t}": basis}
            rows.append(projected(described, learned, str(t)))
            run.progress(index + 1, len(o.scales) + 1)
        weights = joint_discriminant(rows, train.labels, o)
        for t, weight in zip(o.scales, weights, strict=True):
            learned[f"map.{t}"] = learned[f"map.{t}"] @ weight
        run.progress(len(o.scales) + 1, len(o.scales) + 1)
        return learned

    def describe(self, images: Images, learned: Arrays) -> Matrix:
        """Return W_s' (x^s - mean) of all scales, (n, D)."""
        return np.hstack(
            [projected(self._described(images, t), learned, str(t)) for t in self.options.scales]
        )

    def _described(self, images: Images, pixels: int) -> NDArray[Any]:
        return Descriptor(self.options.cells)(images, pixels)


def joint_discriminant(
    rows: list[Matrix], labels: NDArray[np.int64], options: JudeaOptions
) -> list[Matrix]:
    """Solve Eq. 2 for rows (N, D_s) of each scale: its W_s (D_s, k)."""
    o, sizes = options, [scale.shape[1] for scale in rows]
    stacked, scale_of = np.hstack(rows), np.repeat(np.arange(len(rows)), sizes)
    same_scale = scale_of[:, None] == scale_of
    between_scatter = between(stacked, labels) * np.where(same_scale, 1.0, o.beta)
    within_scatter = within(stacked, labels) * same_scale
    means = class_means(stacked, labels)
    for scale, other_scale in combinations(range(len(rows)), 2):
        gap = means * ((scale_of == scale) * 1.0 - (scale_of == other_scale))
        within_scatter += o.alpha * gap.T @ gap
    return np.split(leading(between_scatter, within_scatter, o.size, o.rho), np.cumsum(sizes)[:-1])
