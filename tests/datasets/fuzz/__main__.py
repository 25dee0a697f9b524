"""The fuzzer over raw folders: `python tests/datasets/fuzz --cases 10000`.

Case n of every run is the same case: a raw folder of some layout, one to four mutations, a root to
find it from. It must give the manifest that its names say, or one InputError that names the place
and a remedy: no other exception, no hang, nothing read outside, no memory beyond the limit. Cases
run in a child process, whose death is a failure of the case it was at.
"""

import argparse
import faulthandler
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # for the small raw folders of conftest.py

EXTRA_MEMORY = 1 << 30  # bytes above what the imports took
MOST_DEATHS = 20  # of the child, before the fuzzer gives up
SHARED_MEMORY = Path("/dev/shm")


def main() -> int:
    arguments = _arguments()
    if arguments.worker:
        return work(arguments)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(dir=_scratch(arguments.scratch)) as scratch:
        results = list(_results(arguments, Path(scratch)))
    summary = _summary(results, time.monotonic() - started)
    print(json.dumps(summary, indent=1))
    return 1 if summary["failures"] else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=10_000, help="how many cases")
    parser.add_argument("--first", type=int, default=0, help="the number of the first case")
    parser.add_argument("--scratch", type=Path, help="a folder, best in memory")
    parser.add_argument("--layout", help="cases of this layout only, such as mlr-cuhk03")
    parser.add_argument("--show", action="store_true", help="print every case and its outcome")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _scratch(folder: Path | None) -> Path | None:
    return folder or (SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK) else None)


# --- the parent -----------------------------------------------------------------------------------


def _results(arguments: argparse.Namespace, scratch: Path) -> Iterator[dict[str, Any]]:
    first, last, deaths = arguments.first, arguments.first + arguments.cases, 0
    while first < last and deaths < MOST_DEATHS:
        with _worker(scratch, first, last - first, arguments.layout) as child:
            for line in child.stdout or ():
                result = json.loads(line)
                if arguments.show or result.get("problem"):
                    print(json.dumps(result), file=sys.stderr)
                first = result["case"] + 1
                yield result
        if child.returncode != 0 and first < last:
            problem = f"the process died ({child.returncode})"
            yield {"case": first, "outcome": "crash", "problem": problem}
            print(f"case {first}: {problem}", file=sys.stderr)
            first, deaths = first + 1, deaths + 1


def _worker(scratch: Path, first: int, cases: int, layout: str | None) -> "subprocess.Popen[str]":
    which = ["--first", str(first), "--cases", str(cases)]
    which += ["--layout", layout] if layout else []
    command = [sys.executable, str(HERE), "--worker", str(scratch), *which]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(HERE.parents[2])}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def _summary(results: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
    slowest = max(results, key=lambda result: result.get("seconds", 0), default={})
    by_layout: dict[str, Counter[str]] = {}
    for result in results:
        by_layout.setdefault(result.get("layout", "?"), Counter())[result["outcome"]] += 1
    return {
        "cases": len(results),
        "seconds": round(seconds, 1),
        "outcomes": Counter(result["outcome"] for result in results),
        "layouts": dict(sorted(by_layout.items())),
        "mutations": Counter(name for result in results for name in result.get("mutations", ())),
        "slowest": {name: slowest.get(name) for name in ("case", "seconds", "layout", "mutations")},
        "peak_memory_bytes": max((result.get("memory", 0) for result in results), default=0),
        "failures": [result for result in results if result.get("problem")],
    }


# --- the child ------------------------------------------------------------------------------------


def work(arguments: argparse.Namespace) -> int:
    """Run cases, printing one JSON object for each."""
    from cases import LAYOUTS, Cases

    warnings.simplefilter("error")
    cases = Cases(arguments.worker, [arguments.layout] if arguments.layout else list(LAYOUTS))
    sys.addaudithook(cases.audit)
    _limit_memory()
    for number in range(arguments.first, arguments.first + arguments.cases):
        faulthandler.dump_traceback_later(30, exit=True)
        print(json.dumps(cases.run(number)), flush=True)
        faulthandler.cancel_dump_traceback_later()
    shutil.rmtree(cases.templates)
    return 0


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * os.sysconf("SC_PAGE_SIZE") + EXTRA_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    sys.exit(main())
