"""Train several networks at once on the workers of Dask, each in two processes: python docs/launch_with_dask.py."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from dask.distributed import Client

SCRIPT = Path(__file__).parents[1] / "examples" / "mnist.py"


def train(seed: int) -> str:
    """Train one network, and return the last line that it prints."""
    command = ["mpiexec", "-n", "2", sys.executable, SCRIPT, "--epochs", "2", "--seed", seed]
    done = subprocess.run([*map(str, command), *sys.argv[1:]], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1]


if __name__ == "__main__":
    with Client(n_workers=1, threads_per_worker=1) as client:  # or Client("scheduler:8786")
        for seed, line in enumerate(client.gather(client.map(train, range(2)))):
            print(f"seed {seed}: {line}")
