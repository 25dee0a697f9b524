"""Killing a run at random moments, again and again, until it has finished all the same."""

import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.chaos.cluster import ray_nodes
from tests.chaos.faults import KILL, Fault
from tests.chaos.grid import HERE, Grid
from tests.chaos.outcome import contents, differences, half_done, remains
from tests.chaos.processes import Process, gone, kill, marked

Weights = Mapping[str, int]

# How often each is chosen. "itself": the driver, by its own hand, amid a file operation.
VICTIMS: Weights = {
    "driver": 3, "worker": 12, "fork server": 3, "group": 3, "itself": 3, "SIGTERM": 1, "Ctrl-C": 1,
}  # fmt: skip
RAY_VICTIMS: Weights = {
    "driver": 4, "Ray worker": 8, "worker": 8, "fork server": 4, "node": 5, "group": 1, "itself": 2,
    "SIGTERM": 1, "Ctrl-C": 1,
}  # fmt: skip
PHASES: Weights = {"starting": 1, "drawing": 2, "pixels": 2, "cells": 6, "report": 2}
OTHER_PHASE = "planning"  # "drawing" where the twins are there already
ENDS_THE_RUN = ("driver", "group", "itself", "SIGTERM", "Ctrl-C")
EMPTY_CACHE = 0.3  # of the rounds begin with one
OPERATIONS = 120  # of files by a driver that has much to write: where it kills itself
LEAVE_SECONDS = 10.0  # for the others once the driver is gone
LIMIT_SECONDS = 300.0  # for a command
GUESSES = {"starting": 3.0, "drawing": 2.0, "planning": 1.0, "pixels": 4.0, "cells": 6.0,
           "report": 1.5}  # fmt: skip

SHIPPED = " of data through the object store"
ON_A_NODE = "left behind: tmp/crossres-"
ANNOUNCED = re.compile(r"^\S+: \d+ cells: \d+ done, (\d+) to run")
COUNTED = re.compile(r"^\[(\d+) of (\d+)\] ")
SUMMED_UP = re.compile(r"cells have their record in ")


@dataclass(frozen=True)
class Chances:
    """How often each victim is chosen, and each phase.

    The n-th kill has the n-th weights of `victims`, from the first again where they end.
    """

    victims: Sequence[Weights]
    phases: Weights

    def of_victims(self, kills: int) -> Weights:
        """The weights after so many kills."""
        return self.victims[kills % len(self.victims)]


@dataclass(frozen=True)
class Strike:
    """A kill: whom it hit, and in which phase of the run."""

    victim: str
    phase: str


@dataclass
class Study:
    """What was done to a grid, and every fault that showed."""

    strikes: list[Strike] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    say: Callable[[str], None] = lambda _: None
    commands: int = 0
    grids: int = 0
    seconds: float = 0.0
    slowest_leave: float = 0.0
    shipped: int = 0

    def struck(self, strike: Strike) -> None:
        """Note a kill."""
        self.strikes.append(strike)
        self.say(f"{len(self.strikes)}: {strike.victim} in {strike.phase}")

    def fault(self, line: str) -> None:
        """Note what is wrong, after which kill."""
        after = self.strikes[-1] if self.strikes else None
        self.faults.append(f"after {after.victim} in {after.phase}: {line}" if after else line)
        self.say(self.faults[-1])

    def lines(self) -> Iterator[str]:
        """Say it for people: a table of who was killed when, then what was lost."""
        phases = [*dict.fromkeys(strike.phase for strike in self.strikes)]
        counts = Counter((strike.victim, strike.phase) for strike in self.strikes)
        yield f"{'killed':14}" + "".join(f"{phase:>10}" for phase in phases) + f"{'sum':>8}"
        for victim in dict.fromkeys((*VICTIMS, *RAY_VICTIMS)):
            row = [counts[victim, phase] for phase in phases]
            if sum(row):
                yield f"{victim:14}" + "".join(f"{count:10}" for count in row) + f"{sum(row):8}"
        yield (
            f"{len(self.strikes)} kills, {self.commands} commands, {self.grids} grids finished, "
            f"{self.seconds:.0f} s; all others had left {self.slowest_leave:.1f} s after a driver"
        )
        if self.shipped:
            yield f"data was shipped to a node {self.shipped} times"
        yield from self.faults or ("lost: nothing; left behind: nothing",)


class Command:
    """The command of a grid while it runs: in which phase it is, and what it says."""

    def __init__(self, grid: Grid, fault: Fault | None = None) -> None:
        self.grid = grid
        self.lines: list[str] = []
        self.has_twins = any((grid.cache / "twins").glob("[!.]*"))
        self.begun = {"starting": time.monotonic()}
        self.ended_at = 0.0
        environment = grid.environment() | (fault.as_variable() if fault else {})
        self.process = subprocess.Popen(
            grid.command(),
            cwd=grid.folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=_heed_control_c,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def phase(self) -> str:
        """The phase that has begun last; the driver draws or plans once it has a child."""
        last = [*self.begun][-1]
        if last == "starting" and self._has_fork_server():
            return self._plans()
        return last

    def _has_fork_server(self) -> bool:
        own = marked(self.grid.mark)
        return any(process.role(self.process.pid) == "fork server" for process in own)

    def _plans(self) -> str:
        name = "planning" if self.has_twins else "drawing"
        self.begun.setdefault(name, time.monotonic())
        return name

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))
            self._notice(line)

    def _notice(self, line: str) -> None:
        now = time.monotonic()
        if match := ANNOUNCED.match(line):
            self.begun.setdefault(self._plans(), now)
            self.begun["pixels" if int(match[1]) else "report"] = now
        elif SUMMED_UP.search(line):
            self.begun["report"] = now
        elif "pixels" in self.begun and "cells" not in self.begun:
            counted = COUNTED.match(line)
            if counted and counted[1] == counted[2]:
                self.begun["cells"] = now

    def victims(self, role: str) -> list[Process]:
        """Return the processes of this role."""
        driver = self.process.pid
        return [process for process in self.processes() if process.role(driver) == role]

    def processes(self) -> list[Process]:
        """Return the processes of the run, also those on the nodes of a cluster."""
        nodes = self.grid.nodes
        return marked(self.grid.mark) + (nodes.processes() if nodes else [])

    def ended(self, within: float = 0.0) -> bool:
        """Say whether the driver has ended, or does so within that time."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(within)
            return True
        return False

    def finish(self, within: float = LIMIT_SECONDS) -> int | None:
        """Wait for the end; return the exit code, None where it did not come."""
        if not self.ended(within):
            return None
        self.ended_at = time.monotonic()
        self._reader.join(LEAVE_SECONDS)
        return self.process.returncode


def _heed_control_c() -> None:
    """Take Ctrl-C as a command in the foreground does, wherever these trials were started."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def undisturbed(grid: Grid, study: Study) -> Grid:
    """Run the grid without a disturbance, and note what is wrong even then."""
    command = Command(grid.make())
    if (code := command.finish()) != 0:
        study.fault(f"undisturbed: exit code {code}: {command.lines[-3:]}")
    for name in remains(grid):
        study.fault(f"left by an undisturbed run: {name}")
    return grid


def disturbed(
    grid: Grid, reference: Grid, kills: int, seed: int, chances: Chances, study: Study
) -> None:
    """Kill until so many kills have happened, then let the command finish; the faults are noted.

    A grid that finishes before is compared, and begun anew with an empty results folder. On a
    cluster it is begun anew in the end, too: killed nodes and drivers leave folders on nodes, which
    vanish as the next cell starts there.
    """
    start = time.monotonic()
    rng = random.Random(seed)
    grid = grid.make()
    while len(study.strikes) < kills:
        if rng.random() < EMPTY_CACHE:
            shutil.rmtree(grid.cache, ignore_errors=True)
        code = _round(grid, kills, rng, chances, study)
        _check_between(grid, reference, study)
        if code == 0 or _is_full(grid, reference):
            _finish(grid, reference, study, swept=grid.nodes is None)
            shutil.rmtree(grid.out)
    _finish(grid, reference, study, swept=grid.nodes is None)
    if grid.nodes is not None:
        shutil.rmtree(grid.out)
        _finish(grid, reference, study, swept=True)
    study.seconds += time.monotonic() - start


def _round(
    grid: Grid, kills: int, rng: random.Random, chances: Chances, study: Study
) -> int | None:
    """Start the command, and kill some of its processes until it ends or has been ended."""
    fault = None
    victim = _chosen(rng, chances.of_victims(len(study.strikes)))
    if victim == "itself":
        fault = Fault(str(grid.out), rng.randint(1, OPERATIONS), KILL)
    command = Command(grid, fault)
    study.commands += 1
    while len(study.strikes) < kills and victim != "itself":
        phase = _chosen(rng, chances.phases)
        if not _waited(command, phase, rng.random()):
            break
        strike = _struck(command, victim, rng)
        if strike:
            study.struck(strike)
            if victim in ENDS_THE_RUN:
                break
        weights = chances.of_victims(len(study.strikes))
        victim = _chosen(rng, {name: weights[name] for name in weights if name != "itself"})
    code = command.finish()
    if victim == "itself" and code == -signal.SIGKILL:
        study.struck(Strike(victim, command.phase))
    _check_end(command, code, study)
    return code


def _chosen(rng: random.Random, weights: Weights) -> str:
    return rng.choices([*weights], [*weights.values()])[0]


def _waited(command: Command, phase: str, share: float) -> bool:
    """Wait for a share of the phase; False where the command has ended before."""
    names = (phase, OTHER_PHASE) if phase == "drawing" else (phase,)
    order = ["starting", "drawing", "pixels", "cells", "report"]
    while True:
        now = command.phase
        at = order.index("drawing" if now == OTHER_PHASE else now)
        if now in names or at > order.index(phase):
            break
        if command.ended(0.05):
            return False
    return not command.ended(share * GUESSES[command.phase])


def _struck(command: Command, victim: str, rng: random.Random) -> Strike | None:
    """Kill; None where there is no such process just now."""
    phase, driver = command.phase, command.process
    if driver.poll() is not None:
        return None
    if victim == "driver":
        driver.kill()
    elif victim == "group":
        os.killpg(driver.pid, signal.SIGKILL)
    elif victim == "SIGTERM":
        driver.terminate()
    elif victim == "Ctrl-C":
        os.killpg(driver.pid, signal.SIGINT)
    elif victim == "node":
        assert command.grid.nodes is not None
        command.grid.nodes.kill_one(rng)
    else:
        there = command.victims(victim)
        if not there:
            time.sleep(0.05)
            return None
        kill([rng.choice(there)])
    return Strike(victim, phase)


def _check_end(command: Command, code: int | None, study: Study) -> None:
    """Note a wrong end of a command, and whoever outlives it; those are killed."""
    study.shipped += sum(SHIPPED in line for line in command.lines)
    left = gone(command.processes, LEAVE_SECONDS)
    if not left:
        study.slowest_leave = max(study.slowest_leave, time.monotonic() - command.ended_at)
    for process in left:
        role = process.role(command.process.pid)
        study.fault(
            f"{role} {process.pid} ({process.command[:60]}) is alive after {LEAVE_SECONDS:.0f} s"
        )
    kill(left)
    if code not in (0, 1, 2, -signal.SIGKILL) and not _met_python_alone(study, code):
        study.fault(f"exit code {code}: {command.lines[-5:]}")
    if any(line.startswith("Traceback") for line in command.lines) and not _swallowed(command):
        study.fault(f"a traceback: {command.lines[-12:]}")


def _met_python_alone(study: Study, code: int | None) -> bool:
    """Say whether Python made the exit code of a signal.

    It does where that came before our handler was set or after it was taken back; and where an
    interrupt passed through the `exec` of some module on its way to who caught it.
    """
    last = study.strikes[-1].victim if study.strikes else ""
    return (last == "SIGTERM" and code == -signal.SIGTERM) or (
        last in ("SIGTERM", "Ctrl-C") and code == -signal.SIGINT
    )


def _swallowed(command: Command) -> bool:
    """Say whether Python lost the interrupt: where it comes into a finalizer, Python goes on."""
    ignored = [line for line in command.lines if line.startswith("Exception ignored in")]
    traces = [line for line in command.lines if line.startswith("Traceback")]
    return len(ignored) == len(traces) and command.lines.count("KeyboardInterrupt: ") == len(traces)


def _check_between(grid: Grid, reference: Grid, study: Study) -> None:
    """Note what a reader of the broken-off results would take for a result, and what is lost."""
    for line in half_done(grid):
        study.fault(line)
    there = contents(reference.out)
    for name, digest in contents(grid.out).items():
        if name.startswith(("records/", "artifacts/")) and there.get(name, digest) != digest:
            study.fault(f"another content: {name}")


def _is_full(grid: Grid, reference: Grid) -> bool:
    """Say whether all records are there: what is left to kill is the report."""
    names = [{path.name for path in (g.out / "records").glob("*.json")} for g in (grid, reference)]
    return names[0] == names[1]


def _finish(grid: Grid, reference: Grid, study: Study, *, swept: bool) -> None:
    """Let the command finish, and compare what it leaves with the undisturbed run.

    `swept`: folders on the nodes of a cluster must be gone, too.
    """
    command = Command(grid)
    study.commands += 1
    if (code := command.finish()) != 0:
        study.fault(f"the last command: exit code {code}: {command.lines[-3:]}")
    study.grids += 1
    study.shipped += sum(SHIPPED in line for line in command.lines)
    for line in differences(grid, reference):
        if line.startswith(ON_A_NODE) and not swept:
            continue
        study.fault(line)
        if line.startswith("left behind: "):  # not to be noted again with each grid that follows
            _remove(grid.folder / line.removeprefix("left behind: "))
    study.say(f"grid {study.grids} finished")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def run_study(
    folder: Path,
    kills: int,
    seed: int,
    engine: str,
    say: Callable[[str], None] = lambda _: None,
    table: Path = HERE / "grid.toml",
    reference: Grid | None = None,
    victims: Sequence[Weights] | None = None,
    phases: Weights = PHASES,
) -> Study:
    """Run a grid undisturbed on this machine, then another one with that many kills; compare them.

    "ray": the other one is run on a cluster of three nodes, which is there all the time.
    `reference`: one that was run undisturbed before.
    """
    study = Study(say=say)
    if reference is None:
        reference = undisturbed(Grid(folder / "undisturbed", table), study)
    grid = Grid(folder / "disturbed", table).make()
    with ray_nodes(grid.temporary) if engine == "ray" else nullcontext() as nodes:
        on_engine = replace(grid, nodes=nodes)
        chosen = victims or ((VICTIMS,) if nodes is None else (RAY_VICTIMS,))
        disturbed(on_engine, reference, kills, seed, Chances(chosen, phases), study)
    return study
