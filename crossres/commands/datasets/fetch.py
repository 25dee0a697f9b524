"""`crossres datasets fetch`."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

from crossres.answer import ANSWER_IS_NO, Answer
from crossres.arguments import command_parser, user_path

if TYPE_CHECKING:
    from crossres.datasets import Card


def _fetch(options: argparse.Namespace) -> Answer:
    from crossres.datasets import cards

    card = cards.card(options.dataset)
    if not card.url and not options.from_:
        return _instructions(card)
    if not _accepted(card, options.accept_licence):
        print("crossres: not accepted, so nothing was fetched", file=sys.stderr)
        return Answer({"dataset": card.id, "fetched": False}, [], ANSWER_IS_NO)
    return _download(card, options)


def _instructions(card: "Card") -> Answer:
    """Say how to get a set that cannot be fetched."""
    fields = ("obtain", "archives", "digest", "layout", "licence", "citation")
    facts = {field: getattr(card, field) for field in fields}
    archive = f"{' or '.join(card.archives)} ({card.digest or 'digest unknown'})"
    lines = [
        f"{card.title} has no public address that crossres may fetch it from.",
        f"  ask for it: {card.obtain}",
        f"  licence:    {card.licence}",
        *([f"  archive:    {archive}"] if card.archives else []),
        f"  layout:     {card.layout}",
        f"  cite:       {card.citation}",
        "Put the archive, or the folder that it unpacks to, into ROOT, then:",
        f"  crossres datasets verify {card.id} --data ROOT",
    ]
    return Answer({"dataset": card.id, "fetched": False} | facts, lines, ANSWER_IS_NO)


def _accepted(card: "Card", accepted: bool) -> bool:
    """Show licence and citation, and have them accepted; InputError where nobody can be asked."""
    from crossres.datasets import InputError

    print(f"{card.title}: {card.licence}", file=sys.stderr)
    print(f"When you use it, cite: {card.citation}", file=sys.stderr)
    if accepted:
        return True
    if not sys.stdin.isatty():
        raise InputError(
            f"the licence of {card.id} has to be accepted: read the lines above and give "
            "--accept-licence"
        )
    print("Do you accept this? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().casefold() in ("y", "yes")


def _download(card: "Card", options: argparse.Namespace) -> Answer:
    from crossres.datasets import fetch_archive

    fetched = fetch_archive(card, options.out, options.from_)
    archive, sha256 = fetched.archive, fetched.sha256
    content = {
        "dataset": card.id,
        "fetched": True,
        "archive": str(archive),
        "sha256": sha256,
        "digest": card.digest,
        "was_there": fetched.was_there,
    }
    lines = [
        f"{'already there' if fetched.was_there else 'wrote'}: {archive}",
        f"  {_checked(card)}; SHA-256 {sha256} (also in {archive.name}.sha256)",
        f"  read it as it is: --data {options.out}",
    ]
    return Answer(content, lines)


def _checked(card: "Card") -> str:
    if card.digest:
        return f"checked: {card.digest} as published"
    return "a whole zip archive; NOT checked further, because no digest is published"


def add_command(within: Any) -> None:
    """Add the command to its group."""
    fetch = command_parser(
        within,
        "fetch",
        _fetch,
        "fetch the archive of a set that has a public address, or say where to ask for it",
        "crossres datasets fetch mlr-viper --out ~/reid --accept-licence",
    )
    fetch.add_argument("dataset", metavar="NAME", help="a data set")
    fetch.add_argument(
        "--out", type=user_path, required=True, metavar="DIR", help="where the archive goes"
    )
    fetch.add_argument(
        "--accept-licence", action="store_true", help="without it you are asked on a terminal"
    )
    fetch.add_argument(
        "--from", dest="from_", default="", metavar="URL", help="another address of the archive"
    )
