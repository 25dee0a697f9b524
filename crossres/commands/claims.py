"""`crossres claims`."""

import argparse
from collections.abc import Iterable
from functools import partial
from typing import Any

from crossres.answer import Answer, drawn
from crossres.arguments import command_parser, user_path


def _claims(options: argparse.Namespace) -> Answer:
    from crossres.benchmark import read_records
    from crossres.benchmark.config.claims import load_claims
    from crossres.benchmark.records.artifacts import ArtifactFolder
    from crossres.benchmark.records.kept import claims_of, kept_tables
    from crossres.benchmark.records.planned import read_runs
    from crossres.benchmark.records.queries import FromArtifacts
    from crossres.reports.claims import claims_json, evaluate_claims, grids_of, print_claims

    records, artifacts = read_records(options.results), ArtifactFolder(options.results)
    if options.claims:
        claims = load_claims(options.claims, kept_tables(options.results))
    else:
        claims = claims_of(options.results)
    queries, runs = FromArtifacts(artifacts), read_runs(options.results)
    answers = evaluate_claims(grids_of(claims, records, queries, runs), claims)
    artifacts.log_problems()
    lines = drawn(partial(print_claims, answers)) if answers else _no_answers(records)
    return Answer({"results": claims_json(answers)}, lines)


def _no_answers(records: Iterable[Any]) -> list[str]:
    from crossres.datasets.protocols.validation import is_validation

    cells = [record.cell for record in records]
    reasons = {
        "partial data is not the data that claims are about": any(
            cell.source == "partial" for cell in cells
        ),
        "claims are about test identities, not those of validation": any(
            is_validation(cell.protocol) for cell in cells
        ),
    }
    why = [f"; {reason}" for reason, applies in reasons.items() if applies]
    return [f"none of the claims is about the records in this folder{''.join(why)}"]


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    claims = command_parser(
        commands,
        "claims",
        _claims,
        "hold what the paper says about its results against the records of a folder",
        "crossres claims results/table2\ncrossres claims results/mine --claims my_claims.toml",
    )
    claims.add_argument("results", type=user_path, metavar="RESULTS", help="a results folder")
    claims.add_argument(
        "--claims",
        metavar="NAME",
        default="",
        help="the path of a claims file, or ablations (default: the MSIFLA paper's, and those that "
        "RESULTS keeps)",
    )
