"""Files of released networks as tests write them, and layers that read them by literal names."""

import itertools
import re
from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

Shapes = dict[str, tuple[int, ...]]
State = Mapping[str, Tensor]

FILES = Path(__file__).with_name("released_files")


def listed(model: str) -> Shapes:
    """Return names and shapes of all tensors in the file of a model, as its own code makes it.

    A line of a list has a module and its tensors; {a,b} in its name stands for two modules.
    """
    shapes: Shapes = {}
    for line in (FILES / f"{model.replace(':', '-')}.txt").read_text().splitlines():
        path, _, tensors = line.partition(": ")
        parts = [part.strip("{}").split(",") for part in re.findall(r"{[^}]*}|[^.{}]+", path)]
        for module in itertools.product(*parts):
            for tensor in tensors.split(", "):
                name, shape = tensor.split(" ")
                sides = () if shape == "scalar" else tuple(map(int, shape.split("x")))
                shapes[".".join((*module, name))] = sides
    return shapes


def drawn(shapes: Mapping[str, tuple[int, ...]], seed: int = 0) -> dict[str, Tensor]:
    """Return tensors of these shapes whose numbers all differ; variances are positive."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in shapes.items():
        normal = torch.randn(shape, generator=generator)
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(7)
        elif name.endswith("running_var"):
            state[name] = 0.5 + normal.abs()
        elif len(shape) > 1:
            state[name] = normal / max(1, normal[0].numel()) ** 0.5
        else:
            state[name] = (1.0 if name.endswith("weight") else 0.0) + 0.2 * normal
    return state


def norm_of(width: int) -> dict[str, tuple[int, ...]]:
    """Return what a layer normalisation holds."""
    return {"weight": (width,), "bias": (width,)}


def batch_norm_of(width: int) -> dict[str, tuple[int, ...]]:
    """Return what a batch normalisation holds."""
    means = {"running_mean": (width,), "running_var": (width,), "num_batches_tracked": ()}
    return norm_of(width) | means


def linear_of(inputs: int, outputs: int) -> dict[str, tuple[int, ...]]:
    """Return what a fully connected layer holds."""
    return {"weight": (outputs, inputs), "bias": (outputs,)}


def flat(modules: Mapping[str, Mapping[str, tuple[int, ...]]]) -> Shapes:
    """Return names and shapes of the tensors of modules."""
    return {
        f"{m}.{name}": shape for m, tensors in modules.items() for name, shape in tensors.items()
    }


def conv(state: State, name: str, x: Tensor, stride: int = 1, groups: int = 1) -> Tensor:
    """Convolve with what keeps the size at stride 1."""
    weight = state[f"{name}.weight"]
    bias = state.get(f"{name}.bias")
    return F.conv2d(x, weight, bias, stride, weight.shape[-1] // 2, groups=groups)


def linear(state: State, name: str, x: Tensor) -> Tensor:
    """Multiply, and add the bias where there is one."""
    product = x @ state[f"{name}.weight"].T
    return product + state[f"{name}.bias"] if f"{name}.bias" in state else product


def layer_norm(state: State, name: str, x: Tensor, epsilon: float) -> Tensor:
    """Normalise the last dimension."""
    centred = x - x.mean(-1, keepdim=True)
    scaled = centred / (centred.square().mean(-1, keepdim=True) + epsilon).sqrt()
    return scaled * state[f"{name}.weight"] + state[f"{name}.bias"]


def channel_norm(state: State, name: str, x: Tensor) -> Tensor:
    """Normalise channels by kept means, or, where the file has none, each image for itself."""
    if f"{name}.running_mean" in state:
        mean = state[f"{name}.running_mean"][:, None, None]
        variance = state[f"{name}.running_var"][:, None, None]
    else:
        mean = x.mean((2, 3), keepdim=True)
        variance = (x - mean).square().mean((2, 3), keepdim=True)
    scaled = (x - mean) / (variance + 1e-5).sqrt()
    return scaled * state[f"{name}.weight"][:, None, None] + state[f"{name}.bias"][:, None, None]


def attention(qkv: Tensor, heads: int, bias: Tensor | float = 0.0) -> Tensor:
    """Attend (B, N, 3 D), queries before keys before values, with `bias` (heads, N, N)."""
    images, count, size = qkv.shape
    width = size // 3 // heads
    query, key, value = (part.reshape(images, count, heads, width) for part in qkv.chunk(3, dim=-1))
    scores = torch.einsum("bihc,bjhc->bhij", query, key) / width**0.5 + bias
    return torch.einsum("bhij,bjhc->bihc", scores.softmax(-1), value).reshape(images, count, -1)


def interpolated(grid: Tensor, rows: int, columns: int) -> Tensor:
    """Resample (h, w, D) to (rows, columns, D), bilinearly, between the centres of the pixels."""
    for dimension, count in ((0, rows), (1, columns)):
        old = grid.shape[dimension]
        at = ((torch.arange(count) + 0.5) * old / count - 0.5).clamp(0, old - 1)
        low = at.floor().long()
        share = (at - low).view(-1, *(1,) * (2 - dimension))
        high = (low + 1).clamp(max=old - 1)
        grid = grid.index_select(dimension, low) * (1 - share) + share * grid.index_select(
            dimension, high
        )
    return grid
