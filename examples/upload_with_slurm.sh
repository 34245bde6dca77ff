#!/bin/sh
#SBATCH --job-name=upload
#SBATCH --array=0-7
#
# Uploads a folder that all nodes share with Slurm: one shard of it is one task of an array.
#
#     sbatch upload_with_slurm.sh FOLDER oss://BUCKET/PREFIX MANIFESTS
#
# Each node needs the command oss-upload, and finds its own credentials. A task that is run again goes on from its manifest in
# the folder MANIFESTS, which the nodes share too.
shard=$((SLURM_ARRAY_TASK_ID + 1))/$SLURM_ARRAY_TASK_COUNT
manifest=$3/shard-$SLURM_ARRAY_TASK_ID-of-$SLURM_ARRAY_TASK_COUNT
exec oss-upload -r "$1" "$2" --shard "$shard" --manifest "$manifest"
