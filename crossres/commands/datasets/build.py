"""`crossres datasets build`."""

import argparse
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

from crossres.answer import Answer
from crossres.arguments import (
    NAME_OR_FILE,
    add_source,
    cache,
    command_parser,
    dataset,
    seeds,
    source,
    user_path,
)

ORIGINS = {"built": "built", "resumed": "resumed", "cache": "from cache"}


def _build(options: argparse.Namespace) -> Answer:
    from crossres.benchmark import load_profile
    from crossres.datasets import build_manifest, camera_sweep, open_admitted, open_store
    from crossres.datasets.base.files import make_folder
    from crossres.datasets.base.progress import progress
    from crossres.datasets.own.names import write_names

    profile = load_profile(options.profile)
    raw = open_admitted(dataset(options), source(options, profile.twin_size), cache(options))
    make_folder(options.out)
    named = write_names(options.out, raw.dataset, raw.names)
    built: list[dict[str, Any]] = []
    protocols = camera_sweep(raw, options.protocol) if options.camera_sweep else [options.protocol]
    for protocol, seed in product(protocols, options.seeds):
        manifest = build_manifest(raw, protocol, seed)
        path = options.out / f"{manifest.dataset}-{manifest.protocol}-seed{seed}.csv"
        manifest.write(path)
        with progress(f"pixels of {manifest.dataset} · seed {seed}", name="images") as report:
            store = open_store(raw, manifest, profile.height, profile.width, cache(options), report)
        counts = manifest.table.groupby("split", sort=True).size().to_dict()
        built.append(
            {
                "manifest": str(path),
                "digest": manifest.digest,
                "pixels": store.digest,
                "origin": store.origin,
                "source": raw.source,
                "images": {split: int(count) for split, count in counts.items()},
                "notes": list(manifest.notes),
            }
        )
    names = None if named is None else str(named)
    return Answer({"built": built, "names": names}, _lines(built, names))


def _lines(built: Iterable[dict[str, Any]], names: str | None) -> Iterator[str]:
    if names is not None:
        yield f"wrote {names}: what the numbers of identities and cameras stand for"
    for entry in built:
        yield (
            f"wrote {entry['manifest']}: {entry['images']}, digest {entry['digest'][:12]}, "
            f"pixels {entry['pixels'][:12]} ({ORIGINS[entry['origin']]}), source {entry['source']}"
        )
        for note in entry["notes"]:
            yield f"  note: {note}"


def add_command(within: Any) -> None:
    """Add the command to its group."""
    build = command_parser(
        within,
        "build",
        _build,
        "build the manifests and pixel stores of a data set",
        "crossres datasets build mlr-market --data ~/reid --seeds 0-9 --out manifests",
    )
    build.add_argument("dataset", metavar="NAME|FILE.toml", help=NAME_OR_FILE)
    build.add_argument("--protocol", help="mlr-sing, mlr-perid, ... (default: the data set's)")
    build.add_argument(
        "--camera-sweep",
        action="store_true",
        help="one manifest for each camera as the LR camera (protocol: mlr-sing unless given)",
    )
    build.add_argument(
        "--seeds", type=seeds, default=[0], metavar="0,1,2", help="of the splits (default: 0)"
    )
    build.add_argument(
        "--out",
        type=user_path,
        default=Path("manifests"),
        metavar="DIR",
        help="where manifests go (default: manifests)",
    )
    add_source(build)
