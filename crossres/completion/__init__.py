"""What may stand where the cursor is, for the shells: `crossres __complete ...`.

The scripts beside this file are the shells' part: they ask for every TAB, so nothing in them grows
old when crossres does, and a method of a plug-in is there as soon as it is installed.
"""

import argparse
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from crossres.completion.values import Value, values_of
from crossres.parser import commands_of

ASKED = "__complete"  # the first word of what the scripts ask
SHELLS = ("bash", "zsh", "fish")


def script(shell: str) -> str:
    """Return the completion script of one of SHELLS."""
    return Path(__file__).with_name(f"crossres.{shell}").read_text(encoding="utf-8")


def answer(words: Sequence[str], parser: Callable[[], argparse.ArgumentParser]) -> str:
    """Return what a script asks for: a line that says what else, then a line for each value.

    `words`: "line" and the command line up to the cursor, or "words" and each of its words but for
    the command's, the last one up to the cursor. The first line is "files", "folders" or "values",
    and has " nospace" where a value is not whole yet; the others are a value, a tab, a description.
    A shell shows what is printed in the middle of a line, so anything unusable has no values.
    """
    try:
        how, *rest = words
        asked = _split(rest[0]) if how == "line" else rest
        possible, paths = _completed(asked, parser())
    except Exception:
        return "values\n"
    prefix = asked[-1]
    matching = [value for value in possible if value.text.startswith(prefix)]
    nospace = " nospace" if any(value.text.endswith((":", "=")) for value in matching) else ""
    lines = [f"{value.text}\t{_short(value.about)}" for value in matching]
    return "".join(f"{line}\n" for line in (f"{paths or 'values'}{nospace}", *lines))


def _short(text: str) -> str:
    """Return the beginning of a text, up to where it goes into more."""
    return " ".join(text.split()).partition(";")[0].removesuffix(".")


def _split(line: str) -> list[str]:
    """Split a line as a shell does, also within a quotation that is not closed yet."""
    for end in ("", '"', "'"):
        try:
            words = shlex.split(line + end)
        except ValueError:
            continue
        return [*words[1:], *([""] if not end and line[-1:].isspace() else [])]
    return line.split()[1:]


@dataclass
class _Place:
    """Where the words before the cursor lead."""

    parser: argparse.ArgumentParser
    awaited: argparse.Action | None = None  # the option whose value comes next
    over: bool = False  # no more options, after "--"
    given: dict[str, str] = field(default_factory=dict)  # by the name of the argument
    places: int = 0  # arguments by their place

    def take(self, word: str) -> None:
        """Go on by one word."""
        name, equals, value = word.partition("=")
        if self.awaited is not None:
            self._give(self.awaited, word)
        elif word == "--" and not self.over:
            self.over = True
        elif word.startswith("-") and not self.over:
            action = self.parser._option_string_actions[name]
            if action.nargs == 0:
                self.given[action.dest] = ""
            elif equals:
                self._give(action, value)
            else:
                self.awaited = action
        elif below := commands_of(self.parser):
            self.parser = below[word]
        else:
            taken = self.next_place()
            self.places += 1
            if taken is not None:
                self._give(taken, word)

    def next_place(self) -> argparse.Action | None:
        """Return the argument that a word without an option is."""
        actions = [a for a in self.parser._actions if not a.option_strings]
        if not actions:
            return None
        last = actions[-1]
        several = last.nargs in ("*", "+")
        return actions[min(self.places, len(actions) - 1)] if several else _at(actions, self.places)

    def _give(self, action: argparse.Action, value: str) -> None:
        self.given[action.dest] = value
        self.awaited = None


def _at(actions: Sequence[argparse.Action], place: int) -> argparse.Action | None:
    return actions[place] if place < len(actions) else None


def _completed(words: Sequence[str], parser: argparse.ArgumentParser) -> tuple[list[Value], str]:
    """Return what the last word may become, and which paths beside: "files", "folders", ""."""
    *before, current = words
    place = _Place(parser)
    for word in before:
        place.take(word)
    name, equals, _ = current.partition("=")
    if place.awaited is not None:
        return values_of(place.awaited, current, place.given)
    if current.startswith("-") and not place.over:
        if not equals:
            return list(_options(place)), ""
        action = place.parser._option_string_actions[name]
        values, paths = values_of(action, current.partition("=")[2], place.given)
        return [Value(f"{name}={value.text}", value.about) for value in values], paths
    if commands := _commands(place.parser):
        return commands, ""
    wanted = place.next_place()
    if wanted is None:
        return list(_options(place)), ""
    return values_of(wanted, current, place.given)


def _commands(parser: argparse.ArgumentParser) -> list[Value]:
    below = commands_of(parser)
    return [Value(n, (p.description or "").partition(":")[0]) for n, p in below.items()]


def _options(place: _Place) -> Iterable[Value]:
    """Yield the options that can still be given; `--table` and its like again and again."""
    for name, action in place.parser._option_string_actions.items():
        again = isinstance(action, argparse._AppendAction)
        if name.startswith("--") and (again or action.dest not in place.given):
            yield Value(name, (action.help or "").partition("(default")[0].strip())
