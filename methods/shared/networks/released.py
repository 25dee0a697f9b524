"""Released re-identification networks, by code base and name: "torchreid:osnet_x1_0".

A file is read as data only: a state dict, as it is or as an entry of a checkpoint, from one device
or several. Its tensors are renamed onto a network that is built here, and every one is accounted
for. docs/methods/frozen.md says which files there are and how all this was tried.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.suggest import did_you_mean
from crossres.methods.shared.networks import (
    clip_reid,
    clip_reid_resnet,
    osnet,
    solider,
    transreid,
)
from crossres.methods.shared.networks.imagenet_weights import (
    CodeInFileError,
    recorded_folder_weights,
    weights_path,
)
from crossres.methods.shared.networks.pretrained_base import (
    PretrainedNetwork,
    load_whole,
    misfits,
)

_PARALLEL = "module."  # before all names, where several devices trained
_KEEP_TENSORS = (
    "python -c \"import torch; c = torch.load('FILE', 'cpu', weights_only=False); "
    "c = c.state_dict() if hasattr(c, 'state_dict') else c; "
    "c = next((c[k] for k in ('state_dict', 'model', 'teacher') if k in c), c); "
    "torch.save({k: v for k, v in c.items() if torch.is_tensor(v)}, 'tensors.pth')\""
)
_CAMERAS = {"base.sie_embed", "cv_embed"}  # embeddings of cameras or views

_log = logging.getLogger(__name__)


class Spec(Protocol):
    """What makes a network."""

    @property
    def size(self) -> tuple[int, int]:
        """The (height, width) of the images that it was trained on."""


class Released(Protocol):
    """A module of this folder with released networks of one structure.

    MODELS: what makes each, by name. LEFT_OUT: modules in their files that the feature which their
    authors compare does without.
    """

    @property
    def MODELS(self) -> Mapping[str, Any]: ...

    @property
    def LEFT_OUT(self) -> tuple[str, ...]: ...

    def build(
        self, spec: Any, size: tuple[int, ...], images: tuple[int, int], /
    ) -> PretrainedNetwork:
        """Build a network for images (height, width), which are brought to `size`, if any."""

    def renamed(
        self, state: Mapping[str, Tensor], network: PretrainedNetwork, /
    ) -> dict[str, Tensor]:
        """Return the tensors of a file as this network has them, by our names.

        Raises InputError for a file that is seen to be of another network.
        """


FAMILIES: Mapping[str, tuple[Released, ...]] = {
    "torchreid": (osnet,),
    "transreid": (transreid,),
    "clipreid": (clip_reid, clip_reid_resnet),
    "solider": (solider,),
}
"""The structures that each code base has."""


def is_released(model: str) -> bool:
    """Say whether a model is one of a code base that is known here."""
    return model.partition(":")[0] in FAMILIES and ":" in model


def released_size(model: str) -> tuple[int, int]:
    """Return the (height, width) that a released network was trained on. InputError for none."""
    size: tuple[int, int] = _entry_of(model)[1].size
    return size


def released_network(
    model: str,
    size: tuple[int, ...],
    images: tuple[int, int],
    weights_dir: Path | None,
    weights_file: str | None,
    *,
    is_pretrained: bool,
) -> PretrainedNetwork:
    """Build a released network for images (height, width), which are brought to `size`, if any.

    Its file is `weights_file` in `weights_dir`, else the first there whose name begins with that of
    the network. Without `is_pretrained` the weights are drawn from torch's generator. Raises
    InputError for an unknown name, without the file, and for one of another network.
    """
    released, spec = _entry_of(model)
    network = released.build(spec, size, images)
    if is_pretrained:
        state, path = _file_state(model, weights_dir, weights_file)
        try:
            fitting = _renamed(released, model, state, network)
            load_whole(network.network, fitting, model, released.LEFT_OUT)
        except InputError as error:
            raise InputError(f"{path}: {error}{_whose(state, images)}") from error
        for name in _CAMERAS & state.keys():
            _log.warning(
                "%s knows %d cameras or views, and methods are not told that of an image: the mean "
                "of their embeddings is added to all images",
                path,
                len(state[name]),
            )
    return network


def _entry_of(model: str) -> tuple[Released, Any]:
    """Return the structure of a model, and what makes it."""
    family, _, name = model.partition(":")
    for released in FAMILIES[family]:
        if name in released.MODELS:
            return released, released.MODELS[name]
    names = [name for released in FAMILIES[family] for name in released.MODELS]
    raise InputError(
        f"method frozen: {family} has no model {name!r}{did_you_mean(name, names)}; "
        f"it has {', '.join(names)}"
    )


def _renamed(
    released: Released, model: str, state: Mapping[str, Tensor], network: PretrainedNetwork
) -> dict[str, Tensor]:
    try:
        return released.renamed(state, network)
    except (RuntimeError, ValueError, IndexError) as error:  # of tensors that have odd shapes
        raise InputError(f"the weights are not those of {model}: of other shapes") from error


def _file_state(
    model: str, weights_dir: Path | None, weights_file: str | None
) -> tuple[dict[str, Tensor], Path]:
    """Return the tensors of the file of a model by the names of its code base, and its path."""
    family, _, network = model.partition(":")
    if weights_dir is None:
        raise InputError(
            f"no weights of {model}: give the file that {family} released, which is not fetched "
            "from here: --weights-file FILE of embed and search, or --weights-dir DIR with the "
            "option weights_file"
        )
    name = weights_file or network
    remedy = f"put the file that {family} released there, or name it by the option weights_file"
    path = weights_path(name, weights_dir, remedy)
    try:
        state = recorded_folder_weights(name, weights_dir, remedy)
    except CodeInFileError as error:
        raise InputError(
            f"{path}: holds Python objects besides tensors, which are never unpickled, or a "
            f"program; where you trust it, keep its tensors alone: {_KEEP_TENSORS}"
        ) from error
    return {
        key.removeprefix(_PARALLEL): tensor.float() if tensor.is_floating_point() else tensor
        for key, tensor in state.items()
    }, path


def _whose(state: Mapping[str, Tensor], images: tuple[int, int]) -> str:
    """Return the words that name the released networks that a file is of, or ""."""
    fitting = models_of(state, images)
    return f"; it is of {' or '.join(fitting)}" if fitting else ""


def models_of(state: Mapping[str, Tensor], images: tuple[int, int]) -> list[str]:
    """Return the released networks whose file a state may be: nothing lacks, nothing is left over.

    `images` are the (height, width) that it would be built for.
    """
    shapes = {name: torch.empty(tensor.shape, device="meta") for name, tensor in state.items()}
    return [
        f"{family}:{name}"
        for family, structures in FAMILIES.items()
        for released in structures
        for name, spec in released.MODELS.items()
        if _fits(shapes, released, spec, images)
    ]


def _fits(
    shapes: Mapping[str, Tensor], released: Released, spec: Any, images: tuple[int, int]
) -> bool:
    try:
        with torch.device("meta"):
            network = released.build(spec, (), images)
        fitting = _renamed(released, "", shapes, network)
    except (InputError, RuntimeError, AssertionError, ValueError):
        return False
    return not any(misfits(network.network.state_dict(), fitting, released.LEFT_OUT).values())
