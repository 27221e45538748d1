"""Training steps on a GPU: agrad, PyTorch (eager and compiled), both as one CUDA graph too, and hand-written CuPy.

    python -m benchmarks.gpu.steps results.jsonl
    python -m benchmarks.gpu.steps results.jsonl --tf32

Appends a line of JSON per benchmark and side. TF32, in which a GPU multiplies faster and less exactly, is on or off for
all sides; CuPy reads that setting once per process, so there is a run for each.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import agrad
import agrad.nn
import agrad.optim

from .. import lenet, mlp
from ..compare import circumstances, interleave, peer

DEVICE = "cuda"
RATE = mlp.RATE
Step = Callable[[Any, Any], object]


def epoch_of(step: Step, x: Any, y: Any, batch: int) -> Callable[[], None]:
    """Return a function that calls a step for each batch."""

    def epoch() -> None:
        for i in range(0, len(x), batch):
            step(x[i : i + batch], y[i : i + batch])

    return epoch


def network(library: Any, work: str) -> Any:
    """Return the network of a benchmark, by the same code for either library."""
    nn = library.nn
    if work == "LeNet":
        return lenet.build(nn).to(DEVICE)
    return nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)).to(DEVICE)


def compiled(torch: Any, work: str, x: Any, y: Any, batch: int) -> Callable[[], None]:
    """Return an epoch of PyTorch in which the forward and backward passes are compiled."""
    model = network(torch, work)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    loss = torch.compile(lambda x, y: torch.nn.functional.cross_entropy(model(x), y))

    def step(x: Any, y: Any) -> None:
        optimizer.zero_grad()
        loss(x, y).backward()
        optimizer.step()

    return epoch_of(step, x, y, batch)


def captured(torch: Any, work: str, x: Any, y: Any, batch: int) -> Callable[[], None]:
    """Return an epoch of PyTorch in which each whole step is the launch of one CUDA graph."""
    model = network(torch, work)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    images, labels = x[:batch].clone(), y[:batch].clone()

    def train() -> None:
        optimizer.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()

    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):  # a step must have run before it can be captured
            train()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        train()

    def step(x: Any, y: Any) -> None:
        images.copy_(x)
        labels.copy_(y)
        graph.replay()

    return epoch_of(step, x, y, batch)


def recorded(work: str, x: Any, y: Any, batch: int) -> Callable[[], None]:
    """Return an epoch of agrad in which each whole step is the launch of one CUDA graph."""
    model = network(agrad, work)
    optimizer = agrad.optim.SGD(model.parameters(), lr=RATE)

    @agrad.compile(state=[model, optimizer], keep_grads=False)
    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = agrad.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return epoch_of(step, agrad.asarray(x, device=DEVICE), agrad.asarray(y, device=DEVICE), batch)


def sides_of(work: str, batch: int, steps: int) -> dict[str, Callable[[], None]]:
    """Return an epoch of `steps` batches by each side; a side that cannot start is named on stderr and left out."""
    x, y = (array[: steps * batch] for array in mlp.made_up())
    torch, cupy = peer("torch"), peer("cupy")
    if work == "LeNet":
        sides = {"agrad": lenet.trainer(agrad, x, y, DEVICE)}
        x = x.reshape((-1, 1, 28, 28))
    else:
        sides = {"agrad": mlp.trainer(agrad, x, y, DEVICE, batch), "CuPy by hand": mlp.by_hand(cupy, x, y, batch)}
    sides["agrad, one CUDA graph"] = recorded(work, x, y, batch)
    if torch is None or not torch.cuda.is_available():
        print("PyTorch has no GPU here: left out", file=sys.stderr)
        return sides
    if work == "LeNet":
        sides["PyTorch"] = lenet.trainer(torch, x, y, DEVICE)
    else:
        sides["PyTorch"] = mlp.trainer(torch, x, y, DEVICE, batch)
    there = torch.asarray(x, device=DEVICE), torch.asarray(y, device=DEVICE)
    for name, make in (("PyTorch, compiled", compiled), ("PyTorch, one CUDA graph", captured)):
        try:
            sides[name] = make(torch, work, *there, batch)
            sides[name]()  # compiles
        except Exception as error:  # the compiler may not work on this machine
            sides.pop(name, None)
            print(f"{name}, {work}: {type(error).__name__}: {error}", file=sys.stderr)
    return sides


def memory_of(name: str, epoch: Callable[[], None]) -> int | None:
    """Return the bytes that a side's allocator holds after an epoch, starting without cached memory."""
    if name == "agrad":
        agrad.cuda.empty_cache()
        epoch()
        return agrad.cuda.memory_reserved()
    if name == "PyTorch":
        torch = sys.modules["torch"]
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        epoch()
        return int(torch.cuda.max_memory_reserved())
    return None


def main() -> None:
    """Measure, and append the results to a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--tf32", action="store_true", help="let all sides multiply in TF32")
    parser.add_argument("--steps", type=int, default=100, help="of an epoch")
    parser.add_argument("--rounds", type=int, default=7, help="samples of each side, of which the fastest counts")
    options = parser.parse_args()
    os.environ["CUPY_TF32"] = "1" if options.tf32 else "0"  # before CuPy is imported
    if (torch := peer("torch")) is not None:
        torch.backends.cuda.matmul.allow_tf32 = options.tf32
        torch.backends.cudnn.allow_tf32 = options.tf32
    for work, batch in (("MLP 784-128-10", 128), ("MLP 784-128-10", 1024), ("LeNet", 128)):
        sides = sides_of(work, batch, options.steps)
        seconds = interleave(sides, DEVICE, options.rounds)
        lines = [
            {
                "work": f"{work}, batch {batch}",
                "tf32": options.tf32,
                "side": name,
                "seconds": seconds[name] / options.steps,
                "memory": memory_of(name, epoch),
                "circumstances": circumstances(DEVICE),
            }
            for name, epoch in sides.items()
        ]
        with options.results.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)
        print(
            *(f"{line['work']}: {line['side']} {line['seconds'] * 1e6:.0f} µs" for line in lines), sep="\n", flush=True
        )


if __name__ == "__main__":
    main()
