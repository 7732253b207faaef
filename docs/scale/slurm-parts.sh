#!/usr/bin/env bash
# One run of a model that is too large for a node: one engine, a part of it on each GPU of several nodes.
#
#   export MODEL=/models/DeepSeek-R1 SUITES=aime2024,gpqa-diamond DB=/shared/results.db
#   sbatch slurm-parts.sh            starts it; given again, it goes on with what is not done
#
# As many parts as tasks: 2, 4 or 8. Every node sees $MODEL; part 0, on the first of them, alone writes $DB and prints.
#SBATCH --job-name=assay
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=4
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=8
#SBATCH --time=12:00:00
#SBATCH --signal=TERM@120
#SBATCH --requeue
#SBATCH --output=assay-%j.log
#SBATCH --open-mode=append
set -euo pipefail

# Where part 0 listens. Other jobs on its node have other ports.
first_node=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
port=$((20000 + SLURM_JOB_ID % 10000))

# A GPU each: tasks of a node see all of the job's GPUs there, and take theirs by their number on the node. Where each
# task sees its own alone (--gpus-per-task), add --device cuda:0.
# Two minutes before the time is up, the signal reaches the parts; part 0 stores what is done and ends all with 4.
exec srun --cpus-per-task="$SLURM_CPUS_PER_TASK" \
  assay run --model "$MODEL" --suite "$SUITES" --db "$DB" \
  --tensor-parallel "$SLURM_NTASKS" --across "$first_node:$port"
