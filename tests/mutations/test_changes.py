"""The changes that the gate is tried on fit the code of today; `nox -s mutations` runs them."""

import ast
import re
from pathlib import Path

import pytest

from tests.mutations.changes import (
    REPOSITORY,
    Change,
    Edit,
    digest_of_study,
    edited,
    load_changes,
    write_changed,
)

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
    write_changed(change, tmp_path / "code")
    copied = (tmp_path / "code").rglob("*.py")
    differing = {
        path.relative_to(tmp_path / "code").as_posix()
        for path in copied
        if path.read_bytes() != (REPOSITORY / path.relative_to(tmp_path / "code")).read_bytes()
    }
    assert differing == {edit.file for edit in change.edit}
    assert (tmp_path / "code" / "benchmark" / "tables" / "gate.toml").exists()


def test_what_was_studied_is_named_by_the_change_and_the_code() -> None:
    digests = {digest_of_study(change) for change in CHANGES[:3]}
    assert len(digests) == 3
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests)
