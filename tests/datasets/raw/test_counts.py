"""Whether a raw folder is the data set whose name it bears: counts, known variants, image sizes."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from crossres.datasets import CARDS, InputError, Source, open_raw, verify_raw
from crossres.datasets.raw import native_sizes
from crossres.datasets.raw.counts import differences
from crossres.datasets.raw.native_sizes import other_sizes
from crossres.datasets.raw.source import open_admitted
from crossres.datasets.readers import RawImage
from tests.datasets.verify.test_raw_folder import MARKET, market_names, touch


def market(folder: Path, names: list[str]) -> tuple[RawImage, ...]:
    touch(folder / MARKET, names)
    return open_raw("mlr-market", Source(folder), folder / "cache").images


def differences_of(dataset: str, images: tuple[RawImage, ...]) -> list[str]:
    return [str(tally) for tally in differences(CARDS[dataset], images)]


def test_market_without_junk_is_whole_and_without_distractors_is_not(tmp_path):
    names = market_names()
    images = market(tmp_path, names)
    assert differences_of("mlr-market", images) == []
    assert differences_of("mlr-market", tuple(i for i in images if i.pid != -1)) == []
    few = tuple(i for i in images if i.pid != 0)
    assert differences_of("mlr-market", few) == ["33,238 of 36,036 images"]


def test_totals_are_said_first_and_else_the_parts(tmp_path):
    images = market(tmp_path, market_names())
    twelve = tuple(i for i in images if i.pid in range(1, 13))
    assert differences_of("mlr-market", twelve)[0] == "12 of 1,501 identities"
    moved = next(i for i in images if (i.part, i.camid, i.pid) == ("train", 1, 1))
    added = replace(moved, path="bounding_box_train/moved.jpg", camid=2)
    images = (*(i for i in images if i != moved), added)
    assert differences_of("mlr-market", images)[:2] == [
        "train camera 1: 2,016 of 2,017 images",
        "train camera 2: 1,710 images, not 1,709",
    ]


def camera_pairs(pids: int, each: int, boxes: str = "") -> tuple[RawImage, ...]:
    return tuple(
        RawImage(f"{boxes}/{camid}/{pid}/{k}", pid, camid, "", boxes)
        for camid in (0, 1)
        for pid in range(pids)
        for k in range(each)
    )


def test_the_copy_of_sysu_that_sings_code_reads_is_whole():
    assert differences_of("mlr-sysu", camera_pairs(502, 3)) == []
    assert differences_of("mlr-sysu", camera_pairs(502, 2)) == ["2,008 of 24,446 images"]
    assert differences_of("mlr-sysu", camera_pairs(251, 6))[0] == "251 of 502 identities"


def test_one_kind_of_boxes_is_compared_with_its_own_count():
    assert differences_of("mlr-cuhk03", camera_pairs(100, 5, "detected")) == [
        "100 of 1,467 identities",
        "2 of 10 cameras",
    ]


def test_numbers_known_second_hand_may_be_off_but_not_by_much():
    vru = [RawImage(f"{k}", 1 + k % 7085, -1, "train") for k in range(80_000)]
    vru += [RawImage(f"t{k}", 10_000 + k % 8000, -1, "test") for k in range(91_595)]
    assert differences_of("mlr-vru", tuple(vru)) == []
    assert differences_of("mlr-vru", tuple(vru[:11])) == [
        "11 of 15,085 identities",
        "11 of 172,137 images",
    ]


# --- sizes ----------------------------------------------------------------------------------------


@pytest.fixture
def viper(tmp_path):
    """VIPeR with all of its names; one image in three of camera a is down-sampled already."""
    for camera in ("cam_a", "cam_b"):
        folder = tmp_path / "raw" / "VIPeR" / camera
        folder.mkdir(parents=True)
        for pid in range(632):
            low = camera == "cam_a" and pid % 3 == 0
            size = (64, 24, 3) if low else (128, 48, 3)
            Image.fromarray(np.zeros(size, np.uint8)).save(folder / f"{pid:03d}_0.bmp")
    return tmp_path / "raw"


def test_images_of_other_sizes_are_told_refused_and_admitted(viper, tmp_path):
    words = "211 of 1,264 images are not 48 × 128 pixels"
    verdict = verify_raw("mlr-viper", Source(viper), tmp_path / "cache")
    assert (verdict.as_expected, verdict.source) == (False, "partial")
    (finding,) = verdict.findings
    assert (finding.check, finding.wrong, len(finding.items)) == ("sizes", True, 211)
    assert finding.items[0] == "cam_a/000_0.bmp is 24 × 64"
    raw = open_raw("mlr-viper", Source(viper), tmp_path / "cache")
    assert (raw.source, raw.other_counts, raw.other_sizes) == ("partial", (), (words,))
    for source in (Source(viper), Source(viper, partial=True)):
        with pytest.raises(InputError, match=f"{words}; images down-sampled already .*; --other-s"):
            open_admitted("mlr-viper", source, tmp_path / "cache")
    admitted = open_admitted("mlr-viper", Source(viper, other_sizes=True), tmp_path / "cache")
    assert admitted.source == "partial"


def test_headers_are_read_once_until_a_file_changes(viper, tmp_path, monkeypatch):
    cache, looked = tmp_path / "cache", []
    size = native_sizes.image_size
    monkeypatch.setattr(
        native_sizes,
        "image_size",
        lambda file: looked.append(file) or size(file),
    )
    raw = open_raw("mlr-viper", Source(viper), cache)
    assert len(looked) == 1264
    assert open_raw("mlr-viper", Source(viper), cache) == raw
    assert len(looked) == 1264
    changed = viper / "VIPeR" / "cam_a" / "000_0.bmp"
    Image.fromarray(np.zeros((128, 48, 3), np.uint8)).save(changed)
    reopened = open_raw("mlr-viper", Source(viper), cache)
    assert reopened.other_sizes == ("210 of 1,264 images are not 48 × 128 pixels",)
    (noted, _) = (cache / "sizes").iterdir()
    for damage in ("", "[1]", "null", json.dumps({"x": [1]}), json.dumps({"not there": [1, 2]})):
        for file in (cache / "sizes").iterdir():
            file.write_text(damage)
        assert open_raw("mlr-viper", Source(viper), cache) == reopened
    noted.unlink()


def test_sets_whose_sizes_vary_are_not_looked_at(tmp_path):
    images = (RawImage("not/there.jpg", 1, 1),)
    assert other_sizes(CARDS["mlr-duke"], tmp_path, images, tmp_path) == {}


def test_a_cache_that_cannot_be_written_is_no_fault(viper, tmp_path):
    (tmp_path / "cache").write_text("a file, no folder")
    raw = open_raw("mlr-viper", Source(viper), tmp_path / "cache")
    assert len(raw.other_sizes) == 1


def test_both_faults_stand_in_one_line(viper, tmp_path):
    (viper / "VIPeR" / "cam_b" / "631_0.bmp").unlink()
    with pytest.raises(InputError) as error:
        open_admitted("mlr-viper", Source(viper), tmp_path / "cache")
    text = str(error.value)
    assert "\n" not in text
    for part in (
        "1,263 of 1,264 images",
        "48 × 128",
        "verify mlr-viper",
        "--partial --other-sizes",
    ):
        assert part in text
