"""Networks that others trained, by name: any of timm's and torchvision's, EfficientNet-Lite0, and
those that were released for re-identification.

Images are brought to the scale that the model's own card says. Nothing here is trained further.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.suggest import did_you_mean
from crossres.methods.shared.networks.imagenet_weights import timm_weights, torchvision_weights
from crossres.methods.shared.networks.lite0 import NAME as LITE0
from crossres.methods.shared.networks.lite0 import TIMM as LITE0_OF_TIMM
from crossres.methods.shared.networks.lite0 import lite0_weights
from crossres.methods.shared.networks.optional_libraries import timm, torchvision_models
from crossres.methods.shared.networks.pretrained_base import PretrainedNetwork, load_whole
from crossres.methods.shared.networks.released import FAMILIES, is_released, released_network

TIMM, TORCHVISION = "timm:", "torchvision:"
LITE0_MEAN, LITE0_STD = (127 / 255,) * 3, (128 / 255,) * 3
# Of torchvision: whose input or output is the last map, the first that a network has.
_BEFORE, _BEHIND = ("avgpool",), ("conv5", "layers", "blocks", "features")


class TimmNetwork(PretrainedNetwork):
    """A network of timm; `stage` counts its maps from 1, the finest; 0: the last."""

    def __init__(self, stage: int, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.stage = stage

    def maps(self, images: Tensor) -> Tensor:
        index = [self.stage - 1] if self.stage else 1
        network: Any = self.network
        (last,) = network.forward_intermediates(
            self.scaled(images), indices=index, intermediates_only=True, output_fmt="NCHW"
        )
        return torch.as_tensor(last)

    def own(self, images: Tensor) -> Tensor:
        network: Any = self.network
        features = network.forward_features(self.scaled(images))
        return torch.as_tensor(network.forward_head(features, pre_logits=True))


class TorchvisionNetwork(PretrainedNetwork):
    """A network of torchvision, whose modules say what passes through them."""

    def maps(self, images: Tensor) -> Tensor:
        network: Any = self.network
        if hasattr(network, "encoder"):  # a ViT: tokens, the class token first
            tokens = self._seen(images, network.encoder, is_input=False)[:, 1:]
            height, width = (side // network.patch_size for side in self.scaled(images).shape[2:])
            return tokens.transpose(1, 2).reshape(images.shape[0], -1, height, width)
        for names, is_input in ((_BEFORE, True), (_BEHIND, False)):
            for name in names:
                module = getattr(network, name, None)
                if isinstance(module, nn.ModuleList):
                    module = module[-1]
                if isinstance(module, nn.Module):
                    return self._seen(images, module, is_input=is_input)
        raise InputError(f'{type(network).__name__} has no map; set pool = "own"')

    def own(self, images: Tensor) -> Tensor:
        layers = [module for module in self.network.modules() if isinstance(module, nn.Linear)]
        if not layers:
            raise InputError(
                f'{type(self.network).__name__} has no feature of its own; set pool = "mean"'
            )
        return self._seen(images, layers[-1], is_input=True)

    def _seen(self, images: Tensor, module: nn.Module, *, is_input: bool) -> Tensor:
        """Return what goes into a module, or comes out of it, for these images."""
        seen: list[Tensor] = []

        def note(_: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            seen.append(inputs[0] if is_input else output)

        handle = module.register_forward_hook(note)
        try:
            self.network(self.scaled(images))
        finally:
            handle.remove()
        return seen[-1]


def pretrained_network(
    model: str,
    stage: int,
    size: tuple[int, ...],
    images: tuple[int, int],
    weights_dir: Path | None,
    *,
    is_pretrained: bool,
    weights_file: str | None = None,
) -> PretrainedNetwork:
    """Build "efficientnet-lite0", "timm:NAME[.TAG]", "torchvision:NAME", or a released network.

    `images`: their (height, width), where `size` is empty. `weights_file`: the name of a released
    network's file in `weights_dir`. Without `is_pretrained` the weights are drawn from torch's
    generator. Raises InputError for a name or a stage that there is not, and where weights cannot
    be had.
    """
    if is_released(model):
        if stage:
            raise InputError("method frozen: stage is an option of timm's models; leave it out")
        return released_network(
            model, size, images, weights_dir, weights_file, is_pretrained=is_pretrained
        )
    if weights_file is not None:
        raise InputError(
            f"method frozen: weights_file is of released models; {model} takes the file whose name "
            "begins with its own from the folder of --weights-dir"
        )
    if model.startswith(TORCHVISION):
        if stage:
            raise InputError("method frozen: stage is an option of timm's models; leave it out")
        return _torchvision(model.removeprefix(TORCHVISION), size, weights_dir, is_pretrained)
    if model == LITE0:
        state = lite0_weights(weights_dir) if is_pretrained else None
        network = _timm_model(LITE0_OF_TIMM, "lite", size or images, state, model)
        scale = LITE0_MEAN, LITE0_STD
    elif model.startswith(TIMM):
        name = model.removeprefix(TIMM)
        _known(name.partition(".")[0], timm().list_models(), "timm")
        state = timm_weights(name, weights_dir) if is_pretrained else None
        network = _timm_model(name, "timm", size or images, state, model)
        scale = network.pretrained_cfg["mean"], network.pretrained_cfg["std"]
    else:
        raise InputError(
            f"method frozen: model {model!r} must be {LITE0}, timm:NAME, torchvision:NAME or, "
            f"released for re-identification, {', '.join(f'{family}:NAME' for family in FAMILIES)}"
        )
    stages = len(network.feature_info)
    if not 0 <= stage <= stages:
        raise InputError(f"method frozen: {model} has the stages 1 to {stages}, not {stage}")
    return TimmNetwork(stage, network, size, *scale)


def _timm_model(
    name: str, extra: str, size: tuple[int, ...], state: Mapping[str, Tensor] | None, model: str
) -> Any:
    """Build a network of timm, made for `size` where it must know it, and load a state into it."""
    library = timm(extra)
    known_size = library.models.get_pretrained_cfg(name).fixed_input_size
    options: dict[str, Any] = {"img_size": size} if known_size else {}
    try:
        network = library.create_model(name, num_classes=0, **options)
    except (ValueError, AssertionError) as error:
        raise InputError(f"method frozen: {model} cannot be built for {size}: {error}") from error
    if state is not None:
        module = sys.modules[type(network).__module__]
        fitted = getattr(module, "checkpoint_filter_fn", None)  # resamples position embeddings
        classifiers = network.pretrained_cfg.get("classifier") or ()
        classifiers = (classifiers,) if isinstance(classifiers, str) else tuple(classifiers)
        load_whole(network, fitted(dict(state), network) if fitted else state, model, classifiers)
    return network


def _torchvision(
    name: str, size: tuple[int, ...], weights_dir: Path | None, is_pretrained: bool
) -> PretrainedNetwork:
    models = torchvision_models()
    _known(name, models.list_models(models), "torchvision")
    weights = models.get_model_weights(name).DEFAULT
    network = models.get_model(name, weights=None)
    if is_pretrained:
        state = torchvision_weights(name, weights, weights_dir)
        load_whole(network, state, f"{TORCHVISION}{name}")
    card = weights.transforms()
    return TorchvisionNetwork(network, size, tuple(card.mean), tuple(card.std))


def _known(name: str, names: list[str], library: str) -> None:
    if name not in names:
        raise InputError(f"{library} has no model {name!r}{did_you_mean(name, names)}")
