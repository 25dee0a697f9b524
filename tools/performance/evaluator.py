"""The evaluator: `measure` and `evaluate` beside what others compute of the same features."""

import math
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType

import numpy as np
import torch

from crossres.benchmark.metrics.evaluate import evaluate
from crossres.benchmark.metrics.features import FeatureComparison
from crossres.benchmark.metrics.measure import Metrics, measure
from crossres.benchmark.metrics.rules import Rules
from tools.performance.contests import Contest, Function
from tools.performance.figures import Ratio
from tools.performance.made_features import Made, made_features
from tools.performance.peers import peer

MULTI, SINGLE, EVALUATE = "measure, multi-shot", "measure, single-shot", "evaluate"
ALL_CAMERAS = "measure, multi-shot, cameras kept"
PRODUCT = "float32 matrix product"
REFERENCE = "float64 distances and argsort"
FAISS, FAISS_ALL = "faiss-cpu, nearest 50", "faiss-cpu, whole ranking"
TORCHMETRICS = "torchmetrics, RetrievalMAP"
METRIC_LEARNING = "pytorch-metric-learning, AccuracyCalculator"
MARKET = "evaluator, 3,368 x 15,913 x 2,048"
SMALL = "evaluator, 1,000 x 5,000 x 1,024"
WIDE = "evaluator, 200 x 100,000 x 256"
RANDOM = "evaluator, 1,000 x 5,000 x 1,024 at random"
COLUMNS = 2048  # of the matrix product at a time
ROWS = 100  # of the reference at a time: the memory of more would be asked for anew each time
NEAREST = 50
APART = 5.0  # rank-1 and mAP are then about those of a good re-ID network


def market() -> Iterator[Ratio]:
    """Yield ratios at the size of Market-1501, junk left out."""
    made = made_features(3368, 15913, 2048, 750, APART)
    return _beside_the_product(MARKET, made, (MULTI, SINGLE), 40.0)


def wide() -> Iterator[Ratio]:
    """Yield ratios for few queries in a large gallery."""
    made = made_features(200, 100_000, 256, 5000, APART)
    return _beside_the_product(WIDE, made, (MULTI, SINGLE, EVALUATE), 15.0)


def at_random() -> Iterator[Ratio]:
    """Yield ratios for features that tell nothing, between which rounding leaves most open."""
    made = made_features(1000, 5000, 1024, 250, 0.0)
    return _beside_the_product(RANDOM, made, (MULTI, SINGLE), 15.0)


def small() -> Iterator[Ratio]:
    """Yield ratios to all peers at a size that the slow ones can do."""
    made = made_features(1000, 5000, 1024, 250, APART)
    ours, peers = _ours(made), _peers(made)
    pairs = [(name, PRODUCT) for name in (MULTI, SINGLE, EVALUATE)]
    pairs += [(MULTI, REFERENCE), (MULTI, TORCHMETRICS)]
    pairs += [(ALL_CAMERAS, name) for name in (METRIC_LEARNING, FAISS, FAISS_ALL)]
    there = tuple(pair for pair in pairs if pair[1] in peers)
    return Contest(SMALL, ours, peers, there, 30.0, within=1e-4).ratios()


def _beside_the_product(
    subject: str, made: Made, names: tuple[str, ...], seconds: float
) -> Iterator[Ratio]:
    ours = {name: function for name, function in _ours(made).items() if name in names}
    pairs = tuple((name, PRODUCT) for name in ours)
    return Contest(subject, ours, {PRODUCT: _product(made)}, pairs, seconds).ratios()


# --- ours -----------------------------------------------------------------------------------------


def _ours(made: Made) -> dict[str, Function]:
    return {
        MULTI: lambda: measured(made, Rules()).mAP,
        SINGLE: lambda: measured(made, Rules("single-shot")).mAP,
        ALL_CAMERAS: lambda: measured(made, Rules(same_camera="keep")).mAP,
        EVALUATE: lambda: _evaluated(made),
    }


def measured(made: Made, rules: Rules) -> Metrics:
    """Measure the ranking of made features on one thread."""
    comparison = FeatureComparison(made.query, made.gallery, "euclidean")
    return measure(comparison, made.ids, rules, threads=1)


def _evaluated(made: Made) -> float:
    ids = made.ids
    columns = (ids.query_pids, ids.gallery_pids, ids.query_camids, ids.gallery_camids)
    return evaluate(made.query, made.gallery, *columns)["mAP"]


# --- peers ----------------------------------------------------------------------------------------


def _product(made: Made) -> Function:
    """Multiply only: what nobody who compares all pairs can do without."""
    buffer = np.empty((len(made.query), COLUMNS), np.float32)

    def product() -> float:
        for start in range(0, len(made.gallery), COLUMNS):
            some = made.gallery[start : start + COLUMNS]
            np.matmul(made.query, some.T, out=buffer[:, : len(some)])
        return math.nan

    return product


def _peers(made: Made) -> dict[str, Function]:
    """Return those that are installed."""
    peers: dict[str, Function] = {
        PRODUCT: _product(made),
        REFERENCE: partial(_reference, made),
    }
    libraries: dict[str, tuple[str, Callable[[Made, ModuleType], float]]] = {
        FAISS: ("faiss-cpu", partial(_faiss, nearest=NEAREST)),
        FAISS_ALL: ("faiss-cpu", partial(_faiss, nearest=len(made.gallery))),
        METRIC_LEARNING: ("pytorch-metric-learning", _metric_learning),
        TORCHMETRICS: ("torchmetrics", _torchmetrics),
    }
    for name, (package, function) in libraries.items():
        module = peer(package)
        if isinstance(module, ModuleType):
            peers[name] = partial(function, made, module)
    return peers


def _reference(made: Made) -> float:
    """Sort all distances, in float64, and look where the true matches stand."""
    gallery = made.gallery.astype(np.float64)
    lengths = (gallery**2).sum(axis=1)
    precisions = []
    for start in range(0, len(made.query), ROWS):
        query = made.query[start : start + ROWS].astype(np.float64)
        distances = (query**2).sum(axis=1)[:, None] + lengths - 2 * query @ gallery.T
        for row, columns in enumerate(np.argsort(distances, axis=1), start):
            same = made.ids.gallery_pids[columns] == made.ids.query_pids[row]
            own_camera = made.ids.gallery_camids[columns] == made.ids.query_camids[row]
            ranks = 1 + np.flatnonzero(same[~(same & own_camera)])
            if len(ranks):
                precisions.append(np.mean(np.arange(1, len(ranks) + 1) / ranks))
    return float(np.mean(precisions))


def _faiss(made: Made, faiss: ModuleType, nearest: int) -> float:
    """Find the nearest images; faiss knows of no identities, so no number can be compared."""
    index = faiss.IndexFlatL2(made.gallery.shape[1])
    index.add(made.gallery)
    index.search(made.query, nearest)
    return math.nan


def _metric_learning(made: Made, module: ModuleType) -> float:
    """Let it rank the whole gallery; it knows of no cameras."""
    calculator = module.AccuracyCalculator(
        include=("precision_at_1", "mean_average_precision"),
        k=len(made.gallery),
        device=torch.device("cpu"),
    )
    ids = made.ids
    accuracy = calculator.get_accuracy(made.query, ids.query_pids, made.gallery, ids.gallery_pids)
    return float(accuracy["mean_average_precision"])


def _torchmetrics(made: Made, module: ModuleType) -> float:
    """Give it the pairs that count; it takes scores above 0 only."""
    ids = [
        torch.from_numpy(column)
        for column in (
            made.ids.query_pids,
            made.ids.gallery_pids,
            made.ids.query_camids,
            made.ids.gallery_camids,
        )
    ]
    distances = torch.cdist(torch.from_numpy(made.query), torch.from_numpy(made.gallery))
    same = ids[0][:, None] == ids[1]
    counts = ~(same & (ids[2][:, None] == ids[3]))
    queries = torch.arange(len(distances))[:, None].expand_as(distances)
    scores = 1 + distances.max() - distances
    metric = module.RetrievalMAP(empty_target_action="skip")
    return float(metric(scores[counts], same[counts], queries[counts]))
