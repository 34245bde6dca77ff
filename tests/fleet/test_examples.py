"""The examples for Spark and Slurm."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from conftest import BUCKET, FILES

if TYPE_CHECKING:
    from conftest import Server, Tree

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def test_spark(server: Server, tree: Tree, tmp_path: Path) -> None:
    """In local mode, with two processes."""
    arguments = [server.endpoint, str(tree.path), BUCKET, "spark/", str(tmp_path), "4"]
    environment = os.environ | {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    submit = "import sys; from pyspark.sql import SparkSession; SparkSession.builder.master('local[2]').getOrCreate()"
    run = f"{submit}; sys.argv[0:1] = []; import runpy; runpy.run_path(sys.argv[0], run_name='__main__')"
    command = [sys.executable, "-c", run, EXAMPLES / "upload_with_spark.py", *arguments]
    printed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    assert f"{FILES} files stored" in printed
    assert server.sums("spark/") == tree.sums


def sbatch(script: Path, *arguments: str, environment: dict[str, str]) -> None:
    """A stand-in for the command of that name: runs the tasks of an array job one after the other."""
    first, last = map(int, re.findall(r"^#SBATCH --array=(\d+)-(\d+)$", script.read_text(), re.MULTILINE)[0])
    for task in range(first, last + 1):
        variables = {"SLURM_ARRAY_TASK_ID": str(task), "SLURM_ARRAY_TASK_COUNT": str(last - first + 1)}
        subprocess.run([script, *arguments], env=environment | variables, check=True, capture_output=True)


def test_slurm(server: Server, tree: Tree, tmp_path: Path) -> None:
    """Eight tasks."""
    command = tmp_path / "oss-upload"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m oss_upload "$@"\n')
    command.chmod(0o755)
    (tmp_path / "manifests").mkdir()
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "OSS_ENDPOINT": server.endpoint, "OSS_REGION": "cn-hangzhou"}
    script, to = EXAMPLES / "upload_with_slurm.sh", f"oss://{BUCKET}/slurm/"
    sbatch(script, str(tree.path), to, str(tmp_path / "manifests"), environment=environment)
    assert server.sums("slurm/") == tree.sums
    assert len(list((tmp_path / "manifests").iterdir())) == 8
