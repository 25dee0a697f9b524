"""Arrays that are written into again belong to one evaluation."""

from crossres.benchmark.metrics.buffers import buffer, kept


def test_a_buffer_is_the_same_array_again() -> None:
    with kept():
        first = buffer("values", 2, 3)
        assert buffer("values", 3, 1).base is first.base
        assert buffer("sums", 2, 3).base is not first.base


def test_an_evaluation_inside_another_leaves_its_arrays_alone() -> None:
    """A callback for progress may evaluate, too."""
    with kept():
        outer = buffer("values", 4)
        outer[:] = 7
        with kept():
            buffer("values", 4)[:] = 1
        assert (outer == 7).all()
        assert buffer("values", 4).base is outer.base
