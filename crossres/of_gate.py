"""`crossres baseline`, `crossres check` and `crossres power`."""

import argparse
import sys
from pathlib import Path
from typing import Any

from crossres.grammar import (
    ANSWER_IS_NO,
    DONE,
    UNUSABLE_INPUT,
    add_tables,
    command,
    finite,
    named_tables,
    names,
    place,
    print_content,
    print_json,
    seeds,
)

NAMES_ROWS = (
    "names the rows: a table, or a table file (default: those that RESULTS keeps, and the built-in)"
)


def _baseline(options: argparse.Namespace) -> int:
    from benchmark import read_records
    from benchmark.baselines import Baseline, to_baseline, with_runs
    from datasets.files import write_atomically

    records = tuple(_of_tables(read_records(options.results), options))
    baseline = with_runs(Baseline(records), map(read_records, options.again))
    content = to_baseline(baseline)
    if options.out is None:
        print_content(content)
        return DONE
    write_atomically(options.out, content)
    cells, runs = len(baseline.records), 1 + len(baseline.again)
    if options.json:
        print_json({"written": str(options.out), "cells": cells, "runs": runs})
    else:
        print(f"wrote {options.out}: {cells} cells, {runs} run{'s' if runs > 1 else ''} of each")
    return DONE


def _of_tables(records: Any, options: argparse.Namespace) -> Any:
    """The records of the tables that are named, else of those that the folder keeps, else all."""
    from benchmark.kept import kept_tables
    from benchmark.matching import belonging

    tables = named_tables(options) or kept_tables(options.results)
    chosen = belonging(records, tables) if tables else records
    if len(chosen) < len(records):
        left = f"{len(records) - len(chosen)} of {len(records)} records"
        print(f"crossres: left out {left}, which belong to none of its tables", file=sys.stderr)
    return chosen


def _limits(options: argparse.Namespace, **more: Any) -> Any:
    from benchmark.limits import Limits

    return Limits(metrics=tuple(options.metrics), false_alarms=options.false_alarms / 100, **more)


def _check(options: argparse.Namespace) -> int:
    from rich.console import Console

    from datasets.files import write_atomically
    from reports.gate import gate_json, hold_gate, print_gate, to_annotations, to_junit, to_summary

    limits = _limits(
        options,
        tolerance=None if options.tolerance is None else options.tolerance / 100,
        gains=not options.allow_gains,
        training=not options.allow_training,
        exact=options.exact,
        time=options.time,
        memory=options.memory,
        other_seeds=options.other_seeds,
        must_find=options.must_find / 100,
    )
    gate = hold_gate(options.results, options.baseline, named_tables(options), limits)
    for path, content in ((options.junit, to_junit), (options.summary, to_summary)):
        if path is not None:
            write_atomically(path, content(gate))
    if options.json:
        print_json(gate_json(gate))
    else:
        print_gate(gate, Console())
        if options.annotations:
            print(*to_annotations(gate), sep="\n")
    codes = {"passed": DONE, "failed": ANSWER_IS_NO, "unusable": UNUSABLE_INPUT}
    return codes[gate.check.answer]


def _power(options: argparse.Namespace) -> int:
    from rich.console import Console

    from benchmark.kept import naming_tables
    from benchmark.sensitivity import noise_of, seeds_for, sensitivities
    from reports.power import power_json, print_power

    baseline, limits = _baseline_at(options.results, options.again), _limits(options)
    tables = named_tables(options) or naming_tables(options.results)
    noise = noise_of(baseline, tables, limits)
    found = sensitivities(baseline, noise, limits, options.seeds)
    needed = seeds_for(baseline, noise, limits, options.drop / 100)
    if options.figure is not None:
        from datasets.files import write_atomically
        from reports.power_figure import power_figure

        figure = power_figure(baseline, noise, found, limits, options.figure.suffix)
        write_atomically(options.figure, figure)
    if options.json:
        print_json(power_json(baseline, noise, found, needed, limits))
    else:
        print_power(baseline, noise, found, needed, options.drop, limits, Console())
    return DONE


def _baseline_at(place: Path, again: list[Path]) -> Any:
    """A baseline file, or a results folder as one, with more runs of its cells."""
    from benchmark import read_records
    from benchmark.baselines import Baseline, read_baseline, with_runs

    found = read_baseline(place) if place.is_file() else Baseline(tuple(read_records(place)))
    return with_runs(found, map(read_records, again))


def _add_common(parser: argparse.ArgumentParser) -> None:
    add_tables(parser, NAMES_ROWS)
    parser.add_argument(
        "--metrics",
        type=names,
        default=["mAP", "rank1"],
        metavar="a,b",
        help="(default: mAP,rank1)",
    )
    parser.add_argument(
        "--false-alarms",
        type=finite,
        default=1.0,
        metavar="PERCENT",
        help="of checks of results that are as good as the baseline's (default: 1)",
    )


def _add_again(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--again",
        type=place,
        action="append",
        default=[],
        metavar="OTHER",
        help="the same cells, run again where it should make no difference: how much results "
        "scatter is measured (may be given several times)",
    )


def _add_baseline(commands: Any) -> None:
    baseline = command(
        commands,
        "baseline",
        _baseline,
        "make of a results folder the file that `crossres check` holds later results against",
        "crossres baseline results/gate > baselines/gate.json\n"
        "crossres baseline results/gate --again results/other-machine --out baselines/gate.json",
    )
    baseline.add_argument("results", type=place, metavar="RESULTS")
    add_tables(baseline, NAMES_ROWS)
    _add_again(baseline)
    baseline.add_argument(
        "--out", type=place, metavar="FILE", help="(default: print it, for `> FILE`)"
    )


def _add_check(commands: Any) -> None:
    check = command(
        commands,
        "check",
        _check,
        "the gate for CI: are these results what the baseline says, up to chance?",
        "crossres check results/gate --baseline baselines/gate.json\n"
        "crossres check results/gate --baseline baselines/gate.json --junit gate.xml "
        "--summary gate.md",
    )
    check.add_argument("results", type=place, metavar="RESULTS")
    check.add_argument("--baseline", type=place, required=True, metavar="FILE")
    _add_common(check)
    check.add_argument(
        "--must-find",
        type=float,
        default=3.0,
        metavar="POINTS",
        help="pass only where a true drop of this size, in the first of the metrics, would be "
        "found in four cases of five, of all rows and of each; else the check is unusable and "
        "exits with 2 (default: 3)",
    )
    check.add_argument(
        "--tolerance",
        type=finite,
        metavar="POINTS",
        help="a row whose mean drops by more fails, whatever chance could explain",
    )
    check.add_argument(
        "--allow-gains", action="store_true", help="results may be better beyond chance"
    )
    check.add_argument(
        "--allow-training",
        action="store_true",
        help="training may begin with other losses",
    )
    check.add_argument(
        "--exact", action="store_true", help="all must be equal to the bit (on the same platform)"
    )
    check.add_argument(
        "--other-seeds",
        action="store_true",
        help="the results have other seeds than the baseline: compare them unpaired",
    )
    for name in ("time", "memory"):
        check.add_argument(
            f"--{name}", type=finite, metavar="RATIO", help=f"the most {name}, times the baseline's"
        )
    check.add_argument("--junit", type=place, metavar="FILE", help="write JUnit XML, too")
    check.add_argument("--summary", type=place, metavar="FILE", help="write Markdown, too")
    check.add_argument(
        "--annotations", action="store_true", help="print findings as GitHub Actions shows them"
    )


def _add_power(commands: Any) -> None:
    power = command(
        commands,
        "power",
        _power,
        "how many seeds a gate needs to see a drop, and the computing time that they cost",
        "crossres power results/gate --drop 3\n"
        "crossres power baselines/gate.json --again results/other-machine --seeds 2-10",
    )
    power.add_argument(
        "results", type=place, metavar="RESULTS", help="a folder, or a baseline file"
    )
    _add_again(power)
    power.add_argument(
        "--drop", type=finite, default=3.0, metavar="POINTS", help="to be seen (default: 3)"
    )
    power.add_argument(
        "--seeds", type=seeds, default=[2, 3, 4, 5, 6, 8, 10], metavar="2,3,4", help="to look at"
    )
    power.add_argument(
        "--figure",
        type=place,
        metavar="FILE",
        help="draw the chance of being found against the drop, too: a .pdf, .png or .svg",
    )
    _add_common(power)


def add_gate(commands: Any) -> None:
    """Add the three commands."""
    _add_baseline(commands)
    _add_check(commands)
    _add_power(commands)
