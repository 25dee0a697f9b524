"""A Ray cluster of three nodes of this machine that outlives the runs on it, in folders of its own.

The first node sees the folders of a run; to the others they look like those of another machine, so
they get the data through the object store.
"""

import os
import signal
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from tests.chaos.grid import MARK
from tests.chaos.processes import Process, marked

NODES = 3
QUIET = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
ELSEWHERE = "CROSSRES_ELSEWHERE"  # see plugin/sitecustomize.py
OF_RUNS = ("Ray worker", "fork server", "worker", "resource tracker")  # what a run has on nodes


class Nodes:
    """The nodes: their address, their processes, and one that dies."""

    def __init__(self, cluster: Any, variables: dict[str, str]) -> None:
        self._cluster, self._variables = cluster, variables

    @property
    def address(self) -> str:
        """The address that `crossres run --engine ray` takes."""
        address: str = self._cluster.address
        return address

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which a run talks to them."""
        return QUIET

    def processes(self) -> list[Process]:
        """Return what runs have started on all nodes."""
        there = marked(self._variables[MARK])
        return [process for process in there if process.role(driver=0) in OF_RUNS]

    def kill_one(self, rng: Random) -> None:
        """Kill a node, but for the first one, where drivers are, and put another in its place."""
        doomed = rng.choice(sorted(self._cluster.worker_nodes, key=lambda node: node.node_id))
        raylet = doomed.all_processes["raylet"][0].process
        with suppress(ProcessLookupError):
            os.kill(raylet.pid, signal.SIGKILL)
        raylet.wait()
        self._cluster.remove_node(doomed, allow_graceful=False)
        self.add()

    def add(self) -> None:
        """Add a node that sees nothing of what the driver sees."""
        with patch.dict(os.environ, self._variables | {ELSEWHERE: "1"}):
            self._cluster.add_node(num_cpus=1)


@contextmanager
def ray_nodes(temporary: Path) -> Iterator[Nodes]:
    """Start a cluster whose nodes have their temporary files in a folder, and end it at the end."""
    from ray.cluster_utils import Cluster

    # Not where other clusters of this machine are; and the names of its sockets must be short.
    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as own:
        Path(own, "ray").mkdir()
        place = {"RAY_TMPDIR": own, "TMPDIR": str(temporary), MARK: uuid.uuid4().hex}
        variables = QUIET | place
        with patch.dict(os.environ, variables):
            cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
        try:
            nodes = Nodes(cluster, variables)
            for _ in range(NODES - 1):
                nodes.add()
            yield nodes
        finally:
            cluster.shutdown()
