"""The time that ``import agrad`` takes beyond the import of array_api_compat.numpy."""

from __future__ import annotations

import os
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
    """Return the row of this benchmark; the peer is the time that the import may take."""
    command = [sys.executable, "-c", PROGRAM]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}  # as users have it
    taken = [float(subprocess.check_output(command, env=env)) for _ in range(8)]
    return [Row("import agrad, beyond array_api_compat.numpy", "the 40 ms allowed", min(taken), ALLOWED, 1.0)]
