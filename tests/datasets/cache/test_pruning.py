"""What lies in a cache by name, and what goes of it by age, size or name; never what is held."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from crossres.datasets import open_store
from crossres.datasets.base import in_use
from crossres.datasets.base.errors import InputError
from crossres.datasets.base.in_use import mark_used
from crossres.datasets.cache.contents import CacheContents, Entry, cache_contents
from crossres.datasets.cache.pruning import Bounds, chosen_entries, prune, to_prune
from crossres.datasets.pixels.lock import locked
from crossres.datasets.protocols import build_manifest
from crossres.datasets.raw.source import Source, open_raw

DAY = 24 * 3600.0
NOW = 1000 * DAY
HEX = "0123456789abcdef" * 2


def close_all() -> None:
    for path in list(in_use._held):
        in_use._release(path)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two twins, with a store of each: of mlr-viper used 10 days before NOW, of caviar 20."""
    cache = tmp_path_factory.mktemp("filled")
    for days, dataset in ((10, "mlr-viper"), (20, "caviar")):
        raw = open_raw(dataset, Source(size="tiny"), cache)
        open_store(raw, build_manifest(raw, "mlr-sing", 0), 16, 8, cache)
        close_all()
        # Not of the images: a store is of these very files.
        for path in (*cache.glob("*/*"), *cache.glob("used/*/*")):
            if path.stat().st_mtime > NOW:
                os.utime(path, (NOW - days * DAY, NOW - days * DAY))
    return cache


@pytest.fixture
def cache(filled: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy."""
    yield Path(shutil.copytree(filled, tmp_path / "cache", copy_function=shutil.copy2))
    close_all()


def names(entries: "tuple[Entry, ...] | list[Entry]") -> list[tuple[str, str]]:
    return [(entry.kind, entry.dataset) for entry in entries]


def pruned(cache: Path, *chosen: str, days: float | None = None, size: int | None = None) -> int:
    """Prune; return how many entries went, none of which is there any more."""
    contents = cache_contents(cache)
    entries = to_prune(
        contents, chosen_entries(contents, chosen), Bounds(days, size), NOW, named=bool(chosen)
    )
    result = prune(contents, entries)
    there = {entry.path for entry in cache_contents(cache).entries}
    assert {entry.path for entry in contents.entries} - there == {e.path for e in result.removed}
    assert result.left == cache_contents(cache).size
    return len(result.removed)


def entry_of(contents: CacheContents, kind: str, dataset: str) -> Entry:
    (entry,) = (e for e in contents.entries if (e.kind, e.dataset) == (kind, dataset))
    return entry


def test_entries_have_names_for_people_sizes_and_times(cache: Path) -> None:
    contents = cache_contents(cache)
    assert contents.foreign == ()
    assert [entry.title for entry in contents.entries] == [
        "caviar, twin of size tiny, seed 0",
        "mlr-viper, twin of size tiny, seed 0",
        "caviar, twin:tiny:2, mlr-sing, seed 0, 16 x 8",
        "mlr-viper, twin:tiny:2, mlr-sing, seed 0, 16 x 8",
    ]
    for entry in contents.entries:
        files = [path for path in entry.path.rglob("*") if path.is_file()]
        assert 0 < sum(path.stat().st_size for path in files) <= entry.size
        assert NOW - entry.last_used == (10 if entry.dataset == "mlr-viper" else 20) * DAY
        assert (entry.in_use, entry.obsolete) == (False, False)


def test_opening_is_use_and_changes_nothing_in_what_is_opened(cache: Path) -> None:
    files = [path for path in cache.rglob("*") if path.is_file() and "used" not in path.parts]
    before = {path: path.stat().st_mtime for path in files}
    raw = open_raw("caviar", Source(size="tiny"), cache)
    open_store(raw, build_manifest(raw, "mlr-sing", 0), 16, 8, cache, checked=True)
    after = {path: path.stat().st_mtime for path in files}
    # The copy has another inode, so its pixels are compared anew; else nothing is written.
    assert {path.name for path in files if before[path] != after[path]} <= {"store.json"}
    for entry in cache_contents(cache).entries:
        is_caviar = entry.dataset == "caviar"
        assert (entry.in_use, entry.last_used > NOW) == (is_caviar, is_caviar)


def test_what_is_older_goes(cache: Path) -> None:
    assert pruned(cache, days=21) == 0
    assert pruned(cache, days=15) == 2
    assert names(cache_contents(cache).entries) == [("twin", "mlr-viper"), ("store", "mlr-viper")]
    assert pruned(cache, days=0) == 2
    assert [path for path in (cache / "used").rglob("*") if path.is_file()] == []


def test_what_was_used_longest_ago_goes_until_the_rest_fits(cache: Path) -> None:
    contents = cache_contents(cache)
    assert pruned(cache, size=contents.size) == 0
    assert pruned(cache, size=contents.size - 1) == 1
    assert {e.dataset for e in contents.entries} - {
        e.dataset for e in cache_contents(cache).entries
    } == set()
    assert pruned(cache, size=0) == 3


def test_names_choose(cache: Path) -> None:
    store = entry_of(cache_contents(cache), "store", "caviar")
    assert pruned(cache, store.name[:8]) == 1
    assert pruned(cache, "stores", days=1) == 1
    assert pruned(cache, "leftovers") == 0
    assert pruned(cache, "caviar") == 1
    assert names(cache_contents(cache).entries) == [("twin", "mlr-viper")]
    with pytest.raises(InputError, match=r"is called 'mlr-vipr' \(did you mean 'mlr-viper'"):
        pruned(cache, "mlr-vipr")


def test_without_bounds_only_what_serves_nobody_goes(cache: Path) -> None:
    old = cache / "twins" / "tiny-v1-mlr-viper"
    shutil.copytree(cache / "twins" / "tiny-v2-mlr-viper", old)
    leftovers = [
        cache / "partial" / HEX,
        cache / "partial" / f"{HEX}.{HEX}.damaged",
        cache / "twins" / f".tiny-v2-vric.{HEX}.partial",
    ]
    for folder in leftovers:
        (folder / "inner").mkdir(parents=True)
        (folder / "inner" / "file").write_bytes(b"12345")
    contents = cache_contents(cache)
    assert sum(entry.kind == "leftover" for entry in contents.entries) == 3
    assert pruned(cache) == 4
    assert not any(folder.exists() for folder in (*leftovers, old))
    assert len(cache_contents(cache).entries) == 4


def test_what_a_process_holds_stays(cache: Path) -> None:
    store = entry_of(cache_contents(cache), "store", "caviar")
    mark_used(cache, "pixels", store.name, {})
    half = cache / "partial" / HEX
    half.mkdir(parents=True)
    drawing = cache / "twins" / f".tiny-v2-vric.{HEX}.partial"
    drawing.mkdir()
    mark_used(cache, "twins", "tiny-v2-vric", {})
    viper = cache / "partial" / entry_of(cache_contents(cache), "store", "mlr-viper").name
    with locked(half, lambda: None), locked(viper, lambda: None):
        contents = cache_contents(cache)
        held = {e.path for e in contents.entries if e.in_use}
        assert held == {store.path, half, drawing}
        result = prune(contents, contents.entries)
        # The store that somebody is just replacing is open nowhere, and stays all the same.
        assert {e.path for e in result.in_use} == {*held, cache / "pixels" / viper.name}
        assert names(result.removed) == [("twin", "caviar"), ("twin", "mlr-viper")]
    assert store.path.is_dir()


def test_what_is_not_ours_is_left_alone(cache: Path, tmp_path: Path) -> None:
    foreign = [
        cache / "twins" / "tiny-v2-mlr-viper-9",  # no marker in it
        cache / "twins" / "holiday",
        cache / "pixels" / HEX,  # with a file that no store has
        cache / "partial" / "letter.txt",
        cache / "mine",
    ]
    for path in foreign:
        path.mkdir(parents=True)
        (path / "precious").touch()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").touch()
    link = cache / "pixels" / HEX[::-1]
    link.symlink_to(outside)
    assert set(cache_contents(cache).foreign) == {*foreign, link}
    pruned(cache, days=0)
    pruned(cache, size=0)
    assert all((path / "precious").exists() for path in (*foreign, link))


def test_a_dry_run_removes_nothing(cache: Path) -> None:
    contents = cache_contents(cache)
    result = prune(contents, contents.entries, dry_run=True)
    assert (len(result.removed), result.left) == (4, 0)
    assert cache_contents(cache) == contents


def test_a_store_of_a_version_without_marks_is_known_by_its_manifest(cache: Path) -> None:
    shutil.rmtree(cache / "used")
    for entry in cache_contents(cache).entries:
        if entry.kind == "store":
            manifest = json.loads((entry.path / "store.json").read_text())["manifest"]
            assert entry.title == f"manifest {manifest[:12]}, 16 x 8"


def test_a_cache_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert cache_contents(tmp_path / "nothing").entries == ()
