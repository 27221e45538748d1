"""Runs functions and scripts in several processes under mpiexec, on this machine's loopback only, for a limited time.

`on_ranks` makes a test of a function that runs in each of the processes; an error in one of them fails the test.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
# Messages stay in this machine's memory or on its loopback, and each process uses one thread.
HERE = {
    "FI_PROVIDER": "tcp",
    "FI_TCP_IFACE": "lo",
    "OMP_NUM_THREADS": "1",
    "UCX_NET_DEVICES": "lo",
    "UCX_TLS": "self,sm,tcp",
}


def mpiexec() -> str:
    """Return the path of mpiexec: beside this Python, or of the system; skip where there is none."""
    found = shutil.which("mpiexec", path=Path(sys.executable).parent) or shutil.which("mpiexec")
    if found is None or find_spec("mpi4py") is None:
        pytest.skip('mpi4py or mpiexec is not installed; pip install "agrad[mpi]"')
    return found


@dataclass
class Run:
    """How a run under mpiexec ended: its status, all that it printed, and the seconds that it took."""

    status: int
    output: str
    seconds: float


@contextmanager
def started(ranks: int, *command: str, **env: str) -> Iterator[subprocess.Popen[str]]:
    """Start a Python command in several processes; none of them is left at the end."""
    hydra = [mpiexec(), "-launcher", "fork", "-host", "localhost", "-iface", "lo", "-n", str(ranks)]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AGRAD_", "PYTEST_"))}
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    with subprocess.Popen(
        [*hydra, sys.executable, *command],
        cwd=ROOT,
        env={**inherited, **HERE, "PYTHONPATH": path, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()  # the others end with mpiexec


def finish(process: subprocess.Popen[str], timeout: float = 120) -> Run:
    """Wait for processes that were started; fail where they take longer than the timeout."""
    began = time.monotonic()
    try:
        output, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
        pytest.fail(f"the processes had not ended after {timeout} seconds; they printed:\n{output}")
    return Run(process.returncode, output, time.monotonic() - began)


def run(ranks: int, *command: str, timeout: float = 120, **env: str) -> Run:
    """Run a Python command in several processes."""
    with started(ranks, *command, **env) as process:
        return finish(process, timeout)


def called(function: Callable[..., None]) -> tuple[str, ...]:
    """Return the command that calls a function of a test module after `agrad.distributed.init`."""
    return ("-m", "tests.distributed.ranks", function.__module__, function.__name__)


def on_ranks(*sizes: int, timeout: float = 120, **env: str) -> Callable[[Callable[[], None]], Any]:
    """Make a test of a function without arguments, which runs in each of as many processes as a size tells."""

    def decorate(function: Callable[[], None]) -> Any:
        @pytest.mark.parametrize("ranks", sizes)
        def test(ranks: int) -> None:
            ended = run(ranks, *called(function), timeout=timeout, **env)
            assert ended.status == 0, ended.output

        test.__name__, test.__module__, test.__doc__ = function.__name__, function.__module__, function.__doc__
        test.body = function  # type: ignore[attr-defined]
        return test

    return decorate


if __name__ == "__main__":
    from agrad import distributed

    distributed.init()
    function = getattr(import_module(sys.argv[1]), sys.argv[2])
    getattr(function, "body", function)(*sys.argv[3:])
