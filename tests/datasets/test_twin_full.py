"""The twins of size `full`: planned, not drawn, with the counts of the real sets."""

import time
from collections import Counter

import pytest

from datasets import CARDS, RawImage
from datasets.twins import truth
from datasets.twins.layouts import cuhk03, layout
from datasets.twins.layouts.census import dealt, sightings
from datasets.twins.sizes import SIZES


@pytest.fixture(scope="module")
def market() -> list[RawImage]:
    return truth("mlr-market", "full")


def of_part(images: list[RawImage], part: str, strangers: bool = False) -> list[RawImage]:
    return [i for i in images if i.part == part and (i.pid > 0 or strangers)]


def by_camera(images: list[RawImage]) -> list[int]:
    counts = Counter(image.camid for image in images)
    return [counts[camid] for camid in range(1, 7)]


def seen_by(images: list[RawImage]) -> list[int]:
    """How many identities two, three, ... six cameras see."""
    cameras = Counter(pid for pid, _ in {(image.pid, image.camid) for image in images})
    counts = Counter(cameras.values())
    assert set(counts) == {2, 3, 4, 5, 6}
    return [counts[number] for number in range(2, 7)]


def test_market_has_the_published_totals(market):
    assert len(market) == CARDS["mlr-market"].images
    assert len(of_part(market, "train")) == 12936
    assert len(of_part(market, "query")) == 3368
    boxes = of_part(market, "gallery", strangers=True)
    assert len(boxes) == 19732
    kinds = Counter(min(image.pid, 1) for image in boxes)
    assert kinds == {1: 13115, 0: 2798, -1: 3819}


def test_market_identities(market):
    ids = {part: {i.pid for i in of_part(market, part)} for part in ("train", "gallery", "query")}
    assert (len(ids["train"]), len(ids["gallery"])) == (751, 750)
    assert ids["query"] == ids["gallery"]
    assert ids["train"] | ids["query"] == set(range(1, 1502))


def test_market_has_the_published_counts_by_camera(market):
    train, boxes = of_part(market, "train"), of_part(market, "gallery")
    assert by_camera(train) == [2017, 1709, 2707, 920, 2338, 3245]
    assert by_camera(boxes) == [2114, 1740, 2822, 890, 2380, 3169]
    assert by_camera(of_part(market, "query")) == [668, 530, 717, 248, 622, 583]
    strangers = of_part(market, "gallery", strangers=True)
    assert by_camera([i for i in strangers if i.pid == 0]) == [624, 484, 377, 475, 382, 456]
    assert by_camera([i for i in strangers if i.pid == -1]) == [418, 720, 604, 306, 1052, 719]
    assert seen_by(train) == [50, 105, 214, 301, 81]
    assert seen_by(boxes) == [29, 91, 219, 319, 92]


def test_market_queries_are_one_per_sighting_and_fourteen_more(market):
    queries = Counter((i.pid, i.camid) for i in of_part(market, "query"))
    boxes = {(i.pid, i.camid) for i in of_part(market, "gallery")}
    assert set(queries.values()) == {1}
    assert boxes < set(queries)
    assert len(set(queries) - boxes) == 14


def test_cuhk03_has_the_published_counts():
    images = [i for i in truth("mlr-cuhk03", "full") if i.path.startswith("detected/")]
    assert Counter(i.pid // 1000 for i in images) == {1: 8177, 2: 4337, 3: 650, 4: 510, 5: 423}
    assert Counter(i.camid % 10 for i in images) == {1: 6918, 2: 7179}
    assert len({i.pid for i in images}) == CARDS["mlr-cuhk03"].identities
    views = Counter((i.pid, i.camid) for i in images)
    assert len(views) == 2 * 1467
    full = sum(count == cuhk03.PER_VIEW for count in views.values())
    assert full / len(views) == pytest.approx(0.88, abs=0.005)


def test_cuhk03_labeled_is_one_image_short():
    """The labeled boxes lack the second view of one identity, which holds a single image."""
    images = [i for i in truth("mlr-cuhk03", "full") if i.path.startswith("detected/")]
    pair, index = cuhk03.ONE_VIEW
    assert sum((i.pid, i.camid) == (1000 * pair + index, 10 * pair + 2) for i in images) == 1
    assert len(images) == 14097
    lists = cuhk03.test_sets(SIZES["full"]["mlr-cuhk03"])
    assert [len(set(one)) for one in lists] == [100] * 20


@pytest.mark.parametrize(
    ("dataset", "images", "identities"),
    [
        ("caviar", 1220, 72),
        ("mlr-viper", 1264, 632),
        ("mlr-sysu", 24446, 502),
        ("mlr-pku", 1824, 114),
    ],
)
def test_two_camera_sets_have_the_published_counts(dataset, images, identities):
    found = truth(dataset, "full")
    assert len(found) == images
    assert len({image.pid for image in found}) == identities


def test_caviar_has_fifty_people_of_two_cameras_and_viper_numbers_with_gaps():
    people = Counter(image.pid for image in truth("caviar", "full"))
    assert Counter(people.values()) == {20: 50, 10: 22}
    numbers = {image.pid for image in truth("mlr-viper", "full")}
    assert min(numbers) >= 0
    assert 632 < max(numbers) <= 873


def test_planning_all_of_them_takes_seconds():
    start = time.process_time()
    for dataset, size in SIZES["full"].items():
        layout(CARDS[dataset].reader).plan(size)
    assert time.process_time() - start < 10


def test_sightings_fill_every_place():
    pairs = sightings([7, 8, 9, 10], [1, 2, 1], [3, 3, 2], "a test")
    assert Counter(camid for _, camid in pairs) == {1: 3, 2: 3, 3: 2}
    assert sorted(Counter(pid for pid, _ in pairs).values()) == [1, 2, 2, 3]
    assert len(set(pairs)) == len(pairs)


def test_sightings_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="no such sightings"):
        sightings([1, 2], [2, 0], [3, 0], "a test")
    with pytest.raises(ValueError, match="zip"):
        sightings([1, 2, 3], [2, 0], [1, 1], "a test")


def test_dealt_is_even_and_complete():
    shares = dealt(11, [1, 2, 3, 4], "a test")
    assert sum(shares.values()) == 11
    assert sorted(shares.values()) == [2, 3, 3, 3]
    assert shares == dealt(11, [4, 3, 2, 1], "a test")
