"""`crossres embed`."""

import argparse
import sys
from collections.abc import Iterator, Mapping
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

GUESS = "guess"


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
    lines = [*_counts(features.facts), f"wrote {options.out}: {shapes}"]
    return Answer({**content, "notes": list(features.notes)}, lines)


def _counts(facts: Mapping[str, Any]) -> Iterator[str]:
    """Say what names tell of the images, for people to see whether it was meant so."""
    from crossres.datasets.base.words import counted

    if "identities" in facts:
        cameras = counted(facts["cameras"], "camera") if facts["cameras"] else "no camera told"
        queries = counted(facts["queries"], "query", "queries")
        gallery = counted(facts["gallery_images"], "gallery image")
        identities = counted(facts["identities"], "identity", "identities")
        yield f"{queries}, {gallery}: {identities}, {cameras}"


def _of_weights(options: argparse.Namespace) -> tuple[Any, Any]:
    """Return the folder of weights or the model, and what is to be embedded."""
    from crossres.datasets import InputError

    for name in ("row", "datasets", "seed"):
        if getattr(options, name) is not None:
            raise InputError(f"--{name} belongs to --results")
    if not (options.images or options.manifest):
        raise InputError(
            "say what to embed: --images DIR (or FILE.toml, of your own data), or --manifest "
            "FILE.csv; see crossres embed --help"
        )
    weights = frozen_model(options) or options.weights
    return weights, _images(options, weights)


def _of_results(options: argparse.Namespace) -> tuple[Path, Any]:
    """Return the folder of weights of the row's cell, and what is to be embedded."""
    from crossres.benchmark.compare.one_cell import cell_of_row
    from crossres.benchmark.records.kept import definition_path
    from crossres.benchmark.records.weights import weights_path
    from crossres.benchmark.runs.embed import CellImages
    from crossres.datasets import Card, InputError, own_set
    from crossres.datasets.own.definition import named_set
    from crossres.datasets.raw.source_name import CUSTOM

    if options.row is None:
        raise InputError("say which row of the results: --row NAME")
    frozen_model(options)  # refuses what belongs to one
    dataset = named_set(options.datasets)
    dataset = dataset.id if isinstance(dataset, Card) else dataset
    record = cell_of_row(options.results, options.row, dataset, options.seed)
    weights = weights_path(options.results, record.key)
    if not weights.is_dir():
        raise InputError(
            f"{weights}: not there, this cell was run without --save-weights; run it again with it"
        )
    if options.images or options.manifest:
        return weights, _images(options, weights)
    _refuse_names(options)
    if options.rate is not None:
        raise InputError("the split of a cell has the rate of each image; leave out --rate")
    own = None
    tested = record.cell.tested
    if record.cell.sources[tested] == CUSTOM:
        own = own_set(options.data or definition_path(options.results, tested))
    return weights, CellImages(record, options.data, cache(options), own)


def _images(options: argparse.Namespace, weights: Any) -> Any:
    """Return what is to be embedded; refuse options that would do nothing."""
    from crossres.benchmark.runs.embed import ImageFolder, SidedImages, SplitImages
    from crossres.datasets import Card, InputError, Source
    from crossres.datasets.own.definition import named_set
    from crossres.methods.interface.method import read_description

    if options.images and options.data:
        raise InputError("--data belongs to --manifest; --images needs none")
    if options.manifest and options.rate is not None:
        raise InputError("--manifest has the rate of each image; leave out --rate")
    if options.images:
        sides, rate = _sides(options), options.rate
        return SidedImages(sides, rate) if sides else ImageFolder(options.images, rate)
    _refuse_names(options)
    own = named_set(options.data)
    if isinstance(own, Card):
        return SplitImages(options.manifest, Source(), cache(options), own)
    is_trained = isinstance(weights, Path)
    twin_size = read_description(weights)["profile"]["twin_size"] if is_trained else "quick"
    return SplitImages(options.manifest, source(options, twin_size), cache(options))


def _refuse_names(options: argparse.Namespace) -> None:
    from crossres.datasets import InputError

    for name in ("pattern", "query", "ignore"):
        if getattr(options, name) is not None:
            raise InputError(f"--{name} belongs to --images; a split says what is a query")


def _sides(options: argparse.Namespace) -> Any:
    """Return queries and gallery among the images, as their names tell; None: nobody asks."""
    from crossres.datasets import InputError
    from crossres.datasets.cards import Layout
    from crossres.datasets.own.definition import is_definition, layout_from, own_set
    from crossres.datasets.own.sides import NAME_GROUPS, sides_of

    folder, pattern = options.images, options.pattern
    if is_definition(folder) and not folder.is_dir():
        if pattern or options.ignore:
            raise InputError(f"{folder}: says what images are called; leave --pattern out")
        card = own_set(folder)
        folder, layout = Path(card.folder), card.own or Layout()
    elif pattern is not None:
        entries = {"pattern": pattern} if pattern != GUESS else _guessed(folder)
        entries |= {"ignore": options.ignore} if options.ignore else {}
        layout = layout_from("--pattern", entries, Path(), NAME_GROUPS)
    elif options.query or options.ignore:
        name = "query" if options.query else "ignore"
        raise InputError(f"--{name} belongs to --pattern, which says whom images show")
    else:
        return None
    sides = sides_of(folder, layout, options.query or ())
    if options.rate is not None and sides.queries[0].rate:
        raise InputError("the names have the rate of each image; leave out --rate")
    return sides


def _guessed(folder: Path) -> dict[str, Any]:
    """Guess what the images of a folder are called, and say what is guessed."""
    from crossres.datasets.own.definition import toml_value
    from crossres.datasets.own.guess import guessed

    guess = guessed(folder)
    ((form, value),) = guess.entries.items()
    print(f"guessed: {form} = {toml_value(value)}, so {guess.example}", file=sys.stderr)
    return {**guess.entries}


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
        "crossres embed --model efficientnet-lite0 --images ~/crops --out test.npz \\\n"
        "    --pattern '(?P<pid>\\d+)_c(?P<camid>\\d+)_.*' && crossres evaluate test.npz\n"
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
    embed.add_argument(
        "--datasets",
        metavar="NAME|FILE.toml",
        help="of --results: the data set of the cell",
    )
    embed.add_argument("--seed", type=seed, metavar="N", help="of --results: the seed of the cell")
    add_method(embed)
    images = embed.add_mutually_exclusive_group()
    images.add_argument(
        "--images",
        type=user_path,
        metavar="DIR|FILE.toml",
        help="every image in a folder and below it -> features (N, D), paths (N,); with --pattern, "
        "or of the definition of a data set of your own -> what `crossres evaluate` wants",
    )
    images.add_argument(
        "--manifest",
        type=user_path,
        metavar="FILE.csv",
        help="the queries and gallery of a split -> what `crossres evaluate` wants",
    )
    embed.add_argument(
        "--pattern",
        metavar="REGEX",
        help="of --images: a regular expression over whole paths below DIR with the group pid and, "
        f"if told, camid, view, split, rate; `{GUESS}` guesses it",
    )
    embed.add_argument(
        "--query",
        action="append",
        metavar="GLOB",
        help="of --images: which are queries, the others being the gallery (default: as a split "
        "tells, else every image is searched for among all others); may be repeated",
    )
    embed.add_argument(
        "--ignore",
        metavar="REGEX",
        help="of --pattern: paths of images that take no part",
    )
    embed.add_argument(
        "--data",
        type=user_path,
        metavar="ROOT|FILE.toml",
        help="of a split: the folder that holds the raw folder, or the definition of a data set "
        "of your own (default: the twin)",
    )
    add_admitted(embed)
    embed.add_argument(
        "--out", type=user_path, required=True, metavar="FEATURES.npz", help="the file to write"
    )
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
