"""The profile of a run: input size, backbone, training, device, options of methods."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crossres.datasets.base.arguments import as_a, as_count, as_path, as_text, if_given


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
        """Check the types; `load_profile` and the methods check the values."""
        for name in ("name", "device", "twin_size"):
            as_text(getattr(self, name), f"{name} of a Profile")
        for name in ("height", "width"):
            as_count(getattr(self, name), f"{name} of a Profile")
        for name in ("backbone", "train", "methods"):
            as_a(dict, getattr(self, name), f"{name} of a Profile")
        folder = if_given(self.weights_dir, "weights_dir", as_path)
        object.__setattr__(self, "weights_dir", folder)
