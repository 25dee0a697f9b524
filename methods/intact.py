"""INTACT: inter-task association critic (Cheng, Dong, Gong, Zhu, CVPR 2020).

Three stages. (1) super-resolution G with a discriminator D, (2) re-ID network F on HR images,

    L_SR = MSE(G(x_1/r), x_h) - a mean log D(G(x_1/r)),      L_F = L_ReID(x_h),

(3) a critic A learns which pairs of an image and its re-ID feature come from HR images, (x_h,
F(x_h)) or (G(x), F(G(x))), and becomes a constraint of G, with x both x_1/r and native LR images:

    L_G = L_SR + b L_ReID(F(G(x))) - c mean log A(G(x), F(G(x)))

A query is F(G(x)), a gallery image F(x). Our reading: the stages and the purpose of A are the
paper's; the networks, the weights, what A is given and the shares of the schedule are ours.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossres.methods.declarations.intact import IntactDeclaration, IntactOptions
from crossres.methods.interface.method import Distances, Embeddings
from crossres.methods.interface.run import Run
from crossres.methods.interface.training_data import Images, TrainSet
from crossres.methods.shared.computing import tell
from crossres.methods.shared.fusion import fused_distances, packed
from crossres.methods.shared.loss_recording import recorded_loss
from crossres.methods.shared.networks.discriminators import Discriminator
from crossres.methods.shared.networks.reid import ReidNetwork, joined, part_loss
from crossres.methods.shared.networks.srgan import build_discriminator, build_generator
from crossres.methods.shared.tensors import normalise
from crossres.methods.shared.torch_method import TorchMethod
from crossres.methods.shared.torch_tools import device_of, seeded
from crossres.methods.shared.training.adversarial import adversarial_loss, discriminator_step
from crossres.methods.shared.training.descent import descend
from crossres.methods.shared.training.loop import Iteration
from crossres.methods.shared.training.schedule import make_optimiser
from crossres.methods.shared.training.streams import Streams, require_variants, streams

RATES = (2, 3, 4)


class Critic(nn.Module):
    """A: a discriminator of images to which the feature is added as maps of constant value."""

    def __init__(self, size: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.read = nn.Linear(size, widths[0])
        self.judge = Discriminator(3 + widths[0], widths)

    def forward(self, images: Tensor, features: Tensor) -> Tensor:
        """Return logits of patches, (B, 1, h, w), of images (B, 3, H, W) with features (B, D)."""
        maps = self.read(features)[:, :, None, None].expand(-1, -1, *images.shape[2:])
        logits: Tensor = self.judge(torch.cat([images, maps], 1))
        return logits


class IntactNetwork(nn.Module):
    """The super-resolution network and the re-ID network."""

    def __init__(self, options: IntactOptions, sr: nn.Module, reid: ReidNetwork) -> None:
        super().__init__()
        self.options, self.sr, self.reid = options, sr, reid

    def feature(self, images: Tensor) -> Tensor:
        """Return F, (B, parts * D), of images (B, 3, H, W) in [0, 1]."""
        return joined([self.reid.features(normalise(images))], self.options)

    def features(self, images: Tensor) -> Tensor:
        """Pack F(G(x)), for a query, F(x), for a gallery image, and a weight of one."""
        roles = [self.feature(self.sr(images))], [self.feature(images)]
        return packed(*roles, images.new_ones(images.shape[0], 1))


class Intact(IntactDeclaration, TorchMethod[IntactNetwork]):
    """Super-resolution constrained by a critic of its association with re-ID."""

    options: IntactOptions

    def build(self, identities: int, run: Run, pretrained: bool) -> IntactNetwork:
        sr = (
            build_generator(self.options, run, 1, 1)
            if self.options.sr == "residual"
            else nn.Identity()
        )
        return IntactNetwork(self.options, sr, self.reid_network(identities, run, 1, pretrained))

    def train(self, network: IntactNetwork, train: TrainSet, run: Run) -> None:
        o, device = self.options, device_of(network)
        require_variants(self.name, RATES, train)
        teacher = SrTeacher(network, run) if o.sr == "residual" else None
        for judge in (teacher.discriminator, teacher.critic) if teacher is not None else ():
            tell(judge, device, self.profile.computing)
        learned = network.reid.parameters()
        reid = make_optimiser(o.optimiser, learned, o.reid_lr, o.reid_weight_decay)
        for now in self.iterations(network, train, run):
            s = streams(now, (RATES[now.step % len(RATES)],), device)
            together = now.elapsed >= o.association_from
            if teacher is not None and (together or len(s.low)):
                teacher.step(now, s, together)
            rate = o.reid_lr * (o.reid_tuning if together else 1.0)
            if rate > 0 and (together or len(s.high)):
                loss = reid_loss(network, now, s, together)
                descend(now, [(reid, rate, o.reid_warmup)], [loss])

    def distances(self, query: Embeddings, gallery: Embeddings) -> Distances:
        return fused_distances(query, gallery, 1)

    def reconstructions(self, images: Images) -> dict[str, Images]:
        """Return G(x), clipped to uint8; nothing without super-resolution."""
        network = self.fitted()[0]
        return {"SR": self.rebuilt(images, network.sr)} if self.options.sr != "none" else {}


def reid_loss(network: IntactNetwork, now: Iteration, s: Streams, together: bool) -> Tensor:
    """Return L_ReID of the HR images and, in stage 3, of the super-resolved ones, without G."""
    images, labels = s.high, s.labels[0]
    if together:
        with torch.no_grad():
            lifted = network.sr(torch.cat([s.low, s.native]))
        images, labels = torch.cat([images, lifted]), torch.cat(s.labels)
    features, logits = network.reid(now.erased(normalise(images)))
    return part_loss(features, logits, labels, network.options)


class SrTeacher:
    """What G learns from: the discriminator D and the critic A, not needed after training."""

    def __init__(self, network: IntactNetwork, run: Run) -> None:
        self.network, o = network, network.options
        device, size = device_of(network), network.reid.parts * network.reid.size
        with seeded(run.seed_for("initial weights", "critic")):
            self.critic = Critic(size, o.judge_widths).to(device)
        self.discriminator = build_discriminator(o, run, 1).to(device)
        self.sr_part, self.d_part, self.a_part = (
            (make_optimiser("adam", module.parameters(), o.sr_lr, 0.0), o.sr_lr, 0.0)
            for module in (network.sr, self.discriminator, self.critic)
        )

    def step(self, now: Iteration, s: Streams, together: bool) -> None:
        """Make a step of D, in stage 3 of A, and of G."""
        o, images = self.network.options, torch.cat([s.low, s.native]) if together else s.low
        lifted = self.network.sr(images)
        losses = []
        if len(s.low):
            error = F.mse_loss(lifted[: len(s.low)], s.target)
            losses.append(recorded_loss("reconstruction", error))
        if o.adversarial:
            discriminator_step(now, self.d_part, self.discriminator, s.high, lifted)
            fooling = adversarial_loss(self.discriminator(lifted), real=True)
            losses.append(o.adversarial * recorded_loss("adversarial", fooling))
        if together:
            losses += self._association(now, s, lifted)
        descend(now, [self.sr_part], [torch.stack(losses).sum()])

    def _association(self, now: Iteration, s: Streams, lifted: Tensor) -> list[Tensor]:
        """Return b L_ReID(F(G(x))) and, after a step of A, its part of L_G; F in test mode."""
        o, reid = self.network.options, self.network.reid
        reid.eval().requires_grad_(requires_grad=False)
        features, logits = reid(normalise(lifted))
        with torch.no_grad():
            real_features, _ = reid(normalise(s.high))
        reid.train().requires_grad_(requires_grad=True)
        losses = [o.identity * part_loss(features, logits, torch.cat(s.labels[1:]), o)]
        if o.association:
            real, fake = (
                joined([f.transpose(0, 1).flatten(1)], o) for f in (real_features, features)
            )
            of_real = adversarial_loss(self.critic(s.high, real), real=True)
            of_fake = adversarial_loss(self.critic(lifted.detach(), fake.detach()), real=False)
            descend(now, [self.a_part], [recorded_loss("critic", of_real + of_fake)])
            association = adversarial_loss(self.critic(lifted, fake), real=True)
            losses.append(o.association * recorded_loss("association", association))
        return losses
