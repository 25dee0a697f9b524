"""`crossres datasets export | verify-export | diff | show | list` as a user meets them.

Also what exports are for: code that knows nothing of us reads one and gets our metrics.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.command_line import Answered

Command = Callable[..., Answered]
SMOKE = ("--profile", "smoke")
RANKS = (1, 5, 10, 20)


def answer(process: Answered, code: int = 0) -> dict[str, Any]:
    """The one JSON object that a command with --json prints on standard output."""
    assert process.returncode == code, process.stderr
    content: dict[str, Any] = json.loads(process.stdout)
    return content


def assert_refused(process: Answered, *words: str) -> None:
    assert process.returncode == 2, (process.returncode, process.stderr)
    assert "Traceback" not in process.stderr
    last = process.stderr.strip().splitlines()[-1]
    for word in words:
        assert word in last


# --- code that knows nothing of us ----------------------------------------------------------------

Side = tuple[np.ndarray, np.ndarray, np.ndarray]


def descriptor(file: Path) -> np.ndarray:
    """Mean colour of 8 x 4 fields, (96,) float64: some order of the images, never a tie."""
    pixels = np.asarray(Image.open(file).convert("RGB").resize((32, 64)), dtype=np.float64)
    return pixels.reshape(8, 8, 4, 8, 3).mean(axis=(1, 3)).ravel()


def market_side(folder: Path, name: str, suffix: str = "jpg") -> Side:
    """Descriptors, pids and cameras of a folder, as Market-1501 classes find them."""
    files = list((folder / name).glob(f"*.{suffix}"))
    numbers = [re.search(r"([-\d]+)_c(\d)", str(file)) for file in files]
    pids, camids = np.array([[int(m[1]), int(m[2])] for m in numbers if m]).T
    ranked = pids != -1
    features = np.stack([descriptor(file) for file in files])
    return features[ranked], pids[ranked], camids[ranked]


def their_metrics(query: Side, gallery: Side) -> dict[str, float]:
    """Multi-shot CMC and mAP, one query after another: same pid and camera is out of the list."""
    ranks, precisions = [], []
    for feature, pid, camid in zip(*query, strict=True):
        usable = ~((gallery[1] == pid) & (gallery[2] == camid))
        distances = np.linalg.norm(gallery[0][usable] - feature, axis=1)
        hits = gallery[1][usable][np.argsort(distances, kind="stable")] == pid
        if hits.any():
            places = np.flatnonzero(hits) + 1
            ranks.append(places[0])
            precisions.append(np.mean(np.arange(1, len(places) + 1) / places))
    cmc = {f"rank{k}": float(np.mean(np.array(ranks) <= k)) for k in RANKS}
    return cmc | {"mAP": float(np.mean(precisions)), "valid_queries": len(ranks)}


def our_metrics(folder: Path, command: Command) -> dict[str, float]:
    """`crossres evaluate` on the same descriptors, ids and order being those of the manifest."""
    manifest = pd.read_csv(folder / "manifest.csv").set_index("path")
    listed = pd.read_csv(folder / "crossres-export.csv")
    arrays = {}
    for split in ("query", "gallery"):
        rows = listed[listed["split"] == split]
        arrays[f"{split}_features"] = np.stack([descriptor(folder / file) for file in rows["file"]])
        for column in ("pid", "camid"):
            arrays[f"{split}_{column}s"] = manifest.loc[rows["path"], column].to_numpy()
    np.savez(folder / "features.npz", **arrays)
    metrics = answer(command("evaluate", folder / "features.npz", "--json"))
    return {name: metrics[name] for name in (*(f"rank{k}" for k in RANKS), "mAP", "valid_queries")}


def assert_same(reference: dict[str, float], measured: dict[str, float]) -> None:
    assert reference == pytest.approx(measured, abs=1e-9)
    assert 0 < measured["mAP"] < 1


@pytest.mark.parametrize("dataset", ["caviar", "mlr-cuhk03", "mlr-market", "mlr-sysu", "mlr-viper"])
def test_market_style_code_gets_our_metrics(dataset: str, command: Command, tmp_path: Path) -> None:
    arguments = ("--layout", "market", "--out", "out", *SMOKE)
    assert answer(command("datasets", "export", dataset, *arguments, "--json"))["images"]
    out = tmp_path / "out"
    reference = their_metrics(market_side(out, "query"), market_side(out, "bounding_box_test"))
    assert_same(reference, our_metrics(out, command))


def test_it_does_where_cameras_and_junk_matter(command: Command, tmp_path: Path) -> None:
    """The official parts of Market: queries share cameras with the gallery; junk, distractors."""
    twin = command("datasets", "twin", "mlr-market", "--size", "tiny", "--out", "raw")
    assert twin.returncode == 0, twin.stderr
    raw = tmp_path / "raw" / "Market-1501-v15.09.15"
    rows = []
    parts = {"train": "bounding_box_train", "query": "query", "gallery": "bounding_box_test"}
    for split, name in parts.items():
        for file in (raw / name).glob("*.jpg"):
            pid, camid = re.match(r"(-1|\d{4})_c(\d)", file.name).groups()
            rate = 2 if split == "query" else 1
            head = ("mlr-market", "official", 0)
            rows.append((*head, f"{name}/{file.name}", int(pid), int(camid), split, rate))
    header = ["dataset", "protocol", "seed", "path", "pid", "camid", "split", "rate"]
    pd.DataFrame(rows, columns=header).to_csv(tmp_path / "official.csv", index=False)
    process = command(
        *("datasets", "export", "mlr-market", "--data", "raw", "--manifest", "official.csv"),
        *("--layout", "market", "--out", "out", "--json"),
    )
    assert answer(process)["protocol"] == "official"
    out = tmp_path / "out"
    query, gallery = market_side(out, "query"), market_side(out, "bounding_box_test")
    reference = their_metrics(query, gallery)
    assert_same(reference, our_metrics(out, command))
    blind = (gallery[0], gallery[1], gallery[2] + 100)
    assert their_metrics(query, blind) != pytest.approx(reference)
    assert 0 in gallery[1]
    assert any(file.name.startswith("-1_") for file in (out / "bounding_box_test").iterdir())


def test_folders_and_dgd_code_get_our_metrics(command: Command, tmp_path: Path) -> None:
    for layout in ("folders", "dgd"):
        words = ("--layout", layout, "--out", layout, "--json", *SMOKE)
        answer(command("datasets", "export", "mlr-market", *words))
    folders = tmp_path / "folders"
    sides = []
    for split in ("query", "gallery"):
        files = list((folders / split).glob("*/*.png"))
        pids = np.array([int(file.name[:5]) for file in files])
        camids = np.array([int(file.name.split("c")[1][0]) for file in files])
        sides.append((np.stack([descriptor(file) for file in files]), pids, camids))
    assert_same(their_metrics(*sides), our_metrics(folders, command))

    dgd = tmp_path / "dgd"
    identities = json.loads((dgd / "meta.json").read_text())["identities"]
    split = json.loads((dgd / "split.json").read_text())
    probe = [file for pid in split["test_probe"] for file in identities[pid][0]]
    gallery = [file for pid in split["test_gallery"] for file in identities[pid][1]]
    sides = [
        (
            np.stack([descriptor(dgd / file) for file in files]),
            np.array([int(Path(file).name[:5]) for file in files]),
            np.full(len(files), view),
        )
        for view, files in enumerate((probe, gallery))
    ]
    assert_same(their_metrics(*sides), our_metrics(dgd, command))


# --- the commands ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["list", "show", "export", "verify-export", "diff"])
def test_every_command_has_help_with_an_example(name: str, command: Command) -> None:
    process = command("datasets", name, "--help")
    assert process.returncode == 0
    assert "example:" in process.stdout
    assert "--json" in process.stdout


def test_export_says_what_it_wrote_and_verifies(command: Command, tmp_path: Path) -> None:
    arguments = ("datasets", "export", "mlr-viper", "--layout", "market", "--seed", "2", *SMOKE)
    process = command(*arguments, "--out", "out")
    assert process.returncode == 0, process.stderr
    assert "wrote 48 images to out: mlr-viper, mlr-sing, seed 2" in process.stdout
    assert "source twin:tiny:" in process.stdout
    assert "note: identities are numbered anew" in process.stdout
    verified = answer(command("datasets", "verify-export", "out", "--json"))
    assert verified["images"] == 48
    assert verified["seed"] == 2
    assert verified["digest"][:12] in process.stdout
    file = next((tmp_path / "out" / "query").iterdir())
    file.unlink()
    assert_refused(command("datasets", "verify-export", "out"), str(Path("out/query") / file.name))
    assert_refused(command(*arguments, "--out", "out"), "out: exists already")


def test_export_of_a_manifest_file_is_that_of_its_protocol_and_seed(
    command: Command, tmp_path: Path
) -> None:
    built = answer(
        command("datasets", "build", "mlr-viper", *SMOKE, "--seeds", "1", "--out", "m", "--json")
    )["built"][0]
    words = ("datasets", "export", "mlr-viper", "--layout", "dgd", *SMOKE)
    size = ("--input-size", "32x16")
    assert command(*words, *size, "--manifest", built["manifest"], "--out", "a").returncode == 0
    assert command(*words, *size, "--seed", "1", "--out", "b").returncode == 0
    for name in ("manifest.csv", "crossres-export.csv", "README.txt", "meta.json", "split.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert Image.open(next((tmp_path / "a" / "cam_0").iterdir())).size == (16, 32)
    assert (tmp_path / "a" / "manifest.csv").read_bytes() == (
        tmp_path / built["manifest"]
    ).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("mlr-nothing",), ("unknown data set 'mlr-nothing'",)),
        (("mlr-viper", "--protocol", "mlr-none"), ("unknown protocol",)),
        (("mlr-viper", "--data", "nowhere"), ("nowhere", "no such folder")),
        (("mlr-viper", "--manifest", "none.csv"), ("none.csv", "not a readable manifest")),
        (("mlr-viper", "--manifest", "m.csv", "--seed", "1"), ("leave out --protocol and --seed",)),
        (("mlr-viper", "--input-size", "large"), ("HEIGHTxWIDTH",)),
        (("mlr-viper", "--seed", "-1"), ("--seed",)),
    ],
)
def test_bad_input_gets_one_line_and_leaves_nothing(
    arguments: tuple[str, ...], words: tuple[str, ...], command: Command, tmp_path: Path
) -> None:
    process = command(
        "datasets", "export", *arguments, "--layout", "market", "--out", "out", *SMOKE
    )
    assert_refused(process, *words)
    assert list(tmp_path.iterdir()) == []


def test_verify_export_of_something_else(command: Command, tmp_path: Path) -> None:
    assert_refused(command("datasets", "verify-export", tmp_path), "not a readable manifest")


def test_diff_tells_equal_different_and_unusable(command: Command, tmp_path: Path) -> None:
    words = ("datasets", "build", "mlr-viper", *SMOKE, "--seeds", "0,1", "--out", "m", "--json")
    a, b = (entry["manifest"] for entry in answer(command(*words))["built"])
    equal = command("datasets", "diff", a, a)
    assert equal.returncode == 0
    assert equal.stdout.startswith("equal: 48 images, digest ")
    assert answer(command("datasets", "diff", a, a, "--json"))["equal"]

    different = command("datasets", "diff", a, b)
    assert different.returncode == 1
    assert "seed: 0 in A, 1 in B" in different.stdout
    assert "other rate: " in different.stdout
    assert "more (all of them: --json)" in different.stdout
    differences = answer(command("datasets", "diff", a, b, "--json"), code=1)
    first, second = (pd.read_csv(tmp_path / path).set_index("path") for path in (a, b))
    changed = first["rate"] != second["rate"].reindex(first.index)
    assert {change["path"] for change in differences["changes"]["rate"]} == set(
        first.index[changed]
    )
    assert f"other rate: {changed.sum()} images" in different.stdout

    lines = (tmp_path / a).read_text().splitlines(keepends=True)
    (tmp_path / "short.csv").write_text("".join(lines[:-1]))
    short = command("datasets", "diff", a, "short.csv")
    assert short.returncode == 1
    assert f"only in A: 1 images\n  {lines[-1].split(',')[3]}\n" in short.stdout
    assert_refused(
        command("datasets", "diff", a, "none.csv"), "none.csv", "not a readable manifest"
    )


def test_show_tells_what_a_user_asks(command: Command, tmp_path: Path) -> None:
    for card in answer(command("datasets", "list", "--json"))["datasets"]:
        facts = answer(command("datasets", "show", card["id"], "--json"))
        assert {**facts, **card} == facts
        assert facts["protocols"][0] == card["protocol"]
        assert "tiny" in facts["twin_sizes"]
        text = command("datasets", "show", card["id"]).stdout
        for key in ("obtain", "licence", "layout", "protocol"):
            assert card[key] in text
    assert "mlr-perid" not in answer(command("datasets", "show", "caviar", "--json"))["protocols"]
    assert "mlr-sing" in answer(command("datasets", "show", "mlr-market", "--json"))["protocols"]
    assert_refused(command("datasets", "show", "market"), "unknown data set 'market'", "mlr-market")
    assert list(tmp_path.iterdir()) == []


def test_list_is_a_table(command: Command) -> None:
    header, *rows = command("datasets", "list").stdout.splitlines()
    assert header.split()[:3] == ["NAME", "TITLE", "IMAGES"]
    start = header.index("PROTOCOL")
    assert all(row[start:].startswith(("mlr-", "vru-")) for row in rows)
    assert any(row.startswith("mlr-market ") and " 36,036 " in row for row in rows)
