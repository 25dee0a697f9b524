"""How long a grid takes on some machines, against a simulation by small steps of time."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossres.benchmark.runs.capacity import Node, in_words, wall_seconds
from crossres.methods.interface.needs import Needs

ONE = Needs()
HALF_GPU = Needs(cpus=1.0, gpus=0.5)
NEEDS = st.builds(
    Needs,
    cpus=st.sampled_from([0.5, 1.0, 2.0]),
    gpus=st.sampled_from([0.0, 0.25, 0.5, 1.0]),
    memory_gib=st.sampled_from([0.5, 4.0]),
)
NODES = st.builds(
    Node,
    cpus=st.sampled_from([2.0, 3.0, 8.0]),
    gpus=st.sampled_from([1.0, 2.0]),
    memory_gib=st.sampled_from([4.0, 16.0]),
)


def stepwise(cells: list[tuple[float, Needs]], nodes: list[Node], jobs: int | None) -> float:
    """Start cells in order as soon as there is room, looking once in each unit of time."""
    waiting = list(cells)
    running: list[tuple[float, int, Needs]] = []
    now = 0
    while waiting or running:
        running = [cell for cell in running if cell[0] > now]
        while waiting and (jobs is None or len(running) < jobs):
            seconds, needs = waiting[0]
            places = []
            for index, node in enumerate(nodes):
                there = [taken for _, at, taken in running if at == index]
                fits = (
                    node.cpus - sum(n.cpus for n in there) >= needs.cpus,
                    node.gpus - sum(n.gpus for n in there) >= needs.gpus,
                    node.memory_gib - sum(n.memory_gib for n in there) >= needs.memory_gib,
                )
                places += [index] if all(fits) else []
            if not places:
                break
            running.append((now + seconds, places[0], needs))
            waiting.pop(0)
        if not waiting and running:
            return max(end for end, _, _ in running)
        now += 1
    return 0.0


@given(
    st.lists(st.tuples(st.integers(1, 9).map(float), NEEDS), max_size=12),
    st.lists(NODES, min_size=1, max_size=3),
    st.sampled_from([None, 1, 3]),
)
def test_the_wall_time_is_that_of_a_stepwise_simulation(
    cells: list[tuple[float, Needs]], nodes: list[Node], jobs: int | None
) -> None:
    assert wall_seconds(cells, nodes, jobs) == stepwise(cells, nodes, jobs)


@pytest.mark.parametrize(
    ("cells", "nodes", "expected"),
    [
        ([], [Node(1, 0, 1)], 0.0),
        ([(5.0, HALF_GPU)] * 4, [Node(8, 1, 64)], 10.0),
        ([(5.0, HALF_GPU)] * 4, [Node(8, 2, 64)], 5.0),
        ([(5.0, HALF_GPU)] * 4, [Node(1, 2, 64)], 20.0),
        ([(5.0, ONE)] * 6, [Node(2, 0, 64), Node(1, 0, 64)], 10.0),
        ([(5.0, ONE), (5.0, HALF_GPU)], [Node(8, 0, 64)], math.inf),
    ],
)
def test_shares_of_gpus_and_several_nodes(
    cells: list[tuple[float, Needs]], nodes: list[Node], expected: float
) -> None:
    assert wall_seconds(cells, nodes) == expected


@pytest.mark.parametrize(
    ("node", "needs", "slots"),
    [
        (Node(8, 0, 64), ONE, 8),
        (Node(8, 0, 4), ONE, 4),
        (Node(8, 1, 64), Needs(cpus=0.5, gpus=0.1), 10),
        (Node(8, 0, 64), HALF_GPU, 0),
    ],
)
def test_slots(node: Node, needs: Needs, slots: int) -> None:
    assert node.slots(needs) == slots


def test_machines_in_words() -> None:
    assert in_words((), 1) == "1 worker"
    assert in_words([Node(8, 2, 64), Node(4, 0, 64)], None) == "2 nodes with 12 cores and 2 GPUs"
    assert in_words([Node(8, 0, 64)], 3) == "1 node with 8 cores, at most 3 cells at once"


@pytest.mark.parametrize(
    "entries", [{"cpus": 0.0}, {"memory_gib": -1.0}, {"gpus": -0.5}, {"gpus": 1.5}]
)
def test_impossible_needs_are_refused(entries: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"more than 0|whole, or a share"):
        Needs(**entries)
