"""`crossres run`."""

import argparse
from collections.abc import Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from crossres.answer import ANSWER_IS_NO, DONE, Answer, drawn
from crossres.arguments import (
    add_source,
    cache,
    command_parser,
    minutes,
    names,
    positive,
    seed,
    seeds,
    source,
    user_path,
)
from crossres.engines import add_engine, engine


def _run(options: argparse.Namespace) -> Answer:
    from crossres.benchmark import RunRequest, load_profile, load_table, plan_table

    table = load_table(options.table)
    chosen = options.profile or table.profile
    profile = load_profile(chosen, options.weights_dir)
    out = options.out or Path("results") / table.id
    request = RunRequest(
        table,
        out,
        source=source(options, profile.twin_size),
        profile=chosen,
        datasets=options.datasets,
        protocol=options.protocol,
        rows=options.rows,
        seeds=options.seeds,
        jobs=options.jobs,
        cache=cache(options),
        weights_dir=options.weights_dir,
        save_weights=options.save_weights,
        kernels=options.kernels,
        data_seed=options.data_seed,
        validation=options.validation,
        checkpoint_minutes=options.checkpoint_minutes,
    )
    with engine(options) as (chosen_engine, nodes):
        if options.dry_run:
            plan = plan_table(request, nodes=nodes)
            return Answer(_plan_json(plan), plan.lines())
        return _run_now(request, options, chosen_engine, nodes)


def _run_now(request: Any, options: argparse.Namespace, chosen_engine: Any, nodes: Any) -> Answer:
    from crossres.benchmark import run_table
    from crossres.benchmark.config.claims import load_claims
    from crossres.benchmark.records.kept import keep_claims
    from crossres.reports.tables.json import grids_json
    from crossres.reports.write import contents_of, print_contents, write_contents

    table, out = request.table, request.out
    if options.claims:
        keep_claims(out, options.claims.stem, load_claims(options.claims, [table]))
    summary = run_table(request, engine=chosen_engine, nodes=nodes)
    contents = contents_of(out, [table]) if summary.recorded else None
    written = write_contents(contents) if contents else []
    lines = chain(
        drawn(partial(print_contents, contents)) if contents else (),
        (f"wrote {path}" for path in written),
    )
    code = DONE if summary.complete else ANSWER_IS_NO
    content = _summary_json(summary, written)
    if options.json and contents:
        content["grids"] = grids_json(contents.grids)
    return Answer(content, lines, code)


def _plan_json(plan: Any) -> dict[str, Any]:
    cells = [
        {"key": c.job.key, "title": c.title, "state": c.state, "seconds": c.seconds}
        | ({"reason": c.reason, "log": str(plan.log(c))} if c.state == "failed before" else {})
        for c in plan.cells
    ]
    return {"table": plan.table.id, "jobs": plan.jobs, "seconds": plan.seconds, "cells": cells}


def _summary_json(summary: Any, written: Sequence[Path]) -> dict[str, Any]:
    return {
        "table": summary.plan.table.id,
        "out": str(summary.plan.out),
        "cells": [cell.job.key for cell in summary.plan.cells],
        "run_now": list(summary.finished),
        "run_elsewhere": list(summary.shared),
        "failures": [failure.as_json() for failure in summary.failures],
        "interrupted": summary.interrupted,
        "complete": summary.complete,
        "weights": str(summary.plan.out / "weights") if summary.plan.save_weights else None,
        "seconds": round(summary.seconds, 1),
        "written": [str(path) for path in written],
        "grids": [],
    }


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    run = command_parser(
        commands,
        "run",
        _run,
        "fill a result table: run every cell that has no record yet, then write the report",
        "crossres run table2\n"
        "crossres run table2 --datasets mlr-market,mlr-viper --data ~/reid --profile paper\n"
        "crossres run my_table.toml --rows 1,2 --seeds 0-9 --jobs 4 --out results/mine",
    )
    run.add_argument("table", metavar="TABLE", help="table2, or the path of a table file")
    run.add_argument(
        "--datasets", type=names, metavar="a,b", help="ids, or TRAIN:TEST (default: the table's)"
    )
    run.add_argument(
        "--protocol",
        metavar="NAME[options]",
        help="one protocol for all data sets (default: the table's, or each data set's)",
    )
    run.add_argument(
        "--validation",
        action="store_true",
        help="test on training identities held out for it, to choose options by",
    )
    run.add_argument(
        "--rows", type=names, metavar="a,b", help='labels, numbers from 1, or "oracle"'
    )
    run.add_argument("--seeds", type=seeds, metavar="0,1,2", help="(default: the table's)")
    run.add_argument(
        "--data-seed",
        type=seed,
        metavar="N",
        help="of the split and the twin for all cells (default: each cell's own seed)",
    )
    run.add_argument(
        "--jobs",
        type=positive,
        metavar="N",
        help="cells at once (default: one per core); never changes a result",
    )
    add_engine(run)
    run.add_argument(
        "--checkpoint-minutes",
        type=minutes,
        default=5.0,
        metavar="N",
        help="how often a long training is kept, to go on from when it is broken off (default: 5)",
    )
    run.add_argument(
        "--kernels",
        choices=("portable", "native"),
        default="portable",
        help="of cells on a CPU: portable (AVX2), or the fastest it has (default: portable)",
    )
    run.add_argument(
        "--claims",
        type=Path,
        metavar="FILE",
        help="keep the claims of this file with the results, for reports",
    )
    run.add_argument("--out", type=user_path, metavar="DIR", help="(default: results/TABLE)")
    run.add_argument(
        "--weights-dir",
        type=user_path,
        metavar="DIR",
        help="ImageNet weights, for machines that cannot download them",
    )
    run.add_argument(
        "--save-weights",
        action="store_true",
        help="keep the trained method of each cell, too, for `crossres embed`",
    )
    run.add_argument(
        "--dry-run", action="store_true", help="show the cells and the time they will take"
    )
    add_source(run)
    run.set_defaults(profile=None)  # then the table's own
