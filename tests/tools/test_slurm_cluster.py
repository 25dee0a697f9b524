"""The cluster of a Slurm job, with nodes of this machine in the place of Slurm's."""

import os
import subprocess
import sys
from pathlib import Path

from crossres.benchmark import read_records

ROOT = Path(__file__).parents[2]
SRUN = """#!/bin/sh
# One process here for each task that is asked for.
tasks=1
while [ "${1#--}" != "$1" ]; do
    case "$1" in --ntasks=*) tasks=${1#--ntasks=} ;; esac
    shift
done
pids=""
trap 'kill $pids 2>/dev/null; wait' TERM INT EXIT
while [ "$tasks" -gt 0 ]; do "$@" & pids="$pids $!"; tasks=$((tasks - 1)); done
wait
"""
SCONTROL = "#!/bin/sh\nprintf '127.0.0.1\\nnode-b\\nnode-c\\n'\n"
TABLE = """
id = "few"
title = "A few cells"
profile = "smoke"
metrics = ["rank1"]
datasets = ["mlr-viper"]
seeds = [0, 1]

[[rows]]
label = "Plain"
method = "plain"
"""


def test_a_job_starts_its_cluster_and_runs_on_it(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in (
        ("srun", SRUN),
        ("scontrol", SCONTROL),
        ("ray", f'#!/bin/sh\nexec "{sys.executable}" -m ray.scripts.scripts "$@"\n'),
        ("python", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'),
        ("crossres", f'#!/bin/sh\nexec "{sys.executable}" -m crossres "$@"\n'),
    ):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    (tmp_path / "few.toml").write_text(TABLE)
    environment = os.environ | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "SLURM_JOB_NODELIST": "node-[a-c]",
        "SLURM_JOB_NUM_NODES": "3",
        "SLURM_JOB_ID": str(os.getpid()),
        "SLURM_CPUS_PER_TASK": "1",
        "CROSSRES_CACHE": str(tmp_path / "cache"),
    }
    environment.pop("RAY_ADDRESS", None)
    script = ROOT / "tools" / "cluster" / "slurm.sh"
    ended = subprocess.run(
        ["sh", script, tmp_path / "few.toml", "--out", tmp_path / "out"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert len(read_records(tmp_path / "out")) == 2
    assert "reads the data under the same paths" in ended.stderr
