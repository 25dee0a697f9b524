"""`crossres datasets verify-export`."""

import argparse
from typing import Any

from crossres.arguments import DONE, command, place, print_json


def _verify_export(options: argparse.Namespace) -> int:
    from crossres.datasets.base.progress import progress
    from crossres.datasets.exports import verify_export

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


def add_command(within: Any) -> None:
    """Add the command to its group."""
    verify = command(
        within,
        "verify-export",
        _verify_export,
        "check an export: every name and every pixel against its manifest and list",
        "crossres datasets verify-export viper-dgd",
    )
    verify.add_argument("folder", type=place, metavar="DIR")
