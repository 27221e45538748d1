"""The exchange of gradients between two processes on this machine, beside a training step of each of them.

Both processes compute at the same time, each on one thread: so there is nothing left to hide the exchange behind.
``mpiexec -n 2 python -m benchmarks.exchange sizes`` prints how long it takes for how many numbers, from which the model
of its cost in docs/distributed.md is made.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import agrad
from agrad import distributed, nn, optim

from .compare import Row, time_of, waiter

RANKS = 2
BATCH = 128
LAYERS = {"MLP 784-128-10": (784, 128, 10), "10 million parameters": (784, 2048, 2048, 2048, 10)}
STEPS = {"MLP 784-128-10": 30, "10 million parameters": 1}  # in a sample: as many in both processes
ROUNDS = 25
SIZES = (1, 1_000, 10_000, 100_000, 1_000_000, 6_250_000)


def measure(device: str) -> list[Row]:
    """Return the rows of this benchmark; none where MPI is missing."""
    mpiexec = shutil.which("mpiexec", path=Path(sys.executable).parent) or shutil.which("mpiexec")
    if mpiexec is None or find_spec("mpi4py") is None:
        print("mpi4py or mpiexec is not installed: the exchange of gradients is left out", file=sys.stderr)
        return []
    command = [mpiexec, "-n", str(RANKS), sys.executable, "-m", __spec__.name, device]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return [Row(**row) for row in json.loads(done.stdout)]


def sides(layers: tuple[int, ...], device: str) -> dict[str, Callable[[], None]]:
    """Return a training step without an exchange, and the exchange of its gradients."""
    parts = [part for sizes in pairwise(layers) for part in (nn.Linear(*sizes), nn.ReLU())]
    model = nn.Sequential(*parts[:-1]).to(device)
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    x, y = agrad.rand((BATCH, layers[0]), device=device), agrad.randint(0, layers[-1], (BATCH,), device=device)

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()

    return {"step": step, "exchange": lambda: distributed.average_gradients(model.parameters())}


def fastest(running: dict[str, Callable[[], None]], repeats: int, device: str) -> dict[str, float]:
    """Time all sides in turn, in turned order; all processes begin a sample together."""
    best, wait = dict.fromkeys(running, float("inf")), waiter(device)
    names = list(running)
    for _ in range(ROUNDS):
        for side in names:
            distributed.barrier()
            best[side] = min(best[side], time_of(running[side], repeats, wait))
        names.reverse()
    return best


def compare(name: str, device: str) -> Row:
    """Return the row of a model."""
    running = sides(LAYERS[name], device)
    running["step"]()  # so that there are gradients
    best = fastest(running, STEPS[name], device)
    goal = 0.3 if len(LAYERS[name]) == 3 else None
    return Row(f"exchange of gradients by two processes, {name}", "a step", best["exchange"], best["step"], goal)


def print_sizes() -> None:
    """Print the time of an exchange by the number of numbers, in six gradients of equal size."""
    for size in SIZES:
        parameters = [nn.Parameter(agrad.zeros(max(1, size // 6))) for _ in range(min(size, 6))]
        for p in parameters:
            p.grad = agrad.zeros_like(p)
        side = {"exchange": partial(distributed.average_gradients, parameters)}
        seconds = fastest(side, max(1, min(50, 2_000_000 // size)), "cpu")["exchange"]
        if distributed.get_rank() == 0:
            print(f"{size:>9,} numbers: {1e6 * seconds:,.0f} µs")


def main(device: str) -> None:
    """Measure in each process, and print the rows of one of them."""
    distributed.init()
    if device == "sizes":
        print_sizes()
        return
    rows = [vars(compare(name, device)) for name in LAYERS]
    if distributed.get_rank() == 0:
        print(json.dumps(rows))


if __name__ == "__main__":
    main(sys.argv[1])
