"""The reference of the command line: nothing that the parser takes is missing from it."""

import re
from argparse import ArgumentParser
from collections.abc import Iterator

import pytest

from crossres.cli import _parser
from crossres.parser import commands_of
from tools.site import commands
from tools.site.markdown import escaped, with_options_as_code


def leaves(parser: ArgumentParser, name: str = "crossres") -> Iterator[tuple[str, ArgumentParser]]:
    below = commands_of(parser)
    for inner, command in below.items():
        yield from leaves(command, f"{name} {inner}")
    if not below:
        yield name, parser


COMMANDS = dict(leaves(_parser()))


@pytest.fixture(scope="module")
def page() -> str:
    return commands.page()


@pytest.fixture(scope="module")
def sections(page: str) -> dict[str, str]:
    """Heading -> what stands below it."""
    _, *parts = re.split(r"^### (.*)\n", page, flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_each_command_has_one_section(page: str, sections: dict[str, str]) -> None:
    assert sorted(sections) == sorted(COMMANDS)
    assert page.count("\n### ") == len(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_section_has_all_that_the_command_takes(
    name: str, page: str, sections: dict[str, str]
) -> None:
    of_all = re.findall(r"`([^`]*)`", page.partition("\n## ")[0])
    listed = [*re.findall(r"^`([^`]*)`\n:   .", sections[name], re.MULTILINE), *of_all]
    words = {word for argument in listed for word in re.split(", | ", argument)}
    for action in COMMANDS[name]._actions:
        choices = "|".join(map(str, action.choices or ()))
        names = action.option_strings or [str(action.metavar or choices or action.dest.upper())]
        assert set(names) <= words
        assert action.help, f"{name} {names[0]}: no help"
    examples = (COMMANDS[name].epilog or "").removeprefix("example:")
    assert all(line.strip() in sections[name] for line in examples.splitlines())


def test_what_a_help_leaves_out_is_said(sections: dict[str, str]) -> None:
    evaluate = sections["crossres evaluate"]
    same = "gallery images of the query's own identity and camera; default: `drop`"
    assert f"`--same-camera drop|keep`\n:   {same}\n" in evaluate
    assert "`--repetitions N`\n:   drawn galleries of shared; default: `100`" in evaluate
    assert "(default: 0); default" not in evaluate
    assert "may be given several times" in sections["crossres report"]
    assert "wrote; required\n" in sections["crossres check"].replace("`", "")


def test_signs_of_a_help_are_no_markup() -> None:
    assert escaped("a_b <key> [x] `c_d` *e*") == r"a\_b &lt;key> \[x\] `c_d` \*e\*"
    assert with_options_as_code("of --data-dir: a-b, $HOME") == "of `--data-dir`: a-b, `$HOME`"
