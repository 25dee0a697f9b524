"""How the networks of a method compute: what the `train` of a profile says, in one place.

Each module that learns is told through its `forward`, so it does not matter by which door a method
enters its networks; names and types of weights stay as they are.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor, nn

from crossres.datasets.base.errors import InputError
from crossres.methods.interface.profile import Computing, Precision

MEMORY_FORMATS = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}
Forward = Callable[..., Any]

_inside: ContextVar[bool] = ContextVar("inside a network", default=False)


def place(network: nn.Module, device: torch.device, how: Computing) -> None:
    """Move a network to its device, in the memory format that is asked for, and `tell` it.

    Raises InputError where the device cannot do what is asked for.
    """
    memory_format = MEMORY_FORMATS[how.memory_format]
    network.to(device, memory_format=memory_format)  # type: ignore[call-overload]
    tell(network, device, how)


def tell(network: nn.Module, device: torch.device, how: Computing) -> None:
    """Let a network compute as asked on its device. Raises InputError where that cannot be done."""
    if how.precision == "tf32" and device.type != "cuda":
        raise InputError(
            f'precision = "tf32" is there on a GPU only, and this trains on {device}: '
            "set float32 or bf16 in [train] of the profile, or --device cuda"
        )
    if how.compile:
        _check_compiler(device)
    if how.precision == "bf16" and device.type == "cpu":
        for module in network.modules():
            if isinstance(module, nn.Conv2d) and module.stride[1] > 1:
                module.forward = _narrow_in_float32(module)  # type: ignore[method-assign]
    if how.changed:
        for module in network.modules():
            if _learns(module):
                module.forward = _told(module.forward, device, how)


@contextmanager
def matrix_products(precision: Precision) -> Iterator[None]:
    """Let a GPU compute convolutions and products of matrices in TF32 inside, if that is asked."""
    convolutions, products = torch.backends.cudnn, torch.backends.cuda.matmul
    before = (convolutions.allow_tf32, products.allow_tf32)
    if precision == "tf32":
        convolutions.allow_tf32 = products.allow_tf32 = True
    try:
        yield
    finally:
        if precision == "tf32":
            convolutions.allow_tf32, products.allow_tf32 = before


def _learns(module: nn.Module) -> bool:
    """Say whether a module can be called and holds weights; estimators of a rate have none."""
    has_forward = type(module).forward is not nn.Module.forward
    return has_forward and next(module.parameters(), None) is not None


def _told(forward: Forward, device: torch.device, how: Computing) -> Forward:
    """Return `forward`, computed as asked where it is entered from outside of all networks.

    From there its results are float32; modules inside hand each other what autocast makes.
    """
    entered = torch.compile(forward) if how.compile else forward

    def told(*inputs: Any, **named: Any) -> Any:
        if torch.compiler.is_compiling() or _inside.get():
            return forward(*inputs, **named)
        if how.memory_format == "contiguous":
            inputs = tuple(x.contiguous() if isinstance(x, Tensor) else x for x in inputs)
        bf16 = how.precision == "bf16"
        token = _inside.set(True)
        try:
            with torch.autocast(device.type, torch.bfloat16) if bf16 else nullcontext():
                return _float32(entered(*inputs, **named))
        finally:
            _inside.reset(token)

    return told


def _narrow_in_float32(convolution: nn.Conv2d) -> Forward:
    """Return the forward of a convolution with a stride, in float32 for a result one column wide.

    There oneDNN 3.12 reads memory that nobody wrote, if the CPU has AMX: NaN, or other numbers in
    each run.
    """
    forward, stride = convolution.forward, convolution.stride[1]
    padding = 0 if isinstance(convolution.padding, str) else int(convolution.padding[1])
    reach = convolution.dilation[1] * (convolution.kernel_size[1] - 1) + 1

    def sound(images: Tensor) -> Tensor:
        if images.shape[-1] + 2 * padding >= reach + stride:
            return forward(images)
        with torch.autocast(images.device.type, enabled=False):
            return forward(images.float())

    return sound


def _float32(value: Any) -> Any:
    """Return tensors, those in lists and tuples too, of bfloat16 as float32."""
    if isinstance(value, Tensor):
        return value.float() if value.dtype == torch.bfloat16 else value
    return type(value)(map(_float32, value)) if isinstance(value, list | tuple) else value


def _check_compiler(device: torch.device) -> None:
    """Compile as little as there is. Raises InputError where that fails."""
    try:
        torch.compile(lambda x: x + 1)(torch.zeros(1, device=device))
    except RuntimeError as error:
        first_line = " ".join(str(error).split("\n")[0].split())
        raise InputError(
            f"compile = true: torch.compile fails on this machine ({first_line}); install a "
            "compiler (g++ on Linux) or leave compile out of [train] of the profile"
        ) from error
