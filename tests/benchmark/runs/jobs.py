"""Jobs on a small raw folder, for the tests of cells."""

from pathlib import Path
from typing import Any

from crossres.benchmark.records.cell import Cell, Job, make_job
from crossres.benchmark.runs.data import SurveyRequest, survey
from crossres.datasets.raw.source import Source
from crossres.methods.interface.profile import Profile
from crossres.methods.interface.registry import resolve_options


def silent(phase: str, done: int, total: int) -> None:
    del phase, done, total


def make(
    root: Path, cache: Path, profile: Profile, method: str = "colour", seed: int = 0, **options: Any
) -> Job:
    source = Source(root, partial=True, other_sizes=True)
    view = survey(SurveyRequest("mlr-pku", source, cache, (seed,)), silent)
    resolved = resolve_options(method, profile, options)
    cell = Cell(method, resolved, "mlr-pku", view.protocol, view.source, seed, profile.name)
    return make_job(cell, "A row", profile, source, cache, view.manifests[seed])
