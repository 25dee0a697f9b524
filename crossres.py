"""The roof: the command line `crossres`, and the one door for other people's code.

`from crossres import Method, check_method, evaluate, ...`; a name is loaded when first asked for.
"""

import argparse
import importlib
import importlib.util
import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

_DOOR = {
    "InputError": "datasets",
    "Manifest": "datasets",
    "PixelStore": "datasets",
    "Source": "datasets",
    "build_manifest": "datasets",
    "draw_twin": "datasets",
    "open_raw": "datasets",
    "open_store": "datasets",
    "Method": "methods",
    "Profile": "methods",
    "Run": "methods",
    "TrainSet": "methods",
    "check_method": "methods",
    "method_class": "methods",
    "method_names": "methods",
    "Record": "benchmark",
    "evaluate": "benchmark",
    "load_profile": "benchmark",
    "load_table": "benchmark",
    "read_records": "benchmark",
    "run_table": "benchmark",
    "write_report": "reports",
}
__all__ = sorted([*_DOOR, "main"])

DONE, ANSWER_IS_NO, UNUSABLE_INPUT = 0, 1, 2


def __getattr__(name: str) -> Any:
    if name not in _DOOR:
        raise AttributeError(f"module 'crossres' has no attribute {name!r}")
    _check_rooms()
    return getattr(importlib.import_module(_DOOR[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_DOOR])


def _check_rooms() -> None:
    """Find a foreign package under the name of one of our rooms before it is imported."""
    here = Path(__file__).resolve().parent
    for room in ("datasets", "methods", "benchmark", "reports"):
        spec = importlib.util.find_spec(room)
        origin = Path(spec.origin).resolve() if spec and spec.origin else None
        if origin is None or origin.parent.parent != here or not _is_ours(origin):
            sys.exit(
                f"crossres: the package {room!r} found at {origin or 'no place'} is not "
                "crossres's own; another package of that name is installed. Install crossres in "
                "an environment of its own: python -m venv .venv && .venv/bin/pip install crossres"
            )


def _is_ours(origin: Path) -> bool:
    return b" room" in origin.read_bytes()[:200]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns 0 (done), 1 (ran, the answer is no) or 2 (unusable input)."""
    logging.basicConfig(format="crossres: %(message)s", level=logging.WARNING)
    _check_rooms()
    from datasets import InputError

    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except InputError as error:
        print(f"crossres: {error}", file=sys.stderr)
        return UNUSABLE_INPUT
    except KeyboardInterrupt:
        print("crossres: interrupted; nothing half-written is left", file=sys.stderr)
        return ANSWER_IS_NO
    except BrokenPipeError:
        # The reader of our output went away (`crossres ... | head`): that is its good right.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


# --- datasets -------------------------------------------------------------------------------------


def _datasets_list(options: argparse.Namespace) -> int:
    from dataclasses import asdict

    from datasets import CARDS

    if options.json:
        _print_json({"datasets": [asdict(card) for card in CARDS.values()]})
        return DONE
    for card in CARDS.values():
        print(f"{card.id:12} {card.title:16} protocol {card.protocol:11} raw folder {card.folder}")
    return DONE


def _datasets_build(options: argparse.Namespace) -> int:
    from benchmark import load_profile
    from datasets import build_manifest, open_raw, open_store

    profile = load_profile(options.profile)
    raw = open_raw(options.dataset, _source(options, profile.twin_size), _cache(options))
    options.out.mkdir(parents=True, exist_ok=True)
    built: list[dict[str, Any]] = []
    for seed in options.seeds:
        manifest = build_manifest(raw, options.protocol, seed)
        path = options.out / f"{manifest.dataset}-{manifest.protocol}-seed{seed}.csv"
        manifest.write(path)
        store = open_store(raw, manifest, profile.height, profile.width, _cache(options))
        counts = manifest.table.groupby("split", sort=True).size().to_dict()
        built.append(
            {
                "manifest": str(path),
                "digest": manifest.digest,
                "pixels": store.digest,
                "source": raw.source,
                "images": {split: int(count) for split, count in counts.items()},
                "notes": list(manifest.notes),
            }
        )
    if options.json:
        _print_json({"built": built})
        return DONE
    for entry in built:
        print(
            f"wrote {entry['manifest']}: {entry['images']}, digest {entry['digest'][:12]}, "
            f"pixels {entry['pixels'][:12]}, source {entry['source']}"
        )
        for note in entry["notes"]:
            print(f"  note: {note}")
    return DONE


def _datasets_twin(options: argparse.Namespace) -> int:
    from datasets import draw_twin

    draw_twin(options.dataset, options.out, options.size)
    if options.json:
        _print_json({"dataset": options.dataset, "size": options.size, "folder": str(options.out)})
    else:
        print(f"wrote the {options.size} twin of {options.dataset} to {options.out}")
    return DONE


# --- methods --------------------------------------------------------------------------------------


def _methods_list(options: argparse.Namespace) -> int:
    from methods import method_class, method_names

    found = [method_class(name) for name in method_names()]
    if options.json:
        _print_json(
            {
                "methods": [
                    {
                        "name": cls.name,
                        "title": cls.title,
                        "grade": cls.grade,
                        "needs_rate": cls.needs_rate,
                        "reference": cls.reference,
                    }
                    for cls in found
                ]
            }
        )
        return DONE
    for cls in found:
        print(f"{cls.name:10} {cls.title} ({cls.grade}). {cls.reference}")
    return DONE


def _methods_check(options: argparse.Namespace) -> int:
    from methods import MethodCheckError, check_method

    try:
        checks = check_method(options.method)
    except MethodCheckError as error:
        if options.json:
            _print_json({"method": options.method, "passed": False, "reason": str(error)})
        else:
            print(f"{options.method} does not conform: {error}")
        return ANSWER_IS_NO
    if options.json:
        _print_json({"method": options.method, "passed": True, "checks": checks})
    else:
        print(f"{options.method} conforms: {', '.join(checks)}")
    return DONE


# --- run, report, evaluate ------------------------------------------------------------------------


def _run(options: argparse.Namespace) -> int:
    from benchmark import load_profile, load_table, plan_table, run_table
    from reports import print_table, write_report

    table = load_table(options.table)
    profile = load_profile(options.profile, options.weights_dir)
    out = options.out or Path("results") / table.id
    arguments: dict[str, Any] = {
        "out": out,
        "source": _source(options, profile.twin_size),
        "profile": options.profile,
        "datasets": options.datasets,
        "rows": options.rows,
        "seeds": options.seeds,
        "jobs": options.jobs,
        "cache": _cache(options),
        "weights_dir": options.weights_dir,
    }
    if options.dry_run:
        plan = plan_table(table, **arguments)
        if options.json:
            _print_json(_plan_json(plan))
        else:
            print(*plan.lines(), sep="\n")
        return DONE
    summary = run_table(table, **arguments)
    kept = len(summary.plan.cells) - len(summary.plan.todo) + len(summary.finished)
    written = write_report(out, [table]) if kept else []
    if options.json:
        _print_json(_summary_json(summary, written))
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
        "seconds": round(summary.seconds, 1),
        "written": [str(path) for path in written],
    }


def _report(options: argparse.Namespace) -> int:
    from benchmark import load_table
    from reports import print_table, write_report

    tables = [load_table(name) for name in options.table] if options.table else None
    written = write_report(options.results, tables)
    if options.json:
        _print_json({"written": [str(path) for path in written]})
        return DONE
    print_table(options.results, tables)
    for path in written:
        print(f"wrote {path}")
    return DONE


def _evaluate(options: argparse.Namespace) -> int:
    from benchmark import evaluate_features

    metrics = evaluate_features(
        options.features, options.metric, options.same_camera, options.gallery
    )
    if options.json:
        _print_json(metrics)
        return DONE
    for name, value in metrics.items():
        print(f"{name:14} {value if name == 'valid_queries' else f'{100 * value:.2f} %'}")
    return DONE


# --- shared by the commands -----------------------------------------------------------------------


def _print_json(content: dict[str, Any]) -> None:
    print(json.dumps(content, indent=1, allow_nan=False))


def _source(options: argparse.Namespace, twin_size: str) -> Any:
    from datasets import Source

    return Source(root=options.data, size=twin_size)


def _cache(options: argparse.Namespace) -> Path:
    from datasets import default_cache

    return options.cache or default_cache()


# --- the grammar of the command line --------------------------------------------------------------


def _names(text: str) -> list[str]:
    """ "a,b" -> ["a", "b"]."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise argparse.ArgumentTypeError("expected one or more names with commas between them")
    return names


def _seeds(text: str) -> list[int]:
    """ "0,1,2" or "0-4" -> integers."""
    seeds: list[int] = []
    try:
        for part in _names(text):
            first, _, last = part.partition("-")
            seeds += range(int(first), int(last or first) + 1)
    except ValueError:
        seeds = []
    if not seeds:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of seeds such as 0,1,2 or 0-4")
    return seeds


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="crossres",
        description="Cross-resolution person re-identification under one protocol: build MLR data, "
        "run methods, fill result tables, evaluate embeddings.",
        epilog="exit codes: 0 done; 1 ran, and the answer is no (a failed cell); 2 unusable input",
    )
    parser.add_argument("--version", action="version", version=f"crossres {_version()}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_datasets(commands)
    _add_methods(commands)
    _add_run(commands)
    _add_report(commands)
    _add_evaluate(commands)
    return parser


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("crossres")
    except PackageNotFoundError:
        return "from a source tree"


def _command(
    commands: Any, name: str, command: Callable[[argparse.Namespace], int], about: str, example: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=about,
        description=about[0].upper() + about[1:] + ".",
        epilog="example:\n  " + example.replace("\n", "\n  "),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    parser.set_defaults(command=command)
    return parser


def _group(commands: Any, name: str, about: str) -> Any:
    parser = commands.add_parser(name, help=about, description=about[0].upper() + about[1:] + ".")
    return parser.add_subparsers(title="commands", required=True, metavar="COMMAND")


def _add_source(parser: argparse.ArgumentParser) -> None:
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--data",
        type=Path,
        metavar="ROOT",
        help="the folder that holds the raw folders, or one raw folder",
    )
    where.add_argument(
        "--source",
        choices=["twin"],
        default="twin",
        help="without --data: drawn data in the layout of the real sets (default)",
    )
    parser.add_argument(
        "--profile",
        default="quick",
        metavar="NAME|FILE",
        help="smoke, quick (default), paper, or the path of a profile file",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="twins and pixel stores (default: $CROSSRES_CACHE, else ~/.cache/crossres)",
    )


def _add_datasets(commands: Any) -> None:
    group = _group(commands, "datasets", "list data sets, build manifests and pixels, draw twins")
    _command(group, "list", _datasets_list, "list the data sets", "crossres datasets list")
    build = _command(
        group,
        "build",
        _datasets_build,
        "build the manifests and pixel stores of a data set",
        "crossres datasets build mlr-market --data ~/reid --seeds 0-9 --out manifests",
    )
    build.add_argument("dataset", metavar="NAME")
    build.add_argument("--protocol", help="mlr-sing, mlr-perid, ... (default: the data set's)")
    build.add_argument("--seeds", type=_seeds, default=[0], metavar="0,1,2")
    build.add_argument("--out", type=Path, default=Path("manifests"), metavar="DIR")
    _add_source(build)
    twin = _command(
        group,
        "twin",
        _datasets_twin,
        "draw the twin of a data set in its raw layout",
        "crossres datasets twin mlr-viper --size tiny --out raw",
    )
    twin.add_argument("dataset", metavar="NAME")
    twin.add_argument("--size", default="quick", help="quick (default) or tiny")
    twin.add_argument("--out", type=Path, required=True, metavar="DIR")


def _add_methods(commands: Any) -> None:
    group = _group(commands, "methods", "list methods, check that one conforms")
    _command(group, "list", _methods_list, "list the methods", "crossres methods list")
    check = _command(
        group,
        "check",
        _methods_check,
        "check that a method, ours or a plug-in's, keeps the promises of the interface",
        "crossres methods check msifla",
    )
    check.add_argument("method", metavar="NAME")


def _add_run(commands: Any) -> None:
    run = _command(
        commands,
        "run",
        _run,
        "fill a result table: run every cell that has no record yet, then write the report",
        "crossres run table2\n"
        "crossres run table2 --datasets mlr-market,mlr-viper --data ~/reid --profile paper\n"
        "crossres run my_table.toml --rows 1,2 --seeds 0-9 --jobs 4 --out results/mine",
    )
    run.add_argument("table", metavar="TABLE", help="table2, or the path of a table file")
    run.add_argument("--datasets", type=_names, metavar="a,b", help="(default: the table's)")
    run.add_argument("--rows", type=_names, metavar="a,b", help="labels or numbers from 1")
    run.add_argument("--seeds", type=_seeds, metavar="0,1,2", help="(default: the table's)")
    run.add_argument(
        "--jobs",
        type=_positive,
        metavar="N",
        help="cells at once (default: one per core); never changes a result",
    )
    run.add_argument("--engine", choices=["local"], default="local", help="where the cells run")
    run.add_argument("--out", type=Path, metavar="DIR", help="(default: results/TABLE)")
    run.add_argument(
        "--weights-dir",
        type=Path,
        metavar="DIR",
        help="ImageNet weights, for machines that cannot download them",
    )
    run.add_argument(
        "--dry-run", action="store_true", help="show the cells and the time they will take"
    )
    _add_source(run)


def _add_report(commands: Any) -> None:
    report = _command(
        commands,
        "report",
        _report,
        "write the HTML, LaTeX, CSV and Markdown of a results folder",
        "crossres report results/table2",
    )
    report.add_argument("results", type=Path, metavar="RESULTS")
    report.add_argument(
        "--table",
        action="append",
        metavar="TABLE",
        help="only this table, or a table file (default: each that has records)",
    )


def _add_evaluate(commands: Any) -> None:
    evaluate = _command(
        commands,
        "evaluate",
        _evaluate,
        "measure embeddings from any code base: CMC, mAP, mINP",
        "crossres evaluate features.npz --metric cosine --json",
    )
    evaluate.add_argument(
        "features",
        type=Path,
        metavar="FEATURES.npz",
        help="query_features, gallery_features, query_pids, gallery_pids, "
        "query_camids, gallery_camids; gallery pid -1 is junk",
    )
    evaluate.add_argument("--metric", choices=["euclidean", "cosine"], default="euclidean")
    evaluate.add_argument(
        "--same-camera",
        choices=["drop", "keep"],
        default="drop",
        help="gallery images of the query's own identity and camera",
    )
    evaluate.add_argument(
        "--gallery",
        choices=["multi-shot", "single-shot"],
        default="multi-shot",
        help="the whole gallery, or the exact expectation over drawing one image per identity",
    )


if __name__ == "__main__":
    sys.exit(main())
