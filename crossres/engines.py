"""The options that choose what runs the cells, and the engine that they mean."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def add_engine(parser: argparse.ArgumentParser) -> None:
    """Add the options of the engine."""
    parser.add_argument(
        "--engine",
        choices=("local", "ray"),
        default="local",
        help="what runs the cells: this machine, or a Ray cluster (default: local); never changes "
        "a result",
    )
    parser.add_argument(
        "--address",
        metavar="HOST:PORT",
        help="of the Ray cluster (default: $RAY_ADDRESS, else one on this machine)",
    )


@contextmanager
def engine(options: argparse.Namespace) -> Iterator[tuple[Any, Any]]:
    """Yield the engine that is asked for, and the nodes of its cluster; () for this machine."""
    from crossres.datasets import InputError

    if options.address and options.engine != "ray":
        raise InputError("--address is that of a Ray cluster; add --engine ray")
    if options.engine == "ray":
        from crossres.benchmark import ray_cluster

        with ray_cluster(options.address) as cluster:
            yield cluster, cluster.nodes
    else:
        from crossres.benchmark.runs.local_engine import local

        yield local, ()
