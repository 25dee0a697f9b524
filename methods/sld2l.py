"""SLD²L: LR features become HR features by a pair of dictionaries (Jing et al., CVPR 2015).

Blocks are grouped into clusters. In each, with X_H blocks of HR images, X_L those of their
down-sampled versions and Z those of real LR images, all as columns and less the cluster's mean,

    min  ||X_H - D_H Y_H||^2 + ||X_L - D_L Y_L||^2 + ||Z - D_L Y_Z||^2 + gamma ||Y_H - V Y_L||^2
       + sparsity sum |Y| + ridge ||V||^2 + rank (||D_H||_* + ||D_L||_*) + eta Phi             (1)

where Phi pulls every converted block D_H V y_Z to the HR blocks of its person at its place, and
pushes it from those of others by `push` < 1. With m+ and m- the means of these two sets, up to a
constant (derived in docs/methods/sld2l.md),

    Phi = (1 - push) sum ||D_H V y_Z - T||^2,      T = (m+ - push m-) / (1 - push)              (2)

A query's blocks are converted, y -> D_H V y, those of the gallery are not; both are compared in
the space of a linear discriminant. Our reading: (1) is built from the paper's description, the
forms of its terms, all constants and the last metric are ours.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossres.methods.declarations.sld2l import Sld2lDeclaration, Sld2lOptions
from crossres.methods.interface.method import Distances, Embeddings
from crossres.methods.interface.run import Run
from crossres.methods.interface.training_data import Images, TrainSet
from crossres.methods.shared.classic.descriptors import Descriptor, in_chunks
from crossres.methods.shared.classic.dictionaries import (
    Coupled,
    Samples,
    Weights,
    couple,
    sparse_codes,
)
from crossres.methods.shared.classic.method import Arrays, ClassicMethod, projected
from crossres.methods.shared.classic.projections import Labels, Matrix, fisher, principal


class Sld2l(Sld2lDeclaration, ClassicMethod):
    """Features of LR images converted to HR ones by coupled dictionaries, cluster by cluster."""

    options: Sld2lOptions

    @property
    def names(self) -> tuple[str, ...]:
        return ("centres", "goals", "low", "lifted", "mean.metric", "map.metric")

    def learn(self, train: TrainSet, run: Run) -> Arrays:
        o, blocks, end = self.options, self._described(train.images), self.options.clusters + 2
        run.progress(1, end)
        learned = self._dictionaries(blocks, train, run)
        is_hr = (train.rates == 1)[:, None, None]
        lifted = in_chunks(blocks, lambda chunk: converted(chunk, learned, o))
        compared = np.where(is_hr, blocks, lifted)
        mean, axes = principal(compared, o.most_axes, run.seed_for("PCA"))
        learned |= {"mean.metric": mean, "map.metric": axes}
        if o.metric == "fisher":
            rows = projected(compared, learned, "metric")
            learned["map.metric"] = axes @ fisher(rows, train.labels, o.size, o.rho)
        run.progress(end, end)
        return learned

    def describe(self, images: Images, learned: Arrays) -> Matrix:
        """Return (n, 2 D): the image as a query, converted, and as a gallery image, as it is."""
        blocks = self._described(images)
        as_query = converted(blocks, learned, self.options)
        return np.hstack([projected(rows, learned, "metric") for rows in (as_query, blocks)])

    def distances(self, query: Embeddings, gallery: Embeddings) -> Distances:
        half = query.shape[1] // 2
        return super().distances(query[:, :half], gallery[:, half:])

    def _described(self, images: Images) -> NDArray[Any]:
        return Descriptor(self.options.cells)(images, self.options.pixels)

    def _dictionaries(self, blocks: NDArray[Any], train: TrainSet, run: Run) -> Arrays:
        """Learn of each cluster its mean, that of HR blocks, D_L and V D_H; none without pairs."""
        from sklearn.cluster import KMeans

        o, size = self.options, blocks.shape[2]
        if o.clusters == 0 or len(train.hr) == 0 or not train.variants:
            means, atoms = np.zeros((0, size)), np.zeros((0, o.atoms, size))
            return {"centres": means, "goals": means, "low": atoms, "lifted": atoms}
        draw = np.random.default_rng(run.seed_for("blocks"))
        x = self._samples(blocks, train, draw)
        groups = KMeans(min(o.clusters, len(x.low)), n_init=1, random_state=draw.integers(2**31))
        of_pair = groups.fit(x.low).labels_
        centres, parts = groups.cluster_centers_, []
        of_native = _nearest(x.native, centres)
        for k, centre in enumerate(centres):
            goal = x.high[of_pair == k].mean(0)
            around = x.part(of_pair == k, of_native == k, goal, centre)
            chosen = draw.choice(len(around.low), o.atoms, replace=len(around.low) < o.atoms)
            start = Coupled(around.high[chosen], around.low[chosen], np.eye(o.atoms))
            w = Weights(o.gamma, o.eta * (1 - o.push), o.sparsity, o.ridge, o.rank)
            d = couple(around, start, w, o.rounds)
            parts.append((goal, d.low, d.mapping @ d.high))
            run.progress(k + 2, o.clusters + 2)
        goals, low, lifted = (np.stack(kind) for kind in zip(*parts, strict=True))
        return {"centres": centres, "goals": goals, "low": low, "lifted": lifted}

    def _samples(self, blocks: NDArray[Any], train: TrainSet, draw: np.random.Generator) -> Samples:
        """Draw blocks of HR images, of variants of a drawn rate and of LR images; T of Eq. 2."""
        o, most = self.options, self.options.clusters * self.options.patches
        rates = draw.choice(sorted(train.variants), len(train.hr))
        low = np.stack([train.variants[rate][k] for k, rate in enumerate(rates)])
        of_person, has_hr = targets(
            blocks[train.hr], train.labels[train.hr], train.identities, o.push
        )
        native = np.flatnonzero((train.rates != 1) & has_hr[train.labels])
        pair = np.divmod(draw.permutation(len(low) * blocks.shape[1])[:most], blocks.shape[1])
        image, block = np.divmod(
            draw.permutation(len(native) * blocks.shape[1])[:most], blocks.shape[1]
        )
        return Samples(
            blocks[train.hr][pair].astype(np.float64),
            self._described(low)[pair].astype(np.float64),
            blocks[native[image], block].astype(np.float64),
            of_person[train.labels[native[image]], block],
        )


def converted(blocks: NDArray[Any], learned: Arrays, options: Sld2lOptions) -> NDArray[Any]:
    """Convert blocks (n, blocks, D), each by the dictionaries of its cluster."""
    rows = blocks.reshape(-1, blocks.shape[2])
    if len(learned["centres"]) == 0:
        return blocks
    nearest = _nearest(rows, learned["centres"])
    lifted = np.zeros(rows.shape)
    for k in np.unique(nearest):
        around = rows[nearest == k] - learned["centres"][k]
        codes = sparse_codes(around, learned["low"][k], options.sparsity)
        lifted[nearest == k] = learned["goals"][k] + codes @ learned["lifted"][k]
    return lifted.reshape(blocks.shape)


def targets(
    blocks: NDArray[Any], labels: Labels, identities: int, push: float
) -> tuple[Matrix, NDArray[np.bool_]]:
    """Return T of Eq. 2, (C, blocks, D), from HR blocks (M, blocks, D), and who has any, (C,)."""
    counts = np.bincount(labels, minlength=identities)[:, None, None]
    sums = np.zeros((identities, *blocks.shape[1:]))
    np.add.at(sums, labels, blocks)
    means = sums / np.maximum(counts, 1)
    means_of_others = (sums.sum(0) - sums) / np.maximum(len(blocks) - counts, 1)
    return (means - push * means_of_others) / (1 - push), counts[:, 0, 0] > 0


def _nearest(rows: NDArray[Any], centres: Matrix) -> NDArray[np.int64]:
    return np.asarray((np.square(centres).sum(1) - 2 * rows @ centres.T).argmin(1))
