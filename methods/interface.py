"""What a method is to the rest of the suite: it is fitted on a TrainSet and embeds images.

Everything a method may know is handed in: profile, options, training data, seed, device.
"""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, SupportsFloat

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save

from datasets.arguments import (
    as_a,
    as_array,
    as_count,
    as_function,
    as_ids,
    as_path,
    as_text,
    as_whole,
    if_given,
)
from datasets.draws import draw
from datasets.errors import InputError
from datasets.files import write_atomically
from datasets.kinds import kind_of_file
from datasets.texts import read_json
from methods.distances import euclidean
from methods.options import options_as_json, resolve

Images = NDArray[np.uint8]
Embeddings = NDArray[np.float32]
Distances = NDArray[np.float64]
Grade = Literal["faithful", "faithful structure", "our reading", "control"]

FORMAT = 2
ABOUT, WEIGHTS = "method.json", "weights.safetensors"
# What of a profile a saved method needs to be made again; its options are saved resolved.
SAVED_PROFILE = ("name", "height", "width", "backbone", "train", "twin_size")


@dataclass(frozen=True)
class Profile:
    """How large an experiment is: what one profile file says.

    `backbone`: name ("resnet50" | "resnet-small" | "vit-base" | "vit-small"), weights
    ("imagenet" | "none"), last_stride (1 | 2) and, for a small one, width and blocks. `train`:
    {"epochs": n} or {"iterations": n}, and optionally identities, hr_images, lr_images per batch.
    `methods`: per-method overrides of options. `weights_dir`: a folder with ImageNet weights for
    machines without network. `paper_size`: whether it is as large as the experiments that papers
    publish, so that their values may stand beside those measured; `warning`: what must be said of
    its numbers wherever they appear.
    """

    name: str
    height: int
    width: int
    device: str = "cpu"
    backbone: dict[str, Any] = field(default_factory=dict)
    train: dict[str, Any] = field(default_factory=dict)
    methods: dict[str, dict[str, Any]] = field(default_factory=dict)
    twin_size: str = "quick"
    weights_dir: Path | None = None
    paper_size: bool = False
    warning: str = ""

    def __post_init__(self) -> None:
        """Refuse what no profile can be; `load_profile` and the methods check the rest."""
        for name in ("name", "device", "twin_size"):
            as_text(getattr(self, name), f"{name} of a Profile")
        for name in ("height", "width"):
            as_count(getattr(self, name), f"{name} of a Profile")
        for name in ("backbone", "train", "methods"):
            as_a(dict, getattr(self, name), f"{name} of a Profile")
        folder = if_given(self.weights_dir, "weights_dir", as_path)
        object.__setattr__(self, "weights_dir", folder)


@dataclass(frozen=True, eq=False)
class TrainSet:
    """All that a method may see of a data set: the training identities and nothing else.

    images (N, H, W, 3) uint8 RGB; labels (N,) int64 in 0..C-1; camids (N,) int64; rates (N,)
    int64, 1 = HR, 2, 3, 4 = down-sampled by that rate, 0 = natively LR; hr (M,) int64, the indices
    of the rate-1 images; variants[r] (M, H, W, 3) uint8, row k is images[hr[k]] down-sampled by r
    on its native grid and brought back to the input size. Raises InputError when these disagree.
    """

    images: Images
    labels: NDArray[np.int64]
    camids: NDArray[np.int64]
    rates: NDArray[np.int64]
    variants: Mapping[int, Images]
    hr: NDArray[np.int64]

    def __post_init__(self) -> None:
        """Check the columns against each other; arrays of any library are taken."""
        object.__setattr__(self, "images", as_array(self.images, "training images"))
        for name in ("labels", "camids", "rates", "hr"):
            object.__setattr__(self, name, as_ids(getattr(self, name), name))
        variants = as_a(dict, self.variants, "variants").items()
        made = {rate: as_array(images, f"variant 1/{rate}") for rate, images in variants}
        object.__setattr__(self, "variants", made)
        count = len(self.images)
        if self.images.ndim != 4 or self.images.shape[3] != 3 or self.images.dtype != np.uint8:
            raise InputError(
                f"training images must be (N, H, W, 3) uint8, not {self.images.shape} "
                f"{self.images.dtype}; build them with datasets.open_store"
            )
        if any(len(column) != count for column in (self.labels, self.camids, self.rates)):
            raise InputError("labels, camids and rates must have one entry per training image")
        if count == 0 or set(np.unique(self.labels)) != set(range(int(self.labels.max()) + 1)):
            raise InputError("training labels must be 0..C-1 with every identity present")
        if not np.array_equal(self.hr, np.flatnonzero(self.rates == 1)):
            raise InputError("hr must be the indices of the training images of rate 1, in order")
        for rate, variant in self.variants.items():
            if variant.shape != (len(self.hr), *self.images.shape[1:]):
                raise InputError(f"variant 1/{rate} must hold one image per HR training image")

    @property
    def identities(self) -> int:
        """C, the number of training identities."""
        return int(self.labels.max()) + 1


def _silent(done: int, total: int) -> None:
    """The progress callback of a run that nobody watches."""


def unheard(name: str, value: SupportsFloat) -> None:
    """Who hears the losses of a run that nobody asks for them."""


def unseen(*arrays: NDArray[Any]) -> None:
    """Who sees the draws of a run that nobody asks for them."""


@dataclass(frozen=True)
class Run:
    """One training: its seed, its device ("cpu", "cuda", ...) and whom to tell (done, total).

    dataset: the id of the data set that is trained on; it goes into all that is drawn, so that
    the trainings of one seed on several sets begin each by its own chance and count as several.
    note(name, value): a loss, a float or a tensor of one number, of the step that the next
    `progress` ends; of several in a step the mean counts. Tensors are read later and in bulk, so
    that nothing waits for a GPU. drew(*arrays): what a step drew at random, such as the images of
    its batch; the losses of two trainings are the same only where they drew the same.
    """

    seed: int
    device: str = "cpu"
    progress: Callable[[int, int], None] = _silent
    note: Callable[[str, SupportsFloat], None] = unheard
    drew: Callable[..., None] = unseen
    dataset: str = ""

    def __post_init__(self) -> None:
        as_whole(self.seed, "seed of a Run")
        as_text(self.device, "device of a Run")
        as_text(self.dataset, "data set of a Run")
        for name in ("progress", "note", "drew"):
            as_function(getattr(self, name), f"{name} of a Run")

    def seed_for(self, *purpose: str | int) -> int:
        """A 63-bit seed for one named purpose; purposes never share a stream of numbers."""
        named = (self.dataset,) if self.dataset else ()
        return draw("run", *named, self.seed, *purpose) >> 1


class Method(ABC):
    """A re-identification method; subclasses are found by name in `methods.METHODS`.

    A subclass sets the class variables, and defines `fit`, `embed`, `arrays` and `restore`; save,
    load, digest and option handling follow from these. `options` is an instance of `Options`.
    One with `needs_rate` defines `embed_rated`, too, but must still be able to `embed`; an option
    `rate`, "given" or "estimated", lets a user take the rates away, and tables say which it was.
    A `fit` that begins at random may set `start`, a digest (hex) of where: results that began
    elsewhere are not paired. It must not depend on the last bits, which differ between machines.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    grade: ClassVar[Grade]
    needs_rate: ClassVar[bool] = False
    reference: ClassVar[str]
    Options: ClassVar[type]
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

        The folder is all that `methods.load_method` needs.
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
