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
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from crossres.benchmark.records.failures import read_failures
from tests.mutations.changes import (
    REPOSITORY,
    Change,
    digest_of_study,
    load_changes,
    plain_environment,
    write_changed,
)
from tests.mutations.study import Outcome, good_enough, to_markdown


def main() -> int:
    arguments = _arguments()
    chosen = [c for c in load_changes() if arguments.only.lower() in f"{c.kind} {c.name}".lower()]
    if not chosen:
        print(f"no change has {arguments.only!r} in its kind or name", file=sys.stderr)
        return 2
    outcomes = []
    for number, change in enumerate(chosen, start=1):
        _run(change, arguments, f"{number} of {len(chosen)}")
        outcomes.append(_outcome(change, arguments))
    table = to_markdown(outcomes)
    (arguments.out / "study.md").write_text(table, encoding="utf-8")
    print(f"\n{table}")
    return 0 if good_enough(outcomes) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="mutations", description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="TEXT", help="in the kind or the name")
    parser.add_argument("--jobs", default=str(os.cpu_count() or 1), help="cells at once")
    parser.add_argument("--baseline", type=Path, default=REPOSITORY / "baselines" / "gate.json")
    parser.add_argument(
        "--must-find", default="6", metavar="POINTS", help="as the gate in CI has it"
    )
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
    jobs = [] if "--jobs" in change.run else ["--jobs", arguments.jobs]
    command = ["run", "gate", "--out", "results", "--cache", "cache", *jobs]
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
    """What `crossres check` of the changed code says of the results, as it does in CI."""
    folder = (arguments.out / change.slug).resolve()
    if not any((folder / "results" / "records").glob("*.json")):
        return Outcome(change, {"no results": 1}, {"error": _why_not(folder)})
    write_changed(change, folder / "code")
    baseline = str(arguments.baseline.resolve())
    command = ["check", "results", "--baseline", baseline, "--table", "gate", "--json"]
    bound = ["--must-find", arguments.must_find]
    done = _crossres(folder / "code", folder, [*command, *bound, *change.check], {})
    shutil.rmtree(folder / "code")
    answer = json.loads(done.stdout)
    if "findings" not in answer:
        raise RuntimeError(f"{change.name}: the check gave no answer: {done.stdout}{done.stderr}")
    kinds = [finding["kind"] for finding in answer["findings"]]
    return Outcome(change, {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}, answer)


def _why_not(folder: Path) -> str:
    """Why there are no results: the reason of the first cell that failed, or of the whole run."""
    failed = read_failures(folder / "results", ())
    last = (folder / "run.log").read_text(encoding="utf-8").strip().splitlines()[-1:]
    return failed[0].reason if failed else last[0] if last else "the run said nothing"


def _crossres(
    code: Path, folder: Path, arguments: Iterable[str], environment: dict[str, str]
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "crossres", *arguments],
        cwd=folder,
        env=plain_environment()
        | environment
        | {"PYTHONPATH": str(code), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )


if __name__ == "__main__":
    sys.exit(main())
