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
    from crossres.benchmark.runs.embed import check_place, write_features
    from crossres.methods import load_method

    check_place(options.out)
    method = load_method(options.weights, options.device)
    _check(options, method)
    embed = _embed_images if options.images else _embed_manifest
    arrays, facts, notes = embed(options, method)
    if type(method).distances is not _euclidean():
        notes.append(
            f"{method.name} compares embeddings by a distance of its own (Method.distances); "
            "`crossres evaluate` measures another one"
        )
    write_features(options.out, arrays)
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    content = {"out": str(options.out), "method": method.name, **facts, "notes": notes}
    shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
    return Answer(content, [f"wrote {options.out}: {shapes}"])


def _euclidean() -> Any:
    from crossres.methods import Method

    return Method.distances


def _check(options: argparse.Namespace, method: Any) -> None:
    """Refuse options that would do nothing."""
    from crossres.datasets import InputError

    if options.images and options.data:
        raise InputError("--data belongs to --manifest; --images needs none")
    if options.manifest and options.rate is not None:
        raise InputError("--manifest has the rate of each image; leave out --rate")
    if options.rate is not None and not method.needs_rate:
        raise InputError(f"method {method.name} makes no use of rates; leave out --rate")


def _embed_images(
    options: argparse.Namespace, method: Any
) -> tuple[Any, dict[str, Any], list[str]]:
    from crossres.benchmark.runs.embed import embed_images
    from crossres.datasets.base.progress import progress

    with progress(f"embedding {options.images}", name="images") as report:
        arrays, left_out = embed_images(
            method, options.images, options.rate, lambda _, done, total: report(done, total)
        )
    facts = {"images": len(arrays["paths"]), "width": arrays["features"].shape[1]}
    note = f"left out: {left_out} files in {options.images} that are not named .jpg, .png or .bmp"
    return arrays, facts, [note] if left_out else []


def _embed_manifest(
    options: argparse.Namespace, method: Any
) -> tuple[Any, dict[str, Any], list[str]]:
    from crossres.benchmark.runs.embed import embed_split
    from crossres.datasets import Manifest, open_admitted, open_store
    from crossres.datasets.base.progress import progress
    from crossres.methods.interface.method import read_description

    manifest, profile = Manifest.read(options.manifest), method.profile
    raw = open_admitted(manifest.dataset, source(options, profile.twin_size), cache(options))
    with progress(f"pixels of {manifest.dataset}", name="images") as report:
        store = open_store(raw, manifest, profile.height, profile.width, cache(options), report)
    with progress(f"embedding {manifest.dataset}", name="splits") as report:
        arrays = embed_split(method, manifest, store, lambda _, done, total: report(done, total))
    facts = {
        "images": len(arrays["query_pids"]) + len(arrays["gallery_pids"]),
        "width": arrays["query_features"].shape[1],
        "manifest": manifest.digest,
        "source": raw.source,
    }
    differs = [f"partial data: {words}" for words in (*raw.other_counts, *raw.other_sizes)]
    return arrays, facts, [*differs, *_leaks(read_description(options.weights)["origin"], manifest)]


def _leaks(origin: dict[str, Any], manifest: Any) -> list[str]:
    """Return a note when the method may have been trained on the identities it is tested on."""
    if origin.get("dataset") != manifest.dataset or origin.get("manifest") == manifest.digest:
        return []
    return [
        f"the weights were trained on another split of {manifest.dataset} "
        f"({origin.get('protocol')}, seed {origin.get('seed')}): they may know its test identities"
    ]


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
        "--cache",
        type=user_path,
        metavar="DIR",
        help="twins and pixel stores (default: $CROSSRES_CACHE, else ~/.cache/crossres)",
    )
