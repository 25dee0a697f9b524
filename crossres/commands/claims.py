"""`crossres claims`."""

import argparse
from typing import Any

from crossres.arguments import DONE, command, place, print_json


def _claims(options: argparse.Namespace) -> int:
    from rich.console import Console

    from crossres.benchmark import read_records
    from crossres.benchmark.config.claims import load_claims
    from crossres.benchmark.records.kept import claims_of, kept_tables
    from crossres.benchmark.records.queries import FromArtifacts
    from crossres.reports.claims import claims_json, evaluate_claims, grids_of, print_claims

    records, queries = read_records(options.results), FromArtifacts(options.results)
    if options.claims:
        claims = load_claims(options.claims, kept_tables(options.results))
    else:
        claims = claims_of(options.results)
    held = evaluate_claims(grids_of(claims, records, queries), claims)
    if options.json:
        print_json({"results": claims_json(held)})
    elif held:
        print_claims(held, Console())
    else:
        partial = any(record.cell.source == "partial" for record in records)
        why = "; partial data is not the data that claims are about" if partial else ""
        print(f"none of the claims is about the records in this folder{why}")
    return DONE


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    claims = command(
        commands,
        "claims",
        _claims,
        "hold what the paper says about its results against the records of a folder",
        "crossres claims results/table2\ncrossres claims results/mine --claims my_claims.toml",
    )
    claims.add_argument("results", type=place, metavar="RESULTS")
    claims.add_argument(
        "--claims",
        metavar="NAME",
        default="",
        help="the path of a claims file, or ablations (default: the MSIFLA paper's, and those that "
        "RESULTS keeps)",
    )
