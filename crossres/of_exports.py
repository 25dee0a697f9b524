"""`crossres datasets export | verify-export | diff`: splits for other people's code."""

import argparse
from dataclasses import asdict
from typing import Any

from crossres.grammar import (
    ANSWER_IS_NO,
    DONE,
    add_source,
    cache,
    command,
    place,
    positive,
    print_json,
    seed,
    source,
)

EXAMPLES = 5


def input_size(text: str) -> tuple[int, int]:
    """ "256x128" -> (256, 128): height, width."""
    height, _, width = text.partition("x")
    try:
        return positive(height), positive(width)
    except argparse.ArgumentTypeError:
        expected = "HEIGHTxWIDTH, such as 256x128"
        raise argparse.ArgumentTypeError(f"{text!r} is not {expected}") from None


def _datasets_export(options: argparse.Namespace) -> int:
    from benchmark import load_profile
    from datasets import InputError, Manifest, build_manifest, open_admitted
    from datasets.exports import export
    from datasets.progress import progress

    if options.out.exists():
        raise InputError(f"{options.out}: exists already; remove it or give another folder")
    if options.manifest and (options.protocol or options.seed is not None):
        raise InputError("--manifest has a protocol and a seed; leave out --protocol and --seed")
    given = Manifest.read(options.manifest) if options.manifest else None
    twin_size = load_profile(options.profile).twin_size
    raw = open_admitted(options.dataset, source(options, twin_size), cache(options))
    manifest = given or build_manifest(raw, options.protocol, options.seed or 0)
    with progress(f"exporting {raw.dataset}", name="images") as report:
        done = export(
            raw,
            manifest,
            options.out,
            options.layout,
            suffix=options.suffix,
            input_size=options.input_size,
            progress=report,
        )
    notes = [*done.notes, *manifest.notes]
    if options.json:
        print_json(
            {
                "folder": str(options.out),
                "layout": done.layout,
                "images": done.images,
                "protocol": manifest.protocol,
                "seed": manifest.seed,
                "digest": manifest.digest,
                "source": raw.source,
                "notes": notes,
            }
        )
        return DONE
    print(
        f"wrote {done.images:,} images to {options.out}: {manifest.dataset}, {manifest.protocol}, "
        f"seed {manifest.seed}, digest {manifest.digest[:12]}, source {raw.source}"
    )
    for note in notes:
        print(f"  note: {note}")
    return DONE


def _datasets_verify_export(options: argparse.Namespace) -> int:
    from datasets.exports import verify_export
    from datasets.progress import progress

    with progress(f"checking {options.folder}", name="images") as report:
        manifest, entries = verify_export(options.folder, report)
    if options.json:
        print_json(
            {
                "folder": str(options.folder),
                "dataset": manifest.dataset,
                "protocol": manifest.protocol,
                "seed": manifest.seed,
                "digest": manifest.digest,
                "images": len(entries),
            }
        )
        return DONE
    print(
        f"{options.folder}: {len(entries):,} images are those of its manifest: "
        f"{manifest.dataset}, {manifest.protocol}, seed {manifest.seed}, "
        f"digest {manifest.digest[:12]}"
    )
    return DONE


def _datasets_diff(options: argparse.Namespace) -> int:
    from datasets import Manifest
    from datasets.diff import compare

    a, b = Manifest.read(options.a), Manifest.read(options.b)
    found = compare(a, b)
    if options.json:
        answer = {"equal": found.equal, "digest_a": a.digest, "digest_b": b.digest}
        print_json({**answer, **asdict(found)})
    elif found.equal:
        print(f"equal: {len(a.table):,} images, digest {a.digest}")
    else:
        _print_difference(found)
    return DONE if found.equal else ANSWER_IS_NO


def _print_difference(found: Any) -> None:
    for name, (before, after) in found.heads.items():
        print(f"{name}: {before} in A, {after} in B")
    for title, paths in (("only in A", found.only_a), ("only in B", found.only_b)):
        _print_some(title, list(paths))
    for column, changes in found.changes.items():
        _print_some(f"other {column}", [f"{c.path}: {c.before} -> {c.after}" for c in changes])


def _print_some(title: str, lines: list[str]) -> None:
    if not lines:
        return
    print(f"{title}: {len(lines):,} images")
    for line in lines[:EXAMPLES]:
        print(f"  {line}")
    if len(lines) > EXAMPLES:
        print(f"  ... and {len(lines) - EXAMPLES:,} more (all of them: --json)")


def _add_export(within: Any) -> None:
    export = command(
        within,
        "export",
        _datasets_export,
        "write the exact split of a manifest as folders that other people's code reads",
        "crossres datasets export mlr-market --data ~/reid --seed 0 --layout market "
        "--out ~/torchreid/market1501/Market-1501-v15.09.15\n"
        "crossres datasets export mlr-viper --layout dgd --out viper-dgd",
    )
    export.add_argument("dataset", metavar="NAME")
    export.add_argument(
        "--layout",
        choices=["market", "folders", "dgd"],
        required=True,
        help="Market-1501's folders, DI-ReID's folders, or DGD's format with meta.json (SING)",
    )
    export.add_argument(
        "--out", type=place, required=True, metavar="DIR", help="must not exist yet"
    )
    export.add_argument("--protocol", help="mlr-sing, mlr-perid, ... (default: the data set's)")
    export.add_argument("--seed", type=seed, metavar="N", help="(default: 0)")
    export.add_argument(
        "--manifest", type=place, metavar="FILE.csv", help="in place of --protocol and --seed"
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


def add_exports(within: Any) -> None:
    """Add the commands to the group `datasets`."""
    _add_export(within)
    verify = command(
        within,
        "verify-export",
        _datasets_verify_export,
        "check an export: every name and every pixel against its manifest and list",
        "crossres datasets verify-export viper-dgd",
    )
    verify.add_argument("folder", type=place, metavar="DIR")
    diff = command(
        within,
        "diff",
        _datasets_diff,
        "compare two manifests; exit code 0 when they are equal, 1 when not",
        "crossres datasets diff ours.csv theirs.csv",
    )
    diff.add_argument("a", type=place, metavar="A.csv")
    diff.add_argument("b", type=place, metavar="B.csv")
