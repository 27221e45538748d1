"""Shared by all benchmarks: timing agrad and its peers in turn in one run, and a table of the ratios."""

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

LIBRARIES = ("numpy", "numba", "torch", "jax", "cupy")  # whose versions are told
ROUNDS = 7
SAMPLE = 0.02  # seconds that a sample takes at least, so that the clock is exact enough
clock: Callable[[], float] = perf_counter


def count_own_time() -> None:
    """Measure CPU time instead, including that of JAX's threads: for a busy machine, and sides that use no GPU."""
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
    """Return a function that waits for all queued work, PyTorch's too; it is called before the clock is read."""
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
    """Return the number of calls in a sample, from the time of one call after a warm-up."""
    time_of(side, 1, wait)
    return max(1, round(SAMPLE / time_of(side, 1, wait)))


def time_of(side: Callable[[], object], repeats: int, wait: Callable[[], None]) -> float:
    """Return the mean time of a call in seconds, including the work that the calls queue on the device."""
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


def libraries() -> dict[str, tuple[str, str]]:
    """Return the version of each library that this process has imported, and what it says about its threads."""
    found = {name: (sys.modules[name].__version__, "") for name in LIBRARIES if name in sys.modules}
    if "torch" in found:
        found["torch"] = found["torch"][0], f"PyTorch uses {sys.modules['torch'].get_num_threads()}"
    if "numba" in found:
        found["numba"] = found["numba"][0], f"agrad's loops by numba {sys.modules['numba'].config.NUMBA_NUM_THREADS}"
    if "jax" in found:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        found["jax"] = found["jax"][0], f"JAX {cores}"
    return found


def circumstances(device: str, used: Mapping[str, tuple[str, str]], gpu: str) -> str:
    """Describe the measurement: date, machine, versions, threads and command; `used` is of `libraries`."""
    found = [f"{name} {used[name][0]}" for name in LIBRARIES if name in used]
    others = [used[name][1] for name in ("torch", "numba", "jax") if name in used]
    threads = os.environ.get("OMP_NUM_THREADS") or "default"
    threads += f" ({', '.join(others)})" if others else ""
    command = " ".join(["python", "-m", "benchmarks", *sys.argv[1:]])
    return "\n".join(
        [
            f"- Date: {date.today()}",
            f"- Machine: {_processor()}, {os.cpu_count()} cores, {platform.system()}; device {device}{gpu}",
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


def gpu(device: str) -> str:
    """Return the name of the GPU in parentheses; nothing on a CPU, or where PyTorch does not tell."""
    if not device.startswith("cuda"):
        return ""
    torch = sys.modules.get("torch")
    return f" ({torch.cuda.get_device_name()})" if torch is not None and torch.cuda.is_available() else ""
