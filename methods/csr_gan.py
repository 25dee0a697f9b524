"""CSR-GAN: cascaded super-resolution GANs and a re-ID network (Wang, Ye, Yang, Bai, Satoh 2018).

Three generators in series double an image: G_8 from 1/8 of the height to 1/4, G_4 to 1/2, G_2 to
all of it. An image of rate r enters where it fits, CSR(x) = G_2(x) for r = 2, 3, G_2(G_4(x)) for
r = 4 to 7, x itself for HR. Nothing is shared, and each generator learns from true pairs alone:

    L_k = MSE(G_k(x_1/k), x_2/k) - a mean log D_k(G_k(x_1/k)) + b MSE(VGG map) [+ c MSE(VGG output)]

MSE first, the GAN later. The re-ID network learns from HR images and from CSR(x_l), without any
gradient to the generators. Faithful structure: stages, losses, weights and entry are those of the
authors' demo. Our reading: pairs on the image's own grid, shared schedule, see the docs.
"""

from collections.abc import Iterator
from functools import partial
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from crossres.datasets.base.errors import InputError
from crossres.methods.declarations.csr_gan import CsrGanDeclaration, CsrGanOptions
from crossres.methods.interface.method import Embeddings
from crossres.methods.interface.run import Run
from crossres.methods.interface.training_data import Images, TrainSet
from crossres.methods.shared.computing import tell
from crossres.methods.shared.loss_recording import recorded_loss
from crossres.methods.shared.networks.perceptual import Perceptual, imagenet_perceptual
from crossres.methods.shared.networks.reid import ReidNetwork, joined, part_loss
from crossres.methods.shared.networks.resolution import RateEstimator
from crossres.methods.shared.networks.srgan import build_discriminator, build_generator
from crossres.methods.shared.tensors import normalise, to_device, to_tensor
from crossres.methods.shared.torch_method import TorchMethod
from crossres.methods.shared.torch_tools import device_of
from crossres.methods.shared.training.adversarial import adversarial_loss, discriminator_step
from crossres.methods.shared.training.descent import Part, descend
from crossres.methods.shared.training.loop import Iteration
from crossres.methods.shared.training.schedule import make_optimiser
from crossres.methods.shared.training.streams import require_variants


def entering(images: Tensor, depth: int, options: CsrGanOptions) -> Tensor:
    """Shrink images (B, 3, H, W) in [0, 1] for `depth` generators in series; bicubic."""
    if options.grid == "input" or depth == 0:
        return images
    size = (images.shape[2] >> depth, images.shape[3] >> depth)
    return F.interpolate(images, size, mode="bicubic", antialias=True).clamp(0.0, 1.0)


class CsrGanNetwork(nn.Module):
    """G_2, G_4, G_8, the re-ID network, and the estimator of unknown rates."""

    def __init__(
        self, options: CsrGanOptions, generators: list[nn.Module], reid: ReidNetwork
    ) -> None:
        super().__init__()
        self.options, self.generators, self.reid = options, nn.ModuleList(generators), reid
        self.resolution = RateEstimator()

    @torch.no_grad()
    def lifted(self, images: Tensor, rates: Tensor | None = None) -> Tensor:
        """Return CSR(x) of images (B, 3, H, W) in [0, 1] and rates (B,), 0 for unknown."""
        entry_rates = self.resolution(images).round()
        if rates is not None and self.options.rate == "given":
            entry_rates = torch.where(rates > 0, rates, entry_rates)
        starts = entry_rates.new_tensor([2.0 ** (k + 1) for k in range(len(self.generators))])
        depths = (entry_rates[:, None] >= starts).sum(1)
        lifted, training = images.clone(), self.generators.training
        self.generators.eval()
        for depth in range(1, len(self.generators) + 1):
            rows = depths == depth
            if rows.any():
                x = entering(images[rows], depth, self.options)
                for generator in reversed(self.generators[:depth]):
                    x = generator(x).clamp(0.0, 1.0)
                lifted[rows] = x
        self.generators.train(training)
        return lifted

    def features(self, images: Tensor, rate: int = 0) -> Tensor:
        """Return embeddings (B, parts * D) of images (B, 3, H, W) in [0, 1], all of one rate."""
        rates = torch.full((len(images),), rate, device=images.device)
        return joined([self.reid.features(normalise(self.lifted(images, rates)))], self.options)


class CsrGan(CsrGanDeclaration, TorchMethod[CsrGanNetwork]):
    """SRGANs in series, entered by the rate of an image, before a re-ID network."""

    options: CsrGanOptions

    def build(self, identities: int, run: Run, pretrained: bool) -> CsrGanNetwork:
        o = self.options
        upscale: Literal[1, 2] = 2 if o.grid == "stage" else 1
        smallest = upscale**o.stages
        if self.profile.height % smallest or self.profile.width % smallest:
            raise InputError(f"csr-gan: height and width must be multiples of {smallest}")
        generators: list[nn.Module] = [
            build_generator(o, run, 2**k, upscale) for k in range(o.stages)
        ]
        return CsrGanNetwork(o, generators, self.reid_network(identities, run, 1, pretrained))

    def train(self, network: CsrGanNetwork, train: TrainSet, run: Run) -> None:
        o, device = self.options, device_of(network)
        require_variants(self.name, (2, 4), train)
        network.resolution.fit(train)
        judges = nn.ModuleList(build_discriminator(o, run, 2**k) for k in range(o.stages)).to(
            device
        )
        tell(judges, device, self.profile.computing)
        perceptual = self._perceptual(device)
        learned = network.reid.parameters()
        reid = make_optimiser(o.optimiser, learned, o.reid_lr, o.reid_weight_decay)
        learners = [network.generators, judges] if o.stages else []
        gan = [(make_optimiser("adam", m.parameters(), o.sr_lr, 0), o.sr_lr, 0.0) for m in learners]
        for now in self.iterations(network, train, run):
            if gan and len(now.batch.hr):
                descend(now, gan[:1], stage_losses(network, judges, gan[1], perceptual, now))
            rates = to_device(train.rates[now.batch.indices], device)
            lifted = network.lifted(to_tensor(now.batch.images(), device), rates)
            features, logits = network.reid(now.erased(normalise(lifted)))
            loss = part_loss(features, logits, now.labels(device), o)
            descend(now, [(reid, o.reid_lr, o.reid_warmup)], [loss])

    def _perceptual(self, device: torch.device) -> Perceptual | None:
        o, imagenet = self.options, self.profile.backbone_spec.weights == "imagenet"
        if imagenet and o.stages and max(o.vgg_map, o.vgg_output) > 0:
            perceptual = imagenet_perceptual(self.profile.weights_dir).to(device)
            tell(perceptual, device, self.profile.computing)
            return perceptual
        return None

    def embed_rated(self, images: Images, rates: NDArray[np.int64]) -> Embeddings:
        network, order = self.fitted()[0], np.argsort(rates, kind="stable")
        groups = [
            self.embedded(images[rates == rate], partial(network.features, rate=int(rate)))
            for rate in np.unique(rates)
        ]
        return np.concatenate(groups)[np.argsort(order)] if groups else self.embed(images)

    def reconstructions(self, images: Images) -> dict[str, Images]:
        """Return CSR(x), the rates read from the pixels; nothing without super-resolution."""
        network = self.fitted()[0]
        return {"CSR": self.rebuilt(images, network.lifted)} if self.options.stages else {}


def stage_losses(
    network: CsrGanNetwork,
    judges: nn.ModuleList,
    judge_part: Part,
    perceptual: Perceptual | None,
    now: Iteration,
) -> Iterator[Tensor]:
    """Yield L_k of G_2, G_4, G_8, each after a step of D_k, on the HR images of a batch."""
    o, device = network.options, device_of(network)
    versions = [to_tensor(x, device) for x in now.batch.versions((1, 2, 4, 4))]
    scales = [entering(x, k, o) for k, x in enumerate(versions[: o.stages + 1])]
    for k, (generator, judge) in enumerate(zip(network.generators, judges, strict=True)):
        rebuilt, target = generator(scales[k + 1]), scales[k]
        # The demo's pixels lie in [-1, 1].
        loss = recorded_loss("reconstruction", F.mse_loss(2.0 * rebuilt, 2.0 * target))
        if now.elapsed >= o.gan_from:
            if o.adversarial:
                discriminator_step(now, judge_part, judge, target, rebuilt)
                fooling = recorded_loss("adversarial", adversarial_loss(judge(rebuilt), real=True))
                loss = loss + o.adversarial * fooling
            if perceptual is not None:
                maps, output = perceptual(rebuilt, target)
                loss = loss + o.vgg_map * maps + (o.vgg_output * output if k == 0 else 0.0)
        yield loss
