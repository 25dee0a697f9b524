"""`crossres search`."""

import argparse
from typing import Any

from crossres.answer import Answer
from crossres.arguments import (
    add_method,
    add_model,
    command_parser,
    frozen_model,
    method_sources_for,
    positive,
    user_path,
)

LITE0 = "efficientnet-lite0"


def _search(options: argparse.Namespace) -> Answer:
    from crossres.benchmark.runs.search import SearchRequest, require_queries, search
    from crossres.datasets.base.files import check_place
    from crossres.reports.search_page import search_json, search_lines, write_search

    check_place(options.out)
    require_queries(options.queries)
    weights = frozen_model(options, default=None if options.weights else LITE0) or options.weights
    sources = method_sources_for(weights, options.method)
    request = SearchRequest(
        tuple(options.queries), options.gallery, weights, options.device, options.top, sources
    )
    result = search(request)
    write_search(options.out, result)
    return Answer(
        search_json(result) | {"out": str(options.out)},
        [*search_lines(result), f"wrote {options.out}"],
    )


def add_command(commands: Any) -> None:
    """Add the command."""
    search = command_parser(
        commands,
        "search",
        _search,
        "look for people in a folder of crops; an HTML page of the best matches",
        "crossres search lost.jpg --gallery ~/crops\n"
        "crossres search ~/queries --gallery ~/crops --weights results/table2/weights/KEY",
    )
    search.add_argument(
        "queries", nargs="+", type=user_path, metavar="QUERY", help="an image, or a folder of them"
    )
    search.add_argument(
        "--gallery",
        type=user_path,
        required=True,
        metavar="DIR",
        help="where to look, with all below",
    )
    compared = search.add_mutually_exclusive_group()
    compared.add_argument(
        "--weights", type=user_path, metavar="FOLDER", help="a trained method that was kept"
    )
    add_model(search, compared, f" (default: {LITE0})")
    add_method(search)
    search.add_argument(
        "--top", type=positive, default=20, metavar="N", help="matches of each query (default: 20)"
    )
    search.add_argument(
        "--out",
        type=user_path,
        default="search.html",
        metavar="FILE.html",
        help="the page to write (default: search.html)",
    )
    search.add_argument(
        "--device", default="auto", metavar="NAME", help="cpu, cuda or auto (default)"
    )
