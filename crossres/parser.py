"""The parser of the command line: a mistake is one line (InputError) with the likely remedy."""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn


class Parser(argparse.ArgumentParser):
    """Takes options by their whole names, each at most once and with a value that is not empty."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings, allow_abbrev=False)
        self.register("action", None, _StoreOnce)
        self.register("action", "store", _StoreOnce)

    def error(self, message: str) -> NoReturn:
        """Raise InputError with the message and where help is."""
        from crossres.datasets import InputError

        raise InputError(f"{message}; see {self.prog} --help")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse, and refuse what the command does not have."""
        texts = sys.argv[1:] if args is None else list(args)
        self._check(texts)
        options, unknown = super().parse_known_args(texts, namespace)
        if unknown:
            self._refuse(unknown)
        return options, unknown

    def _check(self, texts: Sequence[str]) -> None:
        """Refuse unknown options first: what else is missing is missing because of them."""
        before, options = "", True
        for text in texts:
            option, equals, value = text.partition("=")
            is_option = options and text.startswith("-")
            if not text.strip() or (is_option and equals and not value.strip()):
                where = option.strip() or before or self.prog
                self.error(f"{where}: an empty value; give one or leave it out")
            if self._subparsers and not is_option:
                return  # what follows is the command's
            if text == "--":
                options = False
            elif is_option and text.startswith("--") and option not in self._option_string_actions:
                self._refuse([option])
            before = f"argument {text}" if is_option else ""

    def _refuse(self, unknown: Sequence[str]) -> NoReturn:
        option = next((text for text in unknown if text.startswith("-")), None)
        if option is None:
            self.error(f"{unknown[0]!r} is one argument too many")
        self.error(f"unknown option {option}{_near(option, self._option_string_actions)}")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        choices = list(map(str, action.choices))
        rest = f"; choose among {', '.join(choices)}"
        if isinstance(action, argparse._SubParsersAction):
            near = _near_command(value, action.choices)
            raise argparse.ArgumentError(None, f"unknown command {value!r}{near}{rest}")
        raise argparse.ArgumentError(action, f"unknown {value!r}{_near(value, choices)}{rest}")


def _near_command(name: str, parsers: Mapping[str, argparse.ArgumentParser]) -> str:
    """Suggest a command, also one of a group by its own name: `verify` is `datasets verify`."""
    within: dict[str, list[str]] = {}
    for group, parser in parsers.items():
        for inner in commands_of(parser):
            within.setdefault(inner, []).append(f"{group} {inner}")
    from difflib import get_close_matches

    word = name.casefold()
    near = [word] if word in within else get_close_matches(word, [*parsers, *within], n=1)
    meant = within.get(near[0], near) if near else []
    return f" (did you mean {' or '.join(map(repr, meant))}?)" if meant else ""


def commands_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Return the parsers of the commands below one, by name; {} where it is itself a command's."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


class HelpFormatter(argparse.HelpFormatter):
    """Fills descriptions to the width of the terminal, and leaves what has lines of its own."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if "\n" in text else super()._fill_text(text, width, indent)


def _near(name: str, names: Iterable[str]) -> str:
    from crossres.datasets.base.suggest import did_you_mean

    return did_you_mean(name, names)


class _StoreOnce(argparse.Action):
    """Keeps the value of an option; a second one would silently take the place of the first."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        del parser
        stored = namespace.__dict__.setdefault("given", set())
        if option_string is not None and self.dest in stored:
            raise argparse.ArgumentError(self, "given twice; give it once")
        stored.add(self.dest)
        setattr(namespace, self.dest, values)
