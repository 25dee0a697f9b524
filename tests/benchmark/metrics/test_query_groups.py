"""Metrics by rate and by camera are those of these queries alone."""

from typing import Any

import numpy as np
import pytest

from crossres.benchmark import Rules, evaluate_features
from crossres.benchmark.metrics.by_rate import by_rate
from crossres.benchmark.stats.mean_interval import mean_interval

RATES = np.array([0, 1, 2, 4, 5] * 8)


def arrays() -> dict[str, Any]:
    """Unknown rates and cameras, a rate that no manifest has, queries without a true match."""
    rng = np.random.default_rng(1)
    pids = np.r_[np.arange(66) % 12, -1, -1]
    people = rng.normal(size=(30, 5))
    query_pids = np.r_[np.arange(37) % 12, 20, 21, 22]
    return {
        "query_features": people[query_pids] + rng.normal(size=(40, 5)),
        "gallery_features": people[pids] + rng.normal(size=(68, 5)),
        "query_pids": query_pids,
        "gallery_pids": pids,
        "query_camids": np.arange(40) % 4 - 1,
        "gallery_camids": np.arange(68) % 5,
        "query_rates": RATES,
    }


@pytest.mark.parametrize("gallery", ["multi-shot", "single-shot", "shared"])
def test_each_group_is_what_its_queries_give_alone(gallery: Any) -> None:
    content, rules = arrays(), Rules(gallery, repetitions=3)
    whole = evaluate_features(content, rules=rules)
    groups = {f"@{rate}": rate == RATES for rate in (1, 2, 4, 5)} | {
        f"@camid={camid}": content["query_camids"] == camid for camid in (0, 1, 2)
    }
    names = [f"{n}{suffix}" for suffix in groups for n in ("rank1", "mAP", "valid_queries")]
    assert list(whole.by_group) == names
    for suffix, which in groups.items():
        alone = evaluate_features(
            {n: a[which] if n.startswith("query") else a for n, a in content.items()}, rules=rules
        )
        for name in ("rank1", "mAP", "valid_queries"):
            assert whole.by_group[name + suffix] == pytest.approx(alone.metrics[name], rel=1e-14)
            if name != "valid_queries":
                assert whole.intervals[name + suffix] == pytest.approx(alone.intervals[name])


def test_rates_have_the_words_and_numbers_of_records() -> None:
    evaluation = evaluate_features(arrays())
    known = by_rate(evaluation.per_query.scores, RATES)
    assert set(known) == {f"{n}@{r}" for n in ("rank1", "mAP", "valid_queries") for r in (1, 2, 4)}
    assert known.items() <= evaluation.by_group.items()
    assert evaluation.as_dict().items() >= evaluation.by_group.items()


def test_a_group_without_valid_queries_is_not_there() -> None:
    content = arrays()
    content["query_rates"] = np.where(np.arange(40) < 37, 2, 3)
    evaluation = evaluate_features(content)
    assert "rank1@2" in evaluation.by_group
    assert not [name for name in (*evaluation.by_group, *evaluation.intervals) if "@3" in name]


def test_one_camera_is_no_group_and_cameras_that_no_rule_looks_at_are_none() -> None:
    content = arrays()
    content["query_camids"] = np.where(content["query_camids"] < 0, -1, 7)
    assert not any("camid" in name for name in evaluate_features(content).by_group)
    kept = evaluate_features(arrays(), rules=Rules(same_camera="keep"))
    assert not any("camid" in name for name in kept.by_group)
    assert "rank1@4" in kept.by_group


def test_one_identity_at_a_rate_has_no_interval() -> None:
    content = arrays()
    content["query_rates"] = np.where(content["query_pids"] == 3, 3, 1)
    evaluation = evaluate_features(content)
    assert evaluation.intervals["rank1@3"] is None
    scores = evaluation.per_query.scores[content["query_rates"] == 1, 0]
    pids = content["query_pids"][content["query_rates"] == 1]
    assert evaluation.intervals["rank1@1"] == mean_interval(pids, scores)
