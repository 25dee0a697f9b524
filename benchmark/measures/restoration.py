"""How well reconstructions of drawn LR queries restore, and how far they align.

PSNR and SSIM against the HR originals, and how far the versions of one image at all rates differ.
Only images that were down-sampled by us have an original; natively LR ones are not measured.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossres.datasets.base.draws import ordered
from crossres.datasets.pixels.originals import hr_originals, versions_at
from crossres.datasets.pixels.plan import HR_RATES
from crossres.datasets.pixels.store import PixelStore
from crossres.datasets.raw.source import Raw
from crossres.datasets.splits.manifest import Manifest
from crossres.methods.interface.method import Method
from crossres.methods.interface.training_data import Images

MOST_QUERIES = 64
AT_ONCE = 16  # images: bounds the memory at any input size
LEVELS = 255.0
SIGMA, RADIUS = 1.5, 5  # of the window of SSIM, 11 pixels wide
K1, K2 = 0.01, 0.03

Scores = NDArray[np.float64]


def restoration_of(
    method: Method, raw: Raw, manifest: Manifest, store: PixelStore
) -> dict[str, NDArray[Any]]:
    """Measure how near input and reconstructions come to the HR originals; {} where there are none.

    R rates, K steps from "input" in cascade order: restored_labels (K,), restored_rates (R,),
    restored_counts (R,), the queries measured, up to MOST_QUERIES in all, drawn by hash;
    restored_psnr in dB and restored_ssim (R, K), means over these. restored_spread (K,): the root
    mean square difference, in levels of 255, between any two of the versions of one of these
    images at HR_RATES. R is 0, and the spread NaN, where a method has reconstructions and no
    query has an original.
    """
    labels = ["input", *method.reconstructions(np.asarray(store.images("query")[:1]))]
    if len(labels) == 1:
        return {}
    query = manifest.rows("query")
    rows = drawn_queries(manifest)
    rates = query["rate"].to_numpy()[rows]
    batches = [np.empty((0, 2, len(labels)))]
    spreads = [np.empty((0, len(labels)))]
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        paths = query["path"].to_numpy()[some].tolist()
        versions = versions_at(HR_RATES, raw, manifest, paths, store.height, store.width)
        batches.append(_scores(method, np.asarray(store.images("query"))[some], versions[0]))
        spreads.append(_squared_spreads(method, versions))
    scores, distinct = np.concatenate(batches), np.unique(rates)
    means = [scores[rates == rate].mean(axis=0) for rate in distinct]
    psnrs, ssims = np.array(means).reshape(len(distinct), 2, len(labels)).transpose(1, 0, 2)
    return {
        "restored_labels": np.array(labels),
        "restored_rates": distinct,
        "restored_counts": np.array([(rates == rate).sum() for rate in distinct], dtype=np.int64),
        "restored_psnr": psnrs,
        "restored_ssim": ssims,
        "restored_spread": _root_mean(np.concatenate(spreads)),
    }


def chain_quality(
    raw: Raw, manifest: Manifest, store: PixelStore, artifact: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """Return chain_psnr and chain_ssim (n, K) of an artifact's chain_images, and chain_originals
    (n, H, W, 3) uint8, what they are compared with; {} where it has none.

    NaN, and black, where a query has no HR original.
    """
    if "chain_images" not in artifact:
        return {}
    chains, rows = artifact["chain_images"], np.flatnonzero(artifact["query_rates"] > 1)
    paths = artifact["query_names"][rows].tolist()
    originals = hr_originals(raw, manifest, paths, store.height, store.width)
    psnrs, ssims = (np.full(chains.shape[:2], np.nan) for _ in range(2))
    for step in range(chains.shape[1]):
        psnrs[rows, step] = psnr(chains[rows, step], originals)
        ssims[rows, step] = ssim(chains[rows, step], originals)
    shown = np.zeros_like(chains[:, 0])
    shown[rows] = originals
    return {"chain_psnr": psnrs, "chain_ssim": ssims, "chain_originals": shown}


def drawn_queries(manifest: Manifest) -> NDArray[np.int64]:
    """Return the rows of the queries to measure: down-sampled ones, drawn by hash."""
    query = manifest.rows("query")
    lowered: Sequence[int] = np.flatnonzero(query["rate"].to_numpy() > 1).tolist()
    names = ("restoration", manifest.dataset, manifest.protocol, manifest.seed)
    chosen = ordered(lowered, *names, key=query["path"].tolist().__getitem__)
    return np.array(chosen[:MOST_QUERIES], dtype=np.int64)


def _scores(method: Method, images: Images, originals: Images) -> Scores:
    """Return PSNR and SSIM of each image and step, (n, 2, K)."""
    steps = [images, *method.reconstructions(images).values()]
    measured = [[psnr(step, originals), ssim(step, originals)] for step in steps]
    return np.array(measured).transpose(2, 1, 0)


def _squared_spreads(method: Method, versions: Images) -> Scores:
    """Return the mean square difference between two versions of each image, by step: (n, K).

    versions (V, n, H, W, 3) uint8.
    """
    steps = [versions, *_rebuilt_versions(method, versions)]
    # The mean over all pairs of versions is twice the sample variance.
    by_step = [
        2 * step.astype(np.float64).var(axis=0, ddof=1).mean(axis=(1, 2, 3)) for step in steps
    ]
    return np.stack(by_step, axis=1)


def _rebuilt_versions(method: Method, versions: Images) -> list[Images]:
    """Return the reconstructions of all versions, step by step: K - 1 times (V, n, H, W, 3)."""
    by_version = [list(method.reconstructions(images).values()) for images in versions]
    return [np.stack(step) for step in zip(*by_version, strict=True)]


def _root_mean(squares: Scores) -> Scores:
    """Return the roots of the means over the images: (n, K) to (K,), NaN without an image."""
    return np.sqrt(squares.mean(axis=0)) if len(squares) else np.full(squares.shape[1], np.nan)


def psnr(images: Images, originals: Images) -> Scores:
    """Return the (n,) peak signal-to-noise ratios in dB of (n, H, W, 3) uint8, over all channels.

    Infinite for equal images.
    """
    gap = images.astype(np.float64) - originals
    with np.errstate(divide="ignore"):
        return np.asarray(10 * np.log10(LEVELS**2 / np.square(gap).mean(axis=(1, 2, 3))))


def ssim(images: Images, originals: Images) -> Scores:
    """Return the (n,) structural similarities (Wang et al. 2004) of (n, H, W, 3) uint8, RGB mean.

    Gaussian window of 11 x 11, where all of it lies inside; NaN for images smaller than that.
    """
    if min(images.shape[1:3]) <= 2 * RADIUS:
        return np.full(len(images), np.nan)
    down, across = (_window(size) for size in images.shape[1:3])

    def local(planes: Scores) -> Scores:
        return np.asarray(down @ planes @ across.T)

    x, y = (rgb.transpose(0, 3, 1, 2).astype(np.float64) for rgb in (images, originals))
    mx, my = local(x), local(y)
    vx, vy, cov = local(x * x) - mx**2, local(y * y) - my**2, local(x * y) - mx * my
    c1, c2 = (K1 * LEVELS) ** 2, (K2 * LEVELS) ** 2
    similar = (2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    return np.asarray(similar.mean(axis=(1, 2, 3)))


def _window(size: int) -> Scores:
    """Return the (size - 10, size) matrix of Gaussian means at each place along one side."""
    taps = np.exp(-np.square(np.arange(-RADIUS, RADIUS + 1) / SIGMA) / 2)
    matrix = np.zeros((size - 2 * RADIUS, size))
    for start, row in enumerate(matrix):
        row[start : start + len(taps)] = taps / taps.sum()
    return matrix
