"""Frozen features: a network that others trained, as it is; nothing is learned of the data set.

What a foundation model knows of persons before it has seen one of them, and what is left of that
at low resolution. docs/methods/frozen.md says which models there are and how they were tried.
"""

import logging
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossres.datasets.base.errors import InputError
from crossres.methods.declarations.frozen import FrozenDeclaration, FrozenOptions
from crossres.methods.interface.profile import Profile
from crossres.methods.interface.run import Run
from crossres.methods.interface.training_data import TrainSet
from crossres.methods.shared.computing import place
from crossres.methods.shared.networks.pretrained import pretrained_network
from crossres.methods.shared.networks.pretrained_base import PretrainedNetwork
from crossres.methods.shared.networks.reid import joined, stripes
from crossres.methods.shared.networks.released import is_released
from crossres.methods.shared.torch_method import TorchMethod
from crossres.methods.shared.torch_tools import resolve_device, seeded

_log = logging.getLogger(__name__)


class FrozenNetwork(nn.Module):
    """A pretrained network and how its map becomes one feature, of `size` numbers.

    Raises what the network raises where it takes no images (h, w) like those that it is tried on.
    """

    def __init__(
        self, options: FrozenOptions, network: PretrainedNetwork, images: tuple[int, int]
    ) -> None:
        super().__init__()
        self.options, self.network = options, network
        with torch.inference_mode():
            self.size = self.eval().features(torch.zeros(1, 3, *images)).shape[1]

    def each(self, images: Tensor) -> list[Tensor]:
        """Return the one feature (B, D) of images (B, 3, H, W) in [0, 1], not normalised."""
        if self.options.pool == "own":
            return [self.network.own(images)]
        maps = self.network.maps(images)
        if self.options.pool == "max":
            return [F.adaptive_max_pool2d(maps, (self.options.parts, 1)).flatten(2).mT.flatten(1)]
        return [stripes(maps, self.options.parts).transpose(0, 1).flatten(1)]

    def features(self, images: Tensor) -> Tensor:
        """Return the embeddings (B, D) of images (B, 3, H, W) in [0, 1]."""
        return joined(self.each(images), self.options)


class Frozen(FrozenDeclaration, TorchMethod[FrozenNetwork]):
    """The features of a network that is not trained."""

    options: FrozenOptions

    def build(self, identities: int, run: Run, pretrained: bool) -> FrozenNetwork:  # noqa: ARG002
        return frozen_network(self.options, self.profile, run, pretrained)

    def train(self, network: FrozenNetwork, train: TrainSet, run: Run) -> None:  # noqa: ARG002
        """Learn nothing."""
        run.progress(1, 1)

    def parameter_count(self) -> int:
        return all_numbers(self.fitted()[0])


def ready(profile: Profile, **options: Any) -> Frozen:
    """Return frozen features that are ready to embed: there is nothing to fit.

    Raises InputError as `Frozen` and `frozen_network` do.
    """
    method = Frozen(profile, **options)
    device = resolve_device(profile.device)
    method.network = method.build(0, Run(seed=0), pretrained=True)
    place(method.network, device, profile.computing)
    return method


def frozen_network(
    options: FrozenOptions, profile: Profile, run: Run, pretrained: bool
) -> FrozenNetwork:
    """Build the network in evaluation mode, and try it on a black image of the profile's size.

    `pretrained` False leaves its weights away (they are about to be overwritten). Raises InputError
    for a model that there is not, without its weights, and where it takes no such images.
    """
    size = (profile.height, profile.width)
    with seeded(run.seed_for("initial weights", "frozen")):
        model = pretrained_network(
            options.model, options.stage, options.input_size, size, profile.weights_dir,
            is_pretrained=options.pretrained and pretrained, weights_file=options.weights_file,
        )  # fmt: skip
    is_default_pooled = options.pretrained and (options.pool, options.parts) == ("mean", 1)
    if pretrained and is_default_pooled and is_released(options.model):
        _log.warning(
            'the mean of the last map of %s is compared, which its authors do not; pool = "own" is '
            "what they do",
            options.model,
        )
    try:
        return FrozenNetwork(options, model, size)
    except (RuntimeError, AssertionError, ValueError, IndexError) as error:
        height, width = options.input_size or size
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"method frozen: {options.model} takes no images of {height} x {width} pixels "
            f"({reason}); give others by the option input_size = [height, width]"
        ) from error


def all_numbers(module: nn.Module) -> int:
    """Count the parameters of a module, those too that nothing adjusts."""
    return sum(parameter.numel() for parameter in module.parameters())
