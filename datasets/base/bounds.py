"""How many of something may be asked for: numbers that multiply work or memory are bounded."""

from collections.abc import Sequence

from crossres.datasets.base.errors import InputError

SEEDS = 1000
HIGHEST_SEED = 2**31 - 1


def checked_seeds(seeds: Sequence[object], where: str = "seeds") -> tuple[int, ...]:
    """Return the seeds, at least one, each once; else raise InputError naming `where`."""
    if not seeds or len(seeds) > SEEDS:
        raise InputError(f"{where}: {len(seeds)} seeds; give from 1 to {SEEDS}")
    unique: dict[int, None] = {}
    for seed in seeds:
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= HIGHEST_SEED:
            raise InputError(f"{where}: seed {seed!r} must be an integer from 0 to {HIGHEST_SEED}")
        if seed in unique:
            raise InputError(f"{where}: seed {seed} stands twice; remove one")
        unique[seed] = None
    return tuple(unique)


def checked_count(value: object, where: str, most: int, least: int = 1) -> int:
    """Return the value when it is an integer from `least` to `most`; else raise InputError."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InputError(f"{where} must be an integer from {least} to {most}, not {value!r}")
    return value
