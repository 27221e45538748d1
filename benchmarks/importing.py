"""How much longer ``import agrad`` takes than the import of what it stands on."""

from __future__ import annotations

import subprocess
import sys

from .compare import Row

PROGRAM = """
from time import perf_counter
import array_api_compat.numpy
start = perf_counter()
import agrad
print(perf_counter() - start)
"""
ALLOWED = 0.040  # seconds


def measure(device: str) -> list[Row]:
    """Return the row of this benchmark, whose other side is what the import may take."""
    command = [sys.executable, "-c", PROGRAM]
    taken = [float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(7)]
    return [Row("import agrad, beyond array_api_compat.numpy", "the 40 ms allowed", min(taken), ALLOWED, 1.0)]
