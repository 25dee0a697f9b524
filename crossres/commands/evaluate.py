"""`crossres evaluate`."""

import argparse
import sys
from typing import Any

from crossres.answer import Answer
from crossres.arguments import command_parser, positive, seed, user_path


def _evaluate(options: argparse.Namespace) -> Answer:
    from crossres.benchmark import Rules, evaluate_features

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
    answer = evaluate_features(options.features, options.metric, rules)
    for note in answer.notes:
        print(f"note: {note}", file=sys.stderr)
    lines = [
        f"{name:20} {value if isinstance(value, int) else f'{100 * value:.2f} %'}"
        for name, value in answer.metrics.items()
    ]
    return Answer({**answer.metrics, "notes": list(answer.notes)}, lines)


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    evaluate = command_parser(
        commands,
        "evaluate",
        _evaluate,
        "measure embeddings from any code base: CMC, mAP, mINP",
        "crossres evaluate features.npz --metric cosine --json\n"
        "crossres evaluate features.npz --gallery shared --repetitions 100",
    )
    evaluate.add_argument(
        "features",
        type=user_path,
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
