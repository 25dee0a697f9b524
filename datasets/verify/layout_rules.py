"""What the names of a raw folder must have in common: rules of each layout beyond its grammar.

VIPeR pairs its cameras, Market has a query per identity and camera, PKU-Reid is a full grid, ...
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from crossres.datasets.readers import RawContent, RawImage

CAVIAR_PERSONS, CAVIAR_SHOTS = 72, 10
PKU_PERSONS, PKU_TURNS = 114, 8
CUHK03_SHOTS, CUHK03_TEST_SETS, CUHK03_TESTED = 5, 20, 100
SYSU_SHOTS = 3


@dataclass(frozen=True)
class LayoutFinding:
    """Something to tell of a raw folder: `check` names the rule, `items` all that break it.

    `wrong` False marks what is worth knowing, but is so in the owners' own copy too.
    """

    check: str
    text: str
    items: tuple[str, ...] = ()
    wrong: bool = True


Rule = Callable[[RawContent], LayoutFinding]


def pairing(layout: str, content: RawContent) -> list[LayoutFinding]:
    """Check the rules of a layout (the reader's name); return one finding for each broken rule."""
    findings = [rule(content) for rule in _RULES.get(layout, ())]
    if any(image.part for image in content.images):
        findings.append(_train_and_test_are_disjoint(content))
    return [finding for finding in findings if finding.items]


def _finding(check: str, text: str, items: Iterable[str], *, wrong: bool = True) -> LayoutFinding:
    return LayoutFinding(check, text, tuple(sorted(items)), wrong)


def _train_and_test_are_disjoint(content: RawContent) -> LayoutFinding:
    train = {image.pid for image in content.images if image.part == "train" and image.pid > 0}
    test = {image.pid for image in content.images if image.part not in ("", "train")}
    return _finding("parts", "identities in train and test", map(_identity, train & test))


def _identity(pid: int) -> str:
    return f"identity {pid:04d}"


def _missing(names: Iterable[str], content: RawContent) -> LayoutFinding:
    there = {image.key for image in content.images}
    return _finding("missing", "images are missing", (n for n in names if n not in there))


# --- CAVIAR, PKU-Reid: grids ----------------------------------------------------------------------


def _caviar_grid(content: RawContent) -> LayoutFinding:
    """Check for ten images of every person, twenty of those whom the second camera saw."""
    both = {image.pid for image in content.images if image.camid == 2}
    return _missing(
        (
            f"{pid:04d}{index:03d}"
            for pid in range(1, CAVIAR_PERSONS + 1)
            for index in range(1, 1 + CAVIAR_SHOTS * (2 if pid in both else 1))
        ),
        content,
    )


def _pku_grid(content: RawContent) -> LayoutFinding:
    return _missing(
        (
            f"{pid:03d}_{camid:02d}_{turn}"
            for pid in range(1, PKU_PERSONS + 1)
            for camid in (1, 2)
            for turn in range(1, PKU_TURNS + 1)
        ),
        content,
    )


# --- VIPeR ----------------------------------------------------------------------------------------


def _viper_pairs(content: RawContent) -> LayoutFinding:
    """Check that every identity has one image in cam_a and one in cam_b."""
    counts = Counter((image.pid, image.camid) for image in content.images)
    odd = (
        f"{pid:03d}: {counts[pid, 0]} in cam_a, {counts[pid, 1]} in cam_b"
        for pid in {pid for pid, _ in counts}
        if (counts[pid, 0], counts[pid, 1]) != (1, 1)
    )
    return _finding("pairs", "identities without one image in each of cam_a and cam_b", odd)


# --- Market-1501, DukeMTMC-reID, MSMT17, VeRi, CUHK03-NP ------------------------------------------


def _of(content: RawContent, part: str) -> list[RawImage]:
    return [image for image in content.images if image.part == part]


def _queries_have_a_match(content: RawContent) -> LayoutFinding:
    boxed = {image.pid for image in _of(content, "gallery")}
    alone = (image.path for image in _of(content, "query") if image.pid not in boxed)
    return _finding("queries", "query images without an image of their identity to find", alone)


def _queries_have_a_box(content: RawContent) -> LayoutFinding:
    """Check that queries have a box; 14 of Market-1501's have none."""
    boxed = {(image.pid, image.camid) for image in _of(content, "gallery")}
    alone = (image.path for image in _of(content, "query") if (image.pid, image.camid) not in boxed)
    text = "query images without a box image of their camera (14 are so in Market-1501 itself)"
    return _finding("queries", text, alone, wrong=False)


def _queries_in_the_gallery(content: RawContent) -> LayoutFinding:
    """Check VeRi for the copy of each query in image_test."""
    there = {image.path.partition("/")[2] for image in _of(content, "gallery")}
    queries = _of(content, "query")
    alone = (image.path for image in queries if image.path.partition("/")[2] not in there)
    text = "query images that image_test lacks (in VeRi itself all are there)"
    return _finding("queries", text, alone, wrong=False)


def _one_query_each(content: RawContent) -> LayoutFinding:
    """Check that every identity and camera of the test boxes has exactly one query image."""
    queries = Counter((image.pid, image.camid) for image in _of(content, "query"))
    boxed = {(image.pid, image.camid) for image in _of(content, "gallery") if image.pid > 0}
    odd = (
        f"{_identity(pid)} camera {camid}: {queries[pid, camid]}"
        for pid, camid in boxed | set(queries)
        if queries[pid, camid] != 1
    )
    return _finding("queries", "identities and cameras without exactly one query image", odd)


def _one_of_each(content: RawContent) -> LayoutFinding:
    """Check VRIC for one query and one gallery image of every test identity."""
    counts = Counter((image.pid, image.part) for image in content.images if image.part != "train")
    odd = (
        f"{_identity(pid)}: {counts[pid, 'query']} query, {counts[pid, 'gallery']} gallery"
        for pid in {pid for pid, _ in counts}
        if (counts[pid, "query"], counts[pid, "gallery"]) != (1, 1)
    )
    return _finding("queries", "identities without one query and one gallery image", odd)


# --- CUHK03 ---------------------------------------------------------------------------------------


def _cells(content: RawContent) -> Counter[tuple[str, int, int]]:
    """Group images by (boxes, pid, view)."""
    return Counter((image.boxes, image.pid, image.camid % 10) for image in content.images)


def _cuhk03_views(content: RawContent) -> LayoutFinding:
    cells = _cells(content)
    single = (
        " ".join(filter(None, (boxes, _identity(pid), f"view {3 - view}")))
        for boxes, pid, view in cells
        if (boxes, pid, 3 - view) not in cells and boxes != "labeled"
    )
    return _finding("cells", "identities without an image of one view", single)


def _cuhk03_labeled_views(content: RawContent) -> LayoutFinding:
    cells = _cells(content)
    single = (
        f"{_identity(pid)} view {3 - view}"
        for boxes, pid, view in cells
        if boxes == "labeled" and (boxes, pid, 3 - view) not in cells
    )
    text = "identities without a labeled image of one view (one is so in CUHK03 itself)"
    return _finding("cells", text, single, wrong=False)


def _cuhk03_cells(content: RawContent) -> LayoutFinding:
    full = (
        f"{boxes} {_identity(pid)} view {view}: {count}".strip()
        for (boxes, pid, view), count in _cells(content).items()
        if count > CUHK03_SHOTS
    )
    return _finding("cells", f"views of more than {CUHK03_SHOTS} images", full)


def _cuhk03_test_sets(content: RawContent) -> LayoutFinding:
    """Check for twenty lists of a hundred known identities; CUHK03-NP folders ship none."""
    image_pids = {image.pid for image in content.images}
    odd = [
        f"list {name}: {len(pids)} identities, {len(set(pids) - image_pids)} unknown"
        for name, pids in content.test_sets.items()
        if len(set(pids)) != CUHK03_TESTED or not image_pids.issuperset(pids)
    ]
    if content.test_sets and len(content.test_sets) != CUHK03_TEST_SETS:
        odd.append(f"{len(content.test_sets)} lists in place of {CUHK03_TEST_SETS}")
    return _finding("test sets", f"lists not of {CUHK03_TESTED} known identities", odd)


# --- SYSU -----------------------------------------------------------------------------------------


def _sysu_shots(content: RawContent) -> LayoutFinding:
    """Note fewer than three images, which are allowed: the protocol keeps all there are."""
    counts = Counter((image.pid, image.camid) for image in content.images)
    cameras = {camid for _, camid in counts}
    few = (
        f"{_identity(pid)} camera {camid}: {counts[pid, camid]}"
        for pid in {pid for pid, _ in counts}
        for camid in cameras
        if counts[pid, camid] < SYSU_SHOTS
    )
    text = f"identities and cameras of fewer than {SYSU_SHOTS} images"
    return _finding("shots", text, few, wrong=False)


_RULES: dict[str, tuple[Rule, ...]] = {
    "caviar": (_caviar_grid,),
    "pku": (_pku_grid,),
    "viper": (_viper_pairs,),
    "market": (_queries_have_a_match, _queries_have_a_box, _one_query_each),
    "duke": (_queries_have_a_match,),
    "msmt17": (_queries_have_a_match,),
    "veri": (_queries_have_a_match, _queries_in_the_gallery),
    "vric": (_one_of_each,),
    "cuhk03": (_cuhk03_views, _cuhk03_labeled_views, _cuhk03_cells, _cuhk03_test_sets),
    "sysu": (_sysu_shots,),
}
