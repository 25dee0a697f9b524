"""PCB against numpy, option by option."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from crossres.methods import Run
from crossres.methods.interface.conformance import SMALL, example_images, example_train_set
from crossres.methods.pcb import Pcb, PcbNetwork
from crossres.methods.plain import Plain
from crossres.methods.shared.tensors import MEAN, STD, to_tensor
from crossres.methods.shared.training.loop import Iteration
from tests.methods.oracles import FEW, array, cross_entropy, first_batch

CPU = torch.device("cpu")


Array = NDArray[np.float64]


def pcb(**options: Any) -> tuple[PcbNetwork, Iteration]:
    method = Pcb(SMALL, **options)
    network = method.build(4, Run(seed=0), pretrained=False).train()
    return network, first_batch(SMALL, method.options)


def test_pcb_sums_a_softmax_cross_entropy_over_its_parts() -> None:
    network, now = pcb()
    inputs, labels = now.inputs(CPU), now.labels(CPU)
    _, logits = network.reid(inputs)
    assert logits.shape == (6, 12, 4)
    expected = sum(cross_entropy(array(part), labels.numpy(), 0.0) for part in logits)
    assert network.loss(inputs, labels).item() == pytest.approx(expected, rel=1e-5)


def test_pcb_joins_the_pooled_or_the_reduced_parts() -> None:
    images = to_tensor(example_images(3, SMALL, "test"), CPU)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    for feature, size in (("g", 32), ("h", 5)):
        network, _ = pcb(test_feature=feature, part_width=5, parts=4, test_normalise="none")
        maps = array(network.eval().reid.trunk((images - mean) / std))
        parts = [maps[:, :, 2 * k : 2 * k + 2].mean((2, 3)) for k in range(4)]
        if feature == "h":
            each = zip(parts, network.reid.reduce, strict=True)
            parts = [np.maximum(g @ array(w) / np.sqrt(1 + 1e-5), 0) for g, w in each]
        embedding = array(network.features(images))
        assert embedding.shape == (3, 4 * size)
        assert np.allclose(embedding, np.concatenate(parts, 1), atol=1e-5)


def test_pcb_trains_its_trunk_at_a_tenth_of_the_rate_of_the_new_layers() -> None:
    network, now = pcb()
    network.loss(now.inputs(CPU), now.labels(CPU)).backward()  # type: ignore[no-untyped-call]
    method = Pcb(replace(SMALL, train=FEW))
    method.fit(example_train_set(SMALL), Run(seed=0))
    assert method.network is not None
    after = dict(method.network.named_parameters())
    for name, start in network.named_parameters():
        rate = 0.01 if name.startswith("reid.trunk.") else 0.1
        assert start.grad is not None
        expected = array(start) - rate * (array(start.grad) + 5e-4 * array(start))
        assert np.allclose(array(after[name]), expected, atol=1e-5), name


def test_pcb_with_the_options_of_plain_is_plain_to_the_last_bit() -> None:
    options = {"parts": 4, "part_head": "none", "label_smoothing": 0.1, "triplet": True}
    options |= {"optimiser": "adam", "reid_lr": 3e-4, "trunk_rate": 1.0, "lr_drop_at": 0.5}
    images = example_images(5, SMALL, "test")
    embeddings = []
    for method in (Plain(SMALL), Pcb(SMALL, **options)):
        method.fit(example_train_set(SMALL), Run(seed=1))
        embeddings.append(method.embed(images))
    assert np.array_equal(*embeddings)
