"""JBIM: the two losses and the two distances of a rate; options; SING without its LR branches."""

from typing import Any, cast

import numpy as np
import pytest
import torch

from crossres.datasets import InputError
from crossres.methods import Profile, Run, TrainSet, check_method
from crossres.methods.interface.conformance import example_images, example_train_set, small_profile
from crossres.methods.jbim import Jbim, JbimNetwork
from crossres.methods.shared.networks.views import coarsened
from crossres.methods.shared.tensors import MEAN, STD, to_tensor
from crossres.methods.shared.training.loop import Iteration
from crossres.methods.shared.training.streams import streams
from crossres.methods.sing import SingMethod, SingNetwork
from tests.methods.oracles import first_batch

SMALL = small_profile(Jbim, SingMethod)

CPU = torch.device("cpu")


def prepared(**options: Any) -> tuple[JbimNetwork, Iteration]:
    """Build a fresh network in training mode and one batch."""
    method = Jbim(SMALL, **options)
    network = cast(JbimNetwork, method.build(4, Run(seed=0), pretrained=False).train())
    return network, first_batch(SMALL, method.options)


def normalised(images: torch.Tensor) -> torch.Tensor:
    return (images - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)


def test_the_loss_is_that_of_sing_and_two_cross_entropies_of_unlifted_images() -> None:
    network, now = prepared(rates=(3,))
    outputs: list[torch.Tensor] = []
    inputs: list[torch.Tensor] = []
    network.reid[1].register_forward_pre_hook(lambda _m, args: inputs.append(args[0]))
    network.reid[1].register_forward_hook(lambda _m, _args, out: outputs.append(out[1]))
    loss = network.loss(now, 0).item()
    s = streams(now, (3,), CPU)
    assert torch.allclose(inputs[0], normalised(torch.cat([s.low, s.native])), atol=1e-5)
    logits = outputs[0][0].detach().numpy().astype(np.float64)
    log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    picked = -log_p[np.arange(len(logits)), torch.cat(list(s.labels[1:])).numpy()]
    low, native = np.split(picked, [len(s.low)])
    alone, sing_batch = prepared(rates=(3,))
    assert loss == pytest.approx(
        SingNetwork.loss(alone, sing_batch, 0).item() + low.mean() + native.mean(), rel=1e-5
    )


def test_no_branch_reaches_into_the_other() -> None:
    network, now = prepared(rates=(2, 4))
    torch.nn.init.normal_(network.sr[0].conv3.weight, std=0.05)  # type: ignore[arg-type,union-attr]
    network.loss(now, 0).backward()  # type: ignore[no-untyped-call]
    touched = [any(p.grad is not None for p in part.parameters()) for part in network.reid]
    assert touched == [True, False, True, False]


@pytest.mark.parametrize("view", ["down-sampled", "as-is"])
def test_distances_are_those_of_either_resolution(view: str) -> None:
    """sum_j w_j (||F_j(SR_j(q)) - F_j(g)|| + beta ||G_j(q) - G_j(g_1/j)||), part by part."""
    method = Jbim(SMALL, beta=0.5, gallery_view=view, rates=(2, 4))
    method.fit(example_train_set(SMALL), Run(seed=0))
    images = example_images(5, SMALL, "test")
    distances = method.distances(method.embed(images[:2]), method.embed(images[2:]))
    network = cast(JbimNetwork, method.network)
    tensor = to_tensor(images, CPU)
    query, gallery = tensor[:2], tensor[2:]
    weights = network.weights(query)
    expected = torch.zeros(2, 3)
    with torch.no_grad():
        for j, rate in enumerate((2, 4)):
            low = coarsened(gallery, float(network.views.factors[j]))
            pairs = [
                (network.sr[j](query), gallery),
                (query, low if rate and view != "as-is" else gallery),
            ]
            for branch, beta, (left, right) in zip((j, j + 2), (1.0, 0.5), pairs, strict=True):
                a, b = (
                    torch.nn.functional.normalize(network.reid[branch].features(normalised(x)))  # type: ignore[operator]
                    for x in (left, right)
                )
                expected += weights[:, j, None] * beta * (a[:, None] - b[None]).norm(dim=2)
    assert np.allclose(distances, expected.numpy(), atol=1e-4)


def test_without_lr_branches_it_is_sing_to_the_last_bit() -> None:
    train, images = example_train_set(SMALL), example_images(4, SMALL, "test")
    sing, jbim = SingMethod(SMALL), Jbim(SMALL, lr_branch=False)
    both = Jbim(SMALL)
    for method in (sing, jbim, both):
        method.fit(train, Run(seed=0))
    assert np.array_equal(sing.embed(images), jbim.embed(images))
    shared = sing.arrays()
    arrays = both.arrays()
    equal = [np.array_equal(shared[n], arrays[n]) for n in shared if n.startswith(("sr.", "reid."))]
    assert equal
    assert all(equal), "an LR branch must not change what SING learns"
    assert not np.array_equal(arrays["reid.0.weight"], arrays["reid.3.weight"])


def test_one_branch_for_all_rates_takes_the_middle_view() -> None:
    network, _ = prepared(models="one", rates=(4, 2, 3))
    images = torch.rand(2, 3, 32, 16)
    assert torch.equal(network.gallery_view(images, (4, 2, 3)), coarsened(images, 3.0))
    assert len(network.reid) == 2


@pytest.mark.parametrize(
    "options",
    [
        {"lr_branch": False},
        {"models": "one", "sr": "none", "gallery_view": "as-is", "embed_flip": True},
        {"rates": [3, 2], "beta": 0.0, "triplet": True, "erase": 0.5},
    ],
    ids=str,
)
def test_its_rows_conform(options: dict[str, Any]) -> None:
    assert "determinism" in check_method("jbim", None, **options)


def test_wrong_options_and_missing_variants_are_named() -> None:
    for wrong in ({"beta": -1.0}, {"gallery_view": "small"}, {"rates": [8]}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            Jbim(SMALL, **wrong)
    full = example_train_set(SMALL)
    train = TrainSet(full.images, full.labels, full.camids, full.rates, {}, full.hr)
    with pytest.raises(InputError, match=r"jbim needs the HR images down-sampled by \[2, 3, 4\]"):
        Jbim(SMALL).fit(train, Run(seed=0))


def test_two_steps_with_the_papers_network_at_a_quarter_of_its_size() -> None:
    profile = Profile(
        name="a quarter of the paper size",
        height=64,
        width=32,
        backbone={"name": "resnet50", "weights": "none"},
        train={"iterations": 2, "identities": 2, "hr_images": 1, "lr_images": 1},
    )
    method, train = Jbim(profile, rates=(4,)), example_train_set(profile)
    method.fit(train, Run(seed=0))
    embedding = method.embed(train.images[:1])
    assert embedding.shape == (1, 4 * 256 + 2)
    assert np.isfinite(embedding).all()
