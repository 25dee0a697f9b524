"""`crossres embed`: it writes what the cell had; bad input is one line and leaves nothing."""

import json
import multiprocessing
import pickle
import shutil
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import crossres
from crossres.benchmark.measures.kernels import Kernels, kernel_variables
from crossres.benchmark.records.cell import Cell, key_of
from crossres.benchmark.runs.cell import _digest
from crossres.benchmark.runs.embed import Features, embed_images
from crossres.benchmark.runs.engine import Finished, Take
from tests.command_line import started

TABLE = """
id = "embedded"
datasets = ["mlr-viper"]
metrics = ["rank1"]
seeds = [0]

[[rows]]
label = "Plain"
method = "plain"

[[rows]]
label = "SING"
method = "sing"

[[rows]]
label = "VPFA"
method = "vpfa"
"""


class Workspace:
    """A cache, a results folder with weights, manifests of two seeds, and the raw folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.cache = folder, folder / "cache"
        (folder / "embedded.toml").write_text(TABLE)
        smoke = ("--profile", "smoke", "--cache", str(self.cache))
        run = ("run", str(folder / "embedded.toml"), "--save-weights", *smoke)
        assert crossres.main([*run, "--out", str(folder / "results")]) == 0
        build = ("datasets", "build", "mlr-viper", *smoke, "--seeds", "0,1")
        assert crossres.main([*build, "--out", str(folder / "manifests")]) == 0
        twin = ("datasets", "twin", "mlr-viper", "--size", "tiny")
        assert crossres.main([*twin, "--out", str(folder / "raw")]) == 0
        self.records = {
            record.cell.method: record for record in crossres.read_records(folder / "results")
        }

    def weights(self, method: str) -> Path:
        return self.folder / "results" / "weights" / self.records[method].key

    def manifest(self, seed: int = 0) -> Path:
        return self.folder / "manifests" / f"mlr-viper-mlr-sing-seed{seed}.csv"

    @property
    def images(self) -> Path:
        return next((self.folder / "raw").rglob("cam_a")).parent


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("embedded"))


def embed(*arguments: object) -> int:
    return crossres.main(["embed", *map(str, arguments)])


def arrays(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as archive:
        return dict(archive)


def assert_refused(capsys: pytest.CaptureFixture[str], code: int, *words: str) -> None:
    error = capsys.readouterr().err
    assert code == 2, error
    last = error.strip().splitlines()[-1]
    assert last.startswith("crossres: ")
    for word in words:
        assert word in last


# --- the test split of a manifest -----------------------------------------------------------------


@pytest.mark.parametrize("data", ["twin", "raw folder"])
@pytest.mark.parametrize("method", ["plain", "vpfa", "sing"])
def test_the_features_of_a_manifest_are_those_of_the_record(
    method: str, data: str, workspace: Workspace, tmp_path: Path
) -> None:
    """To the last bit; VPFA is told the rates of the manifest, else it would give others."""
    out, record = tmp_path / "f.npz", workspace.records[method]
    where = ["--data", workspace.folder / "raw"] if data == "raw folder" else []
    options = ("--weights", workspace.weights(method), "--manifest", workspace.manifest(), *where)
    assert embed(*options, "--out", out, "--device", "cpu", "--cache", workspace.cache) == 0
    content = arrays(out)
    features = content["query_features"], content["gallery_features"]
    assert _digest(*features) == record.digests["embeddings"]
    manifest = crossres.Manifest.read(workspace.manifest())
    for split in ("query", "gallery"):
        rows = manifest.rows(split)
        assert content[f"{split}_features"].dtype == np.float32
        assert content[f"{split}_pids"].tolist() == rows["pid"].tolist()
        assert content[f"{split}_camids"].tolist() == rows["camid"].tolist()
        assert content[f"{split}_paths"].tolist() == rows["path"].tolist()
    assert content["query_rates"].tolist() == manifest.rows("query")["rate"].tolist()


@pytest.mark.parametrize("rule", ["single-shot", "multi-shot"])
@pytest.mark.parametrize("method", ["plain", "vpfa"])
def test_evaluating_them_gives_the_metrics_of_the_record(
    method: str, rule: str, workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "f.npz"
    options = ("--weights", workspace.weights(method), "--manifest", workspace.manifest())
    assert embed(*options, "--out", out, "--device", "cpu", "--cache", workspace.cache) == 0
    capsys.readouterr()
    assert crossres.main(["evaluate", str(out), "--gallery", rule, "--json"]) == 0
    metrics = json.loads(capsys.readouterr().out)
    nothing = {"self_matches_dropped": 0, "self_matches_kept": 0, "notes": []}
    of_record = workspace.records[method].metrics[rule]
    assert any("@" in name for name in of_record)
    assert metrics.items() >= {**of_record, **nothing}.items()


def test_a_distance_of_its_own_is_said(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--manifest", workspace.manifest(), "--cache", workspace.cache, "--json")
    for method, count in (("sing", 1), ("plain", 0)):
        capsys.readouterr()
        out = tmp_path / f"{method}.npz"
        assert embed("--weights", workspace.weights(method), *options, "--out", out) == 0
        output = capsys.readouterr()
        answer = json.loads(output.out)
        assert len(answer["notes"]) == output.err.count("note: ") == count
        assert all("a distance of its own" in note for note in answer["notes"])
        assert answer["manifest"] == workspace.records[method].digests["manifest"]
        assert answer["source"].startswith("twin:tiny:")
        assert answer["images"] == sum(
            workspace.records[method].counts[name] for name in ("query_images", "gallery_images")
        )


def test_a_test_on_another_split_of_the_training_set_is_said(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--weights", workspace.weights("plain"), "--manifest", workspace.manifest(seed=1))
    assert embed(*options, "--out", tmp_path / "f.npz", "--cache", workspace.cache) == 0
    error = capsys.readouterr().err
    assert "trained on another split of mlr-viper (mlr-sing, seed 0)" in error
    assert "may know its test identities" in error


# --- any images -----------------------------------------------------------------------------------


def test_images_give_what_the_store_gives_where_nothing_is_down_sampled(
    workspace: Workspace, tmp_path: Path
) -> None:
    """The gallery of the twin is HR: by path, its features are those of the manifest."""
    weights = ("--weights", workspace.weights("plain"), "--device", "cpu")
    assert embed(*weights, "--images", workspace.images, "--out", tmp_path / "i.npz") == 0
    of_split = ("--manifest", workspace.manifest(), "--cache", workspace.cache)
    assert embed(*weights, *of_split, "--out", tmp_path / "m.npz") == 0
    of_images, of_manifest = arrays(tmp_path / "i.npz"), arrays(tmp_path / "m.npz")
    assert set(of_images) == {"features", "paths"}
    assert of_images["features"].dtype == np.float32
    assert of_images["paths"].dtype.kind == "U"
    assert of_images["paths"].tolist() == sorted(of_images["paths"].tolist())
    row = {path: k for k, path in enumerate(of_images["paths"].tolist())}
    rows = [row[path] for path in of_manifest["gallery_paths"].tolist()]
    np.testing.assert_allclose(
        of_images["features"][rows], of_manifest["gallery_features"], atol=1e-5
    )
    low = [row[path] for path in of_manifest["query_paths"].tolist()]
    assert np.abs(of_images["features"][low] - of_manifest["query_features"]).max() > 1e-3


def test_images_of_any_kind_and_depth_in_the_order_of_their_paths(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, rng = tmp_path / "crops", np.random.default_rng(3)
    names = ["b.JPG", "a/z.png", "a/deep/é ü.bmp", "a.jpeg", "grey.png", ".hidden.png", ".d/x.png"]
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 255, (40, 20) if "grey" in name else (40, 20, 3), np.uint8)
        Image.fromarray(pixels).save(folder / name)
    (folder / "notes.txt").write_text("not an image")
    options = ("--weights", workspace.weights("plain"), "--images", folder, "--json")
    assert embed(*options, "--out", tmp_path / "new" / "f.npz") == 0
    output = capsys.readouterr()
    answer = json.loads(output.out)
    assert answer["images"] == 5
    (note,) = answer["notes"]
    assert note == f"left out: 1 files in {folder} that are not named .jpg, .png or .bmp"
    content = arrays(tmp_path / "new" / "f.npz")
    assert content["paths"].tolist() == sorted(name for name in names if not name.startswith("."))
    assert content["features"].shape == (5, answer["width"])
    first = (tmp_path / "new" / "f.npz").read_bytes()
    assert embed(*options, "--out", tmp_path / "new" / "f.npz") == 0
    assert (tmp_path / "new" / "f.npz").read_bytes() == first


def test_more_images_than_are_held_at_once(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    method = crossres.load_method(workspace.weights("plain"))

    def features() -> Any:
        arrays, _ = embed_images(method, workspace.images, None, lambda *_: None)
        return arrays

    at_once = features()
    monkeypatch.setattr("crossres.datasets.pixels.image_folder.CHUNK", 5)
    parts = features()
    assert at_once["paths"].tolist() == parts["paths"].tolist()
    assert len(at_once["paths"]) % 5
    np.testing.assert_allclose(parts["features"], at_once["features"], atol=1e-5)


NAMES = r"(?P<camid>cam_[ab])/(?P<pid>\d+)_\d+\.bmp"


def test_names_tell_queries_and_gallery_and_evaluate_takes_them(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each image as without a pattern, where its name says; ids are what names say, texts too."""
    options = ("--weights", workspace.weights("plain"), "--images", workspace.images, "--json")
    assert embed(*options, "--out", tmp_path / "i.npz") == 0
    images = arrays(tmp_path / "i.npz")
    feature = dict(zip(images["paths"].tolist(), images["features"], strict=True))
    code = crossres.main(["evaluate", str(tmp_path / "i.npz")])
    assert_refused(capsys, code, "query_features", "`crossres embed --images DIR --pattern REGEX`")
    sided = ("--pattern", NAMES, "--query", "cam_a/*", "--out", tmp_path / "f.npz")
    assert embed(*options, *sided) == 0
    answer = json.loads(capsys.readouterr().out)
    content = arrays(tmp_path / "f.npz")
    assert "query_rates" not in content
    for side, camera in (("query", "cam_a"), ("gallery", "cam_b")):
        paths = content[f"{side}_paths"].tolist()
        assert paths == sorted(path for path in feature if path.startswith(camera))
        rows = np.array([feature[path] for path in paths])
        np.testing.assert_allclose(content[f"{side}_features"], rows, atol=1e-5)
        pids = [int(path.split("/")[1].split("_")[0]) for path in paths]
        assert content[f"{side}_pids"].tolist() == pids
        assert {*content[f"{side}_camids"].tolist()} == {camera}
    counts = [len(content[name]) for name in ("query_pids", "gallery_pids")]
    assert [answer["queries"], answer["gallery_images"], answer["cameras"]] == [*counts, 2]
    assert answer["identities"] == len({*content["query_pids"], *content["gallery_pids"]})
    assert crossres.main(["evaluate", str(tmp_path / "f.npz"), "--json"]) == 0
    measured = json.loads(capsys.readouterr().out)
    for name in ("query_camids", "gallery_camids"):
        content[name] = np.searchsorted(["cam_a", "cam_b"], content[name])
    numbers = {name: array for name, array in content.items() if not name.endswith("paths")}
    assert measured["mAP"] == crossres.evaluate(**numbers)["mAP"]


def test_every_image_is_searched_for_among_all_others(
    workspace: Workspace,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No camera is told: an image does not find itself all the same."""
    folder, rng = tmp_path / "crops", np.random.default_rng(0)
    folder.mkdir()
    for name in (f"{who}-{number}.png" for who in ("ann", "bob") for number in range(3)):
        Image.fromarray(rng.integers(0, 255, (30, 15, 3), np.uint8)).save(folder / name)
    options = ("--weights", workspace.weights("plain"), "--images", folder)
    assert embed(*options, "--pattern", "guess", "--out", tmp_path / "f.npz") == 0
    output = capsys.readouterr()
    assert "guessed: pattern = " in output.err
    assert "ann-0.png: identity ann" in output.err
    assert "note: no query is named: every image is searched for among all others" in output.err
    assert "6 queries, 6 gallery images: 2 identities, no camera told" in output.out
    assert crossres.main(["evaluate", str(tmp_path / "f.npz"), "--json"]) == 0
    measured = json.loads(capsys.readouterr().out)
    assert (measured["valid_queries"], measured["self_matches_dropped"]) == (6, 6)
    assert measured["rank1"] < 1.0

    listed = ["path,pid,camid", "ann-0.png,ann,1", "ann-2.png,ann,2", "bob-1.png,bob,1"]
    (folder / "list.csv").write_text("\n".join(listed))
    monkeypatch.chdir(tmp_path)
    how = ("--images", "crops", "--pattern", "guess", "--query", "*-0.png", "--out", "l.npz")
    assert embed("--weights", workspace.weights("plain"), *how) == 0
    assert arrays(tmp_path / "l.npz")["gallery_paths"].tolist() == ["ann-2.png", "bob-1.png"]


def test_a_split_and_rates_of_names_and_a_definition(workspace: Workspace, tmp_path: Path) -> None:
    """Rates of names are told to a method that needs them, and written."""
    folder = tmp_path / "crops"
    for number, image in enumerate(sorted(workspace.images.rglob("*.bmp"))[:6]):
        side, rate = ("query", 4) if number < 3 else ("gallery", 1)
        (folder / side).mkdir(parents=True, exist_ok=True)
        shutil.copy(image, folder / side / f"{number % 3}_c{number // 3}_r{rate}.bmp")
    named = r"(?P<split>\w+)/(?P<pid>\d)_c(?P<camid>\d)_r(?P<rate>\d)\.bmp"
    entries = {"id": "crops", "root": "crops", "protocol": "mlr-sing"}
    lines = [f"{name} = '{value}'\n" for name, value in entries.items()]
    lines.append(f"pattern = '{named.replace('(?P<rate>', '(?:')}'\n")
    (tmp_path / "crops.toml").write_text("".join(lines))
    options = ("--weights", workspace.weights("vpfa"), "--device", "cpu")
    features = {}
    for name, how in (
        ("told", ("--images", folder, "--pattern", named)),
        ("1", ("--images", folder, "--rate", 1)),
        ("4", ("--images", folder, "--rate", 4)),
        ("definition", ("--images", tmp_path / "crops.toml", "--rate", 4)),
    ):
        assert embed(*options, *how, "--out", tmp_path / f"{name}.npz") == 0
        features[name] = arrays(tmp_path / f"{name}.npz")
    told, defined = features["told"], features["definition"]
    assert told["query_rates"].tolist() == [4, 4, 4]
    assert told["query_pids"].tolist() == told["gallery_pids"].tolist() == [0, 1, 2]
    np.testing.assert_allclose(told["query_features"], features["4"]["features"][3:], atol=1e-5)
    np.testing.assert_allclose(told["gallery_features"], features["1"]["features"][:3], atol=1e-5)
    assert defined["query_paths"].tolist() == told["query_paths"].tolist()
    np.testing.assert_allclose(defined["query_features"], told["query_features"], atol=1e-5)
    assert np.abs(defined["gallery_features"] - told["gallery_features"]).max() > 1e-4


def test_a_method_that_must_be_told_the_rate_is_told(workspace: Workspace, tmp_path: Path) -> None:
    weights = workspace.weights("vpfa")
    options = ("--weights", weights, "--images", workspace.images, "--device", "cpu")
    features = {}
    for name, rate in (("none", ()), ("1", ("--rate", 1)), ("4", ("--rate", 4))):
        assert embed(*options, *rate, "--out", tmp_path / f"{name}.npz") == 0
        features[name] = arrays(tmp_path / f"{name}.npz")["features"]
    assert not np.array_equal(features["1"], features["4"])
    method = crossres.load_method(weights)
    paths = arrays(tmp_path / "4.npz")["paths"].tolist()
    assert len(paths) == len(features["4"]) == len(features["none"])
    assert method.needs_rate


def test_control_c_ends_the_worker_and_leaves_no_file(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """It comes as soon as the worker tells that it has begun."""

    def interrupted(done: int, total: int) -> None:
        del done, total
        raise KeyboardInterrupt

    shown = "crossres.benchmark.runs.embed.shown_progress"
    monkeypatch.setattr(shown, lambda _: nullcontext(interrupted))
    options = ("--weights", workspace.weights("plain"), "--images", workspace.images)
    assert embed(*options, "--out", tmp_path / "f.npz") == 1
    assert capsys.readouterr().err == "crossres: interrupted; nothing half-written is left\n"
    assert list(tmp_path.iterdir()) == []
    assert multiprocessing.active_children() == []


# --- kernels --------------------------------------------------------------------------------------


def retrained_with(kernels: str | None, workspace: Workspace, folder: Path) -> Path:
    """Copy weights and have their method.json name these kernels; None: as older ones, none."""
    shutil.copytree(workspace.weights("plain"), folder)
    description = json.loads((folder / "method.json").read_text())
    assert description["origin"].pop("kernels") == workspace.records["plain"].environment["kernels"]
    description["origin"] |= {} if kernels is None else {"kernels": kernels}
    (folder / "method.json").write_text(json.dumps(description))
    return folder


@pytest.mark.parametrize(
    ("trained_with", "asked_for", "expected"),
    [
        ("portable, AVX2", None, "portable"),
        ("native, AVX512", None, "native"),
        (None, None, "portable"),
        ("native, AVX512", "portable", "portable"),
        ("portable, AVX2", "native", "native"),
    ],
)
def test_the_worker_starts_with_the_kernels_of_the_training(
    trained_with: str | None,
    asked_for: str | None,
    expected: Kernels,
    workspace: Workspace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    weights, variables = retrained_with(trained_with, workspace, tmp_path / "w"), []

    def engine(take: Take, jobs: int) -> Iterator[Finished]:
        assert jobs == 1
        task = take()
        assert task is not None
        variables.append(task.variables)
        yield Finished("embed", Features("plain", {}, {}, ()), 0.0)

    monkeypatch.setattr("crossres.benchmark.runs.embed.local", engine)
    kernels = ("--kernels", asked_for) if asked_for else ()
    options = ("--weights", weights, "--images", workspace.images, *kernels)
    assert embed(*options, "--out", tmp_path / "f.npz") == 0
    assert variables == [kernel_variables(expected)]


def test_weights_of_native_kernels_give_the_features_of_their_cell(
    workspace: Workspace, tmp_path: Path
) -> None:
    """In processes from scratch, where nothing has been computed with other kernels before."""
    run = ("run", workspace.folder / "embedded.toml", "--rows", "Plain", "--kernels", "native")
    place = ("--profile", "smoke", "--cache", workspace.cache, "--out", tmp_path / "native")
    assert started(tmp_path, workspace.cache, *run, *place, "--save-weights").returncode == 0
    (record,) = crossres.read_records(tmp_path / "native")
    weights = tmp_path / "native" / "weights" / record.key
    options = ("--weights", weights, "--manifest", workspace.manifest(), "--device", "cpu")
    assert embed(*options, "--cache", workspace.cache, "--out", tmp_path / "f.npz") == 0
    content = arrays(tmp_path / "f.npz")
    features = content["query_features"], content["gallery_features"]
    assert _digest(*features) == record.digests["embeddings"]


# --- what cannot be used --------------------------------------------------------------------------


def test_images_that_cannot_be_used(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options, out = ("--weights", workspace.weights("plain")), tmp_path / "f.npz"
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("")
    assert_refused(
        capsys, embed(*options, "--images", tmp_path / "empty", "--out", out), "no image"
    )
    assert_refused(capsys, embed(*options, "--images", tmp_path / "x", "--out", out), "no such")
    shutil.copytree(workspace.images, tmp_path / "crops")
    victim = sorted((tmp_path / "crops").rglob("*.bmp"))[3]
    victim.write_bytes(victim.read_bytes()[:900])
    assert_refused(
        capsys, embed(*options, "--images", tmp_path / "crops", "--out", out), victim.name, "not a"
    )
    victim.unlink()
    odd = tmp_path / "crops" / "line\nend.png"
    odd.write_bytes(b"")
    code = embed(*options, "--images", tmp_path / "crops", "--out", out)
    assert_refused(capsys, code, "line", "cannot be written as text; rename it")
    odd.unlink()
    (tmp_path / "crops" / "broken.jpg").symlink_to(tmp_path / "nowhere")
    assert_refused(
        capsys,
        embed(*options, "--images", tmp_path / "crops", "--out", out),
        "broken.jpg",
        "which is not there",
    )
    assert not out.exists()


class Bomb:
    """Unpickling this writes a file: proof that it happened."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, (f"open({str(self.target)!r}, 'w').close()",)


def damage(folder: Path, how: str, target: Path) -> None:
    """Spoil a folder of weights in one way."""
    description, weights = folder / "method.json", folder / "weights.safetensors"
    content = json.loads(description.read_text())
    if how == "no folder":
        shutil.rmtree(folder)
    elif how == "pickle":
        weights.write_bytes(pickle.dumps({"conv1.weight": Bomb(target)}))
    elif how == "half":
        weights.write_bytes(weights.read_bytes()[:-100])
    elif how == "one bit":
        spoilt = bytearray(weights.read_bytes())
        spoilt[-1] ^= 1
        weights.write_bytes(spoilt)
    elif how == "foreign":
        description.write_text('{"architectures": ["SomeModel"], "format": "pt"}')
    elif how == "deep":
        description.write_text("[" * 100_000)
    elif how == "older":
        description.write_text(json.dumps(content | {"format": 1}))
    elif how == "no profile":
        description.write_text(json.dumps(content | {"profile": {"height": 32}}))
    elif how == "no plug-in":
        description.write_text(json.dumps(content | {"method": "theirs"}))
    elif how == "other method":
        description.write_text(json.dumps(content | {"method": "pcb"}))
    elif how == "size":
        profile = content["profile"] | {"height": 10**9}
        description.write_text(json.dumps(content | {"profile": profile}))
    elif how == "backbone":
        profile = content["profile"] | {"backbone": {"name": "resnet-small", "weights": "none"}}
        description.write_text(json.dumps(content | {"profile": profile}))


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("no folder", ["not a readable saved method (it does not exist)"]),
        ("pickle", ["cannot read method.json and weights.safetensors"]),
        ("half", ["cannot read method.json and weights.safetensors"]),
        ("one bit", ["does not hold the weights that method.json was written with"]),
        ("foreign", ["is no saved method of format 2"]),
        ("deep", ["method.json"]),
        ("older", ["is no saved method of format 2"]),
        ("no profile", ["profile is not as it was written"]),
        ("no plug-in", ["there is no method 'theirs' here; install its package"]),
        ("other method", ["method.json", "pcb", "option"]),
        ("size", ["height 1000000000 is not 8 to 4096 pixels"]),
        ("backbone", ["do not fit"]),
    ],
)
def test_weights_that_cannot_be_used(
    how: str,
    words: list[str],
    workspace: Workspace,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, target, out = tmp_path / "w", tmp_path / "ran", tmp_path / "f.npz"
    shutil.copytree(workspace.weights("plain"), folder)
    damage(folder, how, target)
    code = embed("--weights", folder, "--images", workspace.images, "--out", out)
    assert_refused(capsys, code, *words)
    assert not target.exists()
    assert not out.exists()


def test_places_that_cannot_be_written(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    """Said before any worker starts."""
    monkeypatch.setattr("crossres.benchmark.runs.embed.local", None)
    options = ("--weights", workspace.weights("plain"), "--images", workspace.images)
    (tmp_path / "file").write_text("")
    code = embed(*options, "--out", tmp_path / "file" / "f.npz")
    assert_refused(capsys, code, "cannot be written")
    assert_refused(capsys, embed(*options, "--out", tmp_path), "is a folder")


def test_manifests_that_cannot_be_used(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--weights", workspace.weights("plain"), "--out", tmp_path / "f.npz")
    options = (*options, "--cache", workspace.cache, "--manifest")
    foreign = tmp_path / "m.csv"
    foreign.write_text("path,pid\na.jpg,1\n")
    assert_refused(capsys, embed(*options, foreign), "m.csv", "not a manifest")
    text = workspace.manifest().read_text()
    foreign.write_text("".join(x for x in text.splitlines(True) if ",query," not in x))
    assert_refused(capsys, embed(*options, foreign), "no query image")
    foreign.write_text(text.replace("cam_a/", "cam_x/"))
    assert_refused(capsys, embed(*options, foreign), "in the manifest, but not in the raw folder")
    code = embed(*options, workspace.manifest(), "--data", tmp_path / "nowhere")
    assert_refused(capsys, code, "nowhere", "no such folder")
    assert not (tmp_path / "f.npz").exists()


def test_options_that_would_do_nothing_are_refused(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--weights", workspace.weights("plain"), "--out", tmp_path / "f.npz")
    images, manifest = ("--images", workspace.images), ("--manifest", workspace.manifest())
    assert_refused(capsys, embed(*options, *images, "--rate", 2), "makes no use of rates")
    assert_refused(capsys, embed(*options, *images, "--data", tmp_path), "--data")
    assert_refused(capsys, embed(*options, *manifest, "--rate", 2), "leave out --rate")
    assert_refused(capsys, embed(*options, *images, "--device", "abacus"), "unknown device")
    for how, words in (
        ((*images, "--query", "*"), "--query belongs to --pattern"),
        ((*images, "--ignore", "x"), "--ignore belongs to --pattern"),
        ((*images, "--pattern", NAMES, "--query", "*.jpg"), "--query *.jpg: matches none"),
        ((*images, "--pattern", NAMES, "--rate", 2), "makes no use of rates"),
        ((*images, "--pattern", "[a-z]+"), "--pattern: pattern has no group pid"),
        ((*images, "--pattern", r"cam_a/(?P<pid>\d+).*"), "do not match `pattern`, the first is"),
        ((*manifest, "--pattern", NAMES), "--pattern belongs to --images"),
        (("--images", tmp_path / "no.toml"), "no.toml"),
        (("--images", tmp_path / "no", "--pattern", NAMES), "there is no such folder"),
    ):
        assert_refused(capsys, embed(*options, *how), words)
    for wrong in (["--rate", 5], ["--rate", "two"], manifest, []):
        assert_refused(
            capsys, embed(*options, *(images if wrong else []), *wrong), "crossres embed"
        )
    assert not (tmp_path / "f.npz").exists()


# --- a cell by what it is -------------------------------------------------------------------------


def of_results(workspace: Workspace, out: Path, *options: object) -> int:
    where = "--results", workspace.folder / "results", "--out", out, "--device", "cpu"
    return embed(*where, "--cache", workspace.cache, *options)


@pytest.mark.parametrize("data", ["twin", "raw folder"])
def test_a_cell_is_named_by_its_row_and_embeds_its_own_split(
    data: str, workspace: Workspace, tmp_path: Path
) -> None:
    chosen = ["--row", "VPFA", "--datasets", "mlr-viper", "--seed", "0"]
    if data == "raw folder":  # of a twin the source is known, and no folder is needed
        chosen += ["--data", str(workspace.folder / "raw")]
    assert of_results(workspace, tmp_path / "f.npz", *chosen) == 0
    content = arrays(tmp_path / "f.npz")
    features = content["query_features"], content["gallery_features"]
    assert _digest(*features) == workspace.records["vpfa"].digests["embeddings"]


def test_a_row_by_its_number_embeds_other_images(workspace: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "f.npz"
    assert of_results(workspace, out, "--row", "1", "--images", workspace.images) == 0
    assert set(arrays(out)) == {"features", "paths"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "say which row of the results: --row NAME"),
        (["--row", "Plane"], "has no row 'Plane' (did you mean 'Plain'?)"),
        (["--row", "Plain", "--seed", "3"], "no cell of Plain · seed 3 is done"),
        (["--row", "Plain", "--datasets", "caviar"], "no cell of Plain · caviar is done"),
        (["--row", "VPFA", "--rate", "2"], "leave out --rate"),
    ],
)
def test_cells_that_are_not_there_are_refused(
    options: list[str],
    words: str,
    workspace: Workspace,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert_refused(capsys, of_results(workspace, tmp_path / "f.npz", *options), words)
    assert not any(tmp_path.iterdir())


def test_several_cells_of_a_row_are_named(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "results"
    shutil.copytree(workspace.folder / "results", results)
    table = workspace.folder / "embedded.toml"
    options = "--rows", "Plain", "--profile", "smoke", "--cache", str(workspace.cache)
    run = "run", str(table), *options, "--seeds", "1", "--out", str(results)
    assert crossres.main(run) == 0
    out = "--out", tmp_path / "f.npz"
    words = "Plain has 2 cells like that: mlr-viper · mlr-sing · profile smoke · seed 0", "seed 1"
    assert_refused(capsys, embed("--results", results, "--row", "Plain", *out), *words)
    one = embed("--results", results, "--row", "Plain", "--seed", "1", *out)
    assert_refused(capsys, one, "run without --save-weights")


def test_options_of_a_row_do_not_go_with_one_folder_of_weights(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = "--weights", workspace.weights("plain"), "--out", tmp_path / "f.npz"
    assert_refused(capsys, embed(*weights, "--row", "Plain"), "--row belongs to --results")
    assert_refused(capsys, embed(*weights), "say what to embed")


def test_other_data_than_that_of_the_cell_is_refused(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "results"
    shutil.copytree(workspace.folder / "results", results)
    record = workspace.records["plain"]
    path = results / "records" / f"{record.key}.json"
    altered = {**json.loads(path.read_text()), "key": record.key}
    altered["cell"]["data_seed"] = 1  # whose twin shows other people
    key = key_of(Cell(**altered["cell"]), altered["profile"], record.digests["manifest"])
    path.with_name(f"{key}.json").write_text(json.dumps(altered | {"key": key}))
    path.unlink()
    (results / "weights" / record.key).rename(results / "weights" / key)
    options = "--row", "Plain", "--out", tmp_path / "f.npz", "--cache", workspace.cache
    code = embed("--results", results, *options)
    assert_refused(capsys, code, "gives another split of mlr-viper than the cell was tested on")
