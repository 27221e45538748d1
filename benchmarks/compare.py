"""Shared by all benchmarks: all sides are timed in turn in one run, and a table shows the ratios."""

from __future__ import annotations

import importlib
import os
import platform
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from time import perf_counter, process_time
from typing import Any

import agrad

ROUNDS = 7
SAMPLE = 0.02  # seconds at least, so that the clock measures it well
clock: Callable[[], float] = perf_counter


def count_own_time() -> None:
    """Measure the CPU time of this process, that of JAX's threads too: on a busy machine, for sides that use no GPU."""
    global clock
    clock = process_time


@dataclass(frozen=True)
class Row:
    """One row of the table: agrad's figure, the peer's figure, and the goal for their ratio."""

    work: str
    peer: str
    ours: float
    theirs: float
    goal: float | None = None
    unit: str = "s"

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs

    def cells(self, times: bool) -> list[str]:
        if self.goal is None:
            goal = ""
        else:
            goal = f"≤ {self.goal:g}{'' if self.ratio <= self.goal else ' (missed)'}"
        figures = [show(self.ours, self.unit), show(self.theirs, self.unit)] if times else []
        return [self.work, self.peer, *figures, f"{self.ratio:.2f}", goal]


def show(value: float, unit: str) -> str:
    """Format seconds or bytes with three digits and a suitable prefix."""
    steps = [(1.0, "s"), (1e-3, "ms"), (1e-6, "µs")] if unit == "s" else [(1e6, "MB"), (1e3, "kB")]
    scale, name = next((step for step in steps if value >= step[0]), steps[-1])
    return f"{value / scale:.3g} {name}"


def peer(name: str) -> Any | None:
    """Import a peer; if it is not installed, print a line and return None."""
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"{name} is not installed: left out", file=sys.stderr)
        return None


def waiter(device: str) -> Callable[[], None]:
    """Return a function that waits for all queued work, PyTorch's too, as timers must before they read the clock."""
    ours = agrad.Device(device)
    torch = sys.modules.get("torch")
    if device.startswith("cuda") and torch is not None and torch.cuda.is_available():

        def wait() -> None:
            ours.synchronize()
            torch.cuda.synchronize()

        return wait
    return ours.synchronize


def interleave(
    sides: Mapping[str, Callable[[], object]], device: str = "cpu", rounds: int = ROUNDS
) -> dict[str, float]:
    """Return the seconds of one call of each side: the minimum of several samples, taken A B C, C B A, A B C ...

    Each round reverses the order, so that no side always follows the same one: PyTorch's threads keep a core busy
    for a while after its turn, which makes the next side a few percent slower.
    """
    wait = waiter(device)
    repeats = {name: _repeats(side, wait) for name, side in sides.items()}
    best = dict.fromkeys(sides, float("inf"))
    names = list(sides)
    for _ in range(rounds):
        for name in names:
            best[name] = min(best[name], time_of(sides[name], repeats[name], wait))
        names.reverse()
    return best


def _repeats(side: Callable[[], object], wait: Callable[[], None]) -> int:
    """Return how many calls fill a sample; the call before the measured one warms up."""
    time_of(side, 1, wait)
    return max(1, round(SAMPLE / time_of(side, 1, wait)))


def time_of(side: Callable[[], object], repeats: int, wait: Callable[[], None]) -> float:
    """Return the seconds of one of several calls of a function, with the work that they have queued."""
    wait()
    start = clock()
    for _ in range(repeats):
        side()
    wait()
    return (clock() - start) / repeats


def race(
    work: str,
    sides: Mapping[str, Callable[[], object]],
    goals: dict[str, float],
    device: str = "cpu",
    rounds: int = ROUNDS,
) -> list[Row]:
    """Time all sides in turn, and return a row for each peer."""
    seconds = interleave(sides, device, rounds)
    ours = seconds.pop("agrad")
    return [Row(work, name, ours, theirs, goals.get(name)) for name, theirs in seconds.items()]


def table(lines: Iterable[Row], times: bool = True) -> str:
    """Format rows as an aligned Markdown table; without `times` it has only the ratios."""
    head = ["work", "peer", *(["agrad", "peer's"] if times else []), "ratio", "goal"]
    cells = [head, *(row.cells(times) for row in lines)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    text = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    text.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(text)


def circumstances(device: str) -> str:
    """Describe the measurement: date, machine, versions, threads and command."""
    libraries = ["numpy", "numba", "torch", "jax"] + (["cupy"] if device.startswith("cuda") else [])
    found = [f"{name} {sys.modules[name].__version__}" for name in libraries if name in sys.modules]
    threads = os.environ.get("OMP_NUM_THREADS") or "default"
    torch, numba = sys.modules.get("torch"), sys.modules.get("numba")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    others = [f"PyTorch uses {torch.get_num_threads()}"] if torch is not None else []
    others += [f"agrad's loops by numba {numba.config.NUMBA_NUM_THREADS}"] if numba is not None else []
    others += [f"JAX {cores}"] if "jax" in sys.modules else []
    threads += f" ({', '.join(others)})" if others else ""
    command = " ".join(["python", "-m", "benchmarks", *sys.argv[1:]])
    return "\n".join(
        [
            f"- Date: {date.today()}",
            f"- Machine: {_processor()}, {os.cpu_count()} cores, {platform.system()}; device {device}{_gpu(device)}",
            f"- Versions: Python {platform.python_version()}, agrad {agrad.__version__}, {', '.join(found)}",
            f"- Threads: {threads}",
            f"- Command: `{command}`",
        ]
    )


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _gpu(device: str) -> str:
    if not device.startswith("cuda"):
        return ""
    torch = sys.modules.get("torch")
    return f" ({torch.cuda.get_device_name()})" if torch is not None and torch.cuda.is_available() else ""
