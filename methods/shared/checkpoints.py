"""Checkpoints of a training, from which it goes on with the same bits after an interruption.

A training that is resumed runs from its first line again, builds the same networks and optimisers,
and says of each that it is to be `kept`. Only its loops (`steps`) are shortened: at the start of a
loop all that is kept takes the state that it had at the end of that loop or, in the one that was
interrupted, after its last checkpoint. So a checkpoint holds a state for every loop begun.
"""

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor
from torch.optim import Optimizer

from crossres.methods.interface.run import Checkpoints, Run, UnusableCheckpoint

LOG = logging.getLogger("crossres.methods")
FORMAT = 1
OVERVIEW = "training.json"
PLAIN = (bool, int, float, str, type(None))


class Stateful(Protocol):
    """Anything whose state can be taken and given back, such as a module."""

    def state_dict(self) -> Any:
        """Return tensors, numbers and texts, in dicts, lists and tuples."""

    def load_state_dict(self, state: Any, /) -> Any:
        """Take up what `state_dict` returned."""


Kept = TypeVar("Kept", bound=Stateful | np.random.Generator)
Item = TypeVar("Item")
Trained = TypeVar("Trained")


def kept(stateful: Kept) -> Kept:
    """Let checkpoints of the training that runs hold the state of `stateful`; return it.

    Of an optimiser also the parameters that it adjusts, with their gradients. A thing must be kept
    before the loop that changes it begins.
    """
    training = _training.get()
    if training is not None:
        training.keep(stateful)
    return stateful


def steps(run: Run, total: int, items: Iterable[Item]) -> Iterator[tuple[int, Item]]:
    """Yield the first `total` items with their numbers from 0, a step each, and report progress.

    In a training that is resumed those of finished steps are drawn and dropped.
    """
    training = _training.get() if total > 0 else None
    loop, done = (0, 0) if training is None else training.begin()
    if done < total:
        for step, item in enumerate(islice(items, done, total), done):
            yield step, item
            run.progress(step + 1, total)
            if training is not None:
                training.stepped(loop, step + 1)
    if training is not None:
        training.end(loop, total)


def resumable(train: Callable[[], Trained], run: Run, device: torch.device) -> Trained:
    """Return train(), which goes on from the checkpoint of the run if there is one.

    Where it cannot, a warning says why and it is called again, to start anew.
    """
    if run.checkpoints is None:
        with _running(None):
            return train()
    number, files = next(run.checkpoints.trainings), run.checkpoints.files
    if files is not None:
        try:
            training = Training(run.checkpoints, device, number, _read(files, number))
            # The state of torch's generator is part of a checkpoint: it must not leak out.
            with _running(training), torch.random.fork_rng(devices=[]):
                trained = train()
                training.check_resumed()
                return trained
        except UnusableCheckpoint as fault:
            LOG.warning("a checkpoint is ignored and its training starts anew: it %s", fault)
    with _running(Training(run.checkpoints, device, number, [])):
        return train()


@dataclass(frozen=True)
class State:
    """What all that is kept holds after a step of a loop: values of JSON, and safetensors."""

    values: dict[str, Any]
    tensors: bytes


class Training:
    """A training that makes checkpoints: what it keeps, and how many of its loops are over."""

    def __init__(
        self, checkpoints: Checkpoints, device: torch.device, number: int, states: list[State]
    ) -> None:
        """`states`: those to go on from, of each loop that was begun; [] to start anew."""
        self._checkpoints, self._device, self._number = checkpoints, device, number
        self._resumed = states
        self._statefuls: list[Stateful | np.random.Generator] = []
        self._begun = 0
        self._ended: list[State] = []

    def keep(self, stateful: Stateful | np.random.Generator) -> None:
        """Hold the state of `stateful` in the checkpoints from now on."""
        if not any(stateful is other for other in self._statefuls):
            self._statefuls.append(stateful)

    def begin(self) -> tuple[int, int]:
        """Begin a loop; return its number and how many of its steps are done.

        Raises UnusableCheckpoint where the state found does not fit what is kept.
        """
        loop = self._begun
        self._begun += 1
        if loop >= len(self._resumed):
            return loop, 0
        state = self._resumed[loop]
        self._take_up(state)
        if loop + 1 < len(self._resumed):
            self._ended.append(state)
        else:
            self._checkpoints.resumed()
            self._resumed = []
        return loop, int(state.values["step"])

    def stepped(self, loop: int, step: int) -> None:
        """End a step of a loop, and keep a checkpoint if one is due."""
        if self._only(loop) and self._checkpoints.due():
            states = [*self._ended, self._state(step)]
            overview = {
                "format": FORMAT,
                "training": self._number,
                "states": [state.values for state in states],
            }
            files = {_tensor_file(k): state.tensors for k, state in enumerate(states)}
            self._checkpoints.keep({OVERVIEW: json.dumps(overview).encode(), **files})

    def end(self, loop: int, total: int) -> None:
        """End a loop, so that later checkpoints hold what all that is kept has come to in it."""
        if self._only(loop) and len(self._resumed) <= loop:
            self._ended.append(self._state(total))

    def check_resumed(self) -> None:
        """Raise UnusableCheckpoint if the training never came to where it should go on."""
        if self._resumed:
            raise UnusableCheckpoint("is of a training with more loops")

    def _only(self, loop: int) -> bool:
        """Say whether this is the newest loop and all others have ended: else no state is whole."""
        return loop == len(self._ended) == self._begun - 1

    def _state(self, step: int) -> State:
        packing = _Packing()
        values = {
            "step": step,
            "things": [
                [_kind(stateful), packing.packed(_state_of(stateful))]
                for stateful in self._statefuls
            ],
            "random": packing.packed(_random_state(self._device)),
        }
        return State(values, save(packing.tensors))

    def _take_up(self, state: State) -> None:
        try:
            tensors, values = load(state.tensors), state.values
            packed_states = values["things"]
            kinds = [kind for kind, _ in packed_states]
            if kinds != [_kind(stateful) for stateful in self._statefuls]:
                raise UnusableCheckpoint("is of a training with other networks or optimisers")
            for stateful, (_, packed) in zip(self._statefuls, packed_states, strict=True):
                _give_state(stateful, _unpacked(packed, tensors))
            _set_random_state(self._device, _unpacked(values["random"], tensors))
        except UnusableCheckpoint:
            raise
        except Exception as error:  # a state may fail to fit in as many ways as there are things
            text = " ".join(str(error).split())
            raise UnusableCheckpoint(f"does not fit ({type(error).__name__}: {text})") from error


_training: ContextVar[Training | None] = ContextVar("training", default=None)


@contextmanager
def _running(training: Training | None) -> Iterator[None]:
    token = _training.set(training)
    try:
        yield
    finally:
        _training.reset(token)


def _tensor_file(loop: int) -> str:
    return f"loop{loop}.safetensors"


def _read(files: Mapping[str, bytes], number: int) -> list[State]:
    """Return the states of a checkpoint, [] where it is of another training of the run."""
    try:
        overview = json.loads(files[OVERVIEW])
        if overview["format"] != FORMAT:
            raise UnusableCheckpoint(f"is not of format {FORMAT}")
        if overview["training"] != number:
            return []
        states = overview["states"]
        return [State(values, files[_tensor_file(k)]) for k, values in enumerate(states)]
    except (KeyError, TypeError, ValueError) as error:
        raise UnusableCheckpoint(f"is damaged ({type(error).__name__}: {error})") from error


def _kind(stateful: object) -> str:
    return f"{type(stateful).__module__}.{type(stateful).__qualname__}"


def _state_of(stateful: Stateful | np.random.Generator) -> Any:
    if isinstance(stateful, np.random.Generator):
        return stateful.bit_generator.state
    if isinstance(stateful, Optimizer):
        parameters = _parameters(stateful)
        # Gradients too: they may add up over several steps.
        gradients = [parameter.grad for parameter in parameters]
        return {"own": stateful.state_dict(), "parameters": parameters, "gradients": gradients}
    return stateful.state_dict()


def _give_state(stateful: Stateful | np.random.Generator, state: Any) -> None:
    if isinstance(stateful, np.random.Generator):
        stateful.bit_generator.state = state
    elif isinstance(stateful, Optimizer):
        stateful.load_state_dict(state["own"])
        values = zip(_parameters(stateful), state["parameters"], state["gradients"], strict=True)
        for parameter, value, gradient in values:
            if parameter.shape != value.shape:
                raise UnusableCheckpoint("is of networks of other sizes")
            parameter.data.copy_(value)
            parameter.grad = None if gradient is None else gradient.to(parameter.device)
    else:
        stateful.load_state_dict(state)


def _parameters(optimiser: Optimizer) -> list[Tensor]:
    return [parameter for group in optimiser.param_groups for parameter in group["params"]]


def _random_state(device: torch.device) -> list[Tensor]:
    """Return the states of torch's global generators, of the CPU and of the device."""
    states = [torch.get_rng_state()]
    if device.type == "cuda":
        states.append(torch.cuda.get_rng_state(device))
    elif device.type == "mps":
        states.append(torch.mps.get_rng_state())
    return states


def _set_random_state(device: torch.device, states: list[Tensor]) -> None:
    torch.set_rng_state(states[0])
    if device.type == "cuda":
        torch.cuda.set_rng_state(states[1], device)
    elif device.type == "mps":
        torch.mps.set_rng_state(states[1])


class _Packing:
    """Takes values apart: JSON, in which tensors are names, and the tensors, each once."""

    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}
        self._names: dict[Any, tuple[str, Tensor]] = {}  # the tensor, so that its memory stays its
        self._storages = set[int]()

    def packed(self, value: Any) -> Any:
        """Return `value` as JSON. Raises TypeError for what it cannot hold."""
        if isinstance(value, Tensor):
            return {"tensor": self._name(value), "stride": _strides(value)}
        if isinstance(value, np.ndarray):
            return {"array": self._name(torch.from_numpy(value))}
        if isinstance(value, Mapping):
            return {"dict": [[key, self.packed(item)] for key, item in value.items()]}
        if isinstance(value, list | tuple):
            kind = "list" if isinstance(value, list) else "tuple"
            return {kind: [self.packed(item) for item in value]}
        if isinstance(value, PLAIN):
            return value
        raise TypeError(f"a checkpoint cannot hold a {_kind(value)}, which something kept has")

    def _name(self, tensor: Tensor) -> str:
        shape, place = tuple(tensor.shape), (tensor.device, tensor.data_ptr())
        memory = (*place, tensor.dtype, shape, tensor.stride())
        if memory not in self._names:
            name = str(len(self.tensors))
            plain = tensor.detach().cpu().contiguous()
            storage = plain.untyped_storage().data_ptr()
            # `save` refuses two in the same memory.
            self.tensors[name] = plain.clone() if storage in self._storages else plain
            self._storages.add(storage)
            self._names[memory] = name, tensor
        return self._names[memory][0]


def _strides(tensor: Tensor) -> list[int]:
    """Return how a copy of the tensor lies in memory: fused optimisers must find it as it was."""
    return list(torch.empty_like(tensor, device="meta").stride())


def _unpacked(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    """Return what was packed."""
    if not isinstance(value, dict):
        return value
    ((kind, content),) = [item for item in value.items() if item[0] != "stride"]
    if kind == "tensor":
        source = tensors[content]
        copy = torch.empty_strided(tuple(source.shape), value["stride"], dtype=source.dtype)
        return copy.copy_(source)
    if kind == "array":
        return tensors[content].numpy()
    if kind == "dict":
        return {key: _unpacked(item, tensors) for key, item in content}
    items = [_unpacked(item, tensors) for item in content]
    return items if kind == "list" else tuple(items)
