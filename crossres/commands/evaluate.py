"""`crossres evaluate`."""

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossres.answer import UNUSABLE_INPUT, Answer
from crossres.arguments import command_parser, positive, seed, user_path

if TYPE_CHECKING:
    from crossres.benchmark.metrics.evaluation import Evaluation
    from crossres.benchmark.metrics.rules import Rules


def _evaluate(options: argparse.Namespace) -> Answer:
    from crossres.benchmark.compare.evaluations import compare_features
    from crossres.benchmark.metrics.evaluate import evaluate_features
    from crossres.benchmark.metrics.evaluation_files import check_places, write_answer, write_table
    from crossres.datasets.base.progress import progress
    from crossres.reports.evaluation import lines_of, lines_of_pair

    check_places([file for file in (options.out, options.per_query) if file])
    how = options.metric, _rules(options)
    with progress("evaluating", name="queries") as report:
        if options.against is None:
            evaluation = evaluate_features(options.features, *how, report, options.device)
            content, columns = _content(options.features, evaluation), evaluation.per_query.columns
            lines, notes = lines_of(evaluation), evaluation.notes
        else:
            both = options.features, options.against
            pair = compare_features(*both, *how, report, options.device)
            against = {"features": str(options.against), **pair.as_dict()}
            content = {**_content(options.features, pair.a), "against": against}
            columns, lines = pair.columns, lines_of_pair(pair, *map(str, both))
            notes = (*_of("A", pair.a), *_of("B", pair.b))
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    faults: list[str | None] = []
    if options.out:
        faults.append(_fault(options.out, partial(write_answer, answer=content)))
    if options.per_query:
        faults.append(_fault(options.per_query, partial(write_table, columns=columns())))
    if not any(faults):
        return Answer(content, lines)
    error = {"error": "; ".join(filter(None, faults)), "exit_code": UNUSABLE_INPUT}
    return Answer({**content, **error}, lines, UNUSABLE_INPUT)


def _rules(options: argparse.Namespace) -> "Rules":
    from crossres.benchmark.metrics.rules import Rules

    return Rules(
        gallery=options.gallery,
        same_camera=options.same_camera,
        separate_cameras=options.separate_cameras,
        ap=options.ap,
        ties=options.ties,
        repetitions=options.repetitions,
        seed=options.seed,
        self_matches=options.self_matches,
    )


def _of(name: str, evaluation: "Evaluation") -> list[str]:
    return [f"{name}: {note}" for note in evaluation.notes]


def _content(features: Path, evaluation: "Evaluation") -> dict[str, Any]:
    from crossres.datasets.base.version import own_version

    return {**evaluation.as_dict(), "features": str(features), "version": own_version()}


def _fault(file: Path, write: Callable[[Path], None]) -> str | None:
    """Write a file; where that fails, say and return why: the answer is printed all the same."""
    from crossres.datasets.base.errors import InputError

    try:
        write(file)
    except InputError as error:
        print(f"crossres: {error}", file=sys.stderr)
        return str(error)
    print(f"wrote {file}", file=sys.stderr)
    return None


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    evaluate = command_parser(
        commands,
        "evaluate",
        _evaluate,
        "measure embeddings from any code base: CMC, mAP, mINP",
        "crossres evaluate features.npz --metric cosine --json\n"
        "crossres evaluate features.npz --gallery shared --repetitions 100\n"
        "crossres evaluate pytorch_result.mat --out answer.json --per-query queries.csv\n"
        "crossres evaluate plain.npz --against ours.safetensors",
    )
    evaluate.add_argument(
        "features",
        type=user_path,
        metavar="FEATURES",
        help=".npz, .mat, HDF5, safetensors or a folder of .npy files: query_features, "
        "gallery_features, query_pids, gallery_pids, query_camids, gallery_camids (gallery pid -1 "
        "is junk, camid -1 an unknown camera; ids may be texts), query_rates if they are known; or "
        "as torchreid, fast-reid and others name them (qf, gf, q_pids, query_label, ...)",
    )
    evaluate.add_argument(
        "--against",
        type=user_path,
        metavar="FEATURES",
        help="others of the same queries and gallery (B): by how much their metrics differ from "
        "these (A), with intervals, and which queries are rescued and broken",
    )
    evaluate.add_argument(
        "--out",
        type=user_path,
        metavar="FILE",
        help="write the whole answer, as .json or .csv",
    )
    evaluate.add_argument(
        "--per-query",
        type=user_path,
        metavar="FILE",
        help="write a row for each query, as .csv or .json: its scores, how many true matches",
    )
    evaluate.add_argument(
        "--metric",
        choices=["euclidean", "cosine"],
        default="euclidean",
        help="how features are compared (default: euclidean)",
    )
    evaluate.add_argument(
        "--device",
        default="cpu",
        metavar="cpu|cuda|cuda:N|auto",
        help="where products are made (default: cpu); never changes a result",
    )
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
