"""ImageNet weights: from a folder the profile names, else the loader of torchvision or of timm.

Files are read as data only: safetensors, or a state dict through torch's weights-only reader. What
was found, wherever it came from, is told to `noted_weights`, so that a record can say it.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from datasets.errors import InputError, reason
from methods.shared.vision import timm, torchvision_models

SUFFIXES = (".safetensors", ".pth", ".pt")
_REMEDY = (
    "put resnet50.safetensors or torchvision's resnet50-*.pth (vgg19 likewise) into the profile's "
    'weights_dir, or set weights = "none" in its backbone'
)
_noted: ContextVar[dict[str, str] | None] = ContextVar("noted weights", default=None)


def resnet50_weights(folder: Path | None) -> dict[str, Tensor]:
    """The state dict of an ImageNet ResNet-50 (torchvision's names). InputError if out of reach."""
    return _imagenet("resnet50", "ResNet50_Weights", folder)


def vgg19_weights(folder: Path | None) -> dict[str, Tensor]:
    """The state dict of an ImageNet VGG-19 (torchvision's names). InputError if out of reach."""
    return _imagenet("vgg19", "VGG19_Weights", folder)


def _imagenet(name: str, enumeration: str, folder: Path | None) -> dict[str, Tensor]:
    if folder is not None:
        return _note(name, folder_weights(name, folder))
    _check_home("TORCH_HOME", _REMEDY)
    weights = getattr(torchvision_models(), enumeration).IMAGENET1K_V1
    try:
        state = weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"no ImageNet weights from {weights.url} ({_reason(error)}); {_REMEDY}"
        ) from error
    return _note(name, state)


def timm_weights(tag: str, folder: Path | None) -> dict[str, Tensor]:
    """The state dict of a network of timm, "hrnet_w32.ms_in1k". InputError if out of reach.

    A folder must hold a file whose name begins with the part before the point.
    """
    name = tag.split(".")[0]
    remedy = (
        f"put {name}.safetensors (timm's {tag}) into the profile's weights_dir, "
        'or set weights = "none" in its backbone'
    )
    if folder is not None:
        return _note(name, folder_weights(name, folder, remedy))
    _check_home("HF_HOME", remedy)
    try:
        state = timm().models.load_state_dict_from_hf(f"timm/{tag}", "model.safetensors")
    except (OSError, RuntimeError) as error:
        raise InputError(f"no weights timm/{tag} ({_reason(error)}); {remedy}") from error
    return _note(name, state)


@contextmanager
def noted_weights() -> Iterator[dict[str, str]]:
    """Inside, every state dict found here is noted: name of the network -> `state_digest`."""
    found: dict[str, str] = {}
    token = _noted.set(found)
    try:
        yield found
    finally:
        _noted.reset(token)


def _note(name: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    found = _noted.get()
    if found is not None and name not in found:
        found[name] = state_digest(state)
    return dict(state)


def state_digest(state: Mapping[str, Tensor]) -> str:
    """SHA-256 (hex) over names, types, shapes and bytes: the same whatever file they came in."""
    digest = hashlib.sha256()
    for name, tensor in sorted(state.items()):
        digest.update(f"{name}|{tensor.dtype}|{tuple(tensor.shape)}|".encode())
        # As bytes first: numpy knows no bfloat16.
        digest.update(tensor.detach().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def folder_weights(name: str, folder: Path, remedy: str = _REMEDY) -> dict[str, Tensor]:
    """The state dict of the network `name` in `folder`. InputError if none can be read there."""
    return read_state(_file(name, folder, remedy), remedy)


def load_pretrained(network: nn.Module, state: Mapping[str, Tensor], whose: str) -> None:
    """Load a state dict found. InputError when it does not fit; `whose` says what it should be."""
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise InputError(
            f"the weights found are not {whose}; put others into the profile's weights_dir"
        ) from error


def read_state(path: Path, remedy: str = _REMEDY) -> dict[str, Tensor]:
    """Name -> tensor from a .safetensors, .pth or .pt file; nothing in it is ever executed."""
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({reason(error)}); {remedy}") from error
    except Exception as error:  # whatever a damaged file makes of the reader
        raise InputError(f"{path}: is not a plain file of weights; {remedy}") from error
    named = isinstance(state, dict) and all(isinstance(v, Tensor) for v in state.values())
    if not named:
        raise InputError(f"{path}: holds no state dict (name -> tensor); {remedy}")
    return dict(state)


def _file(name: str, folder: Path, remedy: str) -> Path:
    found = [
        path
        for suffix in SUFFIXES
        for path in sorted(folder.glob(f"{name}*"))
        if path.suffix == suffix
    ]
    if not found:
        raise InputError(f"{folder}: no {name} weights there; {remedy}")
    return found[0]


def _reason(error: Exception) -> str:
    """Why weights were not fetched: what the system says, never what a library advises."""
    if isinstance(error, RuntimeError):
        return "what came is not the published file"
    told = getattr(error, "reason", error)  # of a URLError
    return getattr(told, "strerror", None) or "they could not be fetched"


def _check_home(variable: str, remedy: str) -> None:
    """Refuse to fetch weights for a user without home: a folder called "~" would keep them."""
    if os.environ.get(variable) or os.environ.get("XDG_CACHE_HOME"):
        return
    try:
        Path.home()
    except RuntimeError as error:
        text = f"this user has no home folder to keep weights in; set {variable} to a folder, or"
        raise InputError(f"{text} {remedy}") from error
