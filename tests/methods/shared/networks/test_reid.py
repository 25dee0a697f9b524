"""Eq. 5-7: stripes of the feature map, their order in the embedding, heads and normalisation."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from crossres.methods.shared.networks.reid import ReidNetwork, joined, stripes
from crossres.methods.shared.reid_options import ReidOptions


class _Rows(nn.Module):
    """A trunk that returns its input: three channels of the image itself."""

    def forward(self, images: Tensor) -> Tensor:
        return images


def network(head: str = "none", classes: int = 5) -> ReidNetwork:
    torch.manual_seed(0)
    return ReidNetwork((_Rows(), 3), classes, 4, head, 6)  # type: ignore[arg-type]


@pytest.mark.parametrize(("height", "parts"), [(8, 4), (16, 4), (7, 4), (3, 4), (8, 1)])
def test_stripes_average_the_rows_of_each_part(height: int, parts: int) -> None:
    maps = np.random.default_rng(0).random((2, 3, height, 5))
    pooled = stripes(torch.from_numpy(maps), parts).numpy()
    for part in range(parts):
        start, end = int(np.floor(part * height / parts)), int(np.ceil((part + 1) * height / parts))
        assert np.allclose(pooled[part], maps[:, :, start:end].mean((2, 3)))


def test_equation_6_parts_stand_one_after_another() -> None:
    images = torch.rand(2, 3, 8, 4)
    features = network().features(images)
    by_part = [images[:, :, 2 * h : 2 * h + 2].mean((2, 3)) for h in range(4)]
    assert torch.allclose(features, torch.cat(by_part, 1))


def test_logits_are_one_linear_classifier_a_part() -> None:
    net, images = network(), torch.rand(2, 3, 8, 4)
    features, logits = net(images)
    for part in range(4):
        expected = features[part] @ net.weight[part] + net.bias[part, 0]
        assert torch.allclose(logits[part], expected, atol=1e-6)


def test_pcb_head_reduces_each_part_with_its_own_layer() -> None:
    net, images = network("pcb").eval(), torch.rand(3, 3, 8, 4)
    features, logits = net(images)
    pooled = stripes(images, 4)
    expected = torch.stack([pooled[h] @ net.reduce[h] for h in range(4)])
    assert torch.allclose(features, torch.relu(expected / np.sqrt(1 + 1e-5)), atol=1e-5)
    assert logits.shape == (4, 3, 5)
    assert net.features(images).shape == (3, 24)


def test_bnneck_normalises_for_the_classifier_not_for_the_triplet() -> None:
    net, images = network("bnneck"), torch.rand(6, 3, 8, 4)
    features, logits = net(images)
    assert torch.equal(features, stripes(images, 4))
    normalised = (features - features.mean(1, True)) / (
        features.var(1, unbiased=False, keepdim=True) + 1e-5
    ).sqrt()
    expected = torch.bmm(normalised, net.weight) + net.bias
    assert torch.allclose(logits, expected, atol=1e-4)


def test_equations_5_and_7_join_the_scales_in_order() -> None:
    parts = [torch.full((1, 2), float(k)) for k in (1, 2, 3)]
    embedding = joined(parts, ReidOptions(test_normalise="none"))
    assert embedding.tolist() == [[1, 1, 2, 2, 3, 3]]


@pytest.mark.parametrize(("how", "norms"), [("network", [1, 1]), ("whole", [0.6, 0.8])])
def test_normalisation_of_the_embedding(how: str, norms: list[float]) -> None:
    features = [torch.tensor([[0.0, 3.0]]), torch.tensor([[4.0, 0.0]])]
    embedding = joined(features, ReidOptions(test_normalise=how))  # type: ignore[arg-type]
    assert embedding[:, :2].norm().item() == pytest.approx(norms[0])
    assert embedding[:, 2:].norm().item() == pytest.approx(norms[1])
