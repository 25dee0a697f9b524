"""Torchreid's own code reads an export of ours and measures it: are these our metrics?

Not a test that pytest collects: it wants a checkout of KaiyangZhou/deep-person-reid and what that
imports (torch, torchvision, scipy, six, opencv, tensorboard, gdown). Run where crossres is
importable:

    python tests/peers/torchreid_reads_an_export.py CHECKOUT

For MLR-Market (mlr-perid) and MLR-VIPeR (mlr-sing), quick twins, it exports the split, lets
torchreid's Market1501 class find images, pids and cameras, computes one fixed descriptor of every
file (colour histograms of 8 stripes), and compares torchreid's evaluate_rank with `crossres
evaluate` on the same descriptors in manifest order, with the pids and cameras of the manifest. Exit
code 1 when a metric differs by more than 1e-6.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

SPLITS = {"mlr-market": "mlr-perid", "mlr-viper": "mlr-sing"}
STRIPES, LEVELS, HEIGHT, WIDTH = 8, 8, 128, 64
RANKS = (1, 5, 10, 20)


def descriptor(image: Image.Image) -> np.ndarray:
    """Histograms of the three channels of 8 stripes: (192,) float64 of unit length."""
    pixels = np.asarray(image.convert("RGB").resize((WIDTH, HEIGHT)))
    stripes = pixels.reshape(STRIPES, -1, 3)
    edges = np.arange(LEVELS + 1) * (256 // LEVELS)
    counts = [np.histogram(s[:, c], edges)[0] for s in stripes for c in range(3)]
    vector = np.sqrt(np.concatenate(counts).astype(np.float64))
    return vector / np.linalg.norm(vector)


def scores_of_torchreid(dataset: object) -> dict[str, float]:
    """What torchreid's classes and evaluator say."""
    from torchreid.metrics import evaluate_rank
    from torchreid.utils.tools import read_image

    sides = {}
    for name in ("query", "gallery"):
        rows = getattr(dataset, name)
        features = np.stack([descriptor(read_image(path)) for path, *_ in rows])
        sides[name] = (features, np.array([r[1] for r in rows]), np.array([r[2] for r in rows]))
    (q, q_pids, q_cams), (g, g_pids, g_cams) = sides["query"], sides["gallery"]
    distances = np.sqrt(np.maximum(2.0 - 2.0 * q @ g.T, 0.0))
    cmc, mean_ap = evaluate_rank(distances, q_pids, g_pids, q_cams, g_cams, max_rank=max(RANKS))
    return {f"rank{k}": float(cmc[k - 1]) for k in RANKS} | {"mAP": float(mean_ap)}


def scores_of_crossres(folder: Path) -> dict[str, float]:
    """`crossres evaluate` on the descriptors of the listed files, in manifest order."""
    listed = pd.read_csv(folder / "crossres-export.csv")
    arrays = {}
    for split in ("query", "gallery"):
        rows = listed[listed["split"] == split]
        arrays[f"{split}_features"] = np.stack(
            [descriptor(Image.open(folder / file)) for file in rows["file"]]
        )
        arrays[f"{split}_pids"] = rows["pid"].to_numpy()
        arrays[f"{split}_camids"] = rows["camid"].to_numpy()
    np.savez(folder.parent / "features.npz", **arrays)
    output = crossres_command("evaluate", str(folder.parent / "features.npz"), "--json")
    return {name: json.loads(output)[name] for name in [*(f"rank{k}" for k in RANKS), "mAP"]}


def crossres_command(*words: str) -> str:
    process = subprocess.run(
        [sys.executable, "-m", "crossres", *words], check=True, capture_output=True, text=True
    )
    return process.stdout


def main(checkout: Path) -> int:
    """Print both sides for each data set; 1 when they differ."""
    sys.path.insert(0, str(checkout))
    from torchreid.data.datasets import Market1501

    worst = 0.0
    with tempfile.TemporaryDirectory() as root:
        for name, protocol in SPLITS.items():
            # Torchreid wants ROOT/market1501/Market-1501-v15.09.15.
            folder = Path(root) / name / "market1501" / "Market-1501-v15.09.15"
            words = ("--layout", "market", "--protocol", protocol, "--out", str(folder))
            crossres_command("datasets", "export", name, *words)
            dataset = Market1501(root=str(Path(root) / name))
            peer, scores = scores_of_torchreid(dataset), scores_of_crossres(folder)
            worst = max(worst, *(abs(peer[key] - scores[key]) for key in scores))
            sizes = f"{len(dataset.train)} / {len(dataset.query)} / {len(dataset.gallery)}"
            print(f"{name} {protocol}: train / query / gallery {sizes}")
            for key in scores:
                print(f"  {key:7} torchreid {peer[key]:.9f}  crossres {scores[key]:.9f}")
    print(f"largest difference: {worst:.2e}")
    return int(worst > 1e-6)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
