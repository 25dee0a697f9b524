"""Whether the ImageNet weights that a profile asks for are there, asked before the first training.

torch is loaded only where a file must be read for it: most drivers never need it.
"""

from pathlib import Path

from crossres.datasets.base.errors import InputError
from crossres.methods.interface.profile import BackboneSpec


def check_weights(spec: BackboneSpec, weights_dir: Path | None) -> None:
    """Raise InputError when ImageNet weights that must lie on this machine are not those asked for.

    Others are fetched by the first training.
    """
    if spec.weights == "none" and weights_dir is not None:
        raise InputError(
            f'{weights_dir}: the profile\'s backbone is {spec.name} with weights = "none", which '
            "starts from no ImageNet weights; give none, or another profile"
        )
    lies_here = weights_dir is not None or spec.name == "efficientnet-lite0"
    if spec.weights == "imagenet" and lies_here:
        from crossres.methods.shared.networks.backbones import build_backbone

        build_backbone(spec, weights_dir, pretrained=True)
