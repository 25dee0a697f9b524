"""SDF: how the distance of two images changes with their scale (Wang et al., IJCAI 2016).

Two images shrunk to a scale s are d(s) apart. The scale-distance function of a pair is written as
a cubic,

    d(s) ~ theta_0 q_0(s) + ... + theta_3 q_3(s),     q_j orthonormal polynomials              (1)

and a surface in the space of theta separates pairs of one person from pairs of two. Its signed
value, f(theta) > 0 for one person, is the score; the distance is -f(theta). Our reading: the paper
gives functions, parameters and a surface; scales, descriptors, cubic and classifier are ours.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossres.datasets.base.errors import InputError
from crossres.methods.declarations.sdf import SdfDeclaration, SdfOptions
from crossres.methods.interface.method import Distances, Embeddings
from crossres.methods.interface.run import Run
from crossres.methods.interface.training_data import Images, TrainSet
from crossres.methods.shared.classic.descriptors import Descriptor
from crossres.methods.shared.classic.method import Arrays, ClassicMethod, projected
from crossres.methods.shared.classic.projections import Labels, Matrix, fisher, principal

BLOCK_BYTES = 32 * 2**20


class Sdf(SdfDeclaration, ClassicMethod):
    """Distances at several scales, and a kernel surface over their course."""

    options: SdfOptions

    @property
    def names(self) -> tuple[str, ...]:
        scales = [f"{part}.{t}" for t in self.options.scales for part in ("mean", "map")]
        surface = ["centre", "spread", "landmarks", "weights", "slope", "intercept"]
        return (*scales, "ends", "cubic", *surface)

    def learn(self, train: TrainSet, run: Run) -> Arrays:
        o, learned, functions = self.options, Arrays(), list[Matrix]()
        left, right = training_pairs(train, o, run)
        for index, t in enumerate(o.scales):
            rows = self._described(train.images, t)
            mean, axes = principal(rows, o.most_axes, run.seed_for("PCA", t))
            learned |= {f"mean.{t}": mean, f"map.{t}": axes}
            inside = projected(rows, learned, str(t))
            learned[f"map.{t}"] = axes @ self._metric(inside, train.labels)
            functions.append(self._cross_fitted(inside, train.labels, left, right))
            run.progress(index + 1, len(o.scales) + 1)
        learned["ends"] = np.cumsum([learned[f"map.{t}"].shape[1] for t in o.scales])
        same_person = train.labels[left] == train.labels[right]
        learned |= self._surface(np.column_stack(functions), same_person, run)
        run.progress(len(o.scales) + 1, len(o.scales) + 1)
        return learned

    def _metric(self, rows: Matrix, labels: Labels) -> Matrix:
        if self.options.metric == "euclidean":
            return np.eye(rows.shape[1])
        return fisher(rows, labels, self.options.size, self.options.rho)

    def _cross_fitted(self, rows: Matrix, labels: Labels, left: Labels, right: Labels) -> Matrix:
        """Return d of each pair (P,) in a space learned without the fold of its two persons.

        In the space that was learned from them, images of one person lie far too close together.
        """
        distances, folds = np.zeros(len(left)), fold_of(labels, self.options.folds)
        for fold in np.unique(folds):
            fitting = (folds != fold) | (folds.max() == 0)
            axes, pairs = self._metric(rows[fitting], labels[fitting]), folds[left] == fold
            gaps = (rows[left[pairs]] - rows[right[pairs]]) @ axes
            distances[pairs] = np.linalg.norm(gaps, axis=1)
        return distances

    def describe(self, images: Images, learned: Arrays) -> Matrix:
        """Return the features of all scales, (n, D); learned["ends"] says where each one ends."""
        return np.hstack(
            [projected(self._described(images, t), learned, str(t)) for t in self.options.scales]
        )

    def distances(self, query: Embeddings, gallery: Embeddings) -> Distances:
        """Return -f(theta), or d(s) at full scale; a few queries at a time bound the memory."""
        o, learned, far = self.options, self.arrays(), super().distances
        queries, galleries = (np.split(x, learned["ends"][:-1], axis=1) for x in (query, gallery))
        if not o.surface:
            full = int(np.argmax(o.scales))
            return far(queries[full], galleries[full])
        distances = np.empty((len(query), len(gallery)))
        step = max(1, BLOCK_BYTES // (8 * max(1, len(gallery)) * (o.landmarks + len(o.scales))))
        for start in range(0, len(query), step):
            some = slice(start, start + step)
            functions = [far(q[some], g) for q, g in zip(queries, galleries, strict=True)]
            distances[some] = -signed(np.stack(functions, axis=2), learned)
        return distances

    def _surface(self, functions: Matrix, same_person: NDArray[np.bool_], run: Run) -> Arrays:
        """Learn what Eq. 1 and f need, from scale-distance functions (P, T) of training pairs."""
        from sklearn.kernel_approximation import Nystroem
        from sklearn.linear_model import LogisticRegression

        o = self.options
        cubic = np.linalg.qr(np.vander(np.array(o.scales) / max(o.scales), o.degree + 1, True))[0]
        theta = functions @ cubic
        centre, spread = theta.mean(0), theta.std(0) + 1e-12
        theta = (theta - centre) / spread
        kernel = Nystroem(
            gamma=1 / theta.shape[1],
            n_components=min(o.landmarks, len(theta)),
            random_state=run.seed_for("landmarks") % 2**32,
        ).fit(theta)
        inputs = np.hstack([kernel.transform(theta), theta])
        fitted = LogisticRegression(class_weight="balanced", C=o.cost, max_iter=1000).fit(
            inputs, same_person
        )
        bends, slope = np.split(fitted.coef_[0], [len(kernel.components_)])
        return {
            "cubic": cubic,
            "centre": centre,
            "spread": spread,
            "landmarks": kernel.components_,
            "weights": kernel.normalization_.T @ bends,
            "slope": slope,
            "intercept": fitted.intercept_,
        }

    def _described(self, images: Images, pixels: int) -> NDArray[Any]:
        return Descriptor(self.options.cells, ("hsv", "lab"), hog=False)(images, pixels)


def signed(functions: NDArray[np.float64], learned: Arrays) -> NDArray[np.float64]:
    """Return f(theta) of scale-distance functions (..., T), positive on the side of one person."""
    from sklearn.metrics.pairwise import rbf_kernel

    flat = functions.reshape(-1, functions.shape[-1])
    theta = (flat @ learned["cubic"] - learned["centre"]) / learned["spread"]
    bent = rbf_kernel(theta, learned["landmarks"], 1 / theta.shape[1]) @ learned["weights"]
    return np.asarray(bent + theta @ learned["slope"] + learned["intercept"]).reshape(
        functions.shape[:-1]
    )


def fold_of(labels: Labels, folds: int) -> Labels:
    """Assign each image's person to one of at most `folds` folds, (N,), of two persons or more."""
    return labels % max(1, min(folds, (int(labels.max()) + 1) // 2))


def training_pairs(train: TrainSet, options: SdfOptions, run: Run) -> tuple[Labels, Labels]:
    """Draw pairs (P,), (P,) of an LR and an HR image within a fold, those of one person first.

    Of any two images where no person has both. Raises InputError when no person has two.
    """
    o, labels, all_images = options, train.labels, np.arange(len(train.labels))
    sides = ((np.flatnonzero(train.rates != 1), train.hr), (all_images, all_images))
    kinds = [(left, right, _of_one_person(train, left, right)) for left, right in sides]
    left, right, positives = next((kind for kind in kinds if len(kind[2])), kinds[-1])
    if len(positives) == 0 or train.identities == 1:
        raise InputError("sdf needs two identities, and two images of one of them, to learn from")
    draw, fold = np.random.default_rng(run.seed_for("pairs")), fold_of(labels, o.folds)
    positives = draw.permutation(positives)[: o.positives]
    count = o.negatives * len(positives) * (int(fold.max()) + 1)
    drawn = np.column_stack([draw.choice(side, count) for side in (left, right)])
    apart = (labels[drawn[:, 0]] != labels[drawn[:, 1]]) & (fold[drawn[:, 0]] == fold[drawn[:, 1]])
    left, right = np.concatenate([positives, drawn[apart]]).T
    return left, right


def _of_one_person(train: TrainSet, left: Labels, right: Labels) -> Labels:
    """List all pairs (P, 2) of an image of `left` and another of `right` with the same label."""
    pairs = [np.zeros((0, 2), dtype=np.int64)]
    for label in range(train.identities):
        sides = [side[train.labels[side] == label] for side in (left, right)]
        pairs.append(np.stack(np.meshgrid(*sides, indexing="ij"), axis=2).reshape(-1, 2))
    joined = np.concatenate(pairs)
    return np.asarray(joined[joined[:, 0] != joined[:, 1]])
