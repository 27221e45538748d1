"""Scripts as their users start them: the main example, and the launcher of several of it."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import agrad
from tests.distributed.ranks import HERE, ROOT, mpiexec, run

pytestmark = pytest.mark.mpi

EXAMPLE = str(ROOT / "examples" / "mnist.py")


@pytest.mark.parametrize("options", [[], ["--compile"]])
def test_the_main_example_prints_once_and_resumes(tmp_path, options):
    pytest.importorskip("sklearn")
    file = str(tmp_path / "digits.safetensors")
    common = ["--dataset", "digits", *options]
    first = run(2, EXAMPLE, *common, "--epochs", "2", "--batch-size", "16", "--checkpoint", file)
    assert first.status == 0, first.output
    assert re.findall(r"epoch +\d+/\d+", first.output) == ["epoch  1/2", "epoch  2/2"]
    assert first.output.count("digits: 1,497 pictures") == 1
    if find_spec("tqdm") is not None:
        assert first.output.count("epoch 1:   0%") == 1, "there is one progress bar"
    again = run(1, EXAMPLE, "--resume", file, "--epochs", "3", "--dataset", "digits")
    assert again.status != 0, "the settings are those of the checkpoint"
    again = run(4, EXAMPLE, *options, "--resume", file, "--epochs", "3")
    assert again.status == 0, again.output
    assert re.findall(r"epoch +\d+/\d+", again.output) == ["epoch  3/3"]
    assert len(agrad.load(file)["epochs"]) == 3


def test_dask_launches_the_main_example(tmp_path):
    pytest.importorskip("sklearn")
    if find_spec("dask") is None or find_spec("distributed") is None:
        pytest.skip("dask.distributed is not installed")
    environment = os.environ | HERE | {"PATH": os.pathsep.join([str(Path(mpiexec()).parent), os.environ["PATH"]])}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), environment.get("PYTHONPATH", "")])
    command = [sys.executable, str(ROOT / "docs" / "launch_with_dask.py"), "--dataset", "digits", "--batch-size", "16"]
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=120)
    assert ended.returncode == 0, ended.stderr
    assert [line[:18] for line in ended.stdout.splitlines()] == ["seed 0: epoch  2/2", "seed 1: epoch  2/2"]
