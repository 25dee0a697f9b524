"""`crossres run`, `crossres report`, `crossres claims` and `crossres evaluate`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from crossres.grammar import (
    ANSWER_IS_NO,
    DONE,
    add_source,
    add_tables,
    cache,
    command,
    named_tables,
    names,
    place,
    positive,
    print_json,
    seed,
    seeds,
    source,
)


def _run(options: argparse.Namespace) -> int:
    from benchmark import load_profile, load_table, plan_table, run_table
    from benchmark.claims import load_claims
    from benchmark.kept import keep_claims
    from reports import print_table, write_report

    table = load_table(options.table)
    chosen = options.profile or table.profile
    profile = load_profile(chosen, options.weights_dir)
    out = options.out or Path("results") / table.id
    arguments: dict[str, Any] = {
        "out": out,
        "source": source(options, profile.twin_size),
        "profile": chosen,
        "datasets": options.datasets,
        "protocol": options.protocol,
        "rows": options.rows,
        "seeds": options.seeds,
        "jobs": options.jobs,
        "cache": cache(options),
        "weights_dir": options.weights_dir,
        "save_weights": options.save_weights,
    }
    if options.dry_run:
        plan = plan_table(table, **arguments)
        if options.json:
            print_json(_plan_json(plan))
        else:
            print(*plan.lines(), sep="\n")
        return DONE
    if options.claims:
        keep_claims(out, options.claims.stem, load_claims(options.claims, [table]))
    summary = run_table(table, **arguments)
    kept = len(summary.plan.cells) - len(summary.plan.todo) + len(summary.finished)
    written = write_report(out, [table]) if kept else []
    if options.json:
        print_json(_summary_json(summary, written))
    else:
        if kept:
            print_table(out, [table])
        for path in written:
            print(f"wrote {path}")
    return DONE if summary.complete else ANSWER_IS_NO


def _plan_json(plan: Any) -> dict[str, Any]:
    cells = [
        {"key": c.job.key, "title": c.title, "state": c.state, "seconds": c.seconds}
        for c in plan.cells
    ]
    return {"table": plan.table.id, "jobs": plan.jobs, "seconds": plan.seconds, "cells": cells}


def _summary_json(summary: Any, written: Sequence[Path]) -> dict[str, Any]:
    failures = [
        {"key": f.cell.job.key, "title": f.cell.title, "reason": f.reason, "log": str(f.log)}
        for f in summary.failures
    ]
    return {
        "table": summary.plan.table.id,
        "out": str(summary.plan.out),
        "cells": [cell.job.key for cell in summary.plan.cells],
        "run_now": list(summary.finished),
        "failures": failures,
        "interrupted": summary.interrupted,
        "complete": summary.complete,
        "weights": str(summary.plan.out / "weights") if summary.plan.save_weights else None,
        "seconds": round(summary.seconds, 1),
        "written": [str(path) for path in written],
    }


def _report(options: argparse.Namespace) -> int:
    from reports import print_table, write_report

    tables = named_tables(options)
    if options.against:
        return _against(options, tables)
    written = write_report(options.results, tables)
    if options.json:
        print_json({"written": [str(path) for path in written]})
        return DONE
    print_table(options.results, tables)
    for path in written:
        print(f"wrote {path}")
    return DONE


def _against(options: argparse.Namespace, tables: Any) -> int:
    from rich.console import Console

    from reports.against import against_json, hold_against, print_against, write_against

    held = hold_against(options.results, options.against, tables)
    written = write_against(options.results, held)
    if options.json:
        print_json(against_json(held) | {"written": [str(written)]})
    else:
        print_against(held, Console())
        print(f"wrote {written}")
    return DONE


def _claims(options: argparse.Namespace) -> int:
    from rich.console import Console

    from benchmark import read_records
    from benchmark.claims import load_claims
    from benchmark.kept import claims_of, kept_tables
    from benchmark.sampling import FromArtifacts
    from reports.claims import claims_json, grids_of, hold_claims, print_claims

    records, queries = read_records(options.results), FromArtifacts(options.results)
    if options.claims:
        claims = load_claims(options.claims, kept_tables(options.results))
    else:
        claims = claims_of(options.results)
    held = hold_claims(grids_of(claims, records, queries), claims)
    if options.json:
        print_json({"results": claims_json(held)})
    elif held:
        print_claims(held, Console())
    else:
        partial = any(record.cell.source == "partial" for record in records)
        why = "; partial data is not the data that claims are about" if partial else ""
        print(f"none of the claims is about the records in this folder{why}")
    return DONE


def _evaluate(options: argparse.Namespace) -> int:
    from benchmark import Rules, evaluate_features

    rules = Rules(
        gallery=options.gallery,
        same_camera=options.same_camera,
        separate_cameras=options.separate_cameras,
        ap=options.ap,
        ties=options.ties,
        repetitions=options.repetitions,
        seed=options.seed,
        self_matches=options.self_matches,
    )
    found = evaluate_features(options.features, options.metric, rules)
    for note in found.notes:
        print(f"note: {note}", file=sys.stderr)
    if options.json:
        print_json({**found.metrics, "notes": list(found.notes)})
        return DONE
    for name, value in found.metrics.items():
        print(f"{name:20} {value if isinstance(value, int) else f'{100 * value:.2f} %'}")
    return DONE


def _add_run(commands: Any) -> None:
    run = command(
        commands,
        "run",
        _run,
        "fill a result table: run every cell that has no record yet, then write the report",
        "crossres run table2\n"
        "crossres run table2 --datasets mlr-market,mlr-viper --data ~/reid --profile paper\n"
        "crossres run my_table.toml --rows 1,2 --seeds 0-9 --jobs 4 --out results/mine",
    )
    run.add_argument("table", metavar="TABLE", help="table2, or the path of a table file")
    run.add_argument("--datasets", type=names, metavar="a,b", help="(default: the table's)")
    run.add_argument(
        "--protocol",
        metavar="NAME[options]",
        help="one protocol for all data sets (default: the table's, or each data set's)",
    )
    run.add_argument("--rows", type=names, metavar="a,b", help="labels or numbers from 1")
    run.add_argument("--seeds", type=seeds, metavar="0,1,2", help="(default: the table's)")
    run.add_argument(
        "--jobs",
        type=positive,
        metavar="N",
        help="cells at once (default: one per core); never changes a result",
    )
    run.add_argument(
        "--claims",
        type=Path,
        metavar="FILE",
        help="keep the claims of this file with the results, for reports",
    )
    run.add_argument("--engine", choices=["local"], default="local", help="where the cells run")
    run.add_argument("--out", type=place, metavar="DIR", help="(default: results/TABLE)")
    run.add_argument(
        "--weights-dir",
        type=place,
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


def _add_report(commands: Any) -> None:
    report = command(
        commands,
        "report",
        _report,
        "write the HTML, LaTeX, CSV and Markdown of a results folder, or compare it with another",
        "crossres report results/table2\ncrossres report results/table2 --against again",
    )
    report.add_argument("results", type=place, metavar="RESULTS")
    add_tables(report, "only this table, or a table file (default: those that RESULTS keeps)")
    report.add_argument(
        "--against",
        type=place,
        metavar="OTHER",
        help="only compare: are the cells of OTHER the same, what differs, and by how much",
    )


def _add_claims(commands: Any) -> None:
    claims = command(
        commands,
        "claims",
        _claims,
        "hold what the paper says about its results against the records of a folder",
        "crossres claims results/table2\ncrossres claims results/mine --claims my_claims.toml",
    )
    claims.add_argument("results", type=place, metavar="RESULTS")
    claims.add_argument(
        "--claims",
        metavar="NAME",
        default="",
        help="the path of a claims file, or ablations (default: the MSIFLA paper's, and those that "
        "RESULTS keeps)",
    )


def _add_evaluate(commands: Any) -> None:
    evaluate = command(
        commands,
        "evaluate",
        _evaluate,
        "measure embeddings from any code base: CMC, mAP, mINP",
        "crossres evaluate features.npz --metric cosine --json\n"
        "crossres evaluate features.npz --gallery shared --repetitions 100",
    )
    evaluate.add_argument(
        "features",
        type=place,
        metavar="FEATURES.npz",
        help="query_features, gallery_features, query_pids, gallery_pids, "
        "query_camids, gallery_camids; gallery pid -1 is junk, camid -1 an unknown camera",
    )
    evaluate.add_argument("--metric", choices=["euclidean", "cosine"], default="euclidean")
    evaluate.add_argument(
        "--same-camera",
        choices=["drop", "keep"],
        default="drop",
        help="gallery images of the query's own identity and camera",
    )
    evaluate.add_argument(
        "--self-matches",
        choices=["auto", "drop", "keep"],
        default="auto",
        help="gallery rows of the query's own identity whose features are the query's to the bit "
        "(default: dropped where no camera is known, or all are kept)",
    )
    evaluate.add_argument(
        "--gallery",
        choices=["multi-shot", "single-shot", "shared"],
        default="multi-shot",
        help="the whole gallery, the exact expectation over drawing one image per identity, or the "
        "mean over drawn galleries that all queries share",
    )
    evaluate.add_argument(
        "--repetitions", type=positive, default=100, metavar="N", help="drawn galleries of shared"
    )
    evaluate.add_argument(
        "--seed", type=seed, default=0, metavar="N", help="of the drawn galleries (default: 0)"
    )
    evaluate.add_argument(
        "--separate-cameras",
        action="store_true",
        help="drop every gallery image of the query's camera (old CUHK03 evaluation)",
    )
    evaluate.add_argument(
        "--ap",
        choices=["standard", "trapezoid"],
        default="standard",
        help="average precision: non-interpolated, or as the original Market-1501 evaluation",
    )
    evaluate.add_argument(
        "--ties",
        choices=["order", "half"],
        default="order",
        help="equal distances: by gallery order, or as half a win (single-shot only)",
    )


def add_results(commands: Any) -> None:
    """Add the four commands."""
    _add_run(commands)
    _add_report(commands)
    _add_claims(commands)
    _add_evaluate(commands)
