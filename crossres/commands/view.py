"""`crossres view`."""

import argparse
import sys
from collections.abc import Iterator
from typing import Any

from crossres.answer import Answer
from crossres.arguments import command_parser, user_path


def _view(options: argparse.Namespace) -> Answer:
    from crossres.datasets import InputError
    from crossres.reports.serve import ReportServer

    if options.json:
        raise InputError("view serves until it is ended, so it has no JSON; leave out --json")
    server = ReportServer(options.results, options.port)
    return Answer({"address": server.address}, _served(server, options.open))


def _served(server: Any, opens: bool) -> Iterator[str]:
    """Serve until Ctrl-C, which is how it ends."""
    yield f"{server.address} shows {server.results}; Ctrl-C ends it"
    sys.stdout.flush()
    if opens:
        import webbrowser

        webbrowser.open(server.address)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        yield "ended"
    finally:
        server.server_close()


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and int(text) < 2**16):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 65535")
    return int(text)


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    view = command_parser(
        commands,
        "view",
        _view,
        "show the report of a results folder in a browser, and follow a run that fills it",
        "crossres view results/table2\ncrossres view results/table2 --open",
    )
    view.add_argument("results", type=user_path, metavar="RESULTS", help="a results folder")
    view.add_argument(
        "--port", type=_port, default=0, metavar="N", help="of this machine (default: any free one)"
    )
    view.add_argument("--open", action="store_true", help="open it in the browser")
