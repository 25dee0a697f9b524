"""Does the gate work? `python tests/mutations`: bugs, leaks and clean changes, one at a time.

Each change is applied to a copy of the code, which runs the table `gate`; `crossres check` then
holds what came out against the committed baseline. A study that was broken off is gone on with.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from changes import REPOSITORY, Change, digest_of_study, load_changes, write_changed  # noqa: E402

ENOUGH = 0.9  # of the bugs and leaks must raise an alarm
PLATFORM = ("ATEN_CPU_CAPABILITY", "DNNL_MAX_CPU_ISA", "PYTHONHASHSEED")


@dataclass(frozen=True)
class Outcome:
    """What the gate said of a change: what it found ({} where it passed), and the answer itself."""

    change: Change
    alarms: dict[str, int]
    answer: dict[str, Any]

    @property
    def right(self) -> bool:
        """Whether it is what it should be."""
        return bool(self.alarms) == self.change.harmful


def main() -> int:
    arguments = _arguments()
    chosen = [c for c in load_changes() if arguments.only.lower() in f"{c.kind} {c.name}".lower()]
    if not chosen:
        print(f"no change has {arguments.only!r} in its kind or name", file=sys.stderr)
        return 2
    outcomes = [
        _outcome(change, arguments)
        for number, change in enumerate(chosen)
        if _run(change, arguments, f"{number + 1} of {len(chosen)}") or True
    ]
    table = to_markdown(outcomes)
    (arguments.out / "study.md").write_text(table, encoding="utf-8")
    print(f"\n{table}")
    return 0 if good_enough(outcomes) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="mutations", description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="TEXT", help="in the kind or the name")
    parser.add_argument("--jobs", default=str(os.cpu_count() or 1), help="cells at once")
    parser.add_argument("--baseline", type=Path, default=REPOSITORY / "baselines" / "gate.json")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "build" / "mutations")
    return parser.parse_args()


# --- one change -----------------------------------------------------------------------------------


def _run(change: Change, arguments: argparse.Namespace, place: str) -> None:
    """Run the table with the changed code, unless that was done; keep the records only."""
    folder = (arguments.out / change.slug).resolve()
    digest, ran = digest_of_study(change), folder / "ran.txt"
    if ran.exists() and ran.read_text() == digest:
        return
    print(f"[{place}] {change.kind}: {change.name}", end="", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    write_changed(change, folder / "code")
    command = ["run", "gate", "--out", "results", "--cache", "cache", "--jobs", arguments.jobs]
    start = time.monotonic()
    done = _crossres(folder / "code", folder, [*command, *change.run], change.environment)
    (folder / "run.log").write_text(done.stdout + done.stderr)
    shutil.rmtree(folder / "code")
    shutil.rmtree(folder / "cache", ignore_errors=True)
    for path in (folder / "results").glob("*"):
        if path.name not in ("records", "failures"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    ran.write_text(digest)
    print(f" ({time.monotonic() - start:.0f} s)", flush=True)


def _outcome(change: Change, arguments: argparse.Namespace) -> Outcome:
    """What `crossres check` of the code without the change says of the results."""
    folder = (arguments.out / change.slug).resolve()
    baseline = str(arguments.baseline.resolve())
    command = ["check", "results", "--baseline", baseline, "--json"]
    done = _crossres(REPOSITORY, folder, [*command, *change.check], {})
    if done.returncode not in (0, 1):
        return Outcome(change, {"no results": 1}, {"error": done.stderr.strip()})
    answer = json.loads(done.stdout)
    kinds = [finding["kind"] for finding in answer["findings"]]
    return Outcome(change, {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}, answer)


def _crossres(
    code: Path, folder: Path, arguments: Iterable[str], environment: dict[str, str]
) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if name not in PLATFORM}
    return subprocess.run(
        [sys.executable, "-m", "crossres", *arguments],
        cwd=folder,
        env=kept | environment | {"PYTHONPATH": str(code), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )


# --- all of them ----------------------------------------------------------------------------------


def good_enough(outcomes: Sequence[Outcome]) -> bool:
    """Whether enough harm is found, and no clean change."""
    harmful = [outcome.right for outcome in outcomes if outcome.change.harmful]
    clean = [outcome.right for outcome in outcomes if not outcome.change.harmful]
    return sum(harmful) >= ENOUGH * len(harmful) and all(clean)


def to_markdown(outcomes: Sequence[Outcome]) -> str:
    """A sentence and a table for each kind."""
    parts = []
    for kind, said in (("bug", "raise an alarm"), ("leak", "raise an alarm"), ("clean", "pass")):
        mine = [outcome for outcome in outcomes if outcome.change.kind == kind]
        if mine:
            right = sum(outcome.right for outcome in mine)
            parts.append(f"**{kind}: {right} of {len(mine)} {said}**\n\n{_table(mine)}")
    return "\n".join(parts)


def _table(outcomes: Iterable[Outcome]) -> str:
    lines = ["| change | alarms | mAP | most changed |", "|---|---|--:|---|"]
    for outcome in outcomes:
        mean, most = _moved(outcome.answer)
        alarms = ", ".join(outcome.alarms) or "none"
        said = alarms if outcome.right else f"**{alarms}**"
        name = outcome.change.name + (f" ({outcome.change.why})" if outcome.change.why else "")
        lines.append(f"| {name} | {said} | {mean} | {most} |")
    return "\n".join(lines) + "\n"


def _moved(answer: dict[str, Any]) -> tuple[str, str]:
    """By how many points mAP moved, in the mean over all rows and in the row where it did most."""
    tests = [test for test in answer.get("tests", []) if test["metric"] == "mAP"]
    rows = [test for test in tests if test["row"]]
    if not rows:
        return "–", answer.get("error", "–")
    effects = {test["row"]: 100 * test["difference"]["effect"] for test in rows}
    most = max(effects, key=lambda row: abs(effects[row]))
    means = [100 * test["difference"]["effect"] for test in tests if not test["row"]]
    mean = f"{means[0]:+.1f}" if means else "–"
    return mean, f"{most} {effects[most]:+.1f}" if effects[most] else "equal to the bit"


if __name__ == "__main__":
    sys.exit(main())
