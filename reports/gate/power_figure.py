"""The power of a gate as a figure: how often a true drop is found, for each number of seeds."""

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from crossres.benchmark.gate.baseline import Baseline
from crossres.benchmark.gate.limits import Limits
from crossres.benchmark.gate.power import Noise, Sensitivity, chances
from crossres.benchmark.gate.sight import WANTED
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.words import counted
from crossres.reports.charts.files import FIXED, SETTINGS, checked_format, figure_bytes
from crossres.reports.charts.small_multiples import CM
from crossres.reports.wording import duration, metric_title

# Of the curves: those of Okabe and Ito (2008), which colour-blind readers tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
STYLES = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (4, 1.2, 1, 1.2)))  # as many as 7 has no factor of
SIZE = (18.0, 6.5)  # cm
DPI = 200  # of a PNG
STEPS = 120  # points of a curve
BEYOND = 1.2  # the drop at which curves end, times the one that the fewest seeds find


def power_figure(
    baseline: Baseline,
    noise: Sequence[Noise],
    sensitivities: Sequence[Sensitivity],
    limits: Limits,
    suffix: str,
) -> bytes:
    """Draw a PDF, PNG or SVG: a panel for a drop of all rows, and one for that of any one row.

    Of the first metric of `limits`, with a curve for each number of seeds in `sensitivities`, as
    `sensitivities` gives them. The same arguments give the same bytes. InputError for another
    suffix, and where no drop that is possible is found.
    """
    suffix = checked_format(suffix)
    metric = limits.metrics[0]
    drawn = [
        sensitivity
        for sensitivity in sensitivities
        if sensitivity.metric == metric and sensitivity.in_a_row is not None
    ]
    if not drawn:
        raise InputError("with so few seeds no possible drop is detectable; give more with --seeds")
    curves = _curves(drawn, baseline, noise, limits)
    with matplotlib.rc_context({**SETTINGS, **FIXED, "font.size": 8, "axes.titlesize": 8}):
        figure = Figure((SIZE[0] * CM, SIZE[1] * CM), layout="constrained")
        left, right = figure.subplots(1, 2, sharex=True, sharey=True)
        panels = ((left, "A drop in all rows", 0), (right, "A drop in any one row", 1))
        for axes, title, panel in panels:
            _draw(axes, drawn, *curves, panel)
            axes.set_title(title, loc="left")
            axes.set_xlabel(f"True drop of {metric_title(metric)}, points")
        left.set_ylabel("Detected, % of checks")
        figure.legend(
            *left.get_legend_handles_labels(),
            loc="outside right center",
            title="Seeds on each data set,\ntime on one core",
            alignment="left",
        )
        return figure_bytes(figure, suffix, DPI)


Points = NDArray[np.float64]


def _curves(
    sensitivities: Sequence[Sensitivity], baseline: Baseline, noise: Sequence[Noise], limits: Limits
) -> tuple[Points, list[Points]]:
    """Return drops (STEPS,), and the chances (STEPS, 2) to find them by number of seeds.

    The drops go up to one that all numbers find in any one row; the chances are those of all rows
    and of any one row, NaN where there is no such test.
    """
    least = max(sensitivity.in_a_row or 0.0 for sensitivity in sensitivities)
    drops = np.linspace(0.0, min(1.0, BEYOND * least), STEPS)
    return drops, [
        np.array(
            chances(baseline, noise, limits, sensitivity.metric, sensitivity.seeds, drops.tolist()),
            dtype=np.float64,
        )
        for sensitivity in sensitivities
    ]


def _draw(
    axes: Any,
    sensitivities: Sequence[Sensitivity],
    drops: Points,
    curves: Sequence[Points],
    panel: int,
) -> None:
    """Draw the curves of one panel."""
    for row, (sensitivity, curve) in enumerate(zip(sensitivities, curves, strict=True)):
        axes.plot(
            100 * drops, 100 * curve[:, panel],
            color=COLOURS[row % len(COLOURS)], linestyle=STYLES[row % len(STYLES)],
            linewidth=1.2,
            label=f"{counted(sensitivity.seeds, 'seed')}, {duration(sensitivity.seconds)}",
        )  # fmt: skip
    axes.axhline(100 * WANTED, color="0.4", linewidth=0.6)
    axes.set_xlim(0.0, 100 * drops[-1])
    axes.set_ylim(0, 101)
