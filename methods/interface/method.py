"""What a method is to the rest of the suite: it is fitted on a TrainSet and embeds images.

Everything a method may know is handed in: profile, options, training data, seed, device.
"""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save

from crossres.datasets.base.arguments import as_a, as_path
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import write_atomically
from crossres.datasets.base.kinds import kind_of_file
from crossres.datasets.base.texts import read_json
from crossres.methods.interface.declaration import Declaration
from crossres.methods.interface.distances import euclidean
from crossres.methods.interface.options import options_as_json, resolve
from crossres.methods.interface.profile import Profile
from crossres.methods.interface.run import Run
from crossres.methods.interface.training_data import Images, TrainSet

Embeddings = NDArray[np.float32]
Distances = NDArray[np.float64]

FORMAT = 2
DESCRIPTION, WEIGHTS = "method.json", "weights.safetensors"
# What of a profile a saved method needs to be made again; its options are saved resolved.
SAVED_PROFILE = ("name", "height", "width", "backbone", "train", "twin_size")


class Method(Declaration, ABC):
    """A re-identification method; subclasses are found by name in `METHODS` of registry.py.

    A subclass sets the class variables of `Declaration`, and defines `fit`, `embed`, `arrays` and
    `restore`; save, load, digest and option handling follow from these. `options` is an instance of
    `Options`.
    One with `needs_rate` defines `embed_rated`, too, but must still be able to `embed`; an option
    `rate`, "given" or "estimated", lets a user take the rates away, and tables say which it was.
    `small_options` make it as small as it gets, by name: with them, `check_method` trains it in
    about a second on images of 32 x 16 pixels. A subclass inherits those of its parent.
    A `fit` that begins at random may set `start`, a digest (hex) of where: results that began
    elsewhere are not paired. It must not depend on the last bits, which differ between machines.
    `computes_as_told`: nothing that `train` of a profile says of how networks compute is ignored (a
    TorchMethod sees to that).
    """

    computes_as_told: ClassVar[bool] = False
    start: str | None = None

    def __init__(self, profile: Profile, **options: Any) -> None:
        """Resolve the options: defaults, then `profile.methods[name]`, then `options`.

        Raises InputError for a name or a value that `Options` does not take, and where the profile
        says how networks compute and the method would ignore it.
        """
        self.profile = as_a(Profile, profile, "profile")
        self.options: Any = resolve(
            self.name, self.Options, profile.overrides(self.name, self.Options), options
        )
        changed = self.profile.computing.changed
        if changed and not self.computes_as_told:
            raise InputError(
                f"method {self.name} does not know {', '.join(changed)}; leave that out of [train] "
                f"of profile {profile.name}, or make the method a TorchMethod, which does"
            )

    @abstractmethod
    def fit(self, train: TrainSet, run: Run) -> None:
        """Learn from `train`; the same data and seed give the same bits on one kind of machine."""

    @abstractmethod
    def embed(self, images: Images) -> Embeddings:
        """Return embeddings (N, D) float32 of images (N, H, W, 3) uint8 RGB.

        Row k depends on images[k] alone.
        """

    @abstractmethod
    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything learned, by name, from which `restore` makes the same method again."""

    @abstractmethod
    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take up what `arrays` returned. Raises InputError when a name or a shape does not fit."""

    def embed_rated(self, images: Images, rates: NDArray[np.int64]) -> Embeddings:  # noqa: ARG002
        """Embed images of known rates, (N,) int64 with 0 for unknown (see TrainSet).

        Cells call it where the class has `needs_rate`; only such a class may make use of the rates.
        """
        return self.embed(images)

    def embed_told(self, images: Images, rates: NDArray[np.int64]) -> Embeddings:
        """Embed images as a test does: a method that needs their rates (N,) is told them."""
        return self.embed_rated(images, rates) if self.needs_rate else self.embed(images)

    def distances(self, query: Embeddings, gallery: Embeddings) -> Distances:
        """Return distances (Q, G) float64 of embeddings (Q, D) and (G, D) float32.

        Smaller is more alike. Euclidean unless a subclass has its own.
        """
        return euclidean(query, gallery)

    @classmethod
    def has_own_distance(cls) -> bool:
        """Say whether it compares embeddings by more than their Euclidean distance."""
        return cls.distances is not Method.distances

    def reconstructions(self, images: Images) -> dict[str, Images]:  # noqa: ARG002
        """Return label -> (N, H, W, 3) uint8, in cascade order; empty where nothing is rebuilt."""
        return {}

    def parameter_count(self) -> int:
        """Count the learned numbers that the method holds."""
        return sum(int(array.size) for array in self.arrays().values())

    def parameters_digest(self) -> str:
        """Return the SHA-256 (hex) over names, types, shapes and bytes of everything learned."""
        return _digest(self.arrays())

    def saved(self, origin: Mapping[str, Any] | None = None) -> dict[str, bytes]:
        """Return what `save` writes, by file name.

        `origin` says what the method was trained on, for readers of the file.
        """
        # Not `ascontiguousarray`, which gives numbers a dimension.
        arrays = {name: np.asarray(a, order="C") for name, a in sorted(self.arrays().items())}
        description = {
            "format": FORMAT,
            "method": self.name,
            "options": options_as_json(self.options),
            "profile": {name: getattr(self.profile, name) for name in SAVED_PROFILE},
            "digest": self.parameters_digest(),
            "origin": dict(origin or {}),
        }
        text = json.dumps(description, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        return {WEIGHTS: save(arrays), DESCRIPTION: text.encode("utf-8")}

    def save(self, folder: Path | str, origin: Mapping[str, Any] | None = None) -> None:
        """Write weights.safetensors and method.json into `folder` (made when absent).

        The folder is all that `crossres.load_method` needs.
        """
        for name, content in self.saved(origin).items():
            write_atomically(as_path(folder, "folder") / name, content)

    def load(self, folder: Path | str) -> None:
        """Read what `save` wrote. Raises InputError when it is another method's, or damaged."""
        folder = as_path(folder, "folder")
        description = read_description(folder)
        expected = {"method": self.name, "options": options_as_json(self.options)}
        expected["profile"] = {name: getattr(self.profile, name) for name in SAVED_PROFILE}
        if _label(description) != _label(expected):
            raise InputError(
                f"{folder / DESCRIPTION}: holds {_label(description)}, not {_label(expected)}; "
                "make the method with the same options and profile"
            )
        try:
            arrays = load_file(folder / WEIGHTS)
            digest = _digest(arrays)
        except OSError as error:
            raise _unreadable(folder, _reason(error)) from error
        except Exception as error:  # the reader may raise anything on a damaged file
            kind = kind_of_file(folder / WEIGHTS).name or "damaged or cut short"
            raise _unreadable(folder, f"{WEIGHTS} is {kind}") from error
        if digest != description["digest"]:
            raise InputError(
                f"{folder}: {WEIGHTS} does not hold the weights that {DESCRIPTION} was written "
                "with; copy both again"
            )
        try:
            self.restore(arrays)
        except InputError as error:
            raise InputError(f"{folder}: {error}") from error
        except Exception as error:  # a plug-in may raise anything on another method's weights
            reason = f"{type(self).__name__}.restore: {' '.join(str(error).split())}"
            raise _unreadable(folder, reason) from error


def _digest(arrays: Mapping[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name}|{array.dtype.str}|{array.shape}|".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def read_description(folder: Path) -> dict[str, Any]:
    """Read the method.json that `Method.save` wrote. Raises InputError when it is none."""
    remedy = "give the folder that Method.save wrote"
    description = read_json(folder / DESCRIPTION, "saved method", remedy)
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise InputError(
            f"{folder / DESCRIPTION}: is no saved method of format {FORMAT}; "
            "give the folder that Method.save wrote"
        )
    kinds = {"method": str, "options": dict, "profile": dict, "digest": str, "origin": dict}
    wrong = [name for name, kind in kinds.items() if not isinstance(description.get(name), kind)]
    if wrong or set(description["profile"]) != set(SAVED_PROFILE):
        raise InputError(
            f"{folder / DESCRIPTION}: {(wrong or ['profile'])[0]} is not as it was written"
        )
    return description


def _reason(error: OSError) -> str:
    """Return what the system says of the file that could not be read."""
    name = Path(error.filename).name if error.filename else WEIGHTS
    return f"{name}: {error.strerror or 'it cannot be opened'}"


def _unreadable(folder: Path, reason: str) -> InputError:
    return InputError(
        f"{folder}: cannot read {DESCRIPTION} and {WEIGHTS} there ({reason}); "
        "give the folder that Method.save wrote"
    )


def _label(description: Mapping[str, Any]) -> str:
    """Return what must be the same to load: method, options, image size and backbone."""
    profile, options = description["profile"], json.dumps(description["options"], sort_keys=True)
    backbone = json.dumps(profile["backbone"], sort_keys=True)
    size = f"{profile['height']}x{profile['width']}"
    return f"{description['method']} {options} at {size} with backbone {backbone}"
