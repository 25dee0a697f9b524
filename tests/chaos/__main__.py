"""Does a run survive whatever befalls it? `python tests/chaos [kills] [--engine ENGINE]`."""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.chaos.kills import run_study


def main() -> int:
    """Print what was done and what came of it; 1 where anything was lost or left behind."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__.splitlines()[0])
    parser.add_argument("--engine", default="local", metavar="ENGINE")
    parser.add_argument("--kills", type=int, default=100, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="keep everything there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chaos-") as temporary:
        folder = options.folder or Path(temporary)
        study = run_study(folder, options.kills, options.seed, options.engine, _say)
    print(*study.lines(), sep="\n")
    return 1 if study.faults else 0


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
