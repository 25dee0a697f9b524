"""Trunks from timm: HRNet-W32, and Vision Transformers whose patches make a feature map.

timm is an optional dependency; without it each of these raises InputError when it is built.
"""

from pathlib import Path
from typing import Any

from torch import Tensor, nn

from crossres.datasets.base.errors import InputError
from crossres.methods.shared.networks.imagenet_weights import load_pretrained, timm_weights
from crossres.methods.shared.networks.optional_libraries import timm
from crossres.methods.shared.tensors import denormalise

HRNET = "hrnet_w32.ms_in1k"
VIT = "vit_base_patch16_224.orig_in21k_ft_in1k"  # the weights that TransReID starts from


def hrnet_w32(weights_dir: Path | None, imagenet: bool) -> tuple[nn.Module, tuple[int, ...]]:
    """Build HRNet-W32, from images to maps of strides 4, 8, 16, 32; return it and their channels.

    The maps are those of the classification head: 128, 256, 512, 1024 channels, each behind a
    bottleneck.
    """
    network = timm().create_model("hrnet_w32", features_only=True, out_indices=(1, 2, 3, 4))
    if imagenet:
        _load(network, timm_weights(HRNET, weights_dir), HRNET)
    return network, tuple(network.feature_info.channels())


class PatchMap(nn.Module):
    """A ViT without its classifier: images -> the patches' last tokens as (B, D, h, w).

    The class token takes part in the attention and is then left out.
    """

    def __init__(self, vit: Any) -> None:
        super().__init__()
        self.vit = vit

    def forward(self, images: Tensor) -> Tensor:
        """Map images (B, 3, H, W), normalised over ImageNet; the ViT's own scale is [-1, 1]."""
        tokens = self.vit.forward_features(2.0 * denormalise(images) - 1.0)
        patches: Tensor = tokens[:, self.vit.num_prefix_tokens :].transpose(1, 2)
        return patches.reshape(*patches.shape[:2], *self.vit.patch_embed.grid_size)


def vit_base(
    size: tuple[int, int], weights_dir: Path | None, imagenet: bool
) -> tuple[nn.Module, int]:
    """Build ViT-B/16 for images of `size`, to which trained position embeddings are resampled.

    Returns it and its number of channels.
    """
    _check_size(size, 16)
    vit = timm().create_model("vit_base_patch16_224", img_size=size, num_classes=0)
    if imagenet:
        fitting = timm().models.vision_transformer.checkpoint_filter_fn
        _load(vit, fitting(timm_weights(VIT, weights_dir), vit), VIT)
    return PatchMap(vit), vit.embed_dim


def vit_small(size: tuple[int, int], patch: int, width: int, depth: int) -> tuple[nn.Module, int]:
    """Build a ViT with `depth` blocks and tokens of `width`, 16 numbers for each head."""
    _check_size(size, patch)
    vit = timm().models.VisionTransformer(
        size, patch, num_classes=0, embed_dim=width, depth=depth, num_heads=width // 16
    )
    return PatchMap(vit), width


def _check_size(size: tuple[int, int], patch: int) -> None:
    if size[0] % patch or size[1] % patch:
        raise InputError(
            f"profile: height {size[0]} and width {size[1]} must be multiples of the ViT's "
            f"patch of {patch} pixels"
        )


def _load(network: nn.Module, state: dict[str, Tensor], tag: str) -> None:
    """Load a classifier's state into `network`, which lacks the classifier itself."""
    names = network.state_dict()
    trunk_state = {name: x for name, x in state.items() if name in names}
    load_pretrained(network, trunk_state, f"timm's {tag}")
