"""BoT: the Bag of Tricks and strong baseline of Luo et al. (CVPRW 2019), sections 2 and 3.

A control: one global feature, triplet loss before and ID loss after a BNNeck, HR and LR alike.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal, cast

from torch import Tensor, nn

from crossres.methods.interface.method import Grade
from crossres.methods.interface.run import Run
from crossres.methods.interface.training_data import TrainSet
from crossres.methods.shared.losses.centre import Centres, centre_optimiser
from crossres.methods.shared.networks.reid import ReidNetwork, joined, part_loss
from crossres.methods.shared.reid_options import Head, ReidOptions
from crossres.methods.shared.tensors import normalise
from crossres.methods.shared.torch_method import TorchMethod
from crossres.methods.shared.torch_tools import device_of, seeded
from crossres.methods.shared.training.loop import Iteration, iterations
from crossres.methods.shared.training.schedule import make_optimiser, set_rate


@dataclass(frozen=True)
class BotOptions(ReidOptions):
    """Options of BoT: those of a re-ID network with BoT's values; docs/methods/bot.md argues each.

    Each trick has a value without it: reid_warmup 0, erase 0, label_smoothing 0, part_head "none"
    (no BNNeck), centre_weight 0; the last stride is the profile's.
    test_feature: the feature "after" the BNNeck (f_i) or "before" it (f_t). test_normalise "whole"
        compares by the cosine, "none" by Euclidean distance.
    lr_drop_again_at: after this share of the schedule rates are multiplied by lr_drop once more.
    centre_weight: beta of Eq. 6. centre_lr: of the centres, which learn by gradient descent.
    """

    parts: int = 1
    part_head: Head = "bnneck"
    margin: float = 0.3
    test_normalise: Literal["network", "whole", "none"] = "whole"
    reid_lr: float = 3.5e-4
    lr_drop_at: float = 1 / 3
    reid_warmup: float = 1 / 12
    crop: int = 10
    erase: float = 0.5
    test_feature: Literal["after", "before"] = "after"
    lr_drop_again_at: float = 7 / 12
    centre_weight: float = 5e-4
    centre_lr: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0 <= self.lr_drop_again_at <= 1.0:
            raise ValueError("option lr_drop_again_at must lie between 0 and 1")
        if self.centre_weight < 0 or self.centre_lr <= 0:
            raise ValueError("centre_weight must not be negative, centre_lr must be positive")

    def rate(self, now: Iteration) -> float:
        """The learning rate of section 2.2 in this iteration: warm-up, then two drops."""
        again = self.lr_drop if now.done >= self.lr_drop_again_at else 1.0
        return again * now.rate(self.reid_lr, self.reid_warmup)


class BotNetwork(nn.Module):
    """The re-ID network of Figure 3 with its BNNeck, and the centres where they are wanted."""

    def __init__(self, options: BotOptions, reid: ReidNetwork, centres: Centres | None) -> None:
        super().__init__()
        self.options, self.reid, self.centres = options, reid, centres

    def loss(self, seen: Tensor, labels: Tensor) -> Tensor:
        """Eq. 6, L_ID + L_Triplet + beta L_C; seen (B, 3, H, W), normalised."""
        features, logits = self.reid(seen)
        loss = part_loss(features, logits, labels, self.options)
        if self.centres is None:
            return loss
        around: Tensor = self.centres(features.transpose(0, 1).flatten(1), labels)
        return loss + self.options.centre_weight * around

    def features(self, images: Tensor) -> Tensor:
        """f_i or f_t: images (B, 3, H, W) in [0, 1] -> (B, D)."""
        seen = normalise(images)
        if self.options.test_feature == "after":
            return joined([self.reid.features(seen)], self.options)
        return joined([self.reid(seen)[0].transpose(0, 1).flatten(1)], self.options)


class Bot(TorchMethod):
    """A ResNet with all six tricks of the paper."""

    name: ClassVar[str] = "bot"
    title: ClassVar[str] = "BoT"
    grade: ClassVar[Grade] = "control"
    reference: ClassVar[str] = (
        "Bag of Tricks and A Strong Baseline for Deep Person Re-identification, CVPRW 2019"
    )
    Options: ClassVar[type] = BotOptions
    options: BotOptions

    def build(self, identities: int, run: Run, pretrained: bool) -> BotNetwork:
        o = self.options
        reid = self.reid_network(identities, run, 1, pretrained)
        with seeded(run.seed_for("initial weights", "BNNeck and centres")):
            if o.part_head == "bnneck":
                _without_bias(reid)
            wanted = o.centre_weight > 0
            centres = Centres(identities, o.parts * reid.size) if wanted else None
        return BotNetwork(o, reid, centres)

    def train(self, network: nn.Module, train: TrainSet, run: Run) -> None:
        """Section 2.1: Adam on all weights, and the centres by gradient descent beside it."""
        o, whole = self.options, cast(BotNetwork, network)
        device = device_of(whole)
        steps = [
            make_optimiser(o.optimiser, whole.reid.parameters(), o.reid_lr, o.reid_weight_decay)
        ]
        if whole.centres is not None:
            steps.append(centre_optimiser(whole.centres, o.centre_lr, o.centre_weight))
        for now in iterations(train, self.profile.train, o, run):
            set_rate(steps[0], o.rate(now))
            whole.zero_grad()
            whole.loss(now.seen(device), now.labels(device)).backward()  # type: ignore[no-untyped-call]
            for optimiser in steps:
                optimiser.step()


def _without_bias(reid: ReidNetwork) -> None:
    """Section 2.6: no shift in the neck, no bias in the classifier, whose weights begin small."""
    nn.init.normal_(reid.weight, std=0.001)
    reid.norm.bias.requires_grad_(False)
    reid.bias.requires_grad_(False)
