"""`crossres completion`."""

import argparse
from typing import Any

from crossres.answer import Answer
from crossres.arguments import command_parser
from crossres.completion import SHELLS, script


def _completion(options: argparse.Namespace) -> Answer:
    text = script(options.shell)
    return Answer({"shell": options.shell, "script": text}, text.splitlines())


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    completion = command_parser(
        commands,
        "completion",
        _completion,
        "print the script with which a shell completes commands, options and their values",
        'eval "$(crossres completion bash)"  # in ~/.bashrc\n'
        'crossres completion zsh > "${fpath[1]}/_crossres"\n'
        "crossres completion fish > ~/.config/fish/completions/crossres.fish",
    )
    completion.add_argument("shell", choices=SHELLS, help="which one: bash, zsh or fish")
