"""`crossres datasets verify-export`."""

import argparse
from typing import Any

from crossres.answer import Answer
from crossres.arguments import command_parser, user_path


def _verify_export(options: argparse.Namespace) -> Answer:
    from crossres.datasets.base.progress import progress
    from crossres.datasets.exports import verify_export

    with progress(f"checking {options.folder}", name="images") as report:
        manifest, entries = verify_export(options.folder, report)
    content = {
        "folder": str(options.folder),
        "dataset": manifest.dataset,
        "protocol": manifest.protocol,
        "seed": manifest.seed,
        "digest": manifest.digest,
        "images": len(entries),
    }
    line = (
        f"{options.folder}: {len(entries):,} images are those of its manifest: "
        f"{manifest.dataset}, {manifest.protocol}, seed {manifest.seed}, "
        f"digest {manifest.digest[:12]}"
    )
    return Answer(content, [line])


def add_command(within: Any) -> None:
    """Add the command to its group."""
    verify = command_parser(
        within,
        "verify-export",
        _verify_export,
        "check an export: every name and every pixel against its manifest and list",
        "crossres datasets verify-export viper-dgd",
    )
    verify.add_argument(
        "folder", type=user_path, metavar="DIR", help="what `crossres datasets export` wrote"
    )
