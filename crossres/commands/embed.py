"""`crossres embed`."""

import argparse
import sys
from typing import Any

from crossres.answer import Answer
from crossres.arguments import add_admitted, cache, command_parser, source, user_path


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
    request = EmbedRequest(options.weights, options.device, _images(options))
    features = features_of(request, options.kernels)
    write_features(options.out, features.arrays)
    for note in features.notes:
        print(f"note: {note}", file=sys.stderr)
    content = {"out": str(options.out), "method": features.method, **features.facts}
    shapes = ", ".join(f"{name} {array.shape}" for name, array in features.arrays.items())
    return Answer({**content, "notes": list(features.notes)}, [f"wrote {options.out}: {shapes}"])


def _images(options: argparse.Namespace) -> Any:
    """Return what is to be embedded; refuse options that would do nothing."""
    from crossres.benchmark.runs.embed import ImageFolder, SplitImages
    from crossres.datasets import InputError
    from crossres.methods.interface.method import read_description

    if options.images and options.data:
        raise InputError("--data belongs to --manifest; --images needs none")
    if options.manifest and options.rate is not None:
        raise InputError("--manifest has the rate of each image; leave out --rate")
    if options.images:
        return ImageFolder(options.images, options.rate)
    twin_size = read_description(options.weights)["profile"]["twin_size"]
    return SplitImages(options.manifest, source(options, twin_size), cache(options))


def add_command(commands: Any) -> None:
    """Add the command."""
    embed = command_parser(
        commands,
        "embed",
        _embed,
        "embed images with the weights that `crossres run --save-weights` kept",
        "crossres embed --weights results/table2/weights/KEY --images ~/crops --out crops.npz\n"
        "crossres embed --weights results/table2/weights/KEY --manifest mlr-viper.csv \\\n"
        "    --data ~/reid --out test.npz && crossres evaluate test.npz",
    )
    embed.add_argument(
        "--weights",
        type=user_path,
        required=True,
        metavar="FOLDER",
        help="weights/<key> of a results folder, or what Method.save wrote",
    )
    images = embed.add_mutually_exclusive_group(required=True)
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
        metavar="ROOT",
        help="of --manifest: the folder that holds the raw folder (default: the twin)",
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
