"""CSR-GAN: entry by rate, true pairs, stage losses and perceptual ones against numpy; options."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from crossres.datasets import InputError
from crossres.methods import Profile, Run, TrainSet, check_method
from crossres.methods.csr_gan import CsrGan, CsrGanNetwork, entering, stage_losses
from crossres.methods.interface.conformance import example_images, example_train_set, small_profile
from crossres.methods.plain import Plain
from crossres.methods.shared.networks.perceptual import Perceptual
from crossres.methods.shared.networks.srgan import build_discriminator
from crossres.methods.shared.tensors import MEAN, STD
from crossres.methods.shared.training.loop import Iteration
from tests.methods.oracles import FEW, first_batch

SMALL = small_profile(CsrGan)


def prepared(**options: Any) -> tuple[CsrGanNetwork, Iteration]:
    """Build a fresh network in training mode, no generator the identity, and one batch."""
    method = CsrGan(SMALL, **options)
    network = method.build(4, Run(seed=0), pretrained=False).train()
    generator = torch.Generator().manual_seed(0)
    for part in network.generators:
        nn.init.normal_(part.last.weight, std=0.05, generator=generator)  # type: ignore[arg-type,union-attr]
    return network, first_batch(SMALL, method.options)


def calls(network: CsrGanNetwork) -> list[tuple[int, tuple[int, ...]]]:
    """Return a list that fills with (doubling of G_k, shape of its input) from now on."""
    recorded: list[tuple[int, tuple[int, ...]]] = []
    for k, part in enumerate(network.generators):
        part.register_forward_pre_hook(
            lambda _m, args, k=k: recorded.append((2 ** (k + 1), tuple(args[0].shape)))
        )
    return recorded


def test_an_image_enters_at_the_stage_of_its_rate() -> None:
    network, _ = prepared()
    images, entries = torch.rand(6, 3, 32, 16), calls(network)
    lifted = network.lifted(images, torch.tensor([1, 2, 3, 4, 6, 8]))
    assert torch.equal(lifted[0], images[0]), "an HR image stays as it is"
    assert entries == [
        (2, (2, 3, 16, 8)),
        (4, (2, 3, 8, 4)),
        (2, (2, 3, 16, 8)),
        (8, (1, 3, 4, 2)),
        (4, (1, 3, 8, 4)),
        (2, (1, 3, 16, 8)),
    ]
    assert lifted.min() >= 0.0
    assert lifted.max() <= 1.0


def test_the_cascade_is_its_generators_in_series() -> None:
    network, _ = prepared()
    network.eval()
    images = torch.rand(2, 3, 32, 16)
    lifted = network.lifted(images, torch.tensor([4, 4]))
    with torch.no_grad():
        middle = network.generators[1](entering(images, 2, network.options)).clamp(0, 1)
        expected = network.generators[0](middle).clamp(0, 1)
    assert torch.allclose(lifted, expected, atol=1e-6)


def test_fewer_stages_take_what_the_missing_ones_would() -> None:
    network, _ = prepared(stages=1)
    entries = calls(network)
    network.lifted(torch.rand(3, 3, 32, 16), torch.tensor([2, 4, 8]))
    assert entries == [(2, (3, 3, 16, 8))]


@pytest.mark.parametrize("rate", ["given", "estimated"])
def test_a_rate_that_nobody_tells_is_read_from_the_pixels(rate: Any) -> None:
    network, _ = prepared(rate=rate)
    network.resolution.coefficients.copy_(torch.tensor([0.0, 0.0, 0.0, 3.6]))
    entries = calls(network)
    network.lifted(torch.rand(2, 3, 32, 16), torch.tensor([1, 0]))
    assert entries[0] == (4, (1 if rate == "given" else 2, 3, 8, 4)), "3.6 rounds to 4"


def test_images_may_keep_their_size() -> None:
    network, _ = prepared(grid="input", stages=2)
    images, entries = torch.rand(1, 3, 32, 16), calls(network)
    network.lifted(images, torch.tensor([4]))
    assert entries == [(4, (1, 3, 32, 16)), (2, (1, 3, 32, 16))]
    assert entering(images, 2, network.options) is images


def pairs(network: CsrGanNetwork, now: Iteration) -> list[tuple[Tensor, Tensor]]:
    """Return (input, target) of G_2, G_4, G_8 as the docs define them."""
    high, two, four = (
        torch.from_numpy(x.astype(np.float32) / 255.0).permute(0, 3, 1, 2)
        for x in now.batch.versions((1, 2, 4))
    )
    o = network.options
    scales = [high, entering(two, 1, o), entering(four, 2, o), entering(four, 3, o)]
    return [(scales[k + 1], scales[k]) for k in range(3)]


def stepped(network: CsrGanNetwork, now: Iteration, rate: float = 1e-9) -> list[float]:
    """Return the losses of the stages, while discriminators hardly move."""
    judges = nn.ModuleList(build_discriminator(network.options, Run(seed=0), k) for k in (1, 2, 4))
    judged = (SGD(judges.parameters(), rate), rate, 0.0)
    return [loss.item() for loss in stage_losses(network, judges, judged, None, now)]


def test_generators_learn_from_true_pairs_alone_at_first() -> None:
    network, now = prepared(gan_from=1.0, sr_batchnorm=False)
    expected = []
    for generator, (low, target) in zip(network.generators, pairs(network, now), strict=True):
        gap = 2.0 * (generator(low) - target).detach().numpy().astype(np.float64)
        expected.append(float((gap**2).mean()))
    assert stepped(network, now) == pytest.approx(expected, rel=1e-4)


def test_the_gan_joins_later() -> None:
    mse, now = prepared(gan_from=1.0, sr_batchnorm=False)
    both, gan_batch = prepared(gan_from=0.0, sr_batchnorm=False, adversarial=0.5)
    without = stepped(mse, now)
    losses = stepped(both, gan_batch)
    for k, (low, _) in enumerate(pairs(both, gan_batch)):
        judge = build_discriminator(both.options, Run(seed=0), (1, 2, 4)[k])
        logits = judge(both.generators[k](low)).detach().numpy().astype(np.float64)
        fooled = np.log(1 + np.exp(-logits)).mean()
        assert losses[k] - without[k] == pytest.approx(0.5 * fooled, rel=1e-3)


def test_discriminators_step_before_their_generator() -> None:
    network, now = prepared(gan_from=0.0)
    judges = nn.ModuleList(build_discriminator(network.options, Run(seed=0), k) for k in (1, 2, 4))
    before = [p.detach().clone() for p in judges.parameters()]
    list(stage_losses(network, judges, (SGD(judges.parameters(), 0.1), 0.1, 0.0), None, now))
    moved = [not torch.equal(a, b) for a, b in zip(before, judges.parameters(), strict=True)]
    assert all(moved)


class TinyVgg(nn.Module):
    """The three parts of torchvision's VGG: as many layers before pool4, and few numbers."""

    def __init__(self) -> None:
        super().__init__()
        flat = [nn.Identity() for _ in range(27)]
        self.features = nn.Sequential(nn.AvgPool2d(56), *flat, nn.ReLU())
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(3, 2)


def test_perceptual_losses_compare_maps_and_last_numbers() -> None:
    vgg = TinyVgg()
    loss = Perceptual(vgg)
    assert not any(p.requires_grad for p in loss.parameters())
    left, right = torch.rand(2, 3, 448, 224), torch.rand(2, 3, 448, 224)
    outputs = []
    for images in (left, right):
        squeezed = torch.nn.functional.interpolate(
            images, (224, 224), mode="bilinear", antialias=True
        )
        pixels = squeezed.numpy().astype(np.float64)
        normal = (pixels - np.array(MEAN).reshape(3, 1, 1)) / np.array(STD).reshape(3, 1, 1)
        maps = normal.reshape(2, 3, 4, 56, 4, 56).mean((3, 5))
        weight, bias = (p.detach().numpy() for p in vgg.classifier.parameters())
        outputs.append((maps, np.maximum(maps, 0).mean((2, 3)) @ weight.T + bias))
    expected = [((a - b) ** 2).mean() for a, b in zip(*outputs, strict=True)]
    assert [x.item() for x in loss(left, right)] == pytest.approx(expected, rel=1e-3)


def test_the_output_of_the_vgg_counts_at_the_last_stage_only() -> None:
    network, now = prepared(gan_from=0.0, adversarial=0.0, sr_batchnorm=False)
    base = stepped(network, now)

    class Constant(nn.Module):
        def forward(self, *_images: Tensor) -> tuple[Tensor, Tensor]:
            return torch.tensor(1e5), torch.tensor(3.0)

    constant: Any = Constant()
    judges = nn.ModuleList(nn.Identity() for _ in range(3))
    losses = stage_losses(network, judges, (SGD([torch.zeros(1)], 1.0), 1.0, 0.0), constant, now)
    more = [loss.item() - b for loss, b in zip(losses, base, strict=True)]
    assert more == pytest.approx([0.2 + 3.0, 0.2, 0.2], rel=1e-4)


def fitted(profile: Profile = SMALL, **options: Any) -> CsrGan:
    method = CsrGan(profile, **options)
    method.fit(example_train_set(profile), Run(seed=0))
    return method


def test_without_stages_it_is_the_plain_network() -> None:
    plain = Plain(SMALL)
    plain.fit(example_train_set(SMALL), Run(seed=0))
    images = example_images(5, SMALL, "test")
    assert np.array_equal(fitted(stages=0).embed(images), plain.embed(images))


def test_the_re_id_network_moves_no_generator() -> None:
    network, now = prepared()
    images = torch.from_numpy(now.batch.images()).permute(0, 3, 1, 2) / 255.0
    assert not network.lifted(images.requires_grad_(), torch.full((len(images),), 2)).requires_grad


def test_embeddings_of_known_rates_keep_the_order_of_the_images() -> None:
    method, images = fitted(), example_images(5, SMALL, "test")
    rates = np.array([4, 1, 0, 2, 4])
    embedded = method.embed_rated(images, rates)
    for k in range(5):
        alone = method.embed_rated(images[k : k + 1], rates[k : k + 1])
        assert np.allclose(embedded[k], alone[0], atol=1e-5)
    assert np.allclose(embedded[2], method.embed(images[2:3])[0], atol=1e-5)


def test_a_generator_learns_the_detail_that_lr_images_lack() -> None:
    """HR images bear a checkerboard, LR ones do not: the doubling must paint it."""
    full, (rows, columns) = example_train_set(SMALL), np.mgrid[:32, :16]
    smooth = np.clip(full.variants[4], 30, 225)
    signs = (2 * ((rows + columns) % 2) - 1)[:, :, None]
    images = full.images.copy()
    images[full.hr] = (smooth + 30 * signs).astype(np.uint8)
    variants = dict.fromkeys((2, 3, 4), smooth)
    train = TrainSet(images, full.labels, full.camids, full.rates, variants, full.hr)
    longer = Profile("longer", 32, 16, backbone=SMALL.backbone, train={**FEW, "iterations": 30})
    method = CsrGan(
        longer,
        stages=1,
        sr_width=8,
        sr_blocks=1,
        sr_batchnorm=False,
        sr_lr=1e-2,
        judge_widths=[4],
        flip=0.0,
    )
    method.fit(train, Run(seed=0))
    network = method.network
    assert isinstance(network, CsrGanNetwork)
    low = torch.from_numpy(smooth).permute(0, 3, 1, 2) / 255.0
    lifted = network.lifted(low, torch.full((len(low),), 2)).permute(0, 2, 3, 1).numpy() * 255.0
    gap, before = lifted - images[full.hr], smooth.astype(float) - images[full.hr]
    assert (gap**2).mean() < 0.5 * (before**2).mean()


@pytest.mark.parametrize(
    "options",
    [
        {"stages": 0},
        {"adversarial": 0.0, "rate": "estimated", "sr_batchnorm": False},
        {"stages": 1, "embed_flip": True, "erase": 0.5},
        {"stages": 2, "grid": "input"},
    ],
)
def test_its_rows_conform(options: dict[str, Any]) -> None:
    assert "determinism" in check_method("csr-gan", None, **options)


def test_reconstructions_are_those_of_the_cascade() -> None:
    images = example_images(2, SMALL, "test")
    assert list(fitted().reconstructions(images)) == ["CSR"]
    assert fitted(stages=0).reconstructions(images) == {}


def test_wrong_options_sizes_and_missing_variants_are_named() -> None:
    for wrong in (
        {"stages": 4},
        {"gan_from": 2.0},
        {"vgg_map": -1.0},
        {"sr_width": 0},
        {"judge_widths": []},
        {"grid": "input"},
    ):
        with pytest.raises(InputError, match="stages" if "grid" in wrong else next(iter(wrong))):
            CsrGan(SMALL, **wrong)  # type: ignore[arg-type]
    full = example_train_set(SMALL)
    with pytest.raises(InputError, match="multiples of 8"):
        CsrGan(Profile("odd", 36, 16, backbone=SMALL.backbone)).fit(full, Run(seed=0))
    some = {3: full.variants[3], 4: full.variants[4]}
    train = TrainSet(full.images, full.labels, full.camids, full.rates, some, full.hr)
    with pytest.raises(InputError, match=r"down-sampled by \[2\]"):
        CsrGan(SMALL).fit(train, Run(seed=0))


def test_training_without_any_hr_image_still_gives_embeddings() -> None:
    full = example_train_set(SMALL)
    empty = dict.fromkeys((2, 3, 4), full.images[:0])
    none = np.zeros(0, dtype=np.int64)
    train = TrainSet(full.images, full.labels, full.camids, full.rates * 0, empty, none)
    method = CsrGan(SMALL)
    method.fit(train, Run(seed=0))
    assert np.isfinite(method.embed(full.images[:2])).all()
