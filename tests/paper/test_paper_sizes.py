"""Every method at the sizes of profile `paper`: two optimiser steps, finite, with what they cost.

Each one runs in a process of its own, so that its peak memory is its own. Slow: `nox -s paper`.
"""

import json
import subprocess
import sys

import pytest

from crossres.methods.interface.registry import method_names

pytestmark = [pytest.mark.paper, pytest.mark.timeout(1800)]

ONE = """
import json, sys, time
from dataclasses import replace

import numpy as np
import torch

from crossres.benchmark import load_profile
from crossres.benchmark.runs.cell import peak_memory
from crossres.methods import Run, method_class
from crossres.methods.interface.conformance import example_images, example_train_set

torch.set_num_threads({threads})
profile = replace(load_profile("paper"), device="cpu")
profile = replace(
    profile,
    backbone={{**profile.backbone, "weights": "none"}},
    train={{**{{k: v for k, v in profile.train.items() if k != "epochs"}}, "iterations": 2}},
)
profile = replace(profile, methods={{**profile.methods, "vpfa": {{"vp_epochs": 2}}}})
train = example_train_set(profile, identities=6)
method = method_class({name!r})(profile)
started = time.perf_counter()
method.fit(train, Run(seed=0))
seconds = time.perf_counter() - started
test = example_images(3, profile, "test")
rates = np.array([1, 2, 4], dtype=np.int64)
embeddings = method.embed_rated(test, rates) if method.needs_rate else method.embed(test)
print(json.dumps({{
    "finite": bool(np.isfinite(embeddings).all()),
    "learned": all(np.isfinite(a).all() for a in method.arrays().values()),
    "shape": list(embeddings.shape),
    "parameters": method.parameter_count(),
    "seconds": round(seconds, 1),
    "peak_memory_bytes": peak_memory(),
}}))
"""


@pytest.mark.parametrize("name", method_names())
def test_two_steps_at_the_sizes_of_the_paper(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = ONE.format(name=name, threads=2)
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr[-2000:]
    report = json.loads(process.stdout.splitlines()[-1])
    with capsys.disabled():
        print(f"\n{name}: {report}")
    assert report["finite"]
    assert report["learned"]
    assert report["shape"][0] == 3
