"""Drawing people of 64 x 128 pixels, at least 500 a second on one core of a usual machine."""

import time
from typing import Any

from datasets.twins.pedestrians import View, photograph
from datasets.twins.people import person
from datasets.twins.scenes import camera

COUNT = 200


def _draw(start: int) -> int:
    cameras = [camera(0.1, "speed", camid) for camid in range(6)]
    people = [person("speed", pid) for pid in range(start, start + COUNT // 10)]
    pictures = [
        photograph(one, cameras[index % 6], View(64, 128), "speed", start, number, index)
        for number, one in enumerate(people)
        for index in range(10)
    ]
    return len(pictures)


def test_people_are_drawn_fast(benchmark: Any) -> None:
    starts = iter(range(0, 100000, COUNT))
    # New people in every round, so that no fabric is found drawn already.
    drawn = benchmark.pedantic(lambda: _draw(next(starts)), rounds=5, warmup_rounds=1)
    assert drawn == COUNT
    if benchmark.stats is not None:  # None where benchmarks are switched off
        benchmark.extra_info["images_per_second"] = round(COUNT / benchmark.stats.stats.min)
    start = time.perf_counter()
    _draw(next(starts))
    # 500 a second take 0.4 seconds; the bound is ten times looser, for a busy machine.
    assert time.perf_counter() - start < 4.0
