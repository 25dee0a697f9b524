"""What the drawn people look like: few shared colours, prints that down-sampling destroys."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from crossres.datasets.resampling.integer import downsample, resample
from crossres.datasets.twins.drawing.fabrics import TILE, tile
from crossres.datasets.twins.drawing.pedestrians import View, photograph
from crossres.datasets.twins.drawing.people import PATTERNS, PERIODS, Fabric, person
from crossres.datasets.twins.drawing.scenes import camera

GREY = Fabric((120, 120, 120), "plain", 12, (80, 80, 80), 0x2D59)


def middle(fabric: Fabric, periods: int = 1) -> np.ndarray:
    """The unshaded middle of a tile, float64, whole periods wide."""
    side = 2 * fabric.period * periods
    start = TILE // 2 - side // 2
    return np.asarray(tile(fabric), dtype=np.float64)[start : start + side, start : start + side]


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_mean_colour_does_not_tell_the_print(pattern, period):
    fabric = replace(GREY, pattern=pattern, period=period)
    assert middle(fabric).mean() == pytest.approx(120, abs=6)
    assert middle(fabric).std() > 20


@pytest.mark.parametrize("pattern", [*PATTERNS, "along", "glyphs"])
def test_down_sampling_destroys_the_print_by_steps(pattern):
    fabric = replace(GREY, pattern=pattern)
    native = downsample(np.asarray(tile(fabric)), 4)  # an image 64 high has every fourth pixel
    left = [downsample(native, rate)[2:-2, 2:-2, 0].std(axis=0).mean() for rate in (1, 2, 3, 4)]
    across = [downsample(native, rate)[2:-2, 2:-2, 0].std(axis=1).mean() for rate in (1, 2, 3, 4)]
    strength = [max(pair) for pair in zip(left, across, strict=True)]
    assert strength[0] > strength[1] > strength[2]
    assert strength[3] < 0.6 * strength[0]


def test_many_people_share_their_colours_but_not_their_fabrics():
    people = [person("a set", pid) for pid in range(200)]
    colours = Counter((pedestrian.top.colour, pedestrian.bottom.colour) for pedestrian in people)
    assert len(colours) <= 6
    assert min(colours.values()) > 15
    fabrics = Counter((pedestrian.top, pedestrian.bottom) for pedestrian in people)
    assert len(fabrics) > 180
    assert max(fabrics.values()) <= 3
    assert len(set(people)) == len(people)
    assert person("a set", 7) == people[7]


USUAL = View(64, 128)


def image(*names: str | int, pid: int = 1, view: View = USUAL) -> np.ndarray:
    return photograph(person("a set", pid), camera(0.1, "a set", 1), view, *names)


def test_pictures_are_repeatable_and_depend_on_every_name():
    first = image("a", 1)
    assert first.shape == (128, 64, 3)
    assert first.dtype == np.uint8
    image("another", pid=2)
    assert np.array_equal(image("a", 1), first)
    assert not np.array_equal(image("a", 2), first)
    assert not np.array_equal(image("a", 1, pid=2), first)


def test_global_random_state_is_neither_read_nor_moved():
    np.random.seed(3)  # noqa: NPY002
    before = image("a", 1)
    left = np.random.random()  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    assert np.random.random() == left  # noqa: NPY002
    assert np.array_equal(image("a", 1), before)


@pytest.mark.parametrize("angle", range(0, 360, 15))
def test_every_view_can_be_drawn(angle):
    for pid in range(6):
        assert image("a", pid=pid, view=View(48, 128, angle=angle)).std() > 5


def test_natively_lr_images_are_small_and_smooth():
    small = image("a", view=View(20, 45, optics=2.2))
    large = image("a", view=View(44, 99))
    assert small.shape == (45, 20, 3)
    brought_down = resample(large, 45, 20, "box")
    # The same scene: brought down by the optics it resembles the large image brought down.
    assert np.corrcoef(small.ravel(), brought_down.ravel())[0, 1] > 0.9
