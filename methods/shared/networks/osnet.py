"""OSNet of "Omni-Scale Feature Learning for Person Re-Identification", and its released files.

A block looks at its input at four scales at once: a stream of t light 3 x 3 convolutions sees
2 t + 1 pixels, and one gate, shared by all streams, weighs each of their channels by the image.
"Learning Generalisable Omni-Scale Representations" normalises each image for itself in some places:
OSNet-IBN behind blocks, OSNet-AIN inside them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from crossres.methods.shared.networks.pretrained_base import PretrainedNetwork
from crossres.methods.shared.tensors import MEAN, STD

STREAMS = 4
REDUCTION = 4  # of the channels inside a block
GATE_REDUCTION = 16
FEATURE = 512

Norm = Literal["none", "inside", "behind"]
"""Where a block normalises each image for itself: nowhere, before the sum, or after it."""


@dataclass(frozen=True)
class OsnetSpec:
    """channels: of the stem and the three stages. norms: of the two blocks of each stage.

    stem_norm: the stem normalises each image for itself, not over the batch. size: (height, width)
    of the images that it was trained on.
    """

    channels: tuple[int, int, int, int]
    norms: tuple[tuple[Norm, Norm], ...] = (("none", "none"),) * 3
    stem_norm: bool = False
    size: tuple[int, int] = (256, 128)


_FULL = (64, 256, 384, 512)
_IBN: tuple[tuple[Norm, Norm], ...] = (("behind", "behind"), ("none", "none"), ("none", "none"))
_AIN: tuple[tuple[Norm, Norm], ...] = (
    ("inside", "inside"),
    ("none", "inside"),
    ("inside", "none"),
)


def _ain(*channels: int) -> OsnetSpec:
    first, second, third, fourth = channels
    return OsnetSpec((first, second, third, fourth), _AIN, stem_norm=True)


MODELS = {
    "osnet_x1_0": OsnetSpec(_FULL),
    "osnet_x0_75": OsnetSpec((48, 192, 288, 384)),
    "osnet_x0_5": OsnetSpec((32, 128, 192, 256)),
    "osnet_x0_25": OsnetSpec((16, 64, 96, 128)),
    "osnet_ibn_x1_0": OsnetSpec(_FULL, _IBN, stem_norm=True),
    "osnet_ain_x1_0": _ain(*_FULL),
    "osnet_ain_x0_75": _ain(48, 192, 288, 384),
    "osnet_ain_x0_5": _ain(32, 128, 192, 256),
    "osnet_ain_x0_25": _ain(16, 64, 96, 128),
}
LEFT_OUT = ("classifier",)

# Names in the files, of both forms that there are, and ours. What stands in no line is ours, too.
_RENAMED = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"^conv1\.(conv|bn)\.", r"stem.\1."),
        (r"^conv5\.(conv|bn)\.", r"last.\1."),
        (r"^conv([23])\.2\.0\.", r"transitions.\1."),
        (r"^pool([23])\.0\.", r"transitions.\1."),
        (r"^conv([234])\.([01])\.", r"stages.\1.\2."),
        (r"^(stages\.\d\.\d)\.conv1\.", r"\1.reduce."),
        (r"^(stages\.\d\.\d)\.conv3\.", r"\1.expand."),
        (r"^(stages\.\d\.\d)\.downsample\.", r"\1.shortcut."),
        (r"^(stages\.\d\.\d)\.IN\.", r"\1.instance."),
        (r"^(stages\.\d\.\d)\.conv2a\.", r"\1.streams.0.0."),
        (r"^(stages\.\d\.\d)\.conv2b\.", r"\1.streams.1."),
        (r"^(stages\.\d\.\d)\.conv2c\.", r"\1.streams.2."),
        (r"^(stages\.\d\.\d)\.conv2d\.", r"\1.streams.3."),
        (r"^(stages\.\d\.\d)\.conv2\.(\d)\.layers\.", r"\1.streams.\2."),
        (r"(streams\.\d\.\d)\.conv1\.", r"\1.pointwise."),
        (r"(streams\.\d\.\d)\.conv2\.", r"\1.depthwise."),
    )
)


class Convolution(nn.Module):
    """A convolution, its normalisation, and a ReLU where asked."""

    def __init__(
        self, inputs: int, outputs: int, side: int = 1, stride: int = 1, relu: bool = True
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, side, stride, side // 2, bias=False)
        self.bn: nn.Module = nn.BatchNorm2d(outputs)
        self.relu = relu

    def forward(self, maps: Tensor) -> Tensor:
        normalised: Tensor = self.bn(self.conv(maps))
        return F.relu(normalised) if self.relu else normalised


class LightConvolution(nn.Module):
    """A 3 x 3 convolution in two: across channels, then over each of them for itself."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.pointwise = nn.Conv2d(width, width, 1, bias=False)
        self.depthwise = nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False)
        self.bn = nn.BatchNorm2d(width)

    def forward(self, maps: Tensor) -> Tensor:
        return F.relu(self.bn(self.depthwise(self.pointwise(maps))))


class Gate(nn.Module):
    """Weighs each channel of a stream by the means of all channels: the unified aggregation."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(width, width // GATE_REDUCTION, 1)
        self.fc2 = nn.Conv2d(width // GATE_REDUCTION, width, 1)

    def forward(self, maps: Tensor) -> Tensor:
        weights: Tensor = self.fc2(F.relu(self.fc1(maps.mean((2, 3), keepdim=True))))
        return maps * weights.sigmoid()


class Block(nn.Module):
    """Four streams between a convolution that narrows and one that widens, beside a shortcut."""

    def __init__(self, inputs: int, outputs: int, norm: Norm) -> None:
        super().__init__()
        width = outputs // REDUCTION
        self.norm = norm
        self.reduce = Convolution(inputs, width)
        self.streams = nn.ModuleList(
            nn.Sequential(*(LightConvolution(width) for _ in range(length)))
            for length in range(1, STREAMS + 1)
        )
        self.gate = Gate(width)
        self.expand = Convolution(width, outputs, relu=False)
        if norm == "inside":
            self.expand.bn = nn.Identity()
        self.shortcut: nn.Module = nn.Identity()
        if inputs != outputs:
            self.shortcut = Convolution(inputs, outputs, relu=False)
        if norm != "none":
            self.instance = nn.InstanceNorm2d(outputs, affine=True)

    def forward(self, maps: Tensor) -> Tensor:
        reduced = self.reduce(maps)
        gated = [self.gate(stream(reduced)) for stream in self.streams]
        residual = self.expand(gated[0] + gated[1] + gated[2] + gated[3])
        if self.norm == "inside":
            residual = self.instance(residual)
        total = residual + self.shortcut(maps)
        return F.relu(self.instance(total) if self.norm == "behind" else total)


class Osnet(nn.Module):
    """Normalised images (B, 3, H, W) -> the last map, of stride 16; `fc` makes a feature of its
    mean.
    """

    def __init__(self, spec: OsnetSpec) -> None:
        super().__init__()
        widths = spec.channels
        self.stem = Convolution(3, widths[0], 7, 2)
        if spec.stem_norm:
            self.stem.bn = nn.InstanceNorm2d(widths[0], affine=True)
        # Numbered as in the paper, where the stem is the first.
        self.stages, self.transitions = nn.ModuleDict(), nn.ModuleDict()
        for number, (norms, inputs, outputs) in enumerate(
            zip(spec.norms, widths, widths[1:], strict=False), 2
        ):
            blocks = Block(inputs, outputs, norms[0]), Block(outputs, outputs, norms[1])
            self.stages[str(number)] = nn.Sequential(*blocks)
            if number < len(widths):
                self.transitions[str(number)] = Convolution(outputs, outputs)
        self.last = Convolution(widths[-1], widths[-1])
        self.fc = nn.Sequential(nn.Linear(widths[-1], FEATURE), nn.BatchNorm1d(FEATURE), nn.ReLU())

    def forward(self, images: Tensor) -> Tensor:
        maps = F.max_pool2d(self.stem(images), 3, 2, 1)
        for number, stage in self.stages.items():
            maps = stage(maps)
            if number in self.transitions:
                maps = F.avg_pool2d(self.transitions[number](maps), 2)
        last: Tensor = self.last(maps)
        return last


class ReleasedOsnet(PretrainedNetwork):
    """Images -> the map of the last convolution; its own feature is that of the layer `fc`."""

    network: Osnet

    def maps(self, images: Tensor) -> Tensor:
        return self.network(self.scaled(images))  # type: ignore[no-any-return]

    def own(self, images: Tensor) -> Tensor:
        return self.network.fc(self.maps(images).mean((2, 3)))  # type: ignore[no-any-return]


def build(spec: OsnetSpec, size: tuple[int, ...], _: tuple[int, int]) -> ReleasedOsnet:
    """Build the network for images of any size."""
    return ReleasedOsnet(Osnet(spec), size, MEAN, STD)


def renamed(state: Mapping[str, Tensor], _: PretrainedNetwork) -> dict[str, Tensor]:
    """Return the tensors of a file by our names."""
    return {_renamed(name): tensor for name, tensor in state.items()}


def _renamed(name: str) -> str:
    for pattern, replacement in _RENAMED:
        name = pattern.sub(replacement, name)
    return name
