"""BLAS has one thread while evaluations run, and the process's own number after the last one."""

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from crossres.benchmark.metrics.blas_threads import one_thread_each


def numbers() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_the_last_of_several_puts_the_number_back() -> None:
    with threadpool_limits(2, user_api="blas"):
        before = numbers()
        first, second = one_thread_each(), one_thread_each()
        first.__enter__()
        second.__enter__()
        assert numbers() == {1}
        first.__exit__(None, None, None)
        assert numbers() == {1}
        second.__exit__(None, None, None)
        assert numbers() == before == {2}


def test_an_error_puts_it_back() -> None:
    with threadpool_limits(2, user_api="blas"):
        with pytest.raises(ValueError, match="no"), one_thread_each():
            raise ValueError("no")
        assert numbers() == {2}
