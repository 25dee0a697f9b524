"""Networks released for re-identification, from the command line: embed, search, run, export."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import crossres
from crossres.datasets.pixels.image_folder import image_chunks
from crossres.methods.shared.networks.imagenet_weights import read_state, state_digest
from crossres.methods.shared.networks.released import released_network
from crossres.methods.shared.tensors import to_tensor
from tests.methods.shared.networks.released_states import drawn, listed

MODEL = "torchreid:osnet_x0_25"
FILE = "model of market.pth.tar-60"

TABLE = f"""
id = "released"
datasets = ["mlr-viper"]
metrics = ["rank1", "mAP"]
seeds = [0]
profile = "smoke"

[[rows]]
label = "OSNet"
method = "frozen"

[rows.options]
model = "{MODEL}"
weights_file = "{FILE}"
pool = "own"
pretrained = true

[[rows]]
label = "OSNet, VPFA"
method = "frozen-vpfa"

[rows.options]
model = "{MODEL}"
weights_file = "{FILE}"
parts = 2
pretrained = true
vp_width = 8
vp_epochs = 1
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a table, a file as torchreid saves it, and three crops."""
    folder = tmp_path_factory.mktemp("released")
    (folder / "released.toml").write_text(TABLE)
    state = {f"module.{name}": tensor for name, tensor in drawn(listed(MODEL)).items()}
    torch.save({"state_dict": state, "epoch": 60}, folder / FILE)
    (folder / "crops").mkdir()
    for number in range(3):
        pixels = np.random.default_rng(number).integers(0, 256, (9, 5, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((50, 120)).save(folder / "crops" / f"{number}.png")
    return folder


def test_embed_gives_what_the_authors_compare_at_their_size(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "f.npz"
    model = ["--model", MODEL, "--weights-file", str(folder / FILE)]
    images = ["--images", str(folder / "crops"), "--out", str(out)]
    assert crossres.main(["embed", *model, *images]) == 0
    with np.load(out) as arrays:
        features, paths = arrays["features"], list(map(str, arrays["paths"]))
    network = released_network(MODEL, (), (256, 128), folder, FILE, is_pretrained=True).eval()
    (pixels,) = image_chunks(folder / "crops", paths, 256, 128)
    with torch.inference_mode():
        expected = network.own(to_tensor(pixels, torch.device("cpu"))).numpy()
    lengths = np.linalg.norm(expected, axis=1, keepdims=True)
    assert np.allclose(features, expected / lengths, atol=1e-5)
    assert crossres.main(["embed", *model, "--parts", "2", *images]) == 0
    with np.load(out) as arrays:
        assert arrays["features"].shape == (3, 2 * 128)


def test_search_says_by_what_it_compares(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query, out = folder / "crops" / "1.png", folder / "search.html"
    model = ["--model", MODEL, "--weights-file", str(folder / FILE)]
    gallery = ["--gallery", str(folder / "crops"), "--out", str(out)]
    assert crossres.main(["search", str(query), *model, *gallery]) == 0
    assert f"by {MODEL}, as it was trained by others" in capsys.readouterr().out


def test_tables_measure_a_file_of_weights_dir_and_record_it(folder: Path, tmp_path: Path) -> None:
    table, out = str(folder / "released.toml"), tmp_path / "out"
    run = ["run", table, "--weights-dir", str(folder), "--out", str(out), "--save-weights"]
    assert crossres.main([*run, "--cache", str(folder / "cache")]) == 0
    records = [json.loads(path.read_text()) for path in sorted(out.glob("records/*.json"))]
    assert {record["cell"]["method"] for record in records} == {"frozen", "frozen-vpfa"}
    digest = state_digest(read_state(folder / FILE))
    for record in records:
        assert record["digests"][f"initial {FILE}"] == digest
        assert record["cell"]["options"]["weights_file"] == FILE
        assert str(folder) not in json.dumps(record)
    features = tmp_path / "cell.npz"
    embed = ["embed", "--results", str(out), "--row", "OSNet", "--out", str(features)]
    assert crossres.main([*embed, "--cache", str(folder / "cache")]) == 0
    assert crossres.main(["evaluate", str(features), "--out", str(tmp_path / "answer.json")]) == 0


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["--model", MODEL], f"no weights of {MODEL}: give the file"),
        (["--model", MODEL, "--weights-file", "nowhere.pth"], "no nowhere.pth weights there"),
        (["--model", MODEL, "--weights-file", "f", "--weights-dir", "d"], "not allowed with"),
        (["--weights", "W", "--weights-file", "f"], "--weights-file belongs to --model"),
        (["--model", "torchreid:osnet", "--weights-file", "f"], "has no model 'osnet' (did you"),
    ],
)
def test_what_cannot_be_embedded_with_is_refused_in_one_line(
    arguments: list[str], fault: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = ["--images", str(folder / "crops"), "--out", str(folder / "f.npz")]
    assert crossres.main(["embed", *arguments, *images]) == 2
    assert fault in capsys.readouterr().err.strip().splitlines()[-1]


def test_an_option_that_keys_leave_out_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert crossres.main(["methods", "show", "frozen", "--json"]) == 0
    options = {option["name"]: option for option in json.loads(capsys.readouterr().out)["options"]}
    assert options["weights_file"]["default"] is None
