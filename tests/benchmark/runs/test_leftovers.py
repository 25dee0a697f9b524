"""A run removes what killed ones left behind, and leaves alone what others are at work on."""

from pathlib import Path

from crossres.benchmark.runs.leftovers import remove_leftovers, remove_of_finished
from crossres.datasets.base.files import replace_folder
from crossres.datasets.pixels.lock import locked

HEX = "0" * 32


def test_what_killed_runs_left_in_results_and_cache_goes(tmp_path: Path) -> None:
    out, cache = tmp_path / "out", tmp_path / "cache"
    left = [
        out / f"..writable.{HEX}.partial",
        out / "records" / f".a.json.{HEX}.partial",
        out / "weights" / f".a.{HEX}.partial" / "method.json",
        out / "report" / f".index.html.{HEX}.partial",
        out / "report" / "figures" / f".a.pdf.{HEX}.partial",
        out / "report" / "queries" / f".a.js.{HEX}.partial",
        out / "images" / "of-a-set" / f".a.npz.{HEX}.partial",
        out / "running" / "a.lock",
        out / "running" / "a.json",
        cache / "twins" / f".tiny.{HEX}.partial" / "a.png",
        cache / "pixels" / "done" / f".store.json.{HEX}.partial",
        cache / "partial" / "done" / "0-128.sha256",
        cache / "partial" / "done.lock",
        cache / "partial" / "gone.lock",
    ]
    kept = [
        out / "records" / "a.json",
        out / "weights" / "a" / "method.json",
        out / "images" / "of-a-set" / "a.npz",
        cache / "twins" / "tiny" / "a.png",
        cache / "pixels" / "done" / "store.json",
        cache / "partial" / "half" / "0-128.sha256",
        cache / "partial" / "half.lock",
    ]
    for path in [*left, *kept]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    remove_leftovers(out, cache)
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(kept)
    remove_leftovers(tmp_path / "new", tmp_path / "new")


def test_what_another_run_is_at_work_on_stays(tmp_path: Path) -> None:
    out, cache = tmp_path / "out", tmp_path / "cache"
    workplace = cache / "partial" / "new"
    with replace_folder(out / "weights" / "a") as weights, locked(workplace, lambda: None):
        (weights / "method.json").write_text("x")
        remove_leftovers(out, cache)
        assert (weights / "method.json").is_file()
        assert workplace.with_name("new.lock").is_file()
    assert (out / "weights" / "a" / "method.json").is_file()


def test_checkpoints_and_failures_of_finished_cells_go(tmp_path: Path) -> None:
    for name in ("checkpoints/a.zip", "checkpoints/b.zip", "failures/a.log", "failures/b.log"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    remove_of_finished(tmp_path, {"a"})
    left = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*"))
    assert left == ["checkpoints/b.zip", "failures/b.log"]
