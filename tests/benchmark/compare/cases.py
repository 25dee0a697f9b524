"""A table of three rows, for the tests of comparisons."""

from collections.abc import Callable

from crossres.benchmark import Record, Row, Table

Make = Callable[..., Record]
TABLE = Table(
    id="mine",
    title="Mine",
    caption="",
    gallery="single-shot",
    metrics=("rank1",),
    datasets=("mlr-viper",),
    seeds=(0, 1, 2),
    rows=(Row("Plain", "plain"), Row("PCB", "pcb"), Row("Four parts", "pcb", {"parts": 4})),
)
