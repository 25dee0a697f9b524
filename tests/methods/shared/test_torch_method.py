"""What methods with a network share: weights that fit, the digest of the start, a clear refusal."""

import numpy as np
import pytest

from crossres.datasets import InputError
from crossres.methods import Profile
from crossres.methods.interface.conformance import SMALL, example_train_set
from crossres.methods.interface.registry import method_class
from crossres.methods.interface.run import Run
from crossres.methods.plain import Plain

PROFILE = Profile("p", 32, 16, methods={"msifla": {"ir_widths": [8, 16], "reid_lr": 1e-3}})


def test_weights_of_another_shape_are_refused() -> None:
    small, wide = Plain(SMALL), Plain(SMALL, part_head="pcb")
    for method in (small, wide):
        method.fit(example_train_set(SMALL), Run(0))
    with pytest.raises(InputError, match="do not fit the method's options"):
        wide.restore(small.arrays())
    with pytest.raises(InputError, match="lack the entry 'identities'"):
        small.restore({})


def test_a_network_tells_where_it_began_and_another_seed_begins_elsewhere() -> None:
    starts = []
    for seed in (0, 0, 1):
        method = method_class("plain")(SMALL)
        assert method.start is None
        method.fit(example_train_set(SMALL), Run(seed))
        starts.append(method.start)
    assert starts[0] == starts[1] != starts[2]


def test_an_untrained_method_says_so() -> None:
    with pytest.raises(InputError, match="plain is not trained yet; call fit or load first"):
        method_class("plain")(PROFILE).embed(np.zeros((1, 32, 16, 3), dtype=np.uint8))
