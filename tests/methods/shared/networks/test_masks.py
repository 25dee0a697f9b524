"""Channel masks follow every residual block."""

import torch

from crossres.methods.shared.networks.backbones import BackboneSpec, build_backbone
from crossres.methods.shared.networks.masks import MaskedTrunk


def test_a_mask_of_its_level_follows_every_residual_block() -> None:
    torch.manual_seed(0)
    spec = BackboneSpec("resnet-small", "none", 4, (1, 2))
    trunk = build_backbone(spec, None, False)[0].eval()
    masked = MaskedTrunk(trunk, 3, 0.0).eval()
    assert [tuple(mask.shape) for mask in masked.masks] == [(3, 4), (3, 8), (3, 8)]
    images, levels = torch.rand(3, 3, 16, 8), torch.tensor([2, 0, 1])
    stem, blocks = trunk.layers[:3], trunk.layers[3:]  # type: ignore[index]
    with torch.no_grad():
        for image, level, maps in zip(images, levels, masked(images, levels), strict=True):
            x = stem(image[None])
            for block, mask in zip(blocks, masked.masks, strict=True):
                x = block(x) / (1 + torch.exp(-mask[level].view(1, -1, 1, 1)))
            assert torch.allclose(maps, x[0], atol=1e-5)
        none = MaskedTrunk(trunk, 3, 0.0, masked=False)
        assert torch.equal(none(images, levels), trunk(images))


def test_a_resnet50_has_sixteen_masked_blocks() -> None:
    with torch.device("meta"):
        trunk = build_backbone(BackboneSpec("resnet50", "none"), None, False)[0]
        masks = MaskedTrunk(trunk, 4, 0.0).masks
    widths = [256] * 3 + [512] * 4 + [1024] * 6 + [2048] * 3
    assert [tuple(mask.shape) for mask in masks] == [(4, width) for width in widths]


def test_an_efficientnet_lite0_has_eleven_masked_blocks() -> None:
    spec = BackboneSpec("efficientnet-lite0", "none")
    masks = MaskedTrunk(build_backbone(spec, None, False)[0], 3, 0.0).masks
    widths = [16] + [24] * 2 + [40] * 2 + [80] * 3 + [112] * 3
    assert [tuple(mask.shape) for mask in masks] == [(3, width) for width in widths]
