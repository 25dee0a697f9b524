#!/bin/sh
#SBATCH --job-name=crossres
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --gpus-per-node=4
#SBATCH --time=24:00:00
#
# A Ray cluster of the nodes of this job, and one run on it; arguments are those of `crossres run`:
#
#   sbatch tools/cluster/slurm.sh table2 --profile paper --data ~/reid --out results/paper
#
# When the time is over, submit it again: finished cells stay, and long trainings go on from their
# last checkpoint. The environment that has crossres[ray] must be active.
set -eu

head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
port=$((20000 + SLURM_JOB_ID % 10000))
RAY_ADDRESS="$head:$port"
export RAY_ADDRESS RAY_USAGE_STATS_ENABLED=0
# Only who can read your home may use the cluster, where Ray is new enough for that.
if ray get-auth-token --generate >/dev/null 2>&1; then
    export RAY_AUTH_MODE=token
fi
nodes=""
trap 'kill $nodes 2>/dev/null; wait' EXIT
trap 'exit 143' INT TERM

srun --nodes=1 --ntasks=1 --nodelist="$head" \
    ray start --head --port="$port" --num-cpus="$SLURM_CPUS_PER_TASK" \
    --include-dashboard=false --block &
nodes="$!"

listens='import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 2)'
tries=0
until python -c "$listens" "$head" "$port" 2>/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -le 60 ] || { echo "no Ray head at $RAY_ADDRESS after two minutes" >&2; exit 1; }
    sleep 2
done

others=$((SLURM_JOB_NUM_NODES - 1))
if [ "$others" -gt 0 ]; then
    srun --nodes="$others" --ntasks="$others" --exclude="$head" \
        ray start --address="$RAY_ADDRESS" --num-cpus="$SLURM_CPUS_PER_TASK" --block &
    nodes="$nodes $!"
fi

crossres run --engine ray "$@"
