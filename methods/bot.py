"""BoT: the Bag of Tricks and strong baseline of Luo et al. (CVPRW 2019), sections 2 and 3.

A control: one global feature, triplet loss before and ID loss after a BNNeck, HR and LR alike.
"""

from torch import Tensor, nn

from crossres.methods.declarations.bot import BotDeclaration, BotOptions
from crossres.methods.interface.run import Run
from crossres.methods.interface.training_data import TrainSet
from crossres.methods.shared.losses.centre import Centres, centre_optimiser
from crossres.methods.shared.networks.reid import ReidNetwork, joined, part_loss
from crossres.methods.shared.tensors import normalise
from crossres.methods.shared.torch_method import TorchMethod
from crossres.methods.shared.torch_tools import device_of, seeded
from crossres.methods.shared.training.loop import Iteration
from crossres.methods.shared.training.schedule import make_optimiser, set_rate


class BotNetwork(nn.Module):
    """The re-ID network of Figure 3 with its BNNeck, and the centres of the centre loss, if any."""

    def __init__(self, options: BotOptions, reid: ReidNetwork, centres: Centres | None) -> None:
        super().__init__()
        self.options, self.reid, self.centres = options, reid, centres

    def loss(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return Eq. 6, L_ID + L_Triplet + beta L_C, of normalised images (B, 3, H, W)."""
        features, logits = self.reid(images)
        loss = part_loss(features, logits, labels, self.options)
        if self.centres is None:
            return loss
        centre_loss: Tensor = self.centres(features.transpose(0, 1).flatten(1), labels)
        return loss + self.options.centre_weight * centre_loss

    def features(self, images: Tensor) -> Tensor:
        """Return f_i or f_t, (B, D), of images (B, 3, H, W) in [0, 1]."""
        normalised = normalise(images)
        if self.options.test_feature == "after":
            return joined([self.reid.features(normalised)], self.options)
        return joined([self.reid(normalised)[0].transpose(0, 1).flatten(1)], self.options)


class Bot(BotDeclaration, TorchMethod[BotNetwork]):
    """A ResNet with all six tricks of the paper."""

    options: BotOptions

    def build(self, identities: int, run: Run, pretrained: bool) -> BotNetwork:
        o = self.options
        reid = self.reid_network(identities, run, 1, pretrained)
        with seeded(run.seed_for("initial weights", "BNNeck and centres")):
            if o.part_head == "bnneck":
                _without_bias(reid)
            centres = Centres(identities, o.parts * reid.size) if o.centre_weight > 0 else None
        return BotNetwork(o, reid, centres)

    def train(self, network: BotNetwork, train: TrainSet, run: Run) -> None:
        """Train as in section 2.1: Adam on all weights, gradient descent on the centres."""
        o = self.options
        device = device_of(network)
        steps = [
            make_optimiser(o.optimiser, network.reid.parameters(), o.reid_lr, o.reid_weight_decay)
        ]
        if network.centres is not None:
            steps.append(centre_optimiser(network.centres, o.centre_lr, o.centre_weight))
        for now in self.iterations(network, train, run):
            set_rate(steps[0], learning_rate(now, o))
            network.zero_grad()
            network.loss(now.inputs(device), now.labels(device)).backward()  # type: ignore[no-untyped-call]
            for optimiser in steps:
                optimiser.step()


def _without_bias(reid: ReidNetwork) -> None:
    """Fix the neck's shift and the classifier's bias, and make its weights small (section 2.6)."""
    nn.init.normal_(reid.weight, std=0.001)
    reid.norm.bias.requires_grad_(False)
    reid.bias.requires_grad_(False)


def learning_rate(now: Iteration, options: BotOptions) -> float:
    """Return the learning rate of section 2.2 in this iteration: warm-up, then two drops."""
    second_drop = options.lr_drop if now.elapsed >= options.lr_drop_again_at else 1.0
    return second_drop * now.rate(options.reid_lr, options.reid_warmup)
