"""The losses of part-based re-ID networks and of image reconstruction.

Features and logits come as (P, B, D) and (P, B, C): P horizontal parts, B images.
Each loss is recorded.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from crossres.methods.shared.loss_recording import recorded_loss
from crossres.methods.shared.reid_options import Hardest


def smoothed_cross_entropy(logits: Tensor, labels: Tensor, smoothing: float) -> Tensor:
    """Return L_LSR of paper Eq. 8-11: summed over the parts, averaged over the images.

    logits (P, B, C), labels (B,). The target is 1 - e + e/C for the true identity, e/C otherwise.
    """
    parts, count, classes = logits.shape
    flat = logits.reshape(parts * count, classes)
    entropy = F.cross_entropy(flat, labels.repeat(parts), label_smoothing=smoothing)
    return recorded_loss("cross-entropy", parts * entropy)


def part_distances(features: Tensor) -> Tensor:
    """Return the Euclidean distances (P, B, B) between the images of a batch, part by part.

    The gradient of a distance of zero is zero.
    """
    squares = features.square().sum(2)
    products = torch.baddbmm(
        (squares[:, :, None] + squares[:, None, :]), features, features.transpose(1, 2), alpha=-2.0
    )
    squared = products.clamp_min(1e-12)
    # Not sqrt: MKL computes it from an approximation that differs between kinds of CPU.
    return squared * squared.rsqrt()


def batch_hard_triplet(
    features: Tensor, labels: Tensor, margin: float, hardest: Hardest = "per-part"
) -> Tensor:
    """Return L_triplet of paper Eq. 12: summed over the parts, averaged over the anchors.

    features (P, B, D), labels (B,). Positive: the farthest image of the identity; negative: the
    nearest one of another identity. Either is chosen for each part of an anchor, or "per-image":
    once, by the distance of the parts side by side. An anchor without a negative adds nothing.
    """
    distances = part_distances(features)
    same_identity = labels[:, None] == labels[None, :]
    if hardest == "per-image":
        whole = distances.square().sum(0)
        farthest = whole.masked_fill(~same_identity, 0.0).argmax(1)
        nearest = whole.masked_fill(same_identity, float("inf")).argmin(1)
        negatives = distances.masked_fill(same_identity, float("inf"))
        anchors = torch.arange(len(labels), device=labels.device)
        positive, negative = distances[:, anchors, farthest], negatives[:, anchors, nearest]
    else:
        positive = distances.masked_fill(~same_identity, 0.0).amax(2)
        negative = distances.masked_fill(same_identity, float("inf")).amin(2)
    return recorded_loss("triplet", F.relu(margin + positive - negative).mean(1).sum())


def reconstruction_error(rebuilt: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Return one of the losses of paper Eq. 1-3: the sum over v in V of ||x_v^k - target||^2.

    rebuilt (V, n, 3, H, W), target (n, 3, H, W). "mean": the mean over pixels and images of each
    term; "sum": the sum over the pixels, as printed, and the mean over the images.
    """
    versions, images = rebuilt.shape[:2]
    if reduction == "sum":
        error = F.mse_loss(rebuilt, target.expand_as(rebuilt), reduction="sum") / images
    else:
        error = F.mse_loss(rebuilt, target.expand_as(rebuilt)) * versions
    return recorded_loss("reconstruction", error)
