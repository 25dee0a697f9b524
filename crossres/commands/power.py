"""`crossres power`."""

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from crossres.answer import Answer, drawn
from crossres.arguments import command_parser, finite, named_tables, seeds, user_path
from crossres.commands.gate_options import add_again, add_common, latest_records, limits_of


def _power(options: argparse.Namespace) -> Answer:
    from crossres.benchmark.gate.power import noise_of, seeds_for, sensitivities
    from crossres.benchmark.records.kept import naming_tables
    from crossres.reports.gate.power import power_json, print_power

    baseline, limits = _baseline_at(options.results, options.again), limits_of(options)
    tables = named_tables(options) or naming_tables(options.results)
    noise = noise_of(baseline, tables, limits)
    drops = sensitivities(baseline, noise, limits, options.seeds)
    needed = seeds_for(baseline, noise, limits, options.drop / 100)
    if options.figure is not None:
        from crossres.datasets.base.files import write_atomically
        from crossres.reports.gate.power_figure import power_figure

        figure = power_figure(baseline, noise, drops, limits, options.figure.suffix)
        write_atomically(options.figure, figure)
    draw = partial(print_power, baseline, noise, drops, needed, options.drop, limits)
    return Answer(power_json(baseline, noise, drops, needed, limits), drawn(draw))


def _baseline_at(path: Path, repeats: list[Path]) -> Any:
    """Read a baseline file, or a results folder as one, with more runs of its cells."""
    from crossres.benchmark.gate.baseline import Baseline, read_baseline, with_runs

    baseline = read_baseline(path) if path.is_file() else Baseline(tuple(latest_records(path)))
    return with_runs(baseline, map(latest_records, repeats))


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    power = command_parser(
        commands,
        "power",
        _power,
        "how many seeds a gate needs to see a drop, and the computing time that they cost",
        "crossres power results/gate --drop 3\n"
        "crossres power baselines/gate.json --again results/other-machine --seeds 2-10",
    )
    power.add_argument(
        "results", type=user_path, metavar="RESULTS", help="a folder, or a baseline file"
    )
    add_again(power)
    power.add_argument(
        "--drop", type=finite, default=3.0, metavar="POINTS", help="to be seen (default: 3)"
    )
    power.add_argument(
        "--seeds", type=seeds, default=[2, 3, 4, 5, 6, 8, 10], metavar="2,3,4", help="to look at"
    )
    power.add_argument(
        "--figure",
        type=user_path,
        metavar="FILE",
        help="draw the chance of being found against the drop, too: a .pdf, .png or .svg",
    )
    add_common(power)
