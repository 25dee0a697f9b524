"""What all networks that others trained have in common: their scale, and a strict loading.

Images come in [0, 1] and are brought to the scale that the network was trained on.
"""

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from crossres.datasets.base.errors import InputError

MOST_NAMES = 3  # of tensors that a message lists
_COUNTER = ".num_batches_tracked"  # which no test asks for, and the oldest files lack

_log = logging.getLogger(__name__)


class PretrainedNetwork(nn.Module, ABC):
    """Images (B, 3, h, w) in [0, 1] of any size -> the network's last map, and its own feature.

    `size`, (height, width) or empty, is what images are brought to first. mean, std: of the three
    channels, on the scale [0, 1].
    """

    def __init__(
        self,
        network: nn.Module,
        size: tuple[int, ...],
        mean: tuple[float, ...],
        std: tuple[float, ...],
    ) -> None:
        super().__init__()
        self.network, self.size, self.mean, self.std = network, size, mean, std
        for parameter in network.parameters():
            parameter.requires_grad_(False)

    @abstractmethod
    def maps(self, images: Tensor) -> Tensor:
        """Return the last map (B, D, h, w)."""

    @abstractmethod
    def own(self, images: Tensor) -> Tensor:
        """Return what the network's classifier sees, (B, D): a class token, say."""

    def scaled(self, images: Tensor) -> Tensor:
        """Bring images to the size and the scale of the network."""
        if self.size and tuple(images.shape[2:]) != self.size:
            images = F.interpolate(
                images, self.size, mode="bicubic", align_corners=False, antialias=True
            ).clamp(0.0, 1.0)
        mean, std = (images.new_tensor(x).view(1, 3, 1, 1) for x in (self.mean, self.std))
        return (images - mean) / std


def load_whole(
    network: nn.Module,
    state: Mapping[str, Tensor],
    model: str,
    left_out: Sequence[str] = (),
) -> None:
    """Load a state that has every tensor of the network; others than of `left_out` are warned of.

    Raises InputError, which names what is missing, unexpected or of another shape or type.
    """
    own = network.state_dict()
    state = {name: own[name] for name in own if name.endswith(_COUNTER)} | dict(state)
    faults = misfits(own, state, left_out)
    words = "; ".join(f"{fault}: {some_names(names)}" for fault, names in faults.items() if names)
    if any(names for fault, names in faults.items() if fault != "unexpected"):
        raise InputError(f"the weights are not those of {model}: {words}")
    if faults["unexpected"]:
        _log.warning("%s: left out of its weights: %s", model, some_names(faults["unexpected"]))
    network.load_state_dict({name: state[name] for name in own})


def misfits(
    own: Mapping[str, Tensor], state: Mapping[str, Tensor], left_out: Sequence[str]
) -> dict[str, list[str]]:
    """Return what of a network's `own` state is missing, of another shape or type, or unexpected.

    Nothing that belongs to a module of `left_out` is unexpected.
    """
    ignored = tuple(f"{name}." for name in left_out)
    return {
        "missing": [name for name in own if name not in state],
        "of another shape": [
            f"{name} {tuple(state[name].shape)} in place of {tuple(tensor.shape)}"
            for name, tensor in own.items()
            if name in state and state[name].shape != tensor.shape
        ],
        "of another type": [
            f"{name} {state[name].dtype} in place of {tensor.dtype}"
            for name, tensor in own.items()
            if name in state and tensor.is_floating_point() > state[name].is_floating_point()
        ],
        "unexpected": [name for name in state if name not in own and not name.startswith(ignored)],
    }


def some_names(names: Sequence[str]) -> str:
    """Name the first few, and say how many there are beside them."""
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more
