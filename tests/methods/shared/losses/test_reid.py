"""Paper Eq. 1-4 and 8-14 against numpy computations written from the formulas."""

from typing import get_args

import numpy as np
import pytest
import torch

from crossres.methods.shared.losses.reid import (
    batch_hard_triplet,
    part_distances,
    reconstruction_error,
    smoothed_cross_entropy,
)
from crossres.methods.shared.networks.reid import part_loss
from crossres.methods.shared.reid_options import Hardest, ReidOptions

PARTS, IMAGES, WIDTH, CLASSES = 4, 12, 7, 5
LABELS = np.repeat(np.arange(3), 4)


def _features(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(PARTS, IMAGES, WIDTH))


def _logits(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(PARTS, IMAGES, CLASSES)) * 3


def _softmax(logits: np.ndarray) -> np.ndarray:
    exp = np.exp(logits - logits.max(-1, keepdims=True))
    return exp / exp.sum(-1, keepdims=True)


def _lsr_by_definition(logits: np.ndarray, labels: np.ndarray, epsilon: float) -> float:
    """Eq. 8 with the label distribution of Eq. 10, one image and one part at a time."""
    total = 0.0
    p = _softmax(logits)
    for h in range(len(logits)):
        for image, label in enumerate(labels):
            for c in range(logits.shape[2]):
                q = (1 - epsilon if c == label else 0.0) + epsilon / logits.shape[2]
                total -= q * np.log(p[h, image, c])
    return total / len(labels)


def _triplet_by_definition(features: np.ndarray, labels: np.ndarray, margin: float) -> float:
    """Compute Eq. 12 with the hardest positive and negative of every anchor and part."""
    total = 0.0
    for part in features:
        for a, label in enumerate(labels):
            distance = [np.sqrt(((part[a] - neighbour) ** 2).sum()) for neighbour in part]
            positive = max(
                d for d, neighbour in zip(distance, labels, strict=True) if neighbour == label
            )
            negative = min(
                d for d, neighbour in zip(distance, labels, strict=True) if neighbour != label
            )
            total += max(margin + positive - negative, 0.0)
    return total / len(labels)


def test_equations_8_to_10_smoothed_cross_entropy() -> None:
    logits = _logits()
    for epsilon in (0.0, 0.1, 1.0):
        loss = smoothed_cross_entropy(torch.from_numpy(logits), torch.from_numpy(LABELS), epsilon)
        assert np.isclose(loss.item(), _lsr_by_definition(logits, LABELS, epsilon))


def test_equation_11_is_the_same_loss_with_its_bracket_restored() -> None:
    logits, epsilon = _logits(2), 0.1
    log_p = np.log(_softmax(logits))
    true = log_p[:, np.arange(IMAGES), LABELS]
    by_eq_11 = -((1 - epsilon) * true + epsilon / CLASSES * log_p.sum(2)).sum(0).mean()
    loss = smoothed_cross_entropy(torch.from_numpy(logits), torch.from_numpy(LABELS), epsilon)
    assert np.isclose(loss.item(), by_eq_11)


def test_distances_are_euclidean_and_of_zero_gradient_at_zero() -> None:
    features = _features()
    features[:, 1] = features[:, 0]
    tensor = torch.from_numpy(features).requires_grad_()
    distances = part_distances(tensor)
    expected = np.sqrt(((features[:, :, None] - features[:, None]) ** 2).sum(-1))
    assert np.allclose(distances.detach().numpy(), expected, atol=2e-6)
    distances[:, 0, 1].sum().backward()
    assert tensor.grad is not None
    assert torch.isfinite(tensor.grad).all()
    assert not tensor.grad.any()


def test_equation_12_hardest_triplet() -> None:
    for seed, margin in ((0, 0.5), (3, 0.0), (4, 2.0)):
        features = _features(seed)
        loss = batch_hard_triplet(torch.from_numpy(features), torch.from_numpy(LABELS), margin)
        assert np.isclose(loss.item(), _triplet_by_definition(features, LABELS, margin))


def test_equation_12_with_one_hardest_image_for_all_parts() -> None:
    for seed, margin in ((0, 0.5), (3, 0.0), (4, 2.0)):
        features, total = _features(seed), 0.0
        for a, label in enumerate(LABELS):
            by_part = np.linalg.norm(features[:, a, None] - features, axis=2)
            whole = np.linalg.norm(by_part, axis=0)
            positive = max(np.flatnonzero(label == LABELS), key=lambda k: whole[k])
            negative = min(np.flatnonzero(label != LABELS), key=lambda k: whole[k])
            gaps = margin + by_part[:, positive] - by_part[:, negative]
            total += gaps[gaps > 0].sum()
        tensors = torch.from_numpy(features), torch.from_numpy(LABELS)
        loss = batch_hard_triplet(*tensors, margin, "per-image").item()
        assert np.isclose(loss, total / len(LABELS))
        assert loss < batch_hard_triplet(*tensors, margin).item()


def test_equation_12_clips_each_anchor_and_part_at_zero() -> None:
    features = np.zeros((1, 4, 1))
    features[0, :, 0] = [0.0, 0.1, 10.0, 10.1]
    labels = np.array([0, 0, 1, 1])
    loss = batch_hard_triplet(torch.from_numpy(features), torch.from_numpy(labels), 0.5)
    assert loss.item() == 0.0


@pytest.mark.parametrize("hardest", ["per-part", "per-image"])
def test_a_batch_of_one_identity_has_no_triplets(hardest: Hardest) -> None:
    features = torch.from_numpy(_features()).requires_grad_()
    loss = batch_hard_triplet(features, torch.zeros(IMAGES, dtype=torch.int64), 0.5, hardest)
    loss.backward()
    assert loss.item() == 0.0


def test_equation_13_adds_the_two_losses() -> None:
    features, logits = _features(), _logits()
    tensors = [torch.from_numpy(a) for a in (features, logits, LABELS)]
    loss = part_loss(*tensors, ReidOptions(margin=0.5, label_smoothing=0.1)).item()
    expected = _lsr_by_definition(logits, LABELS, 0.1) + _triplet_by_definition(
        features, LABELS, 0.5
    )
    assert np.isclose(loss, expected)


def test_equation_13_takes_the_hardest_as_asked() -> None:
    features, logits = _features(), _logits()
    tensors = [torch.from_numpy(a) for a in (features, logits, LABELS)]
    triplet = [batch_hard_triplet(tensors[0], tensors[2], 0.5, h) for h in get_args(Hardest)]
    loss = [part_loss(*tensors, ReidOptions(hardest=h)) for h in get_args(Hardest)]
    assert (loss[0] - loss[1]).item() == pytest.approx((triplet[0] - triplet[1]).item())


def test_equation_13_with_normalised_triplets() -> None:
    features, logits = _features(), _logits()
    unit = features / np.linalg.norm(features, axis=2, keepdims=True)
    tensors = [torch.from_numpy(a) for a in (features, logits, LABELS)]
    loss = part_loss(*tensors, ReidOptions(triplet_normalise=True)).item()
    expected = _lsr_by_definition(logits, LABELS, 0.1) + _triplet_by_definition(unit, LABELS, 0.5)
    assert np.isclose(loss, expected)


def test_equations_1_to_3_one_target_for_all_versions() -> None:
    generator = np.random.default_rng(5)
    rebuilt, target = generator.random((4, 2, 3, 6, 5)), generator.random((2, 3, 6, 5))
    squared = [sum(((rebuilt[v, i] - target[i]) ** 2).sum() for i in range(2)) for v in range(4)]
    tensors = torch.from_numpy(rebuilt), torch.from_numpy(target)
    as_printed = sum(squared) / 2
    assert np.isclose(reconstruction_error(*tensors, "sum").item(), as_printed)
    assert np.isclose(reconstruction_error(*tensors, "mean").item(), as_printed / (3 * 6 * 5))
