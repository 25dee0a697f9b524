"""The changes that the gate is tried on fit the code of today; `nox -s mutations` runs them."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutations.changes import (
    REPOSITORY,
    ROOMS,
    Change,
    Edit,
    digest_of_study,
    edited,
    installed,
    load_changes,
    write_changed,
)
from tests.mutations.study import Outcome, good_enough, to_markdown

CHANGES = load_changes()


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.slug)
def test_a_change_fits_and_leaves_a_module_that_parses(change: Change) -> None:
    texts: dict[str, str] = {}
    for edit in change.edit:
        path = REPOSITORY / edit.file
        texts[edit.file] = edited(edit, texts.get(edit.file, path.read_text(encoding="utf-8")))
    for file, text in texts.items():
        assert ast.dump(ast.parse(text)) != ast.dump(ast.parse((REPOSITORY / file).read_text()))
    assert change.edit or change.environment or change.run


def test_there_are_as_many_as_promised() -> None:
    kinds = [change.kind for change in CHANGES]
    assert kinds.count("bug") >= 20
    assert kinds.count("leak") >= 3
    assert kinds.count("clean") >= 20


def test_an_edit_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"a\.py: 2 times there, not once: 'x'"):
        edited(Edit("a.py", "x", "y"), "x x")
    with pytest.raises(ValueError, match="0 times there"):
        edited(Edit("a.py", "x", "y"), "z")


def test_a_copy_has_the_change_and_nothing_else(tmp_path: Path) -> None:
    change = next(change for change in CHANGES if len(change.edit) == 3)
    write_changed(change, tmp_path)
    sources = {
        installed(path.relative_to(REPOSITORY).as_posix()): path
        for room in ROOMS
        for path in (REPOSITORY / room).rglob("*.py")
    }
    copied = {path.relative_to(tmp_path): path for path in tmp_path.rglob("*.py")}
    assert copied.keys() == sources.keys()
    differing = {
        name for name, path in copied.items() if path.read_bytes() != sources[name].read_bytes()
    }
    assert differing == {installed(edit.file) for edit in change.edit}
    assert (tmp_path / "crossres" / "benchmark" / "tables" / "gate.toml").exists()


def test_what_was_studied_is_named_by_the_change_and_the_code() -> None:
    digests = {digest_of_study(change) for change in CHANGES[:3]}
    assert len(digests) == 3
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests)


def test_a_study_of_nothing_is_refused() -> None:
    command = [sys.executable, "tests/mutations", "--only", "no such change"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY)
    assert done.returncode == 2
    assert done.stderr == "no change has 'no such change' in its kind or name\n"


# --- what the study says --------------------------------------------------------------------------


def outcome(kind: str, *alarms: str, effect: float = 0.0) -> Outcome:
    tests = [
        {"metric": "mAP", "row": row, "difference": {"effect": value}}
        for row, value in ((None, effect / 2), ("Plain", effect), ("PCB", effect / 4))
    ]
    begun = [
        {"row": "Plain", "loss": loss, "relative": relative, "p": 0.0 if relative else None}
        for loss, relative in (("triplet", -10 * effect), ("cross-entropy", -effect))
    ]
    return Outcome(
        Change("a | b", kind), dict.fromkeys(alarms, 1), {"tests": tests, "beginnings": begun}
    )


def test_most_harm_must_be_found_and_no_clean_change() -> None:
    found, missed = outcome("bug", "worse"), outcome("bug")
    assert good_enough([found] * 9 + [missed])
    assert not good_enough([found] * 8 + [missed] * 2)
    assert not good_enough([found] * 20 + [outcome("clean", "worse")])
    assert good_enough([outcome("leak", "too good"), outcome("clean")])


def test_the_table_shows_what_gave_a_change_away_and_what_was_wrong() -> None:
    text = to_markdown([outcome("bug", "worse", "size", effect=-0.08), outcome("bug")])
    assert text.startswith("**bug: 1 of 2 raise an alarm**")
    assert "| worse, size | -4.0 | Plain -8.0 | Plain, triplet 80 % |" in text
    assert "| **none** | +0.0 | equal to the bit | equal to the bit |" in text
    assert "**clean: 1 of 1 raise none**" in to_markdown([outcome("clean")])
    blind = Outcome(Change("b", "clean"), {}, {**outcome("clean").answer, "answer": "unusable"})
    assert good_enough([outcome("clean"), blind])
    text = to_markdown([outcome("clean"), blind])
    assert text.startswith("**clean: 2 of 2 raise none, 1 checks are unusable**")
    assert "| b | unusable | +0.0 |" in text
    nothing = Outcome(Change("x", "bug"), {"no results": 1}, {"error": "crossres: no records"})
    assert "| no results | – | crossres: no records | – |" in to_markdown([nothing])
