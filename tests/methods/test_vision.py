"""torchvision is imported whether or not its compiled operators fit this build of torch."""

import subprocess
import sys
from pathlib import Path

SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
BEFORE = {
    "compiled": f"""
import torch
library = torch.library.Library("torchvision", "DEF")
found = []
def load(path):
    if not found:
        library.define("nms{SCHEMA}")
        library.define("_cuda_version() -> int")
        library.impl("_cuda_version", lambda: -1, "CompositeExplicitAutograd")
    found.append(path)
torch.ops.load_library = load
""",
    "foreign": """
import torch
def load(path):
    raise OSError("libcudart.so: cannot open shared object file")
torch.ops.load_library = load
""",
}
AFTER = """
from methods.shared import vision
models = vision.torchvision_models()
assert vision.torchvision_models() is models
print(len(vision._declared), models.resnet18(weights=None).fc.out_features)
"""


def declared(kind: str) -> str:
    """What a fresh process says in which torchvision's library can be loaded, or not."""
    done = subprocess.run(
        [sys.executable, "-c", BEFORE[kind] + AFTER],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_operators_of_the_compiled_library_are_not_declared_again() -> None:
    assert declared("compiled") == "1 1000"  # qnms, which this library lacks


def test_without_the_compiled_library_they_are_declared() -> None:
    assert declared("foreign") == "2 1000"
