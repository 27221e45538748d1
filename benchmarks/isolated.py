"""Each benchmark in a process of its own, without the memory and the threads that the others leave behind."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib import import_module
from multiprocessing import get_context

from .compare import Row, count_own_time, gpu, libraries

Measured = tuple[list[Row], dict[str, tuple[str, str]], str]

__all__ = ["measured"]


def measured(names: Sequence[str], device: str, own_time: bool) -> Measured:
    """Run benchmarks, one after the other; return their rows, the libraries that they used, and the name of the GPU."""
    alone = partial(_measured_here, device=device, own_time=own_time)
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as process:
        found = list(process.map(alone, names))
    rows = [row for of_one, _, _ in found for row in of_one]
    used = {library: told for _, of_one, _ in found for library, told in of_one.items()}
    return rows, used, max(name for _, _, name in found)


def _measured_here(name: str, device: str, own_time: bool) -> Measured:
    if own_time:
        count_own_time()
    return import_module(f".{name}", __package__).measure(device), libraries(), gpu(device)
