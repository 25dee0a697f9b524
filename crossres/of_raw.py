"""`crossres datasets verify | fetch`: raw folders, where they come from and what is in them."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossres.grammar import ANSWER_IS_NO, DONE, cache, command, place, print_json

if TYPE_CHECKING:
    from datasets import Card, Verdict

SHOWN = 10  # items of a finding that are printed as text; --json has them all


def _verify(options: argparse.Namespace) -> int:
    from datasets import Source, verify_raw

    level = options.level or ("bytes" if options.record else "counts")
    verdict = verify_raw(
        options.dataset,
        Source(root=options.data, size=options.size),
        cache(options),
        level,
        options.record,
        options.decode,
    )
    if options.json:
        print_json(_as_json(verdict, options.record))
    else:
        _print(verdict, options.record)
    return DONE if verdict.as_expected else ANSWER_IS_NO


def _as_json(verdict: "Verdict", record: Path | None) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "dataset": verdict.dataset,
        "folder": str(verdict.folder),
        "source": verdict.source,
        "level": verdict.level,
        "as_expected": verdict.as_expected,
        "counts": [asdict(tally) | {"fits": tally.fits} for tally in verdict.tallies],
        "findings": [
            asdict(finding) | {"items": list(finding.items), "total": len(finding.items)}
            for finding in verdict.findings
        ],
        "files": verdict.files,
        "digest": verdict.digest,
        "record": None if record is None else str(record),
        "record_written": verdict.recorded,
    }


def _print(verdict: "Verdict", record: Path | None) -> None:
    print(f"{verdict.dataset} in {verdict.folder} (source {verdict.source}), level {verdict.level}")
    for tally in verdict.tallies:
        differs = tally.found != tally.expected
        mark = "ok" if not differs else "note" if tally.fits else "WRONG"
        published = f", {tally.expected:,} expected" if differs else ""
        print(f"  {mark:5} {tally.group}: {tally.found:,} {tally.what}{published}")
    for finding in verdict.findings:
        mark = "WRONG" if finding.wrong else "note"
        print(f"  {mark:5} {finding.check}: {len(finding.items):,} {finding.text}")
        for item in finding.items[:SHOWN]:
            print(f"          {item}")
        if len(finding.items) > SHOWN:
            print(f"          ... and {len(finding.items) - SHOWN:,} more (all with --json)")
    if verdict.digest:
        print(f"  hashed {verdict.files:,} files, digest of all {verdict.digest}")
    if verdict.recorded:
        print(f"  wrote {record}: keep it, and verify against it later")
    print("as expected" if verdict.as_expected else "not as expected")


def _fetch(options: argparse.Namespace) -> int:
    from datasets import card

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
        found = {field: getattr(about, field) for field in fields}
        print_json({"dataset": about.id, "fetched": False} | found)
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
    from datasets import InputError

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
    from datasets import fetch_archive

    try:
        fetched = fetch_archive(about, options.out, options.from_)
    except KeyboardInterrupt:
        print(
            "crossres: interrupted; what has arrived is kept and the same command goes on from it",
            file=sys.stderr,
        )
        return ANSWER_IS_NO
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


def add_raw(within: Any) -> None:
    """Add the commands to the group `datasets`."""
    verify = command(
        within,
        "verify",
        _verify,
        "verify a raw folder: what is missing, extra or damaged",
        "crossres datasets verify mlr-market --data ~/reid --level names\n"
        "crossres datasets verify mlr-market --data ~/reid --record market.sha256",
    )
    verify.add_argument("dataset", metavar="NAME")
    verify.add_argument(
        "--data",
        type=place,
        metavar="ROOT",
        help="the folder that holds the raw folder or the owners' zip, or either itself "
        "(without it: the twin)",
    )
    verify.add_argument("--size", default="quick", help="the size of the twin (without --data)")
    verify.add_argument(
        "--level",
        choices=["counts", "names", "bytes"],
        help="counts (default), names (grammar and pairing), bytes (every file is hashed); each "
        "includes those before it",
    )
    verify.add_argument(
        "--record",
        type=place,
        metavar="FILE",
        help="sums in the lines of sha256sum: written when it is not there, compared when it is",
    )
    verify.add_argument("--decode", action="store_true", help="decode every image as well")
    verify.add_argument("--cache", type=place, metavar="DIR", help="archives are unpacked here")
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
