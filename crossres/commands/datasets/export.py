"""`crossres datasets export`."""

import argparse
from typing import Any

from crossres.answer import Answer
from crossres.arguments import (
    NAME_OR_FILE,
    add_source,
    cache,
    command_parser,
    dataset,
    positive,
    seed,
    source,
    user_path,
)


def input_size(text: str) -> tuple[int, int]:
    """Parse "256x128" into height 256 and width 128."""
    height, _, width = text.partition("x")
    try:
        return positive(height), positive(width)
    except argparse.ArgumentTypeError:
        expected = "HEIGHTxWIDTH, such as 256x128"
        raise argparse.ArgumentTypeError(f"{text!r} is not {expected}") from None


def _export(options: argparse.Namespace) -> Answer:
    from crossres.benchmark import load_profile
    from crossres.datasets import InputError, Manifest, build_manifest, open_admitted
    from crossres.datasets.base.progress import progress
    from crossres.datasets.exports import export

    if options.out.exists():
        raise InputError(f"{options.out}: exists already; remove it or give another folder")
    if options.manifest and (options.protocol or options.seed is not None):
        raise InputError("--manifest has a protocol and a seed; leave out --protocol and --seed")
    manifest = Manifest.read(options.manifest) if options.manifest else None
    twin_size = load_profile(options.profile).twin_size
    raw = open_admitted(dataset(options), source(options, twin_size), cache(options))
    manifest = manifest or build_manifest(raw, options.protocol, options.seed or 0)
    with progress(f"exporting {raw.dataset}", name="images") as report:
        exported = export(
            raw,
            manifest,
            options.out,
            options.layout,
            suffix=options.suffix,
            input_size=options.input_size,
            progress=report,
        )
    notes = [*exported.notes, *manifest.notes]
    content = {
        "folder": str(options.out),
        "layout": exported.layout,
        "images": exported.images,
        "protocol": manifest.protocol,
        "seed": manifest.seed,
        "digest": manifest.digest,
        "source": raw.source,
        "notes": notes,
    }
    line = (
        f"wrote {exported.images:,} images to {options.out}: {manifest.dataset}, "
        f"{manifest.protocol}, seed {manifest.seed}, digest {manifest.digest[:12]}, "
        f"source {raw.source}"
    )
    return Answer(content, [line, *(f"  note: {note}" for note in notes)])


def add_command(within: Any) -> None:
    """Add the command to its group."""
    export = command_parser(
        within,
        "export",
        _export,
        "write the exact split of a manifest as folders that other people's code reads",
        "crossres datasets export mlr-market --data ~/reid --seed 0 --layout market "
        "--out ~/torchreid/market1501/Market-1501-v15.09.15\n"
        "crossres datasets export mlr-viper --layout dgd --out viper-dgd",
    )
    export.add_argument("dataset", metavar="NAME|FILE.toml", help=NAME_OR_FILE)
    export.add_argument(
        "--layout",
        choices=["market", "folders", "dgd"],
        required=True,
        help="Market-1501's folders, DI-ReID's folders, or DGD's format with meta.json (SING)",
    )
    export.add_argument(
        "--out", type=user_path, required=True, metavar="DIR", help="must not exist yet"
    )
    export.add_argument("--protocol", help="mlr-sing, mlr-perid, ... (default: the data set's)")
    export.add_argument("--seed", type=seed, metavar="N", help="(default: 0)")
    export.add_argument(
        "--manifest", type=user_path, metavar="FILE.csv", help="in place of --protocol and --seed"
    )
    export.add_argument(
        "--suffix",
        choices=["jpg", "png", "bmp"],
        help="how the names end (default: jpg for market, else png); the data is always PNG",
    )
    export.add_argument(
        "--input-size",
        type=input_size,
        metavar="HxW",
        help="bring every image to this size, as the pixel store does (default: keep the sizes)",
    )
    add_source(export)
