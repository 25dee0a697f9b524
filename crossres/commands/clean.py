"""`crossres clean`."""

import argparse
from collections.abc import Iterator, Sequence
from typing import Any

from crossres.answer import Answer
from crossres.arguments import command_parser, user_path

NOUNS = {
    "failure": ("log of a failed cell", "logs of failed cells"),
    "artifact": ("artifact without a record", "artifacts without a record"),
    "weights": ("folder of weights without a record", "folders of weights without a record"),
    "images": ("folder of thumbnails without a record", "folders of thumbnails without a record"),
    "checkpoint": ("checkpoint of a finished cell", "checkpoints of finished cells"),
    "temporary": ("left-over temporary file", "left-over temporary files"),
    "lease": ("lease of a killed run", "leases of killed runs"),
}


def _clean(options: argparse.Namespace) -> Answer:
    from crossres.benchmark.records.cleaning import remove, rests
    from crossres.benchmark.records.finding import check_begun

    check_begun(options.results)
    chosen = rests(options.results, all_failures=options.failures)
    if not options.dry_run:
        chosen = remove(options.results, chosen, all_failures=options.failures)
    content = {
        "results": str(options.results),
        "dry_run": options.dry_run,
        "removed": [
            {"kind": rest.kind, "path": str(rest.path), "bytes": rest.size} for rest in chosen
        ],
        "bytes": sum(rest.size for rest in chosen),
    }
    return Answer(content, _lines(chosen, options))


def _lines(chosen: Sequence[Any], options: argparse.Namespace) -> Iterator[str]:
    from crossres.datasets.base.words import byte_words, counted, listed

    for rest in chosen:
        yield f"{byte_words(rest.size):>8}  {rest.path}"
    of_kinds = {kind: [rest for rest in chosen if rest.kind == kind] for kind in NOUNS}
    counts = [counted(len(of), *NOUNS[kind]) for kind, of in of_kinds.items() if of]
    verb = "would remove" if options.dry_run else "removed"
    total = byte_words(sum(rest.size for rest in chosen))
    what = f"{listed(counts)}, {total}," if counts else "nothing"
    yield f"{verb} {what} from {options.results}"


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    clean = command_parser(
        commands,
        "clean",
        _clean,
        "remove from a results folder what serves nobody: logs of cells that have worked since, "
        "artifacts and weights without a record, what killed runs left; nothing of a running one",
        "crossres clean results/table2 --dry-run\ncrossres clean results/table2 --failures",
    )
    clean.add_argument("results", type=user_path, metavar="RESULTS", help="a results folder")
    clean.add_argument(
        "--failures", action="store_true", help="the logs of all failed cells, not only of some"
    )
    clean.add_argument(
        "--dry-run", action="store_true", help="only say what would go, and how large it is"
    )
