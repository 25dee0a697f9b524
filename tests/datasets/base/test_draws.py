"""Draws are hashes of names, so nothing but the names can matter."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossres.datasets import draw, ordered, pick


def test_the_draw_is_the_documented_hash():
    digest = hashlib.sha256(b"crossres-1|mlr-viper|mlr-sing|3|rate|cam_a/000_45").digest()
    expected = int.from_bytes(digest[:8], "big")
    assert draw("mlr-viper", "mlr-sing", 3, "rate", "cam_a/000_45") == expected
    assert draw("a", 1) == draw("a", "1") == 5144932594307529102


def test_the_draws_of_many_names_are_uniform():
    counts = [0, 0, 0]
    for name in range(3000):
        counts[draw("uniform", name) % 3] += 1
    # 1000 expected, standard deviation 26: six of them
    assert all(abs(count - 1000) < 156 for count in counts)


@given(st.sets(st.integers(), min_size=2), st.randoms())
def test_the_order_does_not_depend_on_the_order_it_was_asked_in(items, random):
    shuffled = sorted(items)
    random.shuffle(shuffled)
    assert ordered(shuffled, "x") == ordered(sorted(items), "x")
    assert pick(shuffled, "x") == ordered(items, "x")[0]


@given(st.sets(st.text(), min_size=1), st.text())
def test_one_more_item_moves_none_of_the_others(items, extra):
    before = ordered(items, "x")
    after = [item for item in ordered(items | {extra}, "x") if item in items]
    assert after == before


def test_purposes_give_different_orders():
    assert ordered(range(50), "split") != ordered(range(50), "rate")


def test_the_key_is_what_is_hashed():
    items = [(2, "b"), (1, "a"), (3, "c")]
    names = [name for _, name in ordered(items, "x", key=lambda item: item[1])]
    assert names == ordered(["a", "b", "c"], "x")


def test_nothing_can_be_picked_from_nothing():
    with pytest.raises(ValueError, match="nothing to pick from"):
        pick([], "x")
