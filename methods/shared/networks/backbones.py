"""The trunks of re-ID networks: image -> feature map, chosen by the profile.

`resnet50` is torchvision's, without pooling and classifier, `vit-base` is timm's ViT-B/16, whose
patches are the positions of the map; `resnet-small`, `vit-small` and `efficientnet-lite0` (trained,
cut after its fifth stage) suit a CPU.
"""

from itertools import accumulate
from pathlib import Path
from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn

from crossres.datasets.base.errors import InputError
from crossres.methods.interface.profile import BackboneSpec
from crossres.methods.shared.networks.imagenet_weights import load_pretrained, resnet50_weights
from crossres.methods.shared.networks.lite0 import CHANNELS as LITE0_CHANNELS
from crossres.methods.shared.networks.lite0 import Lite0, lite0
from crossres.methods.shared.networks.optional_libraries import torchvision_models
from crossres.methods.shared.networks.pointwise import Pointwise
from crossres.methods.shared.networks.timm_trunks import vit_base, vit_small

RESNET50_ENDS = (2, 4, 5, 6, 7)  # the last layers of its stem, before pooling, and of its stages


def build_backbone(
    spec: BackboneSpec,
    weights_dir: Path | None,
    pretrained: bool,
    size: tuple[int, int] = (256, 128),
) -> tuple[nn.Module, int]:
    """Build the trunk; return it and the number of channels of its feature map.

    `pretrained` False leaves ImageNet weights away (they are about to be overwritten). `size`,
    (height, width) of the images, is what a ViT must know.
    """
    imagenet = pretrained and spec.weights == "imagenet"
    if spec.name == "vit-base":
        return vit_base(size, weights_dir, imagenet)
    if spec.name == "vit-small":
        return vit_small(size, spec.patch, spec.width, sum(spec.blocks))
    if spec.name == "efficientnet-lite0":
        return lite0(weights_dir, imagenet)
    if spec.name == "resnet-small":
        trunk = SmallResNet(spec)
        return trunk, trunk.channels
    network = torchvision_models().resnet50(weights=None)
    if imagenet:
        whose = "those of a ResNet-50 in torchvision's names"
        load_pretrained(network, resnet50_weights(weights_dir), whose)
    if spec.last_stride == 1:
        network.layer4[0].conv2.stride = (1, 1)
        network.layer4[0].downsample[0].stride = (1, 1)
    return nn.Sequential(*list(network.children())[:-2]), 2048


def stages(trunk: nn.Module, images: Tensor) -> list[Tensor]:
    """Return the maps behind the stages of a trunk built here, and behind the stem of a ResNet.

    The last one is `trunk(images)`.
    """
    if isinstance(trunk, SmallResNet):
        layers, ends = trunk.layers, trunk.ends
    elif isinstance(trunk, Lite0):
        layers, ends = trunk, trunk.ends
    else:
        layers, ends = cast(nn.Sequential, trunk), RESNET50_ENDS
    maps = []
    for k, layer in enumerate(layers):
        images = layer(images)
        if k in ends:
            maps.append(images)
    return maps


def stage_channels(spec: BackboneSpec) -> tuple[int, ...]:
    """Return the channels of the maps of `stages`. InputError for a trunk that has no stages."""
    if spec.name.startswith("vit"):
        raise InputError(
            f"a backbone {spec.name} has no stages of falling size, which this method is built on; "
            "give a profile with resnet50, resnet-small or efficientnet-lite0"
        )
    if spec.name == "efficientnet-lite0":
        return LITE0_CHANNELS
    if spec.name == "resnet50":
        return 64, 256, 512, 1024, 2048
    return spec.width, *(spec.width << stage for stage in range(len(spec.blocks)))


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions with a shortcut (He et al. 2016, Fig. 5 left)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            conv = Pointwise(inputs, outputs, stride, bias=False)
            self.shortcut = nn.Sequential(conv, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = self.bn2(self.conv2(y))
        return F.relu(y + self.shortcut(x), inplace=True)


class SmallResNet(nn.Module):
    """A 3 x 3 stem and stages of BasicBlocks of doubling width; all but the first one halve."""

    def __init__(self, spec: BackboneSpec) -> None:
        super().__init__()
        stem = nn.Conv2d(3, spec.width, 3, spec.stem_stride, 1, bias=False)
        layers: list[nn.Module] = [stem, nn.BatchNorm2d(spec.width), nn.ReLU(inplace=True)]
        inputs = spec.width
        for stage, depth in enumerate(spec.blocks):
            outputs = spec.width << stage
            last = stage == len(spec.blocks) - 1
            stride = 1 if stage == 0 else spec.last_stride if last else 2
            for block in range(depth):
                layers.append(BasicBlock(inputs, outputs, stride if block == 0 else 1))
                inputs = outputs
        self.layers = nn.Sequential(*layers)
        self.ends = tuple(accumulate(spec.blocks, initial=2))
        self.channels = inputs
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        """Map images (B, 3, H, W) to features (B, channels, h, w)."""
        features: Tensor = self.layers(images)
        return features
