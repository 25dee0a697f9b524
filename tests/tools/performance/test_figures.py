"""What the file of figures holds, and what is refused."""

import json
from pathlib import Path

import pytest

from crossres.datasets.base.errors import InputError
from tools.performance.figures import Figures, growth_of, ratio_of, read_figures, to_json


def test_figures_are_read_as_they_were_written(committed: Figures, tmp_path: Path) -> None:
    (tmp_path / "figures.json").write_text(to_json(committed), encoding="utf-8")
    assert read_figures(tmp_path / "figures.json") == committed


@pytest.mark.parametrize("power", [0, 1, 2])
def test_the_exponent_is_that_of_the_power(power: int) -> None:
    sizes = (100, 200, 400, 800)
    growth = growth_of("growing", "seconds", "s", sizes, [3e-6 * size**power for size in sizes])
    assert growth.exponent == pytest.approx(power)
    assert growth.compared == growth.exponent


def test_a_ratio_keeps_what_it_is_made_of() -> None:
    ratio = ratio_of("subject", ("ours", "peer"), (0.3, 0.2), (0.1, 0.1))
    assert (ratio.ratio, ratio.seconds, ratio.peer_seconds, ratio.rounds) == (2.0, 0.2, 0.1, 2)
    assert ratio.name == "subject: ours / peer"


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"machine": {}, "missing": {}, "ratios": [{}], "growth": []}']
)
def test_another_file_is_refused_by_name(content: str, tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text(content, encoding="utf-8")
    for name in ("other.json", "none.json"):
        with pytest.raises(InputError, match=rf"{name}: no figures of .*--write") as refused:
            read_figures(tmp_path / name)
        assert "\n" not in str(refused.value)


def test_a_ratio_that_is_no_number_is_not_written_as_one(committed: Figures) -> None:
    assert "NaN" not in to_json(committed)
    assert json.loads(to_json(committed))["ratios"][0]["ratio"] == 2.0
