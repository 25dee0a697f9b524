"""What an evaluation says beside its metrics: of each query, its intervals, its rules, as files."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

import crossres
from crossres.benchmark import Rules, evaluate, evaluate_features
from crossres.benchmark.metrics import features, scoring
from crossres.benchmark.metrics.evaluation import Evaluation
from crossres.benchmark.metrics.evaluation_files import check_places, write_answer, write_table
from crossres.benchmark.metrics.measure import METRICS
from crossres.benchmark.stats.mean_interval import mean_interval
from crossres.datasets.base.errors import InputError

RULES = {
    "multi-shot": Rules(),
    "single-shot": Rules("single-shot", ties="half"),
    "shared": Rules("shared", repetitions=4, seed=3),
    "keep": Rules(same_camera="keep"),
    "separate": Rules(separate_cameras=True),
    "trapezoid": Rules("single-shot", ap="trapezoid", self_matches="keep"),
}
BY_QUERY = ("rank1", "rank5", "rank10", "rank20", "AP", "INP")


def arrays(seed: int = 0) -> dict[str, Any]:
    """Junk, distractors, unknown cameras, self-matches, and queries that nobody matches."""
    rng = np.random.default_rng(seed)
    pids = np.r_[np.arange(50) % 9, -1, -1]
    gallery = rng.normal(size=(52, 6)) + pids[:, None] * 0.3
    query_pids = np.r_[rng.integers(0, 8, 20), 100, 101]
    query = rng.normal(size=(22, 6)) + query_pids[:, None] * 0.3
    query[0] = gallery[query_pids[0]]
    return {
        "query_features": query,
        "gallery_features": gallery,
        "query_pids": query_pids,
        "gallery_pids": pids,
        "query_camids": rng.integers(-1, 3, 22),
        "gallery_camids": rng.integers(-1, 3, 52),
    }


def usable(content: dict[str, Any], rules: Rules, query: int) -> NDArray[np.bool_]:
    """Which gallery images no rule drops."""
    pid, camid = content["query_pids"][query], content["query_camids"][query]
    of_pid, of_camera = content["gallery_pids"] == pid, content["gallery_camids"] == camid
    of_camera &= camid != -1
    dropped = content["gallery_pids"] == -1
    if rules.same_camera == "drop":
        dropped |= of_camera if rules.separate_cameras else of_pid & of_camera
    itself = (content["gallery_features"] == content["query_features"][query]).all(axis=1) & of_pid
    camera_counts = rules.same_camera == "drop" and camid != -1
    if rules.self_matches == "auto" and not camera_counts:
        dropped |= itself
    return np.asarray(~dropped)


@pytest.mark.parametrize("name", sorted(RULES))
def test_each_query(name: str) -> None:
    content, rules = arrays(), RULES[name]
    evaluation = evaluate_features(content, rules=rules)
    table = pd.DataFrame(evaluation.per_query.columns())
    assert table["query"].tolist() == list(range(22))
    assert table["pid"].tolist() == content["query_pids"].tolist()
    camids = [None] * 22 if name == "keep" else content["query_camids"].tolist()
    assert table["camid"].tolist() == camids
    for query, row in table.iterrows():
        seen = usable(content, rules, int(str(query)))
        true = seen & (content["gallery_pids"] == row["pid"])
        assert row["true_matches"] == true.sum()
        assert row["ranked_images"] == (seen.sum() if true.any() else 0)
        assert row["valid"] == true.any() == (not np.isnan(row["AP"]))
    assert evaluation.metrics["valid_queries"] == table["valid"].sum() < 22
    assert evaluation.counts["skipped_queries"] == 22 - table["valid"].sum() >= 2
    assert evaluation.counts["valid_identities"] == table["pid"][table["valid"]].nunique()
    for metric, of_query in zip(METRICS, BY_QUERY, strict=True):
        assert table[of_query].mean() == pytest.approx(evaluation.metrics[metric], abs=1e-12)
        pids, values = content["query_pids"], table[of_query].to_numpy(dtype=float)
        assert evaluation.intervals[metric] == mean_interval(pids, values)


def test_it_names_rules_and_sizes() -> None:
    plain = evaluate_features(arrays(), "cosine", Rules()).as_dict()
    assert plain["rules"] == {
        "metric": "cosine",
        "gallery": "multi-shot",
        "same_camera": "drop",
        "separate_cameras": False,
        "ap": "standard",
        "ties": "order",
        "self_matches": "auto",
    }
    shared = evaluate_features(arrays(), rules=RULES["shared"]).as_dict()
    assert shared["rules"].keys() - plain["rules"].keys() == {"repetitions", "seed"}
    assert (shared["rules"]["repetitions"], shared["rules"]["seed"]) == (4, 3)
    sizes = [plain[n] for n in ("query_images", "gallery_images", "embedding_size", "level")]
    assert sizes == [22, 52, 6, 0.95]
    assert list(plain["intervals"])[:6] == list(METRICS)


def test_the_order_of_the_queries_changes_no_bit_of_it() -> None:
    content = arrays()
    order = np.random.default_rng(5).permutation(22)
    moved = {n: a[order] if n.startswith("query") else a for n, a in content.items()}
    for rules in (RULES["multi-shot"], RULES["single-shot"]):
        assert (
            evaluate_features(moved, rules=rules).as_dict()
            == evaluate_features(content, rules=rules).as_dict()
        )


def test_the_door_gives_everything_and_evaluate_the_metrics(tmp_path: Path) -> None:
    np.savez(tmp_path / "f.npz", **arrays())
    evaluation = crossres.evaluate_features(str(tmp_path / "f.npz"))
    assert isinstance(evaluation, crossres.Evaluation)
    with pytest.warns(UserWarning, match="of 22 queries stand in the gallery"):
        assert evaluate(**arrays()) == evaluation.metrics
    with pytest.raises(InputError, match="features: gallery_pids is missing; give it, too"):
        crossres.evaluate_features({n: a for n, a in arrays().items() if n != "gallery_pids"})
    with pytest.raises(InputError, match="progress: give a function, not 5"):
        crossres.evaluate_features(arrays(), progress=5)  # type: ignore[arg-type]


# --- progress -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(RULES))
@pytest.mark.parametrize("small", [False, True])
def test_it_tells_how_far_it_is(name: str, small: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = evaluate_features(arrays(), rules=RULES[name])
    if small:  # blocks of three queries, parts of seven images, tiles of two queries
        monkeypatch.setattr(features, "QUERIES_BYTES", 20 * 6 * 3)
        monkeypatch.setattr(features, "MOST_COLUMNS", 7)
        monkeypatch.setattr(scoring, "TILE_VALUES", 14)
    steps: list[tuple[int, int]] = []
    evaluation = evaluate_features(
        arrays(), rules=RULES[name], progress=lambda *step: steps.append(step)
    )
    assert evaluation.as_dict() == expected.as_dict()
    done = [queries for queries, total in steps if total == 22]
    assert len(done) == len(steps)
    assert done == sorted(done)
    assert (done[0], done[-1]) == (0, 22)
    if small and name != "shared":
        assert len(set(done)) > 8
        assert len(steps) > 20


# --- files ----------------------------------------------------------------------------------------


@pytest.fixture(params=["multi-shot", "shared", "keep"])
def evaluation(request: pytest.FixtureRequest) -> Evaluation:
    return evaluate_features(arrays(), rules=RULES[request.param])


def rows(file: Path) -> Iterator[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream)


def same(text: str, value: Any) -> bool:
    """Whether the text of a CSV is the value of JSON, to the last bit."""
    if value is None or isinstance(value, bool | str):
        return text == {None: "", True: "true", False: "false"}.get(value, value)
    return type(value)(text) == value


def test_json_and_csv_hold_the_same_queries(evaluation: Evaluation, tmp_path: Path) -> None:
    write_table(tmp_path / "q.json", evaluation.per_query.columns())
    write_table(tmp_path / "q.CSV", evaluation.per_query.columns())
    columns = json.loads((tmp_path / "q.json").read_text(encoding="utf-8"))
    assert columns == evaluation.per_query.columns()
    lines = list(rows(tmp_path / "q.CSV"))
    assert len(lines) == 22
    for index, line in enumerate(lines):
        assert list(line) == list(columns)
        assert all(same(text, columns[name][index]) for name, text in line.items())


def test_json_and_csv_hold_the_same_answer(evaluation: Evaluation, tmp_path: Path) -> None:
    answer = {**evaluation.as_dict(), "features": "=1+1"}
    write_answer(tmp_path / "a.json", answer)
    write_answer(tmp_path / "a.csv", answer)
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == answer
    (line,) = rows(tmp_path / "a.csv")
    assert line.pop("features") == " =1+1"  # no formula for a spreadsheet
    assert line.pop("notes") == " | ".join(answer["notes"])
    for metric in answer["intervals"]:
        low, high = line.pop(f"{metric}_low"), line.pop(f"{metric}_high")
        bounds = answer["intervals"][metric] or [None, None]
        assert same(low, bounds[0])
        assert same(high, bounds[1])
    for name, value in answer["rules"].items():
        assert same(line.pop(f"rules.{name}"), value)
    for name, text in line.items():
        assert same(text, answer[name])
    assert line.keys() == answer.keys() - {"features", "notes", "intervals", "rules"}


def test_one_identity_has_no_interval(tmp_path: Path) -> None:
    content = arrays()
    content["query_pids"] = np.full(22, 3)
    evaluation = evaluate_features(content)
    assert set(evaluation.as_dict()["intervals"].values()) == {None}
    write_answer(tmp_path / "a.csv", evaluation.as_dict())
    (line,) = rows(tmp_path / "a.csv")
    assert line["rank1_low"] == line["mINP_high"] == ""


@pytest.mark.parametrize("names", [["a.txt"], ["a"], ["a.json", "b.npz"]])
def test_other_names_are_refused(names: list[str], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"give a name that ends in \.json or \.csv"):
        check_places([tmp_path / name for name in names])


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"a\.csv: is a folder"):
        check_places([tmp_path / "a.csv"])
    with pytest.raises(InputError, match="two files cannot have one name"):
        check_places([tmp_path / "b.csv", tmp_path / "a.csv" / ".." / "b.csv"])
    with pytest.raises(InputError, match=r"/file/b\.csv: cannot be written"):
        check_places([tmp_path / "file" / "b.csv"])
    check_places([tmp_path / "new" / "b.csv", tmp_path / "c.json"])
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.csv", "file", "new"]
