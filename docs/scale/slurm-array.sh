#!/usr/bin/env bash
# One run over eight tasks of a Slurm job array, each with a GPU and an engine of its own.
#
#   export MODEL=/models/DeepSeek-R1-Distill-Qwen-7B SUITES=aime2024,gpqa-diamond DB=/shared/results.db
#   sbatch slurm-array.sh            starts it; given again, it goes on with what is not done
#   sbatch --array=3 slurm-array.sh  starts task 3 again
#
# The tasks may run one after another, on any nodes that see $DB. The last one to be done merges them all into $DB and
# prints the report.
#SBATCH --job-name=assay
#SBATCH --array=0-7
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=16
#SBATCH --gpus-per-task=1
#SBATCH --time=12:00:00
#SBATCH --signal=B:TERM@120
#SBATCH --requeue
#SBATCH --output=assay-%A-%a.log
#SBATCH --open-mode=append
set -euo pipefail

# As many ranks as --array has tasks. It stands here, since an array of one task that is started again says 1.
ranks=8

# exec: two minutes before the time is up, the signal reaches assay itself, which stores what is done and ends with 4.
exec assay run --model "$MODEL" --suite "$SUITES" --db "$DB" --rank "$SLURM_ARRAY_TASK_ID" --ranks "$ranks"
