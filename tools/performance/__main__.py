"""Measure ours beside peers: `python -m tools.performance`; exit code 1 where a ratio has grown.

All figures are compared with the committed ones of baselines/performance.json; docs/performance.md
shows those and says how they are measured.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from crossres.datasets.base.errors import InputError
from crossres.datasets.base.files import make_folder
from tools.performance.comparison import grown, notes, report
from tools.performance.contests import Disagreement
from tools.performance.figures import Figure, Figures, Ratio, read_figures, to_json
from tools.performance.machine import this_machine
from tools.performance.page import with_tables
from tools.performance.peers import missing_peers, one_thread_each
from tools.performance.subjects import SUBJECTS, measure_apart

REPOSITORY = Path(__file__).resolve().parents[2]

COMMITTED = REPOSITORY / "baselines" / "performance.json"
PAGE = REPOSITORY / "docs" / "performance.md"
LOOKS = 3  # at a subject before it counts as grown: noise is not there each time, a change is


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, then write or compare; 0: nothing has grown, 1: a failure, 2: unusable input."""
    options = _parser().parse_args(arguments)
    chosen = [subject for subject in SUBJECTS if options.only in subject]
    try:
        if not chosen:
            raise InputError(f"--only {options.only}: no subject has this in its name")
        if options.write == COMMITTED and len(chosen) < len(SUBJECTS):
            raise InputError("the committed figures are of one run: --write takes no --only")
        if options.write == COMMITTED and (missing := missing_peers()):
            reasons = ", ".join(f"{name} ({reason})" for name, reason in missing.items())
            raise InputError(f"the committed figures are beside all peers; install {reasons}")
        committed = None if options.write else read_figures(options.against)
        figures = tuple(_measured(chosen))
        with one_thread_each():
            here = Figures(this_machine(), figures, missing_peers())
        if committed is None:
            return _write(options.write, here)
        return _compare(committed, here, chosen)
    except Disagreement as error:
        print(f"performance: {error}", file=sys.stderr)
        return 1
    except InputError as error:
        print(f"performance: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="performance", description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="TEXT", help="subjects with this in the name")
    parser.add_argument("--against", type=Path, default=COMMITTED, metavar="FILE")
    parser.add_argument(
        "--write",
        type=lambda text: Path(text).resolve(),
        nargs="?",
        const=COMMITTED,
        metavar="FILE",
        help="compare with nothing; the committed figures, and their page, unless FILE is given",
    )
    return parser


def _measured(subjects: Iterable[str]) -> Iterator[Figure]:
    for subject in subjects:
        for figure in measure_apart(subject):
            print(_line(figure), flush=True)
            yield figure


def _line(figure: Figure) -> str:
    if isinstance(figure, Ratio):
        seconds = f"{figure.seconds:.3g} s / {figure.peer_seconds:.3g} s"
        rounds = f"{figure.rounds} rounds, ± {50 * figure.spread:.0f} %"
        return f"{figure.name}: {figure.ratio:.3g} ({seconds}, {rounds})"
    values = ", ".join(f"{value:.3g}" for value in figure.values)
    return f"{figure.name}: exponent {figure.exponent:.2f} ({values} {figure.unit})"


def _write(path: Path, here: Figures) -> int:
    make_folder(path.parent)
    page = with_tables(PAGE.read_text(encoding="utf-8"), here) if path == COMMITTED else None
    path.write_text(to_json(here), encoding="utf-8")
    print(f"wrote {path}")
    if page is not None:
        PAGE.write_text(page, encoding="utf-8")
        print(f"wrote {PAGE}")
    return 0


def _compare(committed: Figures, here: Figures, subjects: Sequence[str]) -> int:
    here = looked_again(committed, here, subjects)
    for note in notes(committed, here):
        print(f"note: {note}")
    failures = list(report(committed, here, subjects))
    for failure in failures:
        print(f"FAILED {failure}")
    print(f"{len(failures)} of {len(here.figures)} figures failed")
    return 1 if failures else 0


def looked_again(committed: Figures, here: Figures, subjects: Sequence[str]) -> Figures:
    """Measure subjects with a figure that has grown again, and take the least of each figure."""
    figures = {figure.name: figure for figure in here.figures}
    for _ in range(1, LOOKS):
        again = {new.subject for _, new in grown(committed.figures, figures.values())}
        if again:
            print("looking again:", *sorted(again), sep="\n  ")
        for figure in _measured(subject for subject in subjects if subject in again):
            figures[figure.name] = min(figure, figures[figure.name], key=lambda x: x.compared)
    return Figures(here.machine, tuple(figures.values()), here.missing)


if __name__ == "__main__":
    sys.exit(main())
