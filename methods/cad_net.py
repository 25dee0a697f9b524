"""CAD-Net: cross-resolution adversarial dual network (Li, Chen, Lin, Du, Wang, ICCV 2019).

An encoder E makes maps f which a discriminator D_F shall not tell to be of HR or of LR images. A
decoder G paints an HR image from them, for a discriminator D_I and a second encoder F; identities
are read from v = [pooled f, pooled F(G(f))]. With x_H an HR image, x_L its variant of a drawn rate,

    L_F   = log D_F(f_H) + log(1 - D_F(f_L))                                                     (1)
    L_rec = |G(f_H) - x_H| + |G(f_L) - x_H|                                                      (2)
    L_I   = 2 log D_I(x_H) + log(1 - D_I(G(f_H))) + log(1 - D_I(G(f_L)))                         (3)
    L_cls = CE + triplet of v over the HR images, and over the LR images                         (4)
    L     = L_cls + lambda_F L_F + lambda_rec L_rec + lambda_I L_I                               (5)

D_F and D_I maximise (1) and (3), all else minimises L. Faithful structure: networks and losses are
as readers of the paper describe them. Our reading: the layers of G, D_F and D_I, constants, and
natively LR images, which the paper's training does not have; they have no target for (2).
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossres.datasets.base.errors import InputError
from crossres.methods.declarations.cad_net import CadNetDeclaration, CadNetOptions
from crossres.methods.interface.run import Run
from crossres.methods.interface.training_data import Images, TrainSet
from crossres.methods.shared.checkpoints import kept
from crossres.methods.shared.loss_recording import recorded_loss
from crossres.methods.shared.networks.backbones import stage_channels, stages
from crossres.methods.shared.networks.decoder import Decoder
from crossres.methods.shared.networks.discriminators import Discriminator
from crossres.methods.shared.networks.reid import ReidNetwork, joined, part_loss
from crossres.methods.shared.tensors import denormalise, normalise
from crossres.methods.shared.torch_method import TorchMethod
from crossres.methods.shared.torch_tools import device_of, seeded
from crossres.methods.shared.training.adversarial import adversarial_loss, discriminator_step
from crossres.methods.shared.training.descent import Part, descend
from crossres.methods.shared.training.loop import Iteration
from crossres.methods.shared.training.schedule import make_optimiser
from crossres.methods.shared.training.streams import require_variants, streams

Game = tuple[float, nn.Module, Tensor, Tensor]  # lambda, D, and what D shall take for real and fake


class CadNetNetwork(nn.Module):
    """E and F, each with its half of the classifier, G, and the adversaries: each D_F, then D_I."""

    def __init__(
        self, options: CadNetOptions, encoders: list[ReidNetwork], channels: tuple[int, ...]
    ) -> None:
        super().__init__()
        o = self.options = options
        self.first, self.second = encoders[0], encoders[1] if o.second else None
        paints = o.second or o.rec_weight > 0 or o.image_weight > 0
        self.decoder = Decoder(channels, o.decoder_width, o.output) if paints else None
        inputs = [*(channels[depth - 1] for depth in o.aligned_depths), *[3] * (o.image_weight > 0)]
        self.adversaries = nn.ModuleList(Discriminator(k, o.adversary_widths) for k in inputs)

    def paint(self, maps: list[Tensor], images: Tensor) -> Tensor:
        """Return G(f), (B, 3, H, W), of normalised images and their maps f; none without a G."""
        if self.decoder is None:
            return images[:0]
        painted: Tensor = self.decoder(maps, (images.shape[2], images.shape[3]))
        return denormalise(images) + painted if self.options.output == "difference" else painted

    def painted(self, images: Tensor) -> Tensor:
        """Return G(f), (B, 3, H, W) in [0, 1], of such images."""
        normalised = normalise(images)
        return self.paint(stages(self.first.trunk, normalised), normalised)

    def features(self, images: Tensor) -> Tensor:
        """Return v, (B, D), of images (B, 3, H, W) in [0, 1]."""
        choice, normalised = self.options.embedding, normalise(images)
        maps = stages(self.first.trunk, normalised)
        features = [] if choice == "g" else [self.first.features_of_maps(maps[-1])]
        if self.second is not None and choice != "f":
            features.append(self.second.features(normalise(self.paint(maps, normalised))))
        return joined(features, self.options)

    def step(self, now: Iteration, part: Part, adversaries: list[Part], rate_draws: Tensor) -> None:
        """Make a step of each adversary, then one of `part`, all else.

        rate_draws (B,): for each image the index of the rate that its x_L has.
        """
        o, s = self.options, streams(now, self.options.rates, device_of(self))
        n = len(s.high)
        low = s.low[rate_draws[:n] * n + torch.arange(n)]
        labels = torch.cat([s.labels[0], s.labels[0], s.labels[2]])
        inputs = now.erased(normalise(torch.cat([s.high, low, s.native])))
        maps = stages(self.first.trunk, inputs)
        painted = self.paint(maps, inputs)
        games = self.games(s.high, maps, painted)
        for adversary, (_, judge, real, fake) in zip(adversaries, games, strict=False):
            discriminator_step(now, adversary, judge, real, fake)
        terms = [*self.identity(maps[-1], painted, labels, n), *map(self.fooling, games)]
        if o.rec_weight > 0 and n:
            error = F.l1_loss(painted[: 2 * n], s.high.repeat(2, 1, 1, 1))
            terms.append(2 * o.rec_weight * recorded_loss("recovery", error))
        descend(now, [part], [torch.stack(terms).sum()])

    def games(self, high: Tensor, maps: list[Tensor], painted: Tensor) -> list[Game]:
        """Return the terms of Eq. 1 and 3; the first maps are of images `high`, others of LR."""
        o, n = self.options, len(high)
        last = 2 * n if o.native == "classified" else len(maps[0])
        pairs = [(o.feature_weight, maps[k - 1][:n], maps[k - 1][n:last]) for k in o.aligned_depths]
        if o.image_weight > 0:
            pairs.append((2 * o.image_weight, high, painted[:last]))
        games = [(w, d, x, y) for (w, x, y), d in zip(pairs, self.adversaries, strict=True)]
        return games if n else []

    def fooling(self, game: Game) -> Tensor:
        """Return what E and G minimise of a term of Eq. 1 or 3."""
        weight, judge, real, fake = game
        if self.options.adversary == "non-saturating":
            return weight * recorded_loss("adversarial", adversarial_loss(judge(fake), real=True))
        of_real = adversarial_loss(judge(real), real=True)
        loss = of_real + adversarial_loss(judge(fake), real=False)
        return weight * recorded_loss("adversarial", -loss)

    def identity(self, maps: Tensor, painted: Tensor, labels: Tensor, n: int) -> list[Tensor]:
        """Return the terms of Eq. 4: of the first n images, which are HR, and of the LR ones."""
        v, logits = self.first.of_maps(maps)
        if self.second is not None:
            g, g_logits = self.second(normalise(painted))
            v, logits = torch.cat([v, g], 2), logits + g_logits
        groups = [slice(n), slice(n, None)] if self.options.batches == "apart" else [slice(None)]
        present = [group for group in groups if len(labels[group])]
        return [part_loss(v[:, k], logits[:, k], labels[k], self.options) for k in present]


class CadNet(CadNetDeclaration, TorchMethod[CadNetNetwork]):
    """Two encoders, the second one of what a decoder paints from the first one's aligned maps."""

    options: CadNetOptions

    def build(self, identities: int, run: Run, pretrained: bool) -> CadNetNetwork:
        o, channels = self.options, stage_channels(self.profile.backbone_spec)
        if not set(o.depths) <= set(range(1, len(channels) + 1)):
            raise InputError(f"{self.name}: option depths must lie between 1 and {len(channels)}")
        encoders = [
            self.reid_network(identities, run, k, pretrained) for k in range(1, 2 + o.second)
        ]
        with seeded(run.seed_for("initial weights", "decoder and discriminators")):
            return CadNetNetwork(o, encoders, channels)

    def train(self, network: CadNetNetwork, train: TrainSet, run: Run) -> None:
        o = self.options
        require_variants(self.name, o.rates, train)
        parameters = network.named_parameters()
        learners = [weight for name, weight in parameters if not name.startswith("adversaries.")]
        optimiser = make_optimiser(o.optimiser, learners, o.reid_lr, o.reid_weight_decay)
        adversaries: list[Part] = []
        for judge in network.adversaries:
            adversary = make_optimiser(
                o.optimiser, judge.parameters(), o.adversary_lr, o.reid_weight_decay
            )
            adversaries.append((adversary, o.adversary_lr, 0.0))
        generator = kept(np.random.default_rng(run.seed_for("rates")))
        for now in self.iterations(network, train, run):
            rate_draws = generator.integers(0, len(o.rates), len(now.batch.indices))
            run.record_draws(rate_draws)
            part = (optimiser, o.reid_lr, o.reid_warmup)
            network.step(now, part, adversaries, torch.from_numpy(rate_draws))

    def reconstructions(self, images: Images) -> dict[str, Images]:
        """Return G(f); nothing where there is no G."""
        network = self.fitted()[0]
        return {} if network.decoder is None else {"G": self.rebuilt(images, network.painted)}
