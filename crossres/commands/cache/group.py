"""The group `crossres cache`."""

from typing import Any

from crossres.arguments import command_group
from crossres.commands.cache import list, prune

COMMANDS = (list, prune)


def add_group(commands: Any) -> None:
    """Add the group and its commands."""
    within = command_group(commands, "cache", "list what lies in the cache folder, make room in it")
    for module in COMMANDS:
        module.add_command(within)
