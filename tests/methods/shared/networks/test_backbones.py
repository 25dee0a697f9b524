"""The trunks of re-ID networks: sizes, stages, and tables that are refused."""

from typing import Any

import pytest
import torch

from crossres.datasets import InputError
from crossres.datasets.base.build import build
from crossres.methods.interface.conformance import SMALL
from crossres.methods.interface.profile import BackboneSpec
from crossres.methods.shared.networks.backbones import (
    build_backbone,
    stage_channels,
    stages,
)
from crossres.methods.shared.networks.reid import ReidNetwork

RESNET50 = {"name": "resnet50", "weights": "none"}


@pytest.mark.parametrize(
    ("stem", "last", "size"), [(1, 1, (16, 8)), (1, 2, (8, 4)), (2, 1, (8, 4))]
)
def test_small_trunk_sizes(stem: int, last: int, size: tuple[int, int]) -> None:
    table = {"name": "resnet-small", "weights": "none", "stem_stride": stem, "last_stride": last}
    spec = build(BackboneSpec, table, "backbone")
    trunk, channels = build_backbone(spec, None, pretrained=True)
    assert channels == 128
    assert trunk(torch.rand(1, 3, 64, 32)).shape == (1, 128, *size)


@pytest.mark.parametrize(("last", "size"), [(1, (16, 8)), (2, (8, 4))])
def test_resnet50_on_the_papers_image_size(last: int, size: tuple[int, int]) -> None:
    spec = BackboneSpec("resnet50", "none", last_stride=last)
    trunk, channels = build_backbone(spec, None, pretrained=True)
    net = ReidNetwork((trunk.eval(), channels), 3, 4, "none", 0)
    with torch.inference_mode():
        maps = trunk(torch.rand(1, 3, 256, 128))
        assert maps.shape == (1, 2048, *size)
        assert net.features(torch.rand(1, 3, 256, 128)).shape == (1, 4 * 2048)


@pytest.mark.parametrize(
    ("backbone", "message"),
    [
        ({"name": "vgg"}, "name must be one of resnet50, resnet-small"),
        ({"name": "resnet-small"}, 'no ImageNet weights: set weights = "none"'),
        ({"weights": "places"}, "weights must be one of imagenet, none"),
        ({"last_stride": 3}, "last_stride must be 1 or 2"),
        ({"depth": 50}, "unknown entry 'depth'"),
        ({"name": "resnet-small", "weights": "none", "blocks": []}, "at least 1"),
    ],
)
def test_a_wrong_backbone_table_is_refused(backbone: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build(BackboneSpec, backbone, "backbone")


@pytest.mark.parametrize("table", [SMALL.backbone, RESNET50])
def test_stages_are_the_maps_on_the_way_through_the_trunk(table: dict[str, Any]) -> None:
    spec = build(BackboneSpec, table, "backbone")
    trunk = build_backbone(spec, None, pretrained=False)[0].eval()
    images = torch.rand(1, 3, 32, 16)
    with torch.no_grad():
        maps = stages(trunk, images)
        assert torch.equal(maps[-1], trunk(images))
    assert tuple(m.shape[1] for m in maps) == stage_channels(spec)
    sizes = [m.shape[2] for m in maps]
    assert sizes == ([16, 8, 4, 2, 2] if spec.name == "resnet50" else [32, 32, 16, 8, 8])


def test_deeper_stages_end_where_their_last_block_does() -> None:
    spec = build(BackboneSpec, {**SMALL.backbone, "blocks": [2, 1, 3]}, "backbone")
    trunk = build_backbone(spec, None, pretrained=False)[0].eval()
    with torch.no_grad():
        maps = stages(trunk, torch.rand(1, 3, 32, 16))
    assert [m.shape[1] for m in maps] == [4, 4, 8, 16]
    assert stage_channels(spec) == (4, 4, 8, 16)
