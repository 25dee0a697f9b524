"""Checkpoints of a cell: what its training came to, its learning curves, and what they belong to.

One that belongs to anything else, or is damaged, is not used: the training starts anew.
"""

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from crossres.benchmark.measures.environment import Stopwatch
from crossres.benchmark.measures.learning_curves import Curves
from crossres.benchmark.records.cell import canonical_json
from crossres.benchmark.runs.data import Report
from crossres.datasets.base.files import digest_of
from crossres.methods.interface.run import Checkpoints, UnusableCheckpoint

FORMAT = 1
OVERVIEW = "cell.json"
CURVES, TRAINING = "curves-", "training-"  # whose files are which, by the start of the name
FIT = "fit"

_log = logging.getLogger(__name__)


@dataclass
class CellCheckpoints:
    """Makes the checkpoints of a cell, and takes one up.

    identity: what must be the same for a training to go on, by name. initial: digests of the
    ImageNet weights that it began with, filled while it begins. The seconds of FIT on `watch` go
    into the checkpoint, too.
    """

    key: str
    identity: Mapping[str, str | int]
    initial: Mapping[str, str]
    curves: Curves
    watch: Stopwatch
    report: Report
    every_seconds: float | None
    _last: float = field(default_factory=time.monotonic)

    def of_run(self, files: Mapping[str, bytes] | None) -> Checkpoints | None:
        """Return what the run of the cell needs to go on from `files`, and to keep others."""
        if files is not None:
            try:
                resumed = partial(self._resumed, self._checked(files), _of(CURVES, files))
                return Checkpoints(self._due, self._keep, _of(TRAINING, files), resumed)
            except UnusableCheckpoint as fault:
                _log.warning(
                    "the checkpoint of cell %s is ignored and its training starts anew: it %s",
                    self.key,
                    fault,
                )
        return None if self.every_seconds is None else Checkpoints(self._due, self._keep)

    def _due(self) -> bool:
        every = self.every_seconds
        return every is not None and time.monotonic() - self._last >= every

    def _keep(self, training: Mapping[str, bytes]) -> None:
        files = {
            **{TRAINING + name: content for name, content in training.items()},
            **{CURVES + name: content for name, content in self.curves.saved().items()},
        }
        overview = {
            "format": FORMAT,
            "identity": dict(self.identity),
            "initial": dict(self.initial),
            "seconds": self.watch.so_far(FIT),
            "files": {name: digest_of(content) for name, content in sorted(files.items())},
        }
        overview["digest"] = digest_of(canonical_json(overview))
        self.report.checkpoint({OVERVIEW: canonical_json(overview), **files})
        self._last = time.monotonic()

    def _checked(self, files: Mapping[str, bytes]) -> dict[str, Any]:
        """Return the overview of a checkpoint. Raises UnusableCheckpoint unless it fits here."""
        try:
            overview: dict[str, Any] = json.loads(files[OVERVIEW])
            digest = overview.pop("digest")
            sound = digest == digest_of(canonical_json(overview))
        except (AttributeError, KeyError, TypeError, ValueError):
            sound = False
        if not sound:
            raise UnusableCheckpoint(f"has no whole {OVERVIEW}")
        if overview.get("format") != FORMAT:
            raise UnusableCheckpoint(f"is of format {overview.get('format')}, not {FORMAT}")
        made, here = overview["identity"], self.identity
        for name in sorted(made.keys() | here.keys()):
            if made.get(name) != here.get(name):
                raise UnusableCheckpoint(
                    f"was made with {name} {made.get(name)}, which is {here.get(name)} here"
                )
        for name, digest in overview["files"].items():
            if name not in files or digest_of(files[name]) != digest:
                raise UnusableCheckpoint(f"lacks {name} as it was written")
        return overview

    def _resumed(self, overview: dict[str, Any], curves: dict[str, bytes]) -> None:
        """Let curves and watch go on where the checkpoint was made."""
        if overview["initial"] != dict(self.initial):
            raise UnusableCheckpoint("began with other ImageNet weights")
        self.curves.resume(curves)
        self.watch.add(FIT, overview["seconds"])


def _of(start: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {name.removeprefix(start): files[name] for name in files if name.startswith(start)}
