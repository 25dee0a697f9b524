"""What a command answers: its JSON, the lines of its text, and its exit code."""

import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

DONE, ANSWER_IS_NO, UNUSABLE_INPUT = 0, 1, 2


@dataclass(frozen=True)
class Answer:
    """What a command has found; only `crossres.cli` prints it, in one of the two forms.

    `lines` are read only where text is asked for, so a generator may do work that JSON can spare.
    """

    content: dict[str, Any]
    lines: Iterable[str]
    code: int = DONE

    def print(self, as_json: bool) -> None:
        """Print JSON and nothing else, or the lines."""
        if as_json:
            print(json.dumps(self.content, indent=1, allow_nan=False))
        else:
            for line in self.lines:
                print(line)


def drawn(draw: Callable[["Console"], None]) -> Iterator[str]:
    """Yield the lines that `draw` prints on a console like the terminal: its width, its colours."""
    from rich.console import Console

    console = Console()
    with console.capture() as capture:
        draw(console)
    if text := capture.get():
        yield from text.removesuffix("\n").split("\n")


def print_file(content: str) -> None:
    """Print what is to be a file (`> FILE`): as UTF-8, whatever the console's encoding."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="")
    print(content, end="")
