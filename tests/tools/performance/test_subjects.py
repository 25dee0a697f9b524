"""What is measured does what it says: in small, ours and every peer give the same."""

from pathlib import Path

import pytest

from crossres.benchmark.metrics.rules import Rules
from tools.performance import evaluator, growth, machine, peers, pixels, timing, training
from tools.performance.contests import Disagreement
from tools.performance.figures import Growth, Ratio
from tools.performance.made_features import made_features


@pytest.fixture(autouse=True)
def _few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "MOST_ROUNDS", 2)


@pytest.mark.parametrize("apart", [5.0, 0.0])
def test_all_evaluators_that_are_here_agree(apart: float, monkeypatch: pytest.MonkeyPatch) -> None:
    made = made_features(30, 120, 16, 10, apart)
    monkeypatch.setattr(evaluator, "made_features", lambda *_: made)
    ratios = list(evaluator.small())
    assert all(isinstance(ratio, Ratio) and ratio.ratio > 0 for ratio in ratios)
    compared = {ratio.peer for ratio in ratios}
    assert {evaluator.PRODUCT, evaluator.REFERENCE} <= compared
    missing = peers.missing_peers()
    assert (evaluator.TORCHMETRICS in compared) == ("torchmetrics" not in missing)
    assert (evaluator.METRIC_LEARNING in compared) == ("pytorch-metric-learning" not in missing)
    assert (evaluator.FAISS in compared) == ("faiss-cpu" not in missing)


def test_an_evaluator_that_computes_something_else_is_no_peer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(evaluator, "made_features", lambda *_: made_features(30, 120, 16, 10, 5.0))
    monkeypatch.setattr(evaluator, "_reference", lambda _: 0.123)
    with pytest.raises(Disagreement, match=r"argsort 0\.123"):
        list(evaluator.small())


def test_made_features_tell_people_apart_as_asked() -> None:
    scores = [
        evaluator.measured(made_features(60, 300, 64, 20, apart), Rules()).mAP
        for apart in (0.0, 3.0, 9.0)
    ]
    assert scores[0] < 0.15
    assert 0.3 < scores[1] < 0.9
    assert scores[2] > 0.9


def test_growth_measures_seconds_and_memory_of_both_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "SIZES", (200, 800))
    figures = list(growth.growth())
    assert [figure.unit for figure in figures] == ["s", "s", "MiB", "MiB"]
    assert all(isinstance(figure, Growth) and min(figure.values) > 0 for figure in figures)


def test_pillow_makes_the_same_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixels, "IMAGES", 2)
    monkeypatch.setattr(pixels, "STORED", (16, 8))
    assert len(list(pixels.resampling())) == 4
    assert len(list(pixels.stores())) == 3


@pytest.mark.parametrize("name", ["plain", "msifla"])
def test_the_plain_step_is_the_same_step(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "STEPS", 5)
    monkeypatch.setattr(training, "FITS", {name: 2})
    (ratio,) = training.training()
    assert 0.3 < ratio.ratio < 10.0


def test_another_step_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "STEPS", 5)
    monkeypatch.setattr(training, "FITS", {"plain": 2})
    monkeypatch.setattr(training, "DEVIATION", (0.3, 0.3, 0.3))
    with pytest.raises(Disagreement, match="in step 1"):
        list(training.training())


def test_the_machine_is_described_with_its_caches(tmp_path: Path) -> None:
    for name, content in {"level": "2\n", "type": "Unified\n", "size": "1024K\n"}.items():
        (tmp_path / "index2").mkdir(exist_ok=True)
        (tmp_path / "index2" / name).write_text(content)
    assert dict(machine._caches(tmp_path)) == {"L2 unified": "1024K"}
    described = machine.this_machine()
    assert described["blas"]
    assert set(peers.MODULES) < set(described)
