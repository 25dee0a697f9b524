"""HRNet-ReID: pooling, sizes and trunks of four scales."""

import pytest
import torch
import torch.nn.functional as F

from crossres.datasets.base.build import build
from crossres.methods import Profile, Run
from crossres.methods.interface.profile import BackboneSpec
from crossres.methods.ps_hrnet import PsHrnet
from crossres.methods.shared.networks.backbones import build_backbone
from crossres.methods.shared.networks.multiscale import build_branches, pooled


@pytest.mark.parametrize("size", [(8, 4), (7, 5), (1, 3)])
@pytest.mark.parametrize(("side", "share"), [(4, 0.5), (2, 0.2), (1, 0.0)])
def test_pooling_is_mean_and_maximum_over_a_grid(
    size: tuple[int, int], side: int, share: float
) -> None:
    maps = torch.randn(2, 3, *size)
    mean, most = F.adaptive_avg_pool2d(maps, side), F.adaptive_max_pool2d(maps, side)
    assert torch.allclose(pooled(maps, side, share), (mean + share * most).flatten(1), atol=1e-6)


def test_the_papers_vectors_have_the_papers_sizes() -> None:
    """2048 + 1024 + 2048 + 1024 = 6144, and 512 more at test; HRNet-W32 at 256 x 128."""
    profile = Profile("p", 256, 128, backbone={"name": "resnet50", "weights": "none"})
    with torch.device("meta"):
        network = PsHrnet(profile).build(751, Run(seed=0), pretrained=False)
        images = torch.empty(2, 3, 256, 128)
        vectors, logits = network.reid(images)
        assert [v.shape[1] for v in vectors] == [6144, 2048, 1024, 2048, 1024]
        assert (logits.shape, network.reid.features(images).shape) == ((2, 751), (2, 6656))


def test_stages_of_the_profiles_trunk_are_branches_the_deepest_first() -> None:
    for table, expected in (
        ({"name": "resnet-small", "width": 4, "blocks": [1, 2, 1, 1]}, (32, 16, 8, 4)),
        ({"name": "resnet50"}, (2048, 1024, 512, 256)),
    ):
        spec = build(BackboneSpec, {**table, "weights": "none"}, "backbone")
        torch.manual_seed(0)
        branches, channels = build_branches("profile", spec, None, pretrained=True)
        torch.manual_seed(0)
        trunk, _ = build_backbone(spec, None, pretrained=True)
        images = torch.rand(2, 3, 64, 32)
        maps = branches.eval()(images)
        assert channels == expected == tuple(m.shape[1] for m in maps)
        assert torch.allclose(maps[0], trunk.eval()(images))
        assert maps[3].shape[2] > maps[1].shape[2]
