"""Measures agrad beside other libraries of automatic differentiation: ``python docs/compare.py FOLDER [LIBRARY ...]``.

Each library is installed into its own virtual environment in FOLDER, which is kept for the next run. The
figures go to ``docs/comparison_table.md``; the rows of libraries that are not named are kept.
"""

from __future__ import annotations

import datetime
import json
import re
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parent
TABLE = HERE / "comparison_table.md"
INSTALL = {
    "agrad": [str(HERE.parent)],
    "PyTorch": ["torch"],
    "JAX": ["jax"],
    "JAX, compiled": ["jax"],
    "HIPS/autograd": ["autograd"],
    "MyGrad": ["mygrad"],
    "tinygrad": ["tinygrad", "numpy"],
}
ROUNDS = 66  # of three ops each

# What each library's program defines: `chain`, and `step` to differentiate it once, which waits for the result.
CHAIN = f"""
def chain(x, tanh):
    for _ in range({ROUNDS}):
        x = tanh(x * 0.9 + 0.1)
    return x.sum()
"""
PROGRAMS = {
    "agrad": """
import agrad
x = agrad.linspace(0, 1, 16, requires_grad=True)
def step():
    chain(x, agrad.tanh).backward()
    x.grad = None
""",
    "PyTorch": """
import torch
x = torch.linspace(0, 1, 16, requires_grad=True)
def step():
    chain(x, torch.tanh).backward()
    x.grad = None
""",
    "JAX": """
import jax
x = jax.numpy.linspace(0, 1, 16)
gradient = jax.grad(lambda x: chain(x, jax.numpy.tanh))
def step():
    gradient(x).block_until_ready()
""",
    "JAX, compiled": """
import jax
x = jax.numpy.linspace(0, 1, 16)
gradient = jax.jit(jax.grad(lambda x: chain(x, jax.numpy.tanh)))
def step():
    gradient(x).block_until_ready()
""",
    "HIPS/autograd": """
import autograd
import autograd.numpy as np
x = np.linspace(0, 1, 16).astype(np.float32)
gradient = autograd.grad(lambda x: np.sum(chain(x, np.tanh)))
def step():
    gradient(x)
""",
    "MyGrad": """
import mygrad, numpy
x = mygrad.tensor(numpy.linspace(0, 1, 16, dtype="float32"))
def step():
    chain(x, mygrad.tanh).backward()
""",
    "tinygrad": """
import tinygrad
def step():
    x = tinygrad.Tensor.linspace(0, 1, 16).contiguous()
    chain(x, tinygrad.Tensor.tanh).gradient(x)[0].numpy()
""",
}
CLOCK = """
import time
def fastest(step, repeats):
    step(), step()
    times = []
    for _ in range(repeats):
        start = time.process_time()  # of the CPU, so that what else the machine does counts less
        step()
        times.append(time.process_time() - start)
    return min(times)
print(fastest(step, 10))
"""


def environment(folder: Path, library: str) -> tuple[Path, float]:
    """Install a library if needed; return the environment's Python, and the megabytes that were installed."""
    place = folder / Path(INSTALL[library][0]).name
    python, size = place / "bin" / "python", place / "megabytes"
    if not size.exists():
        venv.create(place, with_pip=True)
        before = megabytes(place)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *INSTALL[library]], check=True)
        size.write_text(str(megabytes(place) - before))
    return python, float(size.read_text())


def megabytes(folder: Path) -> float:
    """Return the total size of the files under a folder, in units of 10**6 bytes."""
    return sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def run(python: Path, code: str) -> float:
    """Run a program in an environment, and return the number that it prints."""
    return float(subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout)


def import_time(python: Path, library: str) -> float:
    """Return the CPU time of importing the library in milliseconds, the fastest of five new processes."""
    module = re.findall(r"^import (\w+)", PROGRAMS[library], re.M)[0]
    code = f"import time; start = time.process_time(); import {module}; print(time.process_time() - start)"
    return 1000 * min(run(python, code) for _ in range(5))


def version(python: Path, library: str) -> str:
    """Return the version of the library that is installed in an environment."""
    listed = subprocess.run([python, "-m", "pip", "list", "--format=json"], check=True, capture_output=True, text=True)
    versions = {entry["name"].lower(): entry["version"] for entry in json.loads(listed.stdout)}
    return versions["agrad" if library == "agrad" else INSTALL[library][0]]


def measure(folder: Path, library: str) -> str:
    """Return the row of a library in the table."""
    python, size = environment(folder, library)
    per_op = 1e6 * run(python, CHAIN + PROGRAMS[library] + CLOCK) / (3 * ROUNDS)
    milliseconds = import_time(python, library)
    date = datetime.datetime.now(datetime.UTC).date()
    cells = [library, version(python, library), f"{size:,.0f} MB", f"{milliseconds:.0f} ms", f"{per_op:.1f} µs", date]
    return f"| {' | '.join(map(str, cells))} |"


def main(folder: str, *libraries: str) -> None:
    """Measure the libraries that are named, or all."""
    old = TABLE.read_text(encoding="utf-8").splitlines() if TABLE.exists() else []
    rows = {row.split("|")[1].strip(): row for row in old[2:]}
    for library in libraries or INSTALL:
        rows[library] = measure(Path(folder), library)
        print(rows[library], flush=True)
    head = ["| library | version | installed | import | per op | date |", "| --- | --- | ---: | ---: | ---: | --- |"]
    TABLE.write_text("\n".join([*head, *(rows[name] for name in INSTALL if name in rows), ""]), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
