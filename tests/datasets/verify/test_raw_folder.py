"""Verifying: complete folders are as expected, and each fault of the others is told exactly."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from crossres.cli import run
from crossres.datasets import CARDS, InputError, Source, draw_twin, verify_raw
from crossres.datasets.cards import Count
from crossres.datasets.raw.counts import CountCheck, tallies
from crossres.datasets.readers import RawContent, RawImage
from crossres.datasets.twins import TWIN_VERSION, truth
from crossres.datasets.verify.checksums import lines_of, read_record
from crossres.datasets.verify.layout_rules import pairing
from crossres.datasets.verify.raw_folder import _unread

SETS = ["caviar", "mlr-cuhk03", "mlr-market", "mlr-pku", "mlr-sysu", "mlr-viper"]
MARKET = "Market-1501-v15.09.15"


def touch(folder: Path, names: list[str]) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


@pytest.fixture(scope="module")
def viper(tmp_path_factory):
    """VIPeR with all of its names, and nothing in the files."""
    root = tmp_path_factory.mktemp("viper")
    pids = range(632)
    touch(root / "VIPeR", [f"cam_a/{pid:03d}_0.bmp" for pid in pids])
    touch(root / "VIPeR", [f"cam_b/{pid:03d}_90.bmp" for pid in pids])
    return root


@pytest.fixture(scope="module")
def pku(tmp_path_factory):
    """PKU-Reid with all of its names."""
    root = tmp_path_factory.mktemp("pku")
    names = [f"{p:03d}_{c:02d}_{o}.png" for p in range(1, 115) for c in (1, 2) for o in range(1, 9)]
    touch(root / "PKUv1a_128x48", names)
    return root


# camera -> (train images, train ids, test images, test ids, queries, distractors, junk)
MARKET_COUNTS = {
    1: (2017, 652, 2114, 668, 668, 624, 418),
    2: (1709, 541, 1740, 528, 530, 484, 720),
    3: (2707, 694, 2822, 715, 717, 377, 604),
    4: (920, 241, 890, 246, 248, 475, 306),
    5: (2338, 576, 2380, 620, 622, 382, 1052),
    6: (3245, 558, 3169, 577, 583, 456, 719),
}


def market_names() -> list[str]:
    """Names of our own with the published numbers of every camera of Market-1501."""
    names = []

    def add(folder: str, pid: int, camera: int, index: int) -> None:
        stem = "-1" if pid < 0 else f"{pid:04d}"
        names.append(f"{folder}/{stem}_c{camera}s1_{index:06d}_01.jpg")

    for camera, (
        train,
        train_ids,
        test,
        test_ids,
        queries,
        strangers,
        junk,
    ) in MARKET_COUNTS.items():
        # Cameras see the first or the last identities in turn, so that all are seen by one.
        low, high = (1, 1001) if camera % 2 else (752 - train_ids, 1751 - test_ids)
        for index in range(train):
            add("bounding_box_train", low + index % train_ids, camera, index)
        for index in range(test):
            add("bounding_box_test", high + index % test_ids, camera, index)
        for index in range(queries):  # beyond test_ids: queries without a box of their camera
            pid = high + index if camera % 2 else high + test_ids - 1 - index
            add("query", pid, camera, index)
        for pid, count in ((0, strangers), (-1, junk)):
            for index in range(count):
                add("bounding_box_test", pid, camera, 50000 + index)
    return names


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    root = tmp_path_factory.mktemp("market")
    touch(root / MARKET, market_names())
    return root


@pytest.fixture(scope="module")
def twins(tmp_path_factory):
    """A tiny twin of every set."""
    root = tmp_path_factory.mktemp("twins")
    for dataset in SETS:
        draw_twin(dataset, root / dataset, "tiny")
    return root


@pytest.fixture
def twin(twins, tmp_path):
    """twin(dataset): a copy of the raw folder of a tiny twin, to be spoilt."""

    def copy(dataset):
        shutil.copytree(twins / dataset, tmp_path / "twin" / dataset)
        return tmp_path / "twin" / dataset / CARDS[dataset].folder

    return copy


def verdict(dataset, root, tmp_path, level="names", **options):
    return verify_raw(dataset, Source(root), tmp_path / "cache", level, **options)


def wrong(checked):
    """The faults of a verdict: {check: items}, and the tallies that do not fit."""
    checks = {f.check: f.items for f in checked.findings if f.wrong}
    return checks, [(t.group, t.what, t.found, t.expected) for t in checked.tallies if not t.fits]


@pytest.mark.parametrize("dataset", ["viper", "pku", "market"])
def test_a_complete_folder_is_as_expected(dataset, request, tmp_path):
    checked = verdict(f"mlr-{dataset}", request.getfixturevalue(dataset), tmp_path)
    assert wrong(checked) == ({}, [])
    assert checked.as_expected
    assert checked.source == "real"
    assert all(tally.found == tally.expected for tally in checked.tallies)


def test_the_queries_without_a_box_are_told_and_are_no_fault(market, tmp_path):
    (note,) = verdict("mlr-market", market, tmp_path).findings
    assert not note.wrong
    assert len(note.items) == 14
    assert "14 are so in Market-1501 itself" in note.text


def test_viper_tells_who_has_no_partner(viper, tmp_path):
    root = shutil.copytree(viper, tmp_path / "copy")
    (root / "VIPeR" / "cam_b" / "007_90.bmp").unlink()
    (root / "VIPeR" / "cam_a" / "009_45.bmp").touch()
    checks, counts = wrong(verdict("mlr-viper", root, tmp_path))
    assert checks == {"pairs": ("007: 1 in cam_a, 0 in cam_b", "009: 2 in cam_a, 1 in cam_b")}
    assert counts == [
        ("camera 0", "images", 633, 632),
        ("camera 1", "images", 631, 632),
        ("camera 1", "identities", 631, 632),
    ]


def test_every_stray_is_told_at_every_level(viper, tmp_path):
    root = shutil.copytree(viper, tmp_path / "copy")
    strays = ("VIPeR/cam_a/12_45.bmp", "VIPeR/cam_a/notes.txt", "VIPeR/cam_b/x.bmp")
    touch(root, list(strays))
    for level in ("counts", "names"):
        checks, counts = wrong(verdict("mlr-viper", root, tmp_path, level))
        assert checks == {"grammar": tuple(name.removeprefix("VIPeR/") for name in strays)}
        assert counts == []


def test_pku_names_what_is_missing(pku, tmp_path):
    root = shutil.copytree(pku, tmp_path / "copy")
    for name in ("004_02_3.png", "114_01_8.png"):
        (root / "PKUv1a_128x48" / name).unlink()
    checks, _ = wrong(verdict("mlr-pku", root, tmp_path))
    assert checks == {"missing": ("004_02_3", "114_01_8")}
    checks, counts = wrong(verdict("mlr-pku", root, tmp_path, "counts"))
    assert checks == {}  # names are not looked at
    assert ("all", "images", 1822, 1824) in counts


def test_duplicates_are_told(viper, tmp_path):
    root = shutil.copytree(viper, tmp_path / "copy")
    (root / "VIPeR" / "cam_a" / "000_0.BMP").touch()
    checks, _ = wrong(verdict("mlr-viper", root, tmp_path))
    assert checks["duplicates"] == ("cam_a/000_0.BMP = cam_a/000_0.bmp",)


@pytest.fixture
def spoilt_market(market):
    """Market-1501 without its first query, with a query of nobody and a test box of a train id."""
    folder = market / MARKET
    lost = min((folder / "query").iterdir())
    new = ["query/9999_c1s1_000001_01.jpg", "bounding_box_test/0001_c1s1_999999_01.jpg"]
    lost.unlink()
    touch(folder, new)
    yield market, lost.name
    lost.touch()
    for name in new:
        (folder / name).unlink()


def test_market_tells_lost_queries_and_mixed_parts(spoilt_market, tmp_path):
    root, lost = spoilt_market
    checked = verdict("mlr-market", root, tmp_path)
    queries = [f.items for f in checked.findings if f.wrong and f.check == "queries"]
    none = ("identity 0001 camera 1: 0", f"identity {lost[:4]} camera {lost[6]}: 0")
    assert queries == [("query/9999_c1s1_000001_01.jpg",), none]
    assert wrong(checked)[0]["parts"] == ("identity 0001",)
    counts = wrong(checked)[1]
    assert ("gallery known", "identities", 751, 750) in counts
    assert not any(group == "gallery junk" for group, *_ in counts)


def test_image_files_that_no_list_names_are_told_and_are_no_fault(viper):
    (viper / "VIPeR" / "cam_a" / "other.txt").touch()
    (viper / "VIPeR" / "cam_a" / "Thumbs.db").touch()
    rows = images(("cam_a/000_0.bmp", 0, 0, "", ""))
    (finding,) = _unread("viper", viper / "VIPeR", rows)
    (viper / "VIPeR" / "cam_a" / "other.txt").unlink()
    assert len(finding.items) == 631
    assert finding.items[0] == "cam_a/001_0.bmp"
    assert not finding.wrong


def images(*rows):
    return tuple(RawImage(path, pid, camid, part, boxes) for path, pid, camid, part, boxes in rows)


def test_caviar_is_a_grid_of_tens():
    rows = [
        (f"{pid:04d}{index:03d}.jpg", pid, 1 if index <= 10 else 2, "", "")
        for pid in range(1, 73)
        for index in range(1, 21 if pid <= 50 else 11)
    ]
    assert pairing("caviar", RawContent(images(*rows))) == []
    rows.remove(("0050020.jpg", 50, 2, "", ""))
    rows.remove(("0072001.jpg", 72, 1, "", ""))
    (finding,) = pairing("caviar", RawContent(images(*rows)))
    assert finding.items == ("0050020", "0072001")


def test_cuhk03_cells_and_lists():
    rows = [
        (f"{boxes}/1/{index}/{column}", 1000 + index, 11 if column <= 5 else 12, "", boxes)
        for boxes in ("detected", "labeled")
        for index in range(1, 201)
        for column in (1, 6)
    ]
    sets = {str(n): tuple(range(1001, 1101)) for n in range(1, 21)}
    assert pairing("cuhk03", RawContent(images(*rows), test_sets=sets)) == []
    assert pairing("cuhk03", RawContent(images(*rows))) == []  # the folders of the new protocol
    spoilt = [r for r in rows if r[0] not in ("detected/1/3/6", "labeled/1/4/1")]
    spoilt += [(f"detected/1/9/x{n}", 1009, 11, "", "detected") for n in range(5)]
    sets = {**sets, "2": (1001, 9999)}
    del sets["20"]
    by_text = {f.text: f for f in pairing("cuhk03", RawContent(images(*spoilt), test_sets=sets))}
    assert [(f.items, f.wrong) for _, f in sorted(by_text.items())] == [
        (("identity 1004 view 1",), False),
        (("detected identity 1003 view 2",), True),
        (("19 lists in place of 20", "list 2: 2 identities, 1 unknown"), True),
        (("detected identity 1009 view 1: 6",), True),
    ]


def test_vric_and_sysu():
    rows = [("a", 1, 1, "query", ""), ("b", 1, 2, "gallery", ""), ("c", 2, 1, "query", "")]
    (finding,) = pairing("vric", RawContent(images(*rows)))
    assert finding.items == ("identity 0002: 1 query, 0 gallery",)
    rows = [(f"{camid}{n}", 7, camid, "", "") for camid in (0, 1) for n in range(3 - camid)]
    (finding,) = pairing("sysu", RawContent(images(*rows)))
    assert finding.items == ("identity 0007 camera 1: 2",)
    assert not finding.wrong


def test_numbers_known_second_hand_are_reported_only():
    viper_card = CARDS["mlr-viper"]
    rows = images(("a", 1, 0, "", "x"), ("b", 0, 1, "", "x"))
    hearsay = Count(images=100, within=0.01)
    elsewhere = Count(boxes="labeled", images=5)
    card = type(viper_card)(**(vars(viper_card) | {"counts": (hearsay, elsewhere)}))
    (tally,) = tallies(card, rows)
    assert tally == CountCheck("all", "images", 2, 100, fits=False)
    rows_99 = images(*((f"{k}", k, 0, "", "x") for k in range(99)))
    assert [tally.fits for tally in tallies(card, rows_99)] == [True]
    assert [tally.fits for tally in tallies(card, rows_99[1:])] == [False]
    totals = tallies(type(viper_card)(**(vars(viper_card) | {"counts": ()})), rows)
    assert [(t.what, t.found, t.expected) for t in totals] == [
        ("images", 2, 1264),
        ("identities", 2, 632),
        ("cameras", 2, 2),
    ]


@pytest.mark.parametrize("dataset", SETS)
def test_a_twin_is_verified_against_what_was_drawn(dataset, twin, tmp_path):
    raw = twin(dataset)
    checked = verdict(dataset, raw, tmp_path, "bytes", decode=True)
    assert checked.as_expected, wrong(checked)
    assert checked.source == f"twin:tiny:{TWIN_VERSION}"
    assert checked.findings == ()


@pytest.mark.parametrize(
    ("dataset", "layout"), [("mlr-msmt17", "msmt17-v2"), ("mlr-sysu", "sysu-table")]
)
def test_a_twin_of_a_further_layout_is_verified_by_what_that_has(dataset, layout, tmp_path):
    draw_twin(dataset, tmp_path, "tiny", layout=layout)
    verdict = verify_raw(dataset, Source(tmp_path), tmp_path / "cache", "names")
    assert verdict.as_expected
    images = truth(dataset, "tiny", layout)
    assert (verdict.tallies[0].found, verdict.findings) == (len(images), ())


def test_a_spoilt_twin_is_told(twin, tmp_path):
    raw = twin("mlr-pku")
    (raw / "003_01_4.png").rename(raw / "003_02_4.png.png")
    (raw / "005_02_1.png").unlink()
    (raw / "099_01_1.png").write_bytes(b"x")
    checks, counts = wrong(verdict("mlr-pku", raw, tmp_path))
    assert checks == {
        "grammar": ("003_02_4.png.png",),
        "missing": ("003_01_4.png", "005_02_1.png"),
        "extra": ("099_01_1.png",),
    }
    drawn = len(truth("mlr-pku", "tiny"))
    assert counts == [("all", "images", drawn - 1, drawn)]


def test_a_twin_of_another_version_has_to_be_drawn_again(twin, tmp_path):
    raw = twin("mlr-pku")
    marker = {"twin": "mlr-pku", "size": "tiny", "version": 999}
    (raw / "crossres-twin.json").write_text(json.dumps(marker))
    checks, _ = wrong(verdict("mlr-pku", raw, tmp_path))
    assert checks == {"twin": ("twin:tiny:999",)}


def test_images_that_cannot_be_decoded_are_all_told(twin, tmp_path):
    raw = twin("mlr-viper")
    victims = sorted((raw / "cam_a").iterdir())[:2]
    for victim in victims:
        victim.write_bytes(victim.read_bytes()[:500])
    checked = verdict("mlr-viper", raw, tmp_path, "counts", decode=True)
    items = wrong(checked)[0]["decode"]
    assert [victim.name in item for victim, item in zip(victims, items, strict=True)] == [True] * 2


# --- bytes ----------------------------------------------------------------------------------------


def test_the_first_record_is_written_and_sha256sum_agrees(twin, tmp_path):
    raw, record = twin("mlr-market"), tmp_path / "keep" / "market.sha256"
    first = verdict("mlr-market", raw, tmp_path, "bytes", record=record)
    assert first.recorded
    assert first.as_expected
    lines = record.read_text().splitlines()
    assert lines == sorted(lines, key=lambda line: line[66:])
    assert first.files == len(lines)
    assert first.digest == hashlib.sha256(record.read_bytes()).hexdigest()
    assert {"readme.txt", "crossres-twin.json"} < {line[66:] for line in lines}
    assert not any("Thumbs.db" in line for line in lines)
    process = subprocess.run(
        ["sha256sum", "-c", "--strict", "--quiet", record], cwd=raw, capture_output=True, text=True
    )
    assert (process.returncode, process.stdout, process.stderr) == (0, "", "")
    second = verdict("mlr-market", raw, tmp_path, "bytes", record=record)
    assert second.as_expected
    assert not second.recorded
    assert second.digest == first.digest


def test_every_change_since_the_record_is_told(twin, tmp_path):
    raw, record = twin("mlr-viper"), tmp_path / "viper.sha256"
    verdict("mlr-viper", raw, tmp_path, "bytes", record=record)
    changed, renamed, *_ = sorted((raw / "cam_b").iterdir())
    changed.write_bytes(changed.read_bytes()[:-1] + b"\xff")
    renamed.rename(raw / "note.txt")
    checked = verdict("mlr-viper", raw, tmp_path, "bytes", record=record)
    by_kind = {f.text.split()[0:2][1]: f.items for f in checked.findings if f.check == "bytes"}
    assert by_kind == {
        "of": (f"cam_b/{renamed.name}",),
        "that": ("note.txt",),
        "with": (f"cam_b/{changed.name}",),
    }
    assert not checked.as_expected


def test_a_record_of_sha256sum_is_read_and_may_lie_in_the_folder(twin, tmp_path):
    raw = twin("mlr-viper")
    record = raw / "sums.txt"
    files = sorted(
        p.relative_to(raw) for p in raw.rglob("*") if p.is_file() and p.name != "sums.txt"
    )
    process = subprocess.run(["sha256sum", "-b", *files], cwd=raw, capture_output=True, check=True)
    record.write_bytes(process.stdout.replace(b"\n", b"\r\n"))
    assert verdict("mlr-viper", raw, tmp_path, "bytes", record=record).as_expected


def test_names_that_sha256sum_escapes(twin, tmp_path):
    raw, record = twin("mlr-viper"), tmp_path / "viper.sha256"
    for name in ("a\nb.txt", "a\\b.txt", "ä.txt", os.fsdecode(b"\xff\xfe.txt")):
        (raw / name).write_bytes(b"x")
    verdict("mlr-viper", raw, tmp_path, "bytes", record=record)
    process = subprocess.run(["sha256sum", "-c", "--quiet", record], cwd=raw, capture_output=True)
    assert (process.returncode, process.stdout) == (0, b"")
    assert verdict("mlr-viper", raw, tmp_path, "bytes", record=record).as_expected
    assert lines_of(read_record(record)) == record.read_bytes()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "holds no sum"),
        (b"hello\n", "line 1 is not"),
        (b"0" * 64 + b"  a\n" + b"0" * 63 + b"  b\n", "line 2 is not"),
        (b"\xff\xfe\x00", "line 1 is not"),
    ],
)
def test_a_record_that_is_none_is_refused_and_kept(content, words, twin, tmp_path):
    record = tmp_path / "record"
    record.write_bytes(content)
    with pytest.raises(InputError, match=words) as caught:
        verdict("mlr-viper", twin("mlr-viper"), tmp_path, "bytes", record=record)
    assert str(record) in str(caught.value)
    assert record.read_bytes() == content


def test_linked_folders_and_loops(twin, tmp_path):
    raw = twin("mlr-viper")
    (raw / "cam_a").rename(tmp_path / "elsewhere")
    (raw / "cam_a").symlink_to(tmp_path / "elsewhere")
    (raw / "loop").symlink_to(raw)
    (raw / "nowhere").symlink_to(tmp_path / "gone")
    checked = verdict("mlr-viper", raw, tmp_path, "bytes")
    assert checked.as_expected
    assert (
        checked.files == len(truth("mlr-viper", "tiny")) + 2
    )  # README.txt and the marker of the twin


# --- the command line -----------------------------------------------------------------------------


def test_text_shows_the_first_and_counts_the_rest(pku, tmp_path, capsys):
    root = shutil.copytree(pku, tmp_path / "copy")
    for path in sorted((root / "PKUv1a_128x48").iterdir())[:30]:
        path.unlink()
    assert run(["datasets", "verify", "mlr-pku", "--data", str(root), "--level", "names"]) == 1
    out = capsys.readouterr().out
    assert "WRONG all: 1,794 images, 1,824 expected" in out
    assert "WRONG missing: 30 images are missing" in out
    assert "001_02_2\n" in out
    assert "... and 20 more" in out
    assert out.endswith("not as expected\n")


def test_json_has_everything(pku, tmp_path, capsys):
    root = shutil.copytree(pku, tmp_path / "copy")
    for path in sorted((root / "PKUv1a_128x48").iterdir())[:30]:
        path.unlink()
    arguments = ["datasets", "verify", "mlr-pku", "--data", str(root), "--level", "names"]
    assert run([*arguments, "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["as_expected"] is False
    (finding,) = answer["findings"]
    assert finding["total"] == len(finding["items"]) == 30
    assert finding["wrong"] is True
    assert {"group": "all", "what": "images", "found": 1794, "expected": 1824} | {
        "fits": False,
    } in answer["counts"]


def test_a_complete_set_and_the_record_through_the_command_line(viper, tmp_path, capsys):
    record = str(tmp_path / "viper.sha256")
    arguments = ["datasets", "verify", "mlr-viper", "--data", str(viper), "--record", record]
    assert run(arguments) == 0
    out = capsys.readouterr().out
    assert "level bytes" in out
    assert "hashed 1,264 files" in out
    assert f"wrote {record}" in out
    assert run([*arguments, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["files"], answer["record_written"]) == (1264, False)


def test_unusable_input_is_one_line(viper, tmp_path, capsys):
    there = ["--data", str(viper), "--record", str(tmp_path / "r")]
    for arguments, words in (
        (["mlr-vipr"], "unknown data set 'mlr-vipr'"),
        (["mlr-market", "--data", str(viper)], "no raw folder of mlr-market"),
        (["mlr-viper", "--data", str(tmp_path / "no")], "there is no such folder"),
        (["mlr-viper", *there, "--level", "names"], "verify at level bytes"),
    ):
        assert run(["datasets", "verify", *arguments]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert words in captured.err
        assert captured.err.count("\n") == 1


def test_an_archive_is_verified_in_a_process_of_its_own(viper, tmp_path):
    archive = shutil.make_archive(str(tmp_path / "VIPeR.v1.0"), "zip", viper)
    options = ["--level", "names", "--json", "--cache", str(tmp_path / "cache")]
    words = ["datasets", "verify", "mlr-viper", "--data", archive, *options]
    process = subprocess.run(
        [sys.executable, "-m", "crossres", *words],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert process.returncode == 0, process.stderr
    answer = json.loads(process.stdout)
    assert answer["as_expected"] is True
    assert answer["folder"].startswith(str(tmp_path / "cache" / "archives"))
