"""What a cell takes of the machine that runs it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Needs:
    """CPU cores, GPUs (0.25: four cells share one) and GiB of memory of a cell, as a scheduler
    counts them. They decide where a cell runs and how many run at once, never a result.
    """

    cpus: float = 1.0
    gpus: float = 0.0
    memory_gib: float = 1.0

    def __post_init__(self) -> None:
        """Check the values. Raises ValueError."""
        if not self.cpus > 0.0 or not self.memory_gib > 0.0 or not self.gpus >= 0.0:
            raise ValueError("cpus and memory_gib must be more than 0, gpus at least 0")
        if self.gpus > 1.0 and self.gpus != int(self.gpus):
            raise ValueError("gpus must be whole, or a share of one")

    def in_words(self) -> str:
        """Say it for people: "1 CPU, 0.5 GPU and 8 GiB of memory"."""
        gpus = f", {self.gpus:g} GPU" if self.gpus else ""
        return f"{self.cpus:g} CPU{gpus} and {self.memory_gib:g} GiB of memory"
