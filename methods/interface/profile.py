"""The profile of a run: input size, backbone, training, device, options of methods."""

from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from crossres.datasets.base.arguments import as_a, as_count, as_path, as_text, if_given
from crossres.datasets.base.build import build
from crossres.methods.interface.needs import Needs

Precision = Literal["float32", "tf32", "bf16"]
MemoryFormat = Literal["channels_last", "contiguous"]

BACKBONES = ("resnet50", "resnet-small", "vit-base", "vit-small", "efficientnet-lite0")


@dataclass(frozen=True)
class BackboneSpec:
    """The `backbone` of a profile; `width` and `blocks` are those of a small one.

    last_stride: 1 keeps 16 x 8 positions of a 256 x 128 image, 2 the 8 x 4 of the classifier.
    stem_stride: of resnet-small. patch: the side of a patch of vit-small in pixels; its `blocks`
    are as many in a row as their sum, its `width` is that of a token, 16 for each head.
    """

    name: str = "resnet50"
    weights: str = "imagenet"
    width: int = 16
    blocks: tuple[int, ...] = (1, 1, 1, 1)
    stem_stride: int = 1
    last_stride: int = 1
    patch: int = 8

    def __post_init__(self) -> None:
        """Check the values. Raises ValueError."""
        choices = {"name": BACKBONES, "weights": ("imagenet", "none")}
        for option, values in choices.items():
            if getattr(self, option) not in values:
                raise ValueError(f"{option} must be one of {', '.join(values)}")
        if self.name.endswith("-small") and self.weights != "none":
            raise ValueError(f'{self.name} has no ImageNet weights: set weights = "none"')
        if {self.stem_stride, self.last_stride} - {1, 2}:
            raise ValueError("stem_stride and last_stride must be 1 or 2")
        if min(self.width, self.patch, *self.blocks, len(self.blocks)) < 1:
            raise ValueError("width, patch and blocks must be at least 1")
        if self.name == "vit-small" and self.width % 16:
            raise ValueError("the width of vit-small must be a multiple of 16")


@dataclass(frozen=True)
class Computing:
    """How networks compute, in training and at test: a part of the `train` of a profile.

    precision: "float32", as torch computes it unless told otherwise (on a GPU it rounds what goes
        into convolutions to TF32, but not into products of matrices); "tf32": into both, on a GPU
        only; "bf16": what torch.autocast finds worth it inside networks. Losses, weights and
        embeddings are float32.
    memory_format: of images, maps and weights in networks.
    compile: by torch.compile, which needs a compiler.
    Another value changes last bits at least.
    """

    precision: Precision = "float32"
    memory_format: MemoryFormat = "channels_last"
    compile: bool = False

    @property
    def changed(self) -> list[str]:
        """The names of what is not as by default."""
        return [field.name for field in fields(self) if getattr(self, field.name) != field.default]


@dataclass(frozen=True)
class TrainSpec(Computing):
    """The `train` of a profile: how long to train, and how many images of whom a batch has."""

    epochs: int = 0
    iterations: int = 0
    identities: int = 5
    hr_images: int = 2
    lr_images: int = 2

    def __post_init__(self) -> None:
        """Check the values. Raises ValueError."""
        if (self.epochs > 0) == (self.iterations > 0) or min(self.epochs, self.iterations) < 0:
            raise ValueError("give either epochs or iterations, and more than 0 of them")
        if min(self.identities, self.hr_images, self.lr_images) < 1:
            raise ValueError("identities, hr_images and lr_images must be at least 1")


@dataclass(frozen=True)
class Profile:
    """How large an experiment is: what one profile file says.

    `backbone` and `train` are as the file states them, which is what the key of a cell hashes;
    `backbone_spec` and `train_spec` are the same with all defaults. `reid`: overrides of options
    that several methods have, such as the head, the losses and the schedule of re-ID networks;
    `methods`: overrides for one method, which win. `weights_dir`: a folder with ImageNet weights
    for machines without network.
    `needs`: what a cell takes of a machine (Needs), and tables of the same for single methods.
    `paper_size`: whether it is as large as the experiments that papers publish, so that their
    values may stand beside those measured; `warning`: what must be said of its numbers wherever
    they appear.
    """

    name: str
    height: int
    width: int
    device: str = "cpu"
    backbone: dict[str, Any] = field(default_factory=dict)
    train: dict[str, Any] = field(default_factory=dict)
    reid: dict[str, Any] = field(default_factory=dict)
    methods: dict[str, dict[str, Any]] = field(default_factory=dict)
    needs: dict[str, Any] = field(default_factory=dict)
    twin_size: str = "quick"
    weights_dir: Path | None = None
    paper_size: bool = False
    warning: str = ""

    def __post_init__(self) -> None:
        """Check the types; `load_profile` and the methods check the values."""
        for name in ("name", "device", "twin_size"):
            as_text(getattr(self, name), f"{name} of a Profile")
        for name in ("height", "width"):
            as_count(getattr(self, name), f"{name} of a Profile")
        for name in ("backbone", "train", "reid", "methods", "needs"):
            as_a(dict, getattr(self, name), f"{name} of a Profile")
        folder = if_given(self.weights_dir, "weights_dir", as_path)
        object.__setattr__(self, "weights_dir", folder)

    def overrides(self, method: str, options: type) -> dict[str, Any]:
        """Return what the profile says of the options, a dataclass, of this method."""
        names = {field.name for field in fields(options)}
        shared = {name: value for name, value in self.reid.items() if name in names}
        return shared | self.methods.get(method, {})

    def needs_of(self, method: str) -> Needs:
        """Return what a cell of the method takes. Raises InputError for what there is not."""
        usual = {name: value for name, value in self.needs.items() if not isinstance(value, dict)}
        own = self.needs.get(method, {})
        return build(Needs, usual | own, f"profile {self.name}, needs")

    @cached_property
    def backbone_spec(self) -> BackboneSpec:
        """The backbone. Raises InputError for an entry or a value that there is not."""
        return build(BackboneSpec, self.backbone, f"profile {self.name}, backbone")

    @cached_property
    def train_spec(self) -> TrainSpec:
        """The length of training and the batch. Raises InputError likewise."""
        return build(TrainSpec, self.train, f"profile {self.name}, train")

    @cached_property
    def computing(self) -> Computing:
        """How networks compute, also where nothing is trained. Raises InputError likewise."""
        names = {field.name for field in fields(Computing)}
        stated = {name: value for name, value in self.train.items() if name in names}
        return build(Computing, stated, f"profile {self.name}, train")
