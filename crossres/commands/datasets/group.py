"""The group `crossres datasets`."""

from typing import Any

from crossres.arguments import command_group
from crossres.commands.datasets import (
    build,
    diff,
    digests,
    export,
    fetch,
    list,
    new,
    sheet,
    show,
    twin,
    verify,
    verify_export,
)

COMMANDS = (
    list,
    new,
    show,
    sheet,
    build,
    digests,
    export,
    verify_export,
    diff,
    verify,
    fetch,
    twin,
)


def add_group(commands: Any) -> None:
    """Add the group and its commands."""
    within = command_group(
        commands, "datasets", "list data sets, build manifests and pixels, draw twins"
    )
    for module in COMMANDS:
        module.add_command(within)
