"""torchvision is imported whether or not its compiled operators fit this build of torch."""

import subprocess
import sys

COMPILED = """
import torch
library = torch.library.Library("torchvision", "DEF")
torch.ops.load_library = lambda path: library.define(
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
)
from crossres.methods.shared.networks import optional_libraries as vision
vision._load_compiled()
for name in ("nms", "qnms"):
    vision._declare(name)
print(len(vision._declared))
"""
FOREIGN = """
import torch
def load(path):
    raise OSError("libcudart.so: cannot open shared object file")
torch.ops.load_library = load
from crossres.methods.shared.networks import optional_libraries as vision
models = vision.torchvision_models()
assert vision.torchvision_models() is models
print(len(vision._declared), models.resnet18(weights=None).fc.out_features)
"""


def printed(script: str) -> str:
    """Return what a fresh process prints."""
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    return process.stdout.strip()


def test_an_operator_of_the_compiled_library_is_not_declared_again() -> None:
    assert printed(COMPILED) == "1"  # qnms, which this library lacks


def test_without_the_compiled_library_both_are_declared() -> None:
    assert printed(FOREIGN) == "2 1000"
