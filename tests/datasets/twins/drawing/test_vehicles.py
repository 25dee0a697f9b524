"""What the drawn vehicles look like: few shared paints, prints that down-sampling destroys."""

from collections import Counter

import numpy as np
import pytest
from PIL import Image

from crossres.datasets.readers import RawImage
from crossres.datasets.resampling.integer import downsample
from crossres.datasets.twins.drawing.bodies import LENGTH, Placement, draw_vehicle, layers
from crossres.datasets.twins.drawing.fleet import BODIES, PATTERNS, Vehicle, vehicle
from crossres.datasets.twins.drawing.optics import View
from crossres.datasets.twins.drawing.scenes import camera
from crossres.datasets.twins.drawing.vehicles import framed, heading, photograph_vehicle
from crossres.datasets.twins.layouts.common import vehicle_shot
from crossres.datasets.twins.sizes import Size

FLEET = [vehicle("a set", pid) for pid in range(200)]
USUAL = View(60, 60, nuisance=0.1)


def of_kind(kind: str) -> Vehicle:
    return next(member for member in FLEET if member.kind == kind)


def image(*names: str | int, pid: int = 1, view: View = USUAL) -> np.ndarray:
    return photograph_vehicle(FLEET[pid], camera(0.1, "a set", 1), view, *names)


def covered(view: View, target: Vehicle, *names: str | int) -> np.ndarray:
    """(height, width) bool: where the picture shows the vehicle and not one with another look."""
    rival = next(v for v in FLEET if v.kind == target.kind and v.prints != target.prints)
    pair = [photograph_vehicle(v, camera(0.0, "s", 1), view, *names) for v in (target, rival)]
    return np.abs(pair[0].astype(int) - pair[1]).max(axis=2) > 12


def test_pictures_are_repeatable_and_depend_on_every_name():
    first = image("a", 1)
    assert first.shape == (60, 60, 3)
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


@pytest.mark.parametrize("tilt", [0, 40, 60])
@pytest.mark.parametrize("angle", range(0, 360, 45))
def test_every_kind_can_be_drawn_from_every_side(angle, tilt):
    for kind in BODIES:
        view = View(48, 40, angle=angle, tilt=tilt)
        picture = photograph_vehicle(of_kind(kind), camera(0.1, "s", 1), view, kind)
        assert picture.shape == (40, 48, 3)
        assert picture.std() > 5


@pytest.mark.parametrize(("width", "height"), [(96, 48), (48, 96), (64, 64), (9, 8), (300, 210)])
def test_pictures_have_the_size_that_is_asked_for(width, height):
    assert image("a", view=View(width, height)).shape == (height, width, 3)


@pytest.mark.parametrize("angle", [0, 20, 45, 90, 200, 315])
@pytest.mark.parametrize("tilt", [0, 45])
def test_a_framed_vehicle_fills_the_image_and_stays_inside(angle, tilt):
    car = of_kind("car")
    width, height = framed(car.body, angle, tilt, 4900)
    assert width * height == pytest.approx(4900, rel=0.03)
    mask = covered(View(width, height, angle=angle, nuisance=0.0, tilt=tilt), car, "a")
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    # The tyres of both are black: seen from the side, a part of the height tells nothing.
    assert (rows[-1] - rows[0]) / height > (0.6 if tilt else 0.8)
    assert (columns[-1] - columns[0]) / width > 0.8
    edge = [mask[0], mask[-1], mask[:, 0], mask[:, -1]]
    assert max(part.mean() for part in edge) < 0.5


@pytest.mark.parametrize(("width", "height"), [(100, 50), (50, 100), (80, 70)])
def test_without_an_angle_the_shape_of_the_image_turns_the_vehicle(width, height):
    car = of_kind("car")
    view = View(width, height, nuisance=0.0)
    sizes = []
    for name in range(6):
        mask = covered(view, car, name)
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        sizes.append(((columns[-1] - columns[0]) / width, (rows[-1] - rows[0]) / height))
    assert np.min(sizes) > 0.65
    pictures = [photograph_vehicle(car, camera(0.0, "s", 1), view, n) for n in range(6)]
    assert len({picture.tobytes() for picture in pictures}) == 6


def test_many_vehicles_share_paint_and_kind_but_not_their_prints():
    paints = Counter(member.paint for member in FLEET)
    assert len(paints) == 3
    assert min(paints.values()) > 40
    assert set(Counter(member.kind for member in FLEET)) == set(BODIES)
    looks = Counter((member.prints, member.fitting, member.detail) for member in FLEET)
    assert max(looks.values()) == 1
    assert {fabric.pattern for member in FLEET for fabric in member.prints} == set(PATTERNS)
    assert vehicle("a set", 7) == FLEET[7]
    assert vehicle("another set", 7) != FLEET[7]


def test_the_mean_colour_of_a_body_is_its_paint():
    """So that a colour histogram of a blurred image has only the shared paint to go by."""
    by_paint: dict[tuple[int, int, int], list[np.ndarray]] = {}
    for member in FLEET:
        flat = np.asarray(layers(member).deck, dtype=np.float64)[20:-20, 10:-10]
        by_paint.setdefault(member.paint, []).append(flat.mean(axis=(0, 1)))
    for paint, means in by_paint.items():
        assert np.mean(means, axis=0) == pytest.approx(paint, abs=14)


def test_down_sampling_destroys_the_prints_by_steps():
    def contrast(rate: int) -> float:
        """Standard deviation of the colours on a body that is 80 pixels of the image long."""
        flat = [np.asarray(layers(member).deck)[:, :44] for member in FLEET[:60]]
        left = [downsample(downsample(deck, 2), rate).std(axis=(0, 1)) for deck in flat]
        return float(np.mean(left))

    strengths = [contrast(rate) for rate in (1, 2, 3, 4)]
    assert strengths == sorted(strengths, reverse=True)
    assert strengths[3] < 0.6 * strengths[0]


def test_vehicles_of_one_identity_are_told_apart_by_their_prints_only_when_seen_sharply():
    """Same names, other prints: the difference shrinks with the rate."""
    view = View(48, 80, angle=0, nuisance=0.0)
    van = of_kind("van")
    rival = next(v for v in FLEET if v.kind == "van" and v.paint == van.paint and v != van)
    pair = [photograph_vehicle(v, camera(0.0, "s", 1), view, "a") for v in (van, rival)]
    apart = []
    for rate in (1, 2, 4):
        small = [downsample(picture, rate).astype(float) for picture in pair]
        apart.append(np.abs(small[0] - small[1]).mean())
    assert apart[0] > apart[1] > apart[2]
    assert apart[0] > 8


def test_shadows_fall_on_a_side_that_depends_on_the_hour():
    """Over many images of one camera the dark side is to be found all around."""
    view = View(64, 64, angle=0, nuisance=0.0)
    sides = set()
    for name in range(24):
        grey = image(name, view=view).astype(int).sum(axis=2)
        left, right = grey[20:44, 6:14].mean(), grey[20:44, 50:58].mean()
        sides.add(left < right)
    assert sides == {True, False}


def test_a_tilted_camera_shows_the_side():
    """From the roadside the roof is displaced against the wheels; from above it is not."""
    bus = of_kind("bus")
    drawings = []
    for lift in (0.0, -0.8):
        drawing = Image.new("RGB", (200, 200), (255, 0, 255))
        draw_vehicle(drawing, bus, Placement(90, 150, 100, 120, flat=0.6, lift_y=lift))
        drawings.append(np.asarray(drawing))
    rows = [
        np.flatnonzero((drawing != (255, 0, 255)).any(axis=2).any(axis=1)) for drawing in drawings
    ]
    assert rows[1][0] < rows[0][0] - 20
    assert abs(int(rows[1][-1]) - int(rows[0][-1])) <= 2


def test_layers_are_as_large_as_the_body():
    for member in FLEET[:20]:
        flat = layers(member)
        expected = (round(member.body.width * LENGTH), LENGTH)
        assert {i.size for i in (flat.deck, flat.deck_mask, flat.roof, flat.roof_mask)} == {
            expected
        }


@pytest.mark.parametrize("nuisance", [0.0, 0.1, 1.0])
def test_vehicles_head_one_way_but_for_a_share_of_nuisance(nuisance):
    headings = [heading(nuisance, "a set", number) for number in range(4000)]
    sectors = Counter(round(turned / 45) for turned in headings)
    assert 1 - sectors[0] / 4000 == pytest.approx(nuisance * 7 / 8, abs=0.02)
    if nuisance:
        assert set(sectors) == set(range(8))
    assert {turned - 45 * round(turned / 45) for turned in headings} == set(range(-15, 16))


def test_the_shot_of_a_vehicle_has_its_shape():
    size = Size("mlr-vru", 36, 54, 0.1, 1.0, {}, tilt=0)
    shots = [vehicle_shot(size, RawImage(f"Pic/{n}.jpg", n % 7, -1)) for n in range(300)]
    aspects = [shot.view.width / shot.view.height for shot in shots]
    assert min(aspects) < 0.6
    assert max(aspects) > 1.4
    areas = [shot.view.width * shot.view.height / (36 * 54) for shot in shots]
    assert np.mean(areas) == pytest.approx(1.0, abs=0.05)
    assert (min(areas), max(areas)) == (
        pytest.approx(0.72, abs=0.05),
        pytest.approx(1.32, abs=0.06),
    )
    small = vehicle_shot(size, RawImage("Pic/1.jpg", 1, -1), share=0.5)
    assert small.view.height == pytest.approx(shots[1].view.height / 2, abs=1)
    assert small.view.optics == 2.0


def test_natively_lr_images_are_small_and_smooth():
    large, small = View(40, 80, angle=0), View(20, 40, optics=2.0, angle=0)
    block = downsample(image("a", view=large), 2)
    assert np.corrcoef(image("a", view=small).ravel(), block.ravel())[0, 1] > 0.8
