"""The twins of size `full`: planned, not drawn, with the counts of the real sets."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import pytest

from crossres.datasets import CARDS, RawImage
from crossres.datasets.base.draws import draw
from crossres.datasets.raw.counts import tallies
from crossres.datasets.readers.parts.lists import pid_of
from crossres.datasets.twins import truth
from crossres.datasets.twins.layouts import cuhk03, layout, msmt17, vru
from crossres.datasets.twins.layouts.census import dealt, sightings
from crossres.datasets.twins.sizes import SIZES


@dataclass(frozen=True)
class Planned:
    images: list[RawImage]
    lists: dict[str, bytes]  # of VRU
    seconds: float


@pytest.fixture(scope="module")
def planned() -> Iterator[Callable[[str], Planned]]:
    """Each twin is planned once."""

    def plan(dataset: str) -> Planned:
        size, start = SIZES["full"][dataset], time.process_time()
        shots = layout(CARDS[dataset].reader).plan(size)
        images = [image for shot in shots for image in (shot.image, *shot.also)]
        images.sort(key=lambda image: image.path)
        seconds = time.process_time() - start
        return Planned(images, vru._lists(size, shots) if dataset == "mlr-vru" else {}, seconds)

    cached = lru_cache(maxsize=None)(plan)
    yield cached
    cached.cache_clear()


@pytest.fixture(scope="module")
def full(planned) -> Callable[[str], list[RawImage]]:
    return lambda dataset: planned(dataset).images


@pytest.fixture(scope="module")
def market(full) -> list[RawImage]:
    return full("mlr-market")


@pytest.mark.parametrize("dataset", CARDS)
def test_every_set_has_the_counts_of_its_card(full, dataset):
    """Those that `crossres datasets verify` compares with, second-hand ones included."""
    counts = tallies(CARDS[dataset], full(dataset))
    assert [tally for tally in counts if tally.found != tally.expected] == []
    # Ten images of VRU are in no list.
    listed = CARDS[dataset].images - 10 * (dataset == "mlr-vru")
    assert len({image.path for image in full(dataset)}) == listed


@pytest.mark.parametrize("dataset", CARDS)
def test_names_are_unique(full, dataset):
    for size in (name for name, entries in SIZES.items() if dataset in entries):
        images = full(dataset) if size == "full" else truth(dataset, size)
        assert len({image.path for image in images}) == len(images)


def test_planning_all_eleven_takes_seconds(planned):
    """Of half a million images each takes as long as 21 draws by hash, on whatever machine."""
    start = time.process_time()
    for number in range(100_000):
        draw("planning", number)
    of_a_draw = (time.process_time() - start) / 100_000
    twins = [planned(dataset) for dataset in SIZES["full"]]
    of_an_image = sum(twin.seconds for twin in twins) / sum(len(twin.images) for twin in twins)
    assert of_an_image < 50 * of_a_draw


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
    assert [len(set(pids)) for pids in lists] == [100] * 20


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
    drawn = truth(dataset, "full")
    assert len(drawn) == images
    assert len({image.pid for image in drawn}) == identities


def test_caviar_has_fifty_people_of_two_cameras_and_viper_numbers_with_gaps():
    people = Counter(image.pid for image in truth("caviar", "full"))
    assert Counter(people.values()) == {20: 50, 10: 22}
    numbers = {image.pid for image in truth("mlr-viper", "full")}
    assert min(numbers) >= 0
    assert 632 < max(numbers) <= 873


def test_duke_identities_and_cameras(full):
    images = full("mlr-duke")
    train, query, gallery = (of_part(images, part) for part in ("train", "query", "gallery"))
    assert (len(train), len(query), len(gallery)) == (16522, 2228, 17661)
    ids = [{image.pid for image in part} for part in (train, query, gallery)]
    assert [len(pids) for pids in ids] == [702, 702, 702 + 408]
    assert ids[1] < ids[2]
    assert ids[0] | ids[2] == set(range(1, 1 + CARDS["mlr-duke"].identities))
    assert {image.camid for image in images} == set(range(1, 9))


def test_duke_queries_are_one_per_sighting_and_people_are_seen_by_two_cameras(full):
    images = full("mlr-duke")
    queries = Counter((i.pid, i.camid) for i in of_part(images, "query"))
    boxes = {(i.pid, i.camid) for i in of_part(images, "gallery")}
    assert set(queries.values()) == {1}
    assert boxes > set(queries)
    cameras_of = Counter(pid for pid, _ in boxes)
    assert {cameras_of[pid] for pid, _ in queries} == {3, 4}
    assert {cameras_of[pid] for pid, _ in boxes - set(queries)} == {1}  # the 408 distractors
    trained = {(i.pid, i.camid) for i in of_part(images, "train")}
    assert set(Counter(pid for pid, _ in trained).values()) == {2, 3, 4}


@pytest.fixture(scope="module")
def vru_lists(planned) -> dict[str, list[list[str]]]:
    """The fields of every line of every list."""
    written = planned("mlr-vru").lists
    return {
        name: [line.split() for line in content.decode("ascii").splitlines() if line]
        for name, content in written.items()
    }


def test_vru_lists_have_the_published_counts(vru_lists):
    counts = {
        name: (len({vehicle for _, vehicle in lines}), len(lines))
        for name, lines in vru_lists.items()
    }
    assert counts == {
        "train_list.txt": (7085, 80532),
        "test_list_1200.txt": (1200, 13920),
        "test_list_2400.txt": (2400, 27345),
        "test_list_8000.txt": (8000, 91595),
    }


def test_vru_test_lists_are_nested_and_no_image_is_in_two_parts(vru_lists):
    train, *tests = ({number for number, _ in lines} for lines in vru_lists.values())
    assert tests[0] < tests[1] < tests[2]
    assert train.isdisjoint(tests[2])
    assert train | tests[2] == {str(number) for number in range(1, 1 + 172127)}


def test_vru_vehicles_have_about_eleven_images_but_for_one(full):
    images = full("mlr-vru")
    counts = Counter(image.pid for image in images)
    assert counts.pop(pid_of(vru.SINGLE, "test")) == 1
    assert set(counts.values()) == {11, 12}
    assert {image.camid for image in images} == {-1}


def test_vric_has_sixty_cameras_and_a_probe_and_a_gallery_image_of_each_test_vehicle(full):
    images = full("vric")
    train, query, gallery = (of_part(images, part) for part in ("train", "query", "gallery"))
    assert (len(train), len(query), len(gallery)) == (54808, 2811, 2811)
    assert {image.camid for image in train} == set(range(1, 61))
    assert set(Counter(image.pid for image in train).values()) == {19, 20}
    probes, galleries = ({i.pid: i.camid for i in part} for part in (query, gallery))
    assert len(probes) == 2811
    assert probes.keys() == galleries.keys()
    assert all(probes[pid] != galleries[pid] for pid in probes)
    assert probes.keys().isdisjoint({image.pid for image in train})


def test_msmt17_sightings_and_queries(full):
    images = full("mlr-msmt17")
    train, query, gallery = (of_part(images, part) for part in ("train", "query", "gallery"))
    assert {image.camid for image in images} == set(range(1, 16))
    for part, seen in (
        (train, [19, 28, 188, 356, 266, 50, 41, 31, 34, 22, 5, 1]),
        (gallery, [0, 113, 625, 1077, 740, 161, 100, 85, 72, 67, 19, 1]),
    ):
        cameras = Counter(pid for pid, _ in {(image.pid, image.camid) for image in part})
        counts = Counter(cameras.values())
        assert [counts[number] for number in range(1, 13)] == seen
    assert {(i.pid, i.camid) for i in query} < {(i.pid, i.camid) for i in gallery}
    lists = msmt17._lists(SIZES["full"]["mlr-msmt17"], images)
    lines = {name: content.decode("ascii").splitlines() for name, content in lists.items()}
    assert {name: len(listed) for name, listed in lines.items()} == {
        "train": 30248,
        "val": 2373,
        "query": 11659,
        "gallery": 82161,
    }
    validated = {line.split()[1] for line in lines["val"]}
    assert len(validated) == 1041


def test_veri_queries_are_one_of_each_camera_and_lie_in_the_gallery(full):
    images = full("mlr-veri")
    query, gallery = (of_part(images, part) for part in ("query", "gallery"))
    assert set(Counter((i.pid, i.camid) for i in query).values()) == {1}
    assert {(i.pid, i.camid) for i in query} == {(i.pid, i.camid) for i in gallery}
    names = {i.path.partition("/")[2] for i in gallery}
    assert {i.path.partition("/")[2] for i in query} < names
    assert {i.camid for i in of_part(images, "train")} == set(range(1, 21))
    assert {i.pid for i in images} == set(range(1, 777))


@pytest.mark.parametrize(
    ("dataset", "name"),
    [
        ("mlr-cuhk03", "cuhk03-np"),
        ("mlr-msmt17", "msmt17-v2"),
        ("mlr-sysu", "sysu-nested"),
        ("mlr-sysu", "sysu-table"),
    ],
)
def test_further_layouts_have_as_many_images(full, dataset, name):
    images = truth(dataset, "full", name)
    assert len({image.path for image in images}) == len(full(dataset))
    assert len({image.pid for image in images}) == CARDS[dataset].identities


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
