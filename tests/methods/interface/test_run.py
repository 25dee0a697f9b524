"""A training's seeds and its progress."""

from crossres.methods.interface.run import Run


def test_seeds_differ_by_purpose_and_by_seed_and_stay_below_63_bits() -> None:
    seeds = {Run(seed).seed_for(*p) for seed in (0, 1) for p in (("a",), ("b",), ("a", 1))}
    assert len(seeds) == 6
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_run_passes_progress_on() -> None:
    calls: list[tuple[int, int]] = []
    Run(seed=0, progress=lambda d, t: calls.append((d, t))).progress(1, 2)
    Run(seed=0).progress(1, 2)
    assert calls == [(1, 2)]
