"""The machines that cells run on, and how long a grid takes there."""

import heapq
import math
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass

from crossres.datasets.base.words import counted
from crossres.methods.interface.needs import Needs

_ROUNDING = 1e-9  # of sums of shares of a GPU


@dataclass(frozen=True)
class Node:
    """A machine: its CPU cores, GPUs and GiB of memory that cells may use."""

    cpus: float = math.inf
    gpus: float = math.inf
    memory_gib: float = math.inf

    def has_room(self, needs: Needs) -> bool:
        """Say whether a cell fits."""
        sizes = zip(astuple(self), astuple(needs), strict=True)
        return all(left - needed > -_ROUNDING for left, needed in sizes)

    def without(self, needs: Needs, times: int = 1) -> "Node":
        """Return what so many cells leave of it."""
        sizes = zip(astuple(self), astuple(needs), strict=True)
        return Node(*(left - times * needed for left, needed in sizes))

    def slots(self, needs: Needs) -> int:
        """Return how many such cells fit at once."""
        sizes = zip(astuple(self), astuple(needs), strict=True)
        fitting = min(float(size / needed) for size, needed in sizes if needed > 0.0)
        return math.floor(fitting + _ROUNDING)


def wall_seconds(
    cells: Iterable[tuple[float, Needs]], nodes: Sequence[Node], jobs: int | None = None
) -> float:
    """Return how long cells (seconds, needs) take that start in this order wherever there is room.

    At most `jobs` at once. Infinite where one of them fits on no node.
    """
    left = list(nodes)
    running: list[tuple[float, int, int, Needs]] = []  # a heap: end, number, node, what it takes
    now = last = 0.0
    for number, (seconds, needs) in enumerate(cells):
        if not any(node.has_room(needs) for node in nodes):
            return math.inf
        while len(running) == jobs or (at := _with_room(left, needs)) is None:
            now = running[0][0]
            while running and running[0][0] == now:  # what ends at once makes room at once
                _, _, ended_at, ended = heapq.heappop(running)
                left[ended_at] = left[ended_at].without(ended, -1)
        left[at] = left[at].without(needs)
        end = now + seconds
        heapq.heappush(running, (end, number, at, needs))
        last = max(last, end)
    return last


def _with_room(nodes: Sequence[Node], needs: Needs) -> int | None:
    return next((index for index, node in enumerate(nodes) if node.has_room(needs)), None)


def in_words(nodes: Sequence[Node], jobs: int | None) -> str:
    """Say what runs the cells: "2 workers", or "3 nodes with 24 cores and 4 GPUs"."""
    if not nodes:
        return counted(jobs or 1, "worker")
    cores, gpus = (
        math.floor(sum(sizes)) for sizes in ([n.cpus for n in nodes], [n.gpus for n in nodes])
    )
    with_gpus = f" and {counted(gpus, 'GPU')}" if gpus else ""
    at_once = f", at most {counted(jobs, 'cell')} at once" if jobs else ""
    return f"{counted(len(nodes), 'node')} with {counted(cores, 'core')}{with_gpus}{at_once}"
