"""The peak memory of one training step, minus the memory in use before it: on the CPU, under Linux."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from .compare import Row, peer

BATCH = 8192
STATUS, PEAK = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def measure(device: str) -> list[Row]:
    """Return the row of this benchmark; each side runs in its own process."""
    if device != "cpu" or not PEAK.exists() or not peer("torch"):
        print("memory: measured on the CPU, under Linux, with PyTorch: left out", file=sys.stderr)
        return []
    ours, theirs = _in_a_process("agrad"), _in_a_process("torch")
    return [Row(f"peak memory of an MLP step at batch {BATCH}", "PyTorch", ours, theirs, 1.0, "B")]


def _in_a_process(library: str) -> float:
    command = [sys.executable, "-m", "benchmarks.memory", library]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def extra(library: Any) -> int:
    """Return the bytes by which a training step raises the peak of the process's resident memory."""
    nn = library.nn
    model = nn.Sequential(nn.Linear(784, 1024), nn.ReLU(), nn.Linear(1024, 512), nn.ReLU(), nn.Linear(512, 10))
    loss, optimizer = nn.CrossEntropyLoss(), library.optim.SGD(model.parameters(), lr=0.1)
    images, labels = library.ones((BATCH, 784)), library.zeros(BATCH, dtype=library.int64)

    def step(rows: int) -> None:
        optimizer.zero_grad()
        loss(model(images[:rows]), labels[:rows]).backward()
        optimizer.step()

    step(8)  # the one-time setup of a library does not count
    before = _resident("VmRSS")
    PEAK.write_text("5")  # resets the kernel's record of the peak
    step(BATCH)
    return _resident("VmHWM") - before


def _resident(field: str) -> int:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    name = sys.argv[1]
    for part in ("nn", "optim"):
        import_module(f"{name}.{part}")
    print(extra(import_module(name)))
