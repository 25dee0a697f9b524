"""`crossres datasets build`: manifests and pixels."""

import argparse
from itertools import product
from pathlib import Path
from typing import Any

from crossres.grammar import (
    ANSWER_IS_NO,
    DONE,
    add_source,
    cache,
    command,
    place,
    print_json,
    seeds,
    source,
)

ORIGINS = {"built": "built", "resumed": "resumed", "cache": "from cache"}


def _datasets_build(options: argparse.Namespace) -> int:
    from benchmark import load_profile
    from datasets import build_manifest, camera_sweep, open_admitted, open_store
    from datasets.files import make_folder
    from datasets.progress import progress

    profile = load_profile(options.profile)
    raw = open_admitted(options.dataset, source(options, profile.twin_size), cache(options))
    make_folder(options.out)
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
    if options.json:
        print_json({"built": built})
        return DONE
    for entry in built:
        print(
            f"wrote {entry['manifest']}: {entry['images']}, digest {entry['digest'][:12]}, "
            f"pixels {entry['pixels'][:12]} ({ORIGINS[entry['origin']]}), source {entry['source']}"
        )
        for note in entry["notes"]:
            print(f"  note: {note}")
    return DONE


def _datasets_digests(options: argparse.Namespace) -> int:
    from dataclasses import asdict

    from datasets import open_raw
    from datasets.digests import ANY, compared
    from datasets.progress import progress

    raw = open_raw(options.dataset, source(options, options.size), cache(options))
    with progress(f"splits of {raw.dataset}") as report:
        pairs = compared(raw, report)
    other = [(row, found) for row, found in pairs if row != found]
    if options.json:
        content = [{"published": asdict(row), "found": asdict(found)} for row, found in pairs]
        print_json({"dataset": raw.dataset, "source": raw.source, "digests": content})
        return ANSWER_IS_NO if other else DONE
    for row, found in other:
        whole = row.protocol == ANY
        what = row.part if whole else f"{row.part} of {row.protocol}, seed {row.seed}"
        print(f"{what}: published {row.digest[:16]} of {row.images} images, {row.lr} of them LR")
        print(f"  found {found.digest[:16]} of {found.images} images, {found.lr} of them LR")
    same = len(pairs) - len(other)
    print(f"{same} of {len(pairs)} digests of {raw.dataset} ({raw.source}) are the published ones")
    return ANSWER_IS_NO if other else DONE


def add_splits(within: Any) -> None:
    """Add the commands to the group `datasets`."""
    build = command(
        within,
        "build",
        _datasets_build,
        "build the manifests and pixel stores of a data set",
        "crossres datasets build mlr-market --data ~/reid --seeds 0-9 --out manifests",
    )
    build.add_argument("dataset", metavar="NAME")
    build.add_argument("--protocol", help="mlr-sing, mlr-perid, ... (default: the data set's)")
    build.add_argument(
        "--camera-sweep",
        action="store_true",
        help="one manifest for each camera as the LR camera (protocol: mlr-sing unless given)",
    )
    build.add_argument("--seeds", type=seeds, default=[0], metavar="0,1,2")
    build.add_argument("--out", type=place, default=Path("manifests"), metavar="DIR")
    add_source(build)
    digests = command(
        within,
        "digests",
        _datasets_digests,
        "compare the splits of a raw folder with the published digests (docs/digests.md)",
        "crossres datasets digests mlr-market --data ~/reid",
    )
    digests.add_argument("dataset", metavar="NAME")
    digests.add_argument("--data", type=place, metavar="ROOT", help="(default: the twin)")
    digests.add_argument("--size", default="quick", help="of the twin: quick (default) or tiny")
    digests.add_argument("--cache", type=place, metavar="DIR", help="where twins lie")
