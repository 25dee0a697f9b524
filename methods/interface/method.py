"""What a method is to the rest of the suite: it is fitted on a TrainSet and embeds images.

Everything a method may know is handed in: profile, options, training data, seed, device.
"""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save

from crossres.datasets.base.arguments import (
    as_a,
    as_path,
)
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import write_atomically
from crossres.datasets.base.kinds import kind_of_file
from crossres.datasets.base.texts import read_json
from crossres.methods.interface.distances import euclidean
from crossres.methods.interface.options import options_as_json, resolve
from crossres.methods.interface.profile import Profile
from crossres.methods.interface.run import Run
from crossres.methods.interface.training_data import Images, TrainSet

Embeddings = NDArray[np.float32]
Distances = NDArray[np.float64]
Grade = Literal["faithful", "faithful structure", "our reading", "control"]

FORMAT = 2
ABOUT, WEIGHTS = "method.json", "weights.safetensors"
# What of a profile a saved method needs to be made again; its options are saved resolved.
SAVED_PROFILE = ("name", "height", "width", "backbone", "train", "twin_size")


class Method(ABC):
    """A re-identification method; subclasses are found by name in `METHODS` of registry.py.

    A subclass sets the class variables, and defines `fit`, `embed`, `arrays` and `restore`; save,
    load, digest and option handling follow from these. `options` is an instance of `Options`.
    One with `needs_rate` defines `embed_rated`, too, but must still be able to `embed`; an option
    `rate`, "given" or "estimated", lets a user take the rates away, and tables say which it was.
    `small_options` make it as small as it gets, by name: with them, `check_method` trains it in
    about a second on images of 32 x 16 pixels. A subclass inherits those of its parent.
    A `fit` that begins at random may set `start`, a digest (hex) of where: results that began
    elsewhere are not paired. It must not depend on the last bits, which differ between machines.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    grade: ClassVar[Grade]
    needs_rate: ClassVar[bool] = False
    reference: ClassVar[str]
    Options: ClassVar[type]
    small_options: ClassVar[dict[str, Any]] = {}
    start: str | None = None

    def __init__(self, profile: Profile, **options: Any) -> None:
        """Options: defaults, then `profile.methods[name]`, then `options`. InputError if bad."""
        self.profile = as_a(Profile, profile, "profile")
        self.options: Any = resolve(
            self.name, self.Options, profile.methods.get(self.name, {}), options
        )

    @abstractmethod
    def fit(self, train: TrainSet, run: Run) -> None:
        """Learn from `train`; the same data and seed give the same bits on one kind of machine."""

    @abstractmethod
    def embed(self, images: Images) -> Embeddings:
        """(N, H, W, 3) uint8 RGB -> (N, D) float32; row k depends on images[k] alone."""

    @abstractmethod
    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything learned, by name, from which `restore` makes the same method again."""

    @abstractmethod
    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """The inverse of `arrays`. Raises InputError when a name or a shape does not fit."""

    def embed_rated(self, images: Images, rates: NDArray[np.int64]) -> Embeddings:  # noqa: ARG002
        """`embed`, told the rate of each image, (N,) int64 with 0 for unknown (see TrainSet).

        Cells call it where the class has `needs_rate`; only such a class may make use of the rates.
        """
        return self.embed(images)

    def distances(self, query: Embeddings, gallery: Embeddings) -> Distances:
        """(Q, D), (G, D) float32 -> (Q, G) float64, smaller = more alike; Euclidean by default."""
        return euclidean(query, gallery)

    def reconstructions(self, images: Images) -> dict[str, Images]:  # noqa: ARG002
        """Label -> (N, H, W, 3) uint8, in cascade order; empty for methods that rebuild nothing."""
        return {}

    def parameter_count(self) -> int:
        """How many learned numbers the method holds."""
        return sum(int(array.size) for array in self.arrays().values())

    def parameters_digest(self) -> str:
        """SHA-256 (hex) over names, types, shapes and bytes of everything learned."""
        return _digest(self.arrays())

    def saved(self, origin: Mapping[str, Any] | None = None) -> dict[str, bytes]:
        """What `save` writes, by file name; `origin` says what it was trained on, for readers."""
        # Not `ascontiguousarray`, which gives numbers a dimension.
        arrays = {name: np.asarray(a, order="C") for name, a in sorted(self.arrays().items())}
        about = {
            "format": FORMAT,
            "method": self.name,
            "options": options_as_json(self.options),
            "profile": {name: getattr(self.profile, name) for name in SAVED_PROFILE},
            "digest": self.parameters_digest(),
            "origin": dict(origin or {}),
        }
        text = json.dumps(about, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        return {WEIGHTS: save(arrays), ABOUT: text.encode("utf-8")}

    def save(self, folder: Path | str, origin: Mapping[str, Any] | None = None) -> None:
        """Write weights.safetensors and method.json into `folder` (made when absent).

        The folder is all that `crossres.load_method` needs.
        """
        for name, content in self.saved(origin).items():
            write_atomically(as_path(folder, "folder") / name, content)

    def load(self, folder: Path | str) -> None:
        """Read what `save` wrote. Raises InputError when it is another method's, or damaged."""
        folder = as_path(folder, "folder")
        about = read_about(folder)
        own = {"method": self.name, "options": options_as_json(self.options)}
        own["profile"] = {name: getattr(self.profile, name) for name in SAVED_PROFILE}
        if _label(about) != _label(own):
            raise InputError(
                f"{folder / ABOUT}: holds {_label(about)}, not {_label(own)}; "
                "make the method with the same options and profile"
            )
        try:
            arrays = load_file(folder / WEIGHTS)
            digest = _digest(arrays)
        except OSError as error:
            raise _unreadable(folder, _said(error)) from error
        except Exception as error:  # whatever a damaged file makes of the reader
            kind = kind_of_file(folder / WEIGHTS).name or "damaged or cut short"
            raise _unreadable(folder, f"{WEIGHTS} is {kind}") from error
        if digest != about["digest"]:
            raise InputError(
                f"{folder}: {WEIGHTS} does not hold the weights that {ABOUT} was written with; "
                "copy both again"
            )
        try:
            self.restore(arrays)
        except InputError as error:
            raise InputError(f"{folder}: {error}") from error
        except Exception as error:  # whatever a plug-in makes of weights that are not its own
            reason = f"{type(self).__name__}.restore: {' '.join(str(error).split())}"
            raise _unreadable(folder, reason) from error


def _digest(arrays: Mapping[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name}|{array.dtype.str}|{array.shape}|".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def read_about(folder: Path) -> dict[str, Any]:
    """The content of the method.json that `Method.save` wrote. InputError when it is none."""
    remedy = "give the folder that Method.save wrote"
    about = read_json(folder / ABOUT, "saved method", remedy)
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise InputError(
            f"{folder / ABOUT}: is no saved method of format {FORMAT}; "
            "give the folder that Method.save wrote"
        )
    kinds = {"method": str, "options": dict, "profile": dict, "digest": str, "origin": dict}
    wrong = [name for name, kind in kinds.items() if not isinstance(about.get(name), kind)]
    if wrong or set(about["profile"]) != set(SAVED_PROFILE):
        raise InputError(f"{folder / ABOUT}: {(wrong or ['profile'])[0]} is not as it was written")
    return about


def _said(error: OSError) -> str:
    """What the system says of a file."""
    name = Path(error.filename).name if error.filename else WEIGHTS
    return f"{name}: {error.strerror or 'it cannot be opened'}"


def _unreadable(folder: Path, reason: str) -> InputError:
    return InputError(
        f"{folder}: cannot read {ABOUT} and {WEIGHTS} there ({reason}); "
        "give the folder that Method.save wrote"
    )


def _label(about: Mapping[str, Any]) -> str:
    """What must be the same to load: the method, its options, the size and the backbone."""
    profile, options = about["profile"], json.dumps(about["options"], sort_keys=True)
    backbone = json.dumps(profile["backbone"], sort_keys=True)
    size = f"{profile['height']}x{profile['width']}"
    return f"{about['method']} {options} at {size} with backbone {backbone}"
