"""A folder that tests share is made once, and anew where making it failed."""

from pathlib import Path

import pytest

from tests.sharing import made_once


@pytest.mark.parametrize("number", range(4))
def test_it_is_made_once_whoever_asks(
    number: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    def make(folder: Path) -> None:
        with (folder.parent / "times made").open("a") as file:
            file.write(f"{number}\n")
        (folder / "file").write_text("made")

    folder = made_once(tmp_path_factory, "a shared folder", make)
    assert (folder / "file").read_text() == "made"
    assert len((folder.parent / "times made").read_text().splitlines()) == 1


def test_what_failed_is_made_anew(tmp_path_factory: pytest.TempPathFactory) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise OSError

    with pytest.raises(OSError):
        made_once(tmp_path_factory, "another shared folder", fail)
    folder = made_once(tmp_path_factory, "another shared folder", Path.touch)
    assert not list(folder.iterdir())
