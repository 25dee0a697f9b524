"""The figures of this run against the committed ones: which ratio has grown?"""

import math
from collections.abc import Iterable, Iterator, Mapping

from tools.performance.figures import Figure, Figures, Ratio

MOST = 1.15  # times the committed ratio
EXPONENT = 0.15  # more than the committed exponent: ten times the size then takes 1.4 times as long
DECISIVE = ("cpu", "python", "numpy", "torch", "pillow", "blas", "torch instructions")


def grown(committed: Iterable[Figure], here: Iterable[Figure]) -> list[tuple[Figure, Figure]]:
    """Return the pairs (committed, here) of figures that have grown by more than is allowed."""
    before = {figure.name: figure for figure in committed}
    pairs = [(before[figure.name], figure) for figure in here if figure.name in before]
    return [(old, new) for old, new in pairs if new.compared - old.compared > _allowed(new)]


def report(committed: Figures, here: Figures, subjects: Iterable[str]) -> Iterator[str]:
    """Yield a line for each thing that fails: figures of these subjects that grew or lack here."""
    wanted = set(subjects)
    for old, new in grown(committed.figures, here.figures):
        yield f"{new.name}: {_change(old, new)}"
    names = {figure.name for figure in here.figures}
    for figure in committed.figures:
        if figure.subject in wanted and figure.name not in names:
            yield f"{figure.name}: is committed and was not measured{_because(figure, here)}"


def notes(committed: Figures, here: Figures) -> Iterator[str]:
    """Yield what else is worth knowing, and fails nothing."""
    before = {figure.name: figure for figure in committed.figures}
    for figure in here.figures:
        if figure.name not in before:
            yield f"{figure.name}: is not among the committed figures"
        elif before[figure.name].compared - figure.compared > _allowed(figure):
            yield f"{figure.name}: {_change(before[figure.name], figure)}; commit that"
    for name, reason in here.missing.items():
        yield f"{name} cannot be imported ({reason}): there is no ratio to it"
    yield from _other_machine(committed.machine, here.machine)
    load, cores = here.machine.get("load") or 0, here.machine.get("cores") or 1
    if load > cores:
        yield f"the machine was busy (a load of {load}): a ratio may be a tenth higher for that"


def _allowed(figure: Figure) -> float:
    """Return by how much what is compared may grow."""
    return math.log(MOST) if isinstance(figure, Ratio) else EXPONENT


def _change(old: Figure, new: Figure) -> str:
    if isinstance(old, Ratio) and isinstance(new, Ratio):
        change = f"{new.ratio / old.ratio - 1:+.0%}".replace("-", "−")
        return f"{new.ratio:.3g} against {old.ratio:.3g} committed ({change})"
    return f"exponent {new.compared:.2f} against {old.compared:.2f} committed"


def _because(figure: Figure, here: Figures) -> str:
    if isinstance(figure, Ratio):
        for name in here.missing:
            if name in figure.peer:
                return f": {name} cannot be imported"
    return ""


def _other_machine(committed: Mapping[str, object], here: Mapping[str, object]) -> Iterator[str]:
    others = [name for name in DECISIVE if committed.get(name) != here.get(name)]
    if others:
        yield (
            f"the committed figures are of another {', '.join(others)}: where all ratios to one "
            "peer have grown alike, it may be that; measure the commit before yours with "
            "`--write FILE`, and yours with `--against FILE`"
        )
