"""A small grid in a folder of its own: the command that runs it, its plug-in, and its places."""

import os
import shutil
import sys
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.chaos.cluster import Nodes

HERE = Path(__file__).resolve().parent
MARK = "CROSSRES_CHAOS"  # the variable by which all processes of a grid are known
POINTS = "[crossres.methods]\npatient = patient:Patient\n"


@dataclass(frozen=True)
class Grid:
    """A table that is run in `folder`: its results, its cache and its temporary files lie there."""

    folder: Path
    table: Path = HERE / "grid.toml"
    profile: str = "smoke"
    jobs: int = 2
    more: tuple[str, ...] = ("--save-weights",)
    nodes: "Nodes | None" = None
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def out(self) -> Path:
        """The results folder."""
        return self.folder / "out"

    @property
    def cache(self) -> Path:
        """The cache folder."""
        return self.folder / "cache"

    @property
    def temporary(self) -> Path:
        """Where its processes have their temporary files."""
        return self.folder / "tmp"

    def make(self) -> "Grid":
        """Make the folders, and install the plug-in into one of them."""
        plugin = self.folder / "plugin"
        info = plugin / "chaos_plugin-1.0.dist-info"
        for folder in (self.temporary, info):
            folder.mkdir(parents=True, exist_ok=True)
        for file in (HERE / "plugin").glob("*.py"):
            shutil.copy(file, plugin)
        shutil.copy(HERE / "faults.py", plugin / "chaos_faults.py")
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: chaos-plugin\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(POINTS)
        return self

    def arguments(self) -> list[str]:
        """The words of the command behind `crossres`."""
        if self.nodes is None:
            engine = ("--jobs", str(self.jobs))
        else:  # as many at once as there is room for
            engine = ("--engine", "ray", "--address", self.nodes.address)
        run = ("run", self.table, "--profile", self.profile, "--out", self.out)
        return [str(word) for word in (*run, *self.more, *engine)]

    def command(self) -> list[str]:
        """The command that runs the grid in a process of its own."""
        return [sys.executable, "-m", "crossres", *self.arguments()]

    def environment(self) -> dict[str, str]:
        """The environment of that process."""
        path = [str(self.folder / "plugin"), *filter(None, [os.environ.get("PYTHONPATH")])]
        return (
            os.environ
            | {
                "PYTHONPATH": os.pathsep.join(path),
                "CROSSRES_CACHE": str(self.cache),
                "TMPDIR": str(self.temporary),
                "OMP_NUM_THREADS": "1",
                MARK: self.mark,
            }
            | (self.nodes.environment if self.nodes else {})
        )
