"""`crossres datasets fetch`."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

from crossres.arguments import ANSWER_IS_NO, DONE, command, place, print_json

if TYPE_CHECKING:
    from crossres.datasets import Card


def _fetch(options: argparse.Namespace) -> int:
    from crossres.datasets import card

    about = card(options.dataset)
    if not about.url and not options.from_:
        _instruct(about, options.json)
        return ANSWER_IS_NO
    if not _accepted(about, options.accept_licence):
        print("crossres: not accepted, so nothing was fetched", file=sys.stderr)
        return ANSWER_IS_NO
    return _download(about, options)


def _instruct(about: "Card", as_json: bool) -> None:
    """Say how to get a set that cannot be fetched."""
    if as_json:
        fields = ("obtain", "archives", "digest", "layout", "licence", "citation")
        facts = {field: getattr(about, field) for field in fields}
        print_json({"dataset": about.id, "fetched": False} | facts)
        return
    print(f"{about.title} has no public address that crossres may fetch it from.")
    print(f"  ask for it: {about.obtain}")
    print(f"  licence:    {about.licence}")
    if about.archives:
        print(f"  archive:    {' or '.join(about.archives)} ({about.digest or 'digest unknown'})")
    print(f"  layout:     {about.layout}")
    print(f"  cite:       {about.citation}")
    print("Put the archive, or the folder that it unpacks to, into ROOT, then:")
    print(f"  crossres datasets verify {about.id} --data ROOT")


def _accepted(about: "Card", accepted: bool) -> bool:
    """Show licence and citation, and have them accepted; InputError where nobody can be asked."""
    from crossres.datasets import InputError

    print(f"{about.title}: {about.licence}", file=sys.stderr)
    print(f"When you use it, cite: {about.citation}", file=sys.stderr)
    if accepted:
        return True
    if not sys.stdin.isatty():
        raise InputError(
            f"the licence of {about.id} has to be accepted: read the lines above and give "
            "--accept-licence"
        )
    print("Do you accept this? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().casefold() in ("y", "yes")


def _download(about: "Card", options: argparse.Namespace) -> int:
    from crossres.datasets import fetch_archive

    fetched = fetch_archive(about, options.out, options.from_)
    if options.json:
        print_json(
            {
                "dataset": about.id,
                "fetched": True,
                "archive": str(fetched.archive),
                "sha256": fetched.sha256,
                "digest": about.digest,
                "was_there": fetched.was_there,
            }
        )
        return DONE
    print(f"{'already there' if fetched.was_there else 'wrote'}: {fetched.archive}")
    print(f"  {_checked(about)}; SHA-256 {fetched.sha256} (also in {fetched.archive.name}.sha256)")
    print(f"  read it as it is: --data {options.out}")
    return DONE


def _checked(about: "Card") -> str:
    if about.digest:
        return f"checked: {about.digest} as published"
    return "a whole zip archive; NOT checked further, because no digest is published"


def add_command(within: Any) -> None:
    """Add the command to its group."""
    fetch = command(
        within,
        "fetch",
        _fetch,
        "fetch the archive of a set that has a public address, or say where to ask for it",
        "crossres datasets fetch mlr-viper --out ~/reid --accept-licence",
    )
    fetch.add_argument("dataset", metavar="NAME")
    fetch.add_argument("--out", type=place, required=True, metavar="DIR")
    fetch.add_argument(
        "--accept-licence", action="store_true", help="without it you are asked on a terminal"
    )
    fetch.add_argument(
        "--from", dest="from_", default="", metavar="URL", help="another address of the archive"
    )
