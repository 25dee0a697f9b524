"""`crossres datasets verify`."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossres.answer import ANSWER_IS_NO, DONE, Answer
from crossres.arguments import NAME_OR_FILE, cache, command_parser, dataset, user_path

if TYPE_CHECKING:
    from crossres.datasets import Verdict

SHOWN = 10  # items of a finding that are printed as text; --json has them all


def _verify(options: argparse.Namespace) -> Answer:
    from crossres.datasets import Card, Source, verify_raw

    named = dataset(options)
    own = isinstance(named, Card)  # nothing is published of it, so all is looked at
    level = options.level or ("bytes" if options.record or own else "counts")
    verdict = verify_raw(
        named,
        Source(root=options.data, size=options.size),
        cache(options),
        level,
        options.record,
        options.decode or (own and options.level is None),
    )
    code = DONE if verdict.as_expected else ANSWER_IS_NO
    return Answer(_content(verdict, options.record), _lines(verdict, options.record), code)


def _content(verdict: "Verdict", record: Path | None) -> dict[str, Any]:
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


def _lines(verdict: "Verdict", record: Path | None) -> Iterator[str]:
    yield f"{verdict.dataset} in {verdict.folder} (source {verdict.source}), level {verdict.level}"
    for tally in verdict.tallies:
        differs = tally.found != tally.expected
        mark = "ok" if not differs else "note" if tally.fits else "WRONG"
        published = f", {tally.expected:,} expected" if differs else ""
        yield f"  {mark:5} {tally.group}: {tally.found:,} {tally.what}{published}"
    for finding in verdict.findings:
        mark = "WRONG" if finding.wrong else "note"
        yield f"  {mark:5} {finding.check}: {len(finding.items):,} {finding.text}"
        for item in finding.items[:SHOWN]:
            yield f"          {item}"
        if len(finding.items) > SHOWN:
            yield f"          ... and {len(finding.items) - SHOWN:,} more (all with --json)"
    if verdict.digest:
        yield f"  hashed {verdict.files:,} files, digest of all {verdict.digest}"
    if verdict.recorded:
        yield f"  wrote {record}: keep it, and verify against it later"
    yield "as expected" if verdict.as_expected else "not as expected"


def add_command(within: Any) -> None:
    """Add the command to its group."""
    verify = command_parser(
        within,
        "verify",
        _verify,
        "verify a raw folder: what is missing, extra or damaged",
        "crossres datasets verify mlr-market --data ~/reid --level names\n"
        "crossres datasets verify mlr-market --data ~/reid --record market.sha256",
    )
    verify.add_argument("dataset", metavar="NAME|FILE.toml", help=NAME_OR_FILE)
    verify.add_argument(
        "--data",
        type=user_path,
        metavar="ROOT",
        help="the folder that holds the raw folder or the owners' zip, or either itself "
        "(without it: the twin)",
    )
    verify.add_argument("--size", default="quick", help="the size of the twin (without --data)")
    verify.add_argument(
        "--level",
        choices=["counts", "names", "bytes"],
        help="counts (default; of your own set bytes, with --decode), names (grammar and pairing), "
        "bytes (every file is hashed); each includes those before it",
    )
    verify.add_argument(
        "--record",
        type=user_path,
        metavar="FILE",
        help="sums in the lines of sha256sum: written when it is not there, compared when it is",
    )
    verify.add_argument("--decode", action="store_true", help="decode every image as well")
    verify.add_argument("--cache", type=user_path, metavar="DIR", help="archives are unpacked here")
