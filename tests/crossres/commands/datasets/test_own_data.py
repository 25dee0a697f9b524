"""The way of a user with a folder of crops: new, show, verify, build, run, report, show, retry."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from crossres.benchmark import RunRequest, load_table, read_records
from crossres.benchmark.config.cell_sets import CellSets
from crossres.benchmark.records.planned import read_runs
from crossres.benchmark.runs.kept_plan import request_of
from crossres.datasets import InputError, own_set
from tests.command_line import Answered, called
from tests.crossres.commands.conftest import PROFILE, plugin, plugin_folder
from tests.datasets.own_crops import definition, station

__all__ = ["plugin", "plugin_folder"]

TABLE = """
id = "mine"
datasets = ["../station.toml"]
metrics = ["rank1", "mAP"]
seeds = [0]
profile = "smoke"

[[rows]]
label = "Plain"
method = "plain"
published = "Plain"
"""
PUBLISHED = """
[[published]]
row = "Plain"
dataset = "DATASET"
metric = "rank1"
value = 12.3
source = "a paper"
"""
Command = Callable[..., Answered]


def printed(answer: Answered) -> str:
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder after `new` and `run`: crops, station.toml, tables/mine.toml, results/mine."""
    home = tmp_path_factory.mktemp("home")
    station(home / "crops")
    cache = home / "cache"
    answer = called(home, cache, "datasets", "new", "crops", "--out", "station.toml")
    (home / "new.txt").write_text(printed(answer))
    (home / "tables").mkdir()
    published = PUBLISHED.replace("DATASET", "MLR-VIPeR")
    (home / "tables" / "mine.toml").write_text(TABLE + published)
    words = ["run", "tables/mine.toml", "--profile", "smoke", "--out", "results/mine", "--jobs", 1]
    printed(called(home, cache, *words))
    return home


@pytest.fixture
def at_home(home: Path) -> Command:
    return lambda *words: called(home, home / "cache", *words)


def test_new_says_what_it_found_and_writes_it(home, at_home):
    text = (home / "new.txt").read_text()
    for line in (
        "images         32",
        "identities     8 (1 = alice, 2 = bob, 3 = carol, 4 = dave, 5 = eve, ...)",
        "cameras        2 (1 = hall, 2 = north-gate)",
        "crossing       8 of 8 seen by two cameras or more",
        "per identity   4 images",
        "sizes          height 24, width 12 pixels",
    ):
        assert line in text
    card = own_set(home / "station.toml")
    assert (card.id, card.folder, card.protocol) == ("crops", str(home / "crops"), "mlr-sing")
    assert 'root = "crops"' in (home / "station.toml").read_text()
    again = at_home("datasets", "new", "crops", "--out", "station.toml")
    assert again.returncode == 2
    assert "station.toml: exists already" in again.stderr


def test_new_names_what_it_could_not_read(tmp_path):
    station(tmp_path / "crops")
    (tmp_path / "crops" / "day0" / "mask.png").write_bytes(b"")
    answer = called(tmp_path, tmp_path / "cache", "datasets", "new", "crops", "--json")
    content = json.loads(printed(answer))
    assert content["strays"] == ["day0/mask.png"]
    assert (content["images"], content["definition"]) == (32, "mydata.toml")
    run = called(tmp_path, tmp_path / "cache", "datasets", "show", "mydata.toml")
    assert run.returncode == 2
    assert "1 of 33 images" in run.stderr
    assert run.stderr.count("\n") == 1


def test_show_tells_what_a_protocol_makes_of_it(at_home):
    text = printed(at_home("datasets", "show", "station.toml"))
    assert "custom data" in text
    assert "train 16 images of 4 identities, query 8 images of 4 identities, gallery 8" in text
    content = json.loads(printed(at_home("datasets", "show", "station.toml", "--json")))
    assert content["protocols"] == ["mlr-sing", "mlr-perid", "mlr-multi", "fixed-r"]
    assert content["holds"]["names"]["camids"] == {"1": "hall", "2": "north-gate"}


def test_verify_finds_broken_images_and_copies(home, at_home, tmp_path):
    assert "as expected" in printed(at_home("datasets", "verify", "station.toml"))
    folder = tmp_path / "crops"
    shutil.copytree(home / "crops", folder)
    shutil.copy(home / "station.toml", tmp_path)
    shutil.copy(folder / "day0/alice@hall@0.png", folder / "day1/alice@hall@1.png")
    shutil.copy(folder / "day0/bob@hall@0.png", folder / "day0/carol@hall@0.png")
    (folder / "day0" / "dave@hall@0.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (folder / "day0" / "odd.jpg").write_bytes(b"")
    answer = called(tmp_path, tmp_path / "cache", "datasets", "verify", "station.toml")
    assert answer.returncode == 1
    for line in (
        "note  copies: 1 copies of one image among those of an identity",
        "WRONG copies: 1 copies of one image as two identities",
        "day0/bob@hall@0.png = day0/carol@hall@0.png",
        "WRONG decode: 1 images that cannot be decoded",
        "WRONG grammar: 1 names outside the grammar",
    ):
        assert line in answer.stdout
    (folder / "day0" / "odd.jpg").unlink()
    run = called(tmp_path, tmp_path / "cache", "datasets", "build", "station.toml")
    assert run.returncode == 2
    assert "dave@hall@0.png: not a whole JPEG, PNG or BMP image" in run.stderr


def test_build_export_and_sheet_take_it(home, at_home, tmp_path):
    out = tmp_path / "manifests"
    built = json.loads(
        printed(at_home("datasets", "build", "station.toml", "--profile", "smoke", "--out", out,
                        "--json"))
    )  # fmt: skip
    (record,) = read_records(home / "results" / "mine")
    assert built["built"][0]["digest"] == record.digests["manifest"]
    assert built["built"][0]["source"] == "custom"
    names = (out / "crops-names.csv").read_text().splitlines()
    assert names[:2] == ["kind,number,name", "pid,1,alice"]
    assert names[-1] == "camid,2,north-gate"
    export = tmp_path / "export"
    words = ["datasets", "export", "station.toml", "--layout", "market", "--out", export]
    assert "32 images" in printed(at_home(*words))
    printed(at_home("datasets", "verify-export", export))
    sheet = tmp_path / "sheet.png"
    words = ["datasets", "sheet", "station.toml", "mlr-viper", "--profile", "smoke", "--out", sheet]
    assert "crops, source custom" in printed(at_home(*words))
    assert Image.open(sheet).width > 0
    digests = at_home("datasets", "digests", "station.toml")
    assert digests.returncode == 2
    assert "no digest of crops from custom is published" in digests.stderr


def test_a_run_on_it_is_custom_data(home):
    results = home / "results" / "mine"
    (record,) = read_records(results)
    cell = record.cell
    assert (cell.dataset, cell.source, cell.protocol) == ("crops", "custom", "mlr-sing")
    page = (results / "report" / "index.html").read_text()
    assert "custom data" in page
    assert "CUSTOM DATA" in page
    assert "crossres run PATH/TO/mine.toml" in page
    assert "--datasets PATH/TO/crops.toml" in page
    latex = (results / "report" / "mine.tex").read_text()
    assert "custom data" in latex
    assert r"\textit{on custom data}" in latex
    assert "Published numbers are shown only beside results on the whole real data" in page
    for text in (page, latex, (results / "report" / "mine.csv").read_text()):
        assert "12.3" not in text
    assert (results / "datasets" / "crops-names.csv").is_file()


def test_a_results_folder_needs_the_definition_no_longer(home, at_home, tmp_path):
    shutil.copytree(home / "results" / "mine", tmp_path / "mine")
    (home / "station.toml").rename(home / "gone.toml")
    try:
        printed(at_home("report", tmp_path / "mine"))
        assert "1 done" in printed(at_home("status", tmp_path / "mine"))
        (record,) = read_records(tmp_path / "mine")
        shown = printed(at_home("show", record.key, "--results", tmp_path / "mine"))
        kept = tmp_path / "mine" / "datasets" / "crops.toml"
        assert f"--datasets {kept}" in shown
        assert "the command needs" not in shown
        again = ["run", tmp_path / "mine" / "tables" / "mine.toml", "--datasets", kept]
        again += ["--profile", "smoke", "--out", tmp_path / "mine", "--dry-run"]
        assert "1 cells, 0 to run" in printed(at_home(*again))
        (run,) = read_runs(tmp_path / "mine").runs
        request = request_of(tmp_path / "mine", run)
        assert request.chosen_sets() == [CellSets(own_set(home / "gone.toml"))]
    finally:
        (home / "gone.toml").rename(home / "station.toml")
    kept.unlink()
    answer = at_home("report", tmp_path / "mine")
    assert answer.returncode == 2
    assert f"{kept}: not a readable data set file" in answer.stderr


def test_the_key_of_a_cell_knows_no_place(home, tmp_path):
    (record,) = read_records(home / "results" / "mine")
    shutil.copytree(home / "crops", tmp_path / "deep" / "images")
    definition(tmp_path / "deep" / "other.toml", id="crops", root="images")
    words = ["run", home / "tables" / "mine.toml", "--datasets", "deep/other.toml", "--dry-run"]
    words += ["--profile", "smoke", "--json"]
    plan = json.loads(printed(called(tmp_path, home / "cache", *words)))
    assert [cell["key"] for cell in plan["cells"]] == [record.key]


def test_two_machines_merge(home, at_home, tmp_path):
    shutil.copytree(home / "results" / "mine", tmp_path / "mine")
    kept = tmp_path / "mine" / "datasets" / "crops.toml"
    kept.write_text(kept.read_text().replace(str(home), "/elsewhere"))
    out = tmp_path / "both"
    printed(at_home("merge", home / "results" / "mine", tmp_path / "mine", "--out", out))
    assert str(home) in (out / "datasets" / "crops.toml").read_text()
    assert (out / "datasets" / "crops-names.csv").is_file()
    printed(at_home("report", out))


def test_failed_cells_are_retried_when_the_definition_is_gone(plugin, tmp_path):
    assert plugin.is_dir()
    station(tmp_path / "crops")
    definition(tmp_path / "station.toml")
    (tmp_path / "mini.toml").write_text('twin_size = "tiny"\n' + PROFILE)
    rows = '[[rows]]\nlabel = "Unlucky"\nmethod = "colour"\noptions = { mood = "raises" }\n'
    (tmp_path / "table.toml").write_text(
        'id = "t"\ndatasets = ["mlr-viper"]\nmetrics = ["mAP"]\nseeds = [0]\n' + rows
    )
    words = ["--profile", "mini.toml", "--out", "out", "--jobs", 1]
    run = called(
        tmp_path, tmp_path / "c", "run", "table.toml", "--datasets", "station.toml", *words
    )
    assert run.returncode == 1
    (tmp_path / "station.toml").unlink()
    retried = called(tmp_path, tmp_path / "c", "retry", "out")
    assert retried.returncode == 1
    assert "Unlucky · station · seed 0" in retried.stderr
    assert "no luck today" in retried.stdout + retried.stderr
    shutil.rmtree(tmp_path / "crops")
    gone = called(tmp_path, tmp_path / "c", "retry", "out")
    assert gone.returncode == 2
    assert "crops: there is no such folder" in gone.stderr


def test_embed_takes_the_manifest_with_the_definition(plugin, tmp_path):
    assert plugin.is_dir()
    station(tmp_path / "crops")
    definition(tmp_path / "station.toml")
    definition(tmp_path / "other.toml", id="other")
    (tmp_path / "mini.toml").write_text('twin_size = "tiny"\n' + PROFILE)
    (tmp_path / "table.toml").write_text(
        'id = "t"\ndatasets = ["station.toml"]\nmetrics = ["mAP"]\nseeds = [0]\n'
        '[[rows]]\nlabel = "A"\nmethod = "colour"\n'
    )

    def command(*words):
        return called(tmp_path, tmp_path / "c", *words)

    words = ["--profile", "mini.toml", "--out", "out", "--jobs", 1, "--save-weights"]
    printed(command("run", "table.toml", *words))
    printed(command("datasets", "build", "station.toml", "--profile", "mini.toml"))
    (record,) = read_records(tmp_path / "out")
    embed = ["embed", "--weights", f"out/weights/{record.key}", "--out", "f.npz"]
    embed += ["--manifest", "manifests/station-mlr-sing-seed0.csv"]
    printed(command(*embed, "--data", "station.toml"))
    measured = json.loads(printed(command("evaluate", "f.npz", "--json")))
    assert measured["mAP"] == pytest.approx(record.metrics["multi-shot"]["mAP"])
    row = "embed", "--results", "out", "--row", "A", "--datasets", "station.toml"
    printed(command(*row, "--out", "g.npz"))
    assert json.loads(printed(command("evaluate", "g.npz", "--json")))["mAP"] == measured["mAP"]
    for words, message in (
        ([], "of station, which is no data set of crossres; .* --data FILE.toml"),
        (["--data", "other.toml"], "a split of station, not of other"),
    ):
        refused = command(*embed, *words)
        assert refused.returncode == 2
        assert re.search(message, refused.stderr)


def test_names_that_cannot_be_meant_are_refused(home, tmp_path):
    table = load_table(home / "tables" / "mine.toml")
    other = definition(tmp_path / "other.toml", id="crops", root=str(home / "crops"))
    request = RunRequest(table, tmp_path, datasets=["crops", str(other)])
    with pytest.raises(InputError, match="two data sets have the id 'crops'"):
        request.chosen_sets()
    assert RunRequest(table, tmp_path, datasets=own_set(other)).chosen_sets()[0].id == "crops"
    with pytest.raises(InputError, match=r"none\.toml: not a readable data set file"):
        RunRequest(table, tmp_path, datasets="none.toml")
    published = tmp_path / "published.toml"
    text = TABLE.replace("../station.toml", str(home / "station.toml"))
    published.write_text(text + PUBLISHED.replace("DATASET", "crops"))
    with pytest.raises(InputError, match="unknown dataset 'crops'"):
        load_table(published)
