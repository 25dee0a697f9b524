"""ImageNet weights: from a folder the profile names, else the loader of torchvision or of timm.

Files are read as data only: safetensors, or a state dict through torch's weights-only reader. The
digest of each state dict, wherever it came from, goes to `recorded_weights`, for the record.
"""

import hashlib
import importlib.util
import os
import pickle
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.kinds import PICKLE, ZIP, kind_of_file
from crossres.methods.shared.networks.optional_libraries import timm, torchvision_models

SUFFIXES = (".safetensors", ".pth", ".pt")
_REMEDY = (
    "put resnet50.safetensors or torchvision's resnet50-*.pth (vgg19 likewise) into the profile's "
    'weights_dir, or set weights = "none" in its backbone'
)
_PICKLED = (
    "it holds Python objects besides tensors, which are never unpickled; "
    "save model.state_dict() alone"
)
_PROGRAM = "it is a TorchScript program, which is never run; save its state_dict() alone"
_WRAPPERS = ("state_dict", "model", "teacher")  # entries of checkpoints that hold it
_TORCH_PICKLE = b"\x80\x02"
_NAMES = 6  # of a dict that a message lists
_recorder: ContextVar[dict[str, str] | None] = ContextVar("recorded weights", default=None)


class CodeInFileError(InputError):
    """A file of weights that would have to be run, or unpickled, to be read."""


def resnet50_weights(folder: Path | None) -> dict[str, Tensor]:
    """Load the state dict of torchvision's ImageNet ResNet-50. InputError if out of reach."""
    weights = torchvision_models().ResNet50_Weights.IMAGENET1K_V1
    return torchvision_weights("resnet50", weights, folder, _REMEDY)


def vgg19_weights(folder: Path | None) -> dict[str, Tensor]:
    """Load the state dict of torchvision's ImageNet VGG-19. InputError if out of reach."""
    weights = torchvision_models().VGG19_Weights.IMAGENET1K_V1
    return torchvision_weights("vgg19", weights, folder, _REMEDY)


def torchvision_weights(
    name: str, weights: Any, folder: Path | None, remedy: str = ""
) -> dict[str, Tensor]:
    """Load the state dict of a network of torchvision. InputError if out of reach.

    A folder must hold a file whose name begins with `name`; else `weights`, an entry of one of
    torchvision's lists, is fetched.
    """
    remedy = remedy or f"put torchvision's {name}-*.pth into the folder of --weights-dir"
    if folder is not None:
        return _record(name, folder_weights(name, folder, remedy))
    _check_home("TORCH_HOME", remedy)
    try:
        state = weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"no ImageNet weights from {weights.url} ({_download_fault(error)}); {remedy}"
        ) from error
    return _record(name, state)


def timm_weights(tag: str, folder: Path | None) -> dict[str, Tensor]:
    """Load the state dict of a network of timm, "hrnet_w32.ms_in1k". InputError if out of reach.

    A folder must hold a file whose name begins with the part before the point.
    """
    name = tag.split(".")[0]
    remedy = (
        f"put {name}.safetensors (timm's {tag}) into the profile's weights_dir, "
        'or set weights = "none" in its backbone'
    )
    if folder is not None:
        return recorded_folder_weights(name, folder, remedy)
    _check_home("HF_HOME", remedy)
    try:
        state = timm().models.load_state_dict_from_hf(f"timm/{tag}", "model.safetensors")
    except (OSError, RuntimeError) as error:
        raise InputError(f"no weights timm/{tag} ({_download_fault(error)}); {remedy}") from error
    return _record(name, state)


def recorded_folder_weights(name: str, folder: Path, remedy: str) -> dict[str, Tensor]:
    """Load the state dict of the network `name` in `folder`, for the record, too."""
    return _record(name, folder_weights(name, folder, remedy))


def packaged_weights(name: str, package: str, digest: str, remedy: str) -> dict[str, Tensor]:
    """Load the state dict that an installed package carries in its folder `models`.

    The package is looked up and never imported. Raises InputError if it is not installed, has no
    file whose name begins with `name`, or one of another `state_digest` than `digest`.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise InputError(f"no weights of {name}: {package} is not installed; {remedy}")
    state = folder_weights(name, Path(spec.origin).parent / "models", remedy)
    if state_digest(state) != digest:
        raise InputError(f"{package}: holds other weights than those known of {name}; {remedy}")
    return _record(name, state)


@contextmanager
def recorded_weights() -> Iterator[dict[str, str]]:
    """Yield a dict that fills with the weights loaded inside: network -> `state_digest`."""
    digests: dict[str, str] = {}
    token = _recorder.set(digests)
    try:
        yield digests
    finally:
        _recorder.reset(token)


def _record(name: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    digests = _recorder.get()
    if digests is not None and name not in digests:
        digests[name] = state_digest(state)
    return dict(state)


def state_digest(state: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 (hex) over names, types, shapes and bytes, whatever file they came in."""
    digest = hashlib.sha256()
    for name, tensor in sorted(state.items()):
        digest.update(f"{name}|{tensor.dtype}|{tuple(tensor.shape)}|".encode())
        # As bytes first: numpy knows no bfloat16.
        digest.update(tensor.detach().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def folder_weights(name: str, folder: Path, remedy: str = _REMEDY) -> dict[str, Tensor]:
    """Load the state dict of the network `name` in `folder`. InputError if there is none."""
    return read_state(weights_path(name, folder, remedy), remedy)


def load_pretrained(network: nn.Module, state: Mapping[str, Tensor], whose: str) -> None:
    """Load `state` into `network`. Raises InputError, which says `whose` it must be, if not so."""
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise InputError(
            f"the weights found are not {whose}; put others into the profile's weights_dir"
        ) from error


def read_state(path: Path, remedy: str = _REMEDY) -> dict[str, Tensor]:
    """Read name -> tensor from a file: .safetensors, or what torch.save wrote; nothing is executed.

    Of a checkpoint its entry `state_dict` or `model` is taken. Raises InputError for any other.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        _check_pickle(path, remedy)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of TorchScript, which is refused below
            state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        reason = "it is a folder" if path.is_dir() else error.strerror or "it cannot be opened"
        raise InputError(f"{path}: cannot be read ({reason}); {remedy}") from error
    except pickle.UnpicklingError as error:
        raise _no_weights(path, _PICKLED, remedy, CodeInFileError) from error
    except (RuntimeError, ValueError, LookupError, EOFError, SafetensorError) as error:
        if "TorchScript" in str(error):
            raise _no_weights(path, _PROGRAM, remedy, CodeInFileError) from error
        raise _no_weights(path, "it is damaged or cut short", remedy) from error
    state = next((state[name] for name in _WRAPPERS if _is_wrapped(state, name)), state)
    if not _is_state(state):
        raise InputError(
            f"{path}: holds no state dict (name -> tensor) but {_content(state)}; {remedy}"
        )
    odd = [name for name, tensor in state.items() if not _is_plain(tensor)]
    if odd:
        raise InputError(
            f"{path}: {odd[0]} is sparse, quantised, complex or empty of numbers; save it as plain "
            "floating-point numbers"
        )
    return dict(state)


def _is_state(content: object) -> bool:
    return isinstance(content, dict) and all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items()
    )


def _is_plain(tensor: Tensor) -> bool:
    """Say whether a tensor is dense, real, not quantised, and has its numbers."""
    odd = tensor.is_quantized or tensor.is_complex() or tensor.is_meta
    return tensor.layout == torch.strided and not odd


def _is_wrapped(content: object, name: str) -> bool:
    return isinstance(content, dict) and name in content and _is_state(content[name])


def _check_pickle(path: Path, remedy: str) -> None:
    """Refuse pickles that torch.save did not write, on which its reader warns, then gives up."""
    with path.open("rb") as file:
        start = file.read(2)
    if start[:1] == b"\x80" and start != _TORCH_PICKLE:
        raise _no_weights(path, _PICKLED, remedy, CodeInFileError)


def _no_weights(
    path: Path, reason: str, remedy: str, error: type[InputError] = InputError
) -> InputError:
    kind = kind_of_file(path)
    written_by_torch = path.suffix != ".safetensors" and kind in (ZIP, PICKLE)
    if kind.name and not written_by_torch:
        reason = f"it is {kind.name}"
    return error(f"{path}: is not a plain file of weights ({reason}); {remedy}")


def _content(state: object) -> str:
    """Say what a file holds instead of tensors by name."""
    if not isinstance(state, dict):
        return f"a {type(state).__name__}"
    names = ", ".join(map(str, list(state)[:_NAMES]))
    return f"a dict of {names}: keep its tensors by name alone" if names else "an empty dict"


def weights_path(name: str, folder: Path, remedy: str) -> Path:
    """Return the file of this name in a folder, else the first whose name begins with it.

    Raises InputError where there is none of a known suffix.
    """
    if (folder / name).is_file():
        return folder / name
    paths = [
        path
        for suffix in SUFFIXES
        for path in sorted(folder.glob(f"{name}*"))
        if path.suffix == suffix
    ]
    if not paths:
        raise InputError(f"{folder}: no {name} weights there; {remedy}")
    return paths[0]


def _download_fault(error: Exception) -> str:
    """Say why nothing arrived, as the system puts it, without the advice of a library."""
    cause = getattr(error, "reason", error)  # of a URLError
    reason = getattr(cause, "strerror", None)
    if reason:
        return str(reason)
    return "it cannot be downloaded" if isinstance(error, OSError) else "what arrives is damaged"


def _check_home(variable: str, remedy: str) -> None:
    """Refuse to download weights for a user without home; they would go to a folder named "~"."""
    if os.environ.get(variable) or os.environ.get("XDG_CACHE_HOME"):
        return
    try:
        Path.home()
    except RuntimeError as error:
        text = f"this user has no home folder to keep weights in; set {variable} to a folder, or"
        raise InputError(f"{text} {remedy}") from error
