"""`crossres embed`."""

import argparse
import sys
from pathlib import Path
from typing import Any

from crossres.answer import Answer
from crossres.arguments import (
    add_admitted,
    add_method,
    add_model,
    cache,
    command_parser,
    frozen_model,
    method_sources_for,
    seed,
    source,
    user_path,
)


def rate(text: str) -> int:
    """Parse a down-sampling rate: 1 is HR, 0 not known."""
    from crossres.datasets.splits.manifest import RATES

    if not text.isdecimal() or int(text) not in RATES:
        rates = ", ".join(map(str, RATES))
        raise argparse.ArgumentTypeError(f"{text!r} is none of {rates} (1: HR, 0: unknown)")
    return int(text)


def _embed(options: argparse.Namespace) -> Answer:
    from crossres.benchmark.runs.embed import EmbedRequest, features_of, write_features
    from crossres.datasets.base.files import check_place

    check_place(options.out)
    weights, images = _of_results(options) if options.results else _of_weights(options)
    sources = method_sources_for(weights, options.method)
    request = EmbedRequest(weights, options.device, images, sources)
    features = features_of(request, options.kernels)
    write_features(options.out, features.arrays)
    for note in features.notes:
        print(f"note: {note}", file=sys.stderr)
    content = {"out": str(options.out), "method": features.method, **features.facts}
    shapes = ", ".join(f"{name} {array.shape}" for name, array in features.arrays.items())
    return Answer({**content, "notes": list(features.notes)}, [f"wrote {options.out}: {shapes}"])


def _of_weights(options: argparse.Namespace) -> tuple[Any, Any]:
    """Return the folder of weights or the model, and what is to be embedded."""
    from crossres.datasets import InputError

    for name in ("row", "datasets", "seed"):
        if getattr(options, name) is not None:
            raise InputError(f"--{name} belongs to --results")
    if not (options.images or options.manifest):
        raise InputError(
            "say what to embed: --images DIR, or --manifest FILE.csv; see crossres embed --help"
        )
    weights = frozen_model(options) or options.weights
    return weights, _images(options, weights)


def _of_results(options: argparse.Namespace) -> tuple[Path, Any]:
    """Return the folder of weights of the row's cell, and what is to be embedded."""
    from crossres.benchmark.compare.one_cell import cell_of_row
    from crossres.benchmark.records.kept import definition_path
    from crossres.benchmark.records.weights import weights_path
    from crossres.benchmark.runs.embed import CellImages
    from crossres.datasets import InputError, own_set
    from crossres.datasets.raw.source_name import CUSTOM

    if options.row is None:
        raise InputError("say which row of the results: --row NAME")
    frozen_model(options)  # refuses what belongs to one
    record = cell_of_row(options.results, options.row, options.datasets, options.seed)
    weights = weights_path(options.results, record.key)
    if not weights.is_dir():
        raise InputError(
            f"{weights}: not there, this cell was run without --save-weights; run it again with it"
        )
    if options.images or options.manifest:
        return weights, _images(options, weights)
    if options.rate is not None:
        raise InputError("the split of a cell has the rate of each image; leave out --rate")
    own = None
    if record.cell.source == CUSTOM:
        own = own_set(options.data or definition_path(options.results, record.cell.dataset))
    return weights, CellImages(record, options.data, cache(options), own)


def _images(options: argparse.Namespace, weights: Any) -> Any:
    """Return what is to be embedded; refuse options that would do nothing."""
    from crossres.benchmark.runs.embed import ImageFolder, SplitImages
    from crossres.datasets import Card, InputError, Source
    from crossres.datasets.own.definition import named_set
    from crossres.methods.interface.method import read_description

    if options.images and options.data:
        raise InputError("--data belongs to --manifest; --images needs none")
    if options.manifest and options.rate is not None:
        raise InputError("--manifest has the rate of each image; leave out --rate")
    if options.images:
        return ImageFolder(options.images, options.rate)
    own = named_set(options.data)
    if isinstance(own, Card):
        return SplitImages(options.manifest, Source(), cache(options), own)
    is_trained = isinstance(weights, Path)
    twin_size = read_description(weights)["profile"]["twin_size"] if is_trained else "quick"
    return SplitImages(options.manifest, source(options, twin_size), cache(options))


def add_command(commands: Any) -> None:
    """Add the command."""
    embed = command_parser(
        commands,
        "embed",
        _embed,
        "embed images with a method that `crossres run --save-weights` kept, or a released model",
        "crossres embed --results results/table2 --row 3 --datasets mlr-viper --seed 0 \\\n"
        "    --out test.npz && crossres evaluate test.npz\n"
        "crossres embed --weights results/table2/weights/KEY --images ~/crops --out crops.npz\n"
        "crossres embed --model torchvision:resnet50 --images ~/crops --out crops.npz\n"
        "crossres embed --weights results/table2/weights/KEY --manifest mlr-viper.csv \\\n"
        "    --data ~/reid --out test.npz && crossres evaluate test.npz",
    )
    trained = embed.add_mutually_exclusive_group(required=True)
    trained.add_argument(
        "--weights",
        type=user_path,
        metavar="FOLDER",
        help="weights/<key> of a results folder, or what Method.save wrote",
    )
    trained.add_argument(
        "--results",
        type=user_path,
        metavar="DIR",
        help="a results folder: the cell of --row, by default on its own queries and gallery",
    )
    add_model(embed, trained)
    embed.add_argument("--row", metavar="NAME", help="of --results: a label, or a number from 1")
    embed.add_argument("--datasets", metavar="SET", help="of --results: the data set of the cell")
    embed.add_argument("--seed", type=seed, metavar="N", help="of --results: the seed of the cell")
    add_method(embed)
    images = embed.add_mutually_exclusive_group()
    images.add_argument(
        "--images",
        type=user_path,
        metavar="DIR",
        help="every image in a folder and below it -> features (N, D), paths (N,)",
    )
    images.add_argument(
        "--manifest",
        type=user_path,
        metavar="FILE.csv",
        help="the queries and gallery of a split -> what `crossres evaluate` wants",
    )
    embed.add_argument(
        "--data",
        type=user_path,
        metavar="ROOT|FILE.toml",
        help="of a split: the folder that holds the raw folder, or the definition of a data set "
        "of your own (default: the twin)",
    )
    add_admitted(embed)
    embed.add_argument("--out", type=user_path, required=True, metavar="FEATURES.npz")
    embed.add_argument(
        "--rate",
        type=rate,
        metavar="N",
        help="of --images: their rate, for a method that must be told (vpfa)",
    )
    embed.add_argument(
        "--device", default="auto", metavar="NAME", help="cpu, cuda or auto (default)"
    )
    embed.add_argument(
        "--kernels",
        choices=("portable", "native"),
        help="of a CPU: portable (AVX2), or the fastest it has (default: those of the training)",
    )
    embed.add_argument(
        "--cache",
        type=user_path,
        metavar="DIR",
        help="twins and pixel stores (default: $CROSSRES_CACHE, else ~/.cache/crossres)",
    )
