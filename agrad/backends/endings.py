"""Which processes have ended: who waits for one of those in a collective would wait forever."""

from __future__ import annotations

import os
from time import monotonic, sleep
from typing import Any, Final

import numpy as np

__all__ = ["Endings", "PeerError", "poll"]

PATIENCE: Final = 1.0  # seconds after which a process that waits yields its core, and looks for those that have ended
_pause: Any = getattr(os, "sched_yield", lambda: sleep(0))


class PeerError(RuntimeError):
    """Another process does not do what this one waits for."""


class Endings:
    """Tells the other processes when this one ends, and how many collectives it has begun until then."""

    def __init__(self, comm: Any) -> None:
        self._comm, self._rank = comm, comm.Get_rank()
        self._others = [rank for rank in range(comm.Get_size()) if rank != self._rank]
        self._counts = np.zeros(comm.Get_size(), np.int64)
        self._waiting = {rank: comm.Irecv(self._counts[rank : rank + 1], rank) for rank in self._others}

    def check(self, begun: int) -> None:
        """Raise PeerError if a process has ended which had begun fewer collectives than this one."""
        for rank, request in self._waiting.items():
            if request.Test() and self._counts[rank] < begun:
                raise PeerError(
                    f"rank {rank} has ended, and rank {self._rank} waits for it in collective number {begun}; "
                    "all processes must call the same ones (AGRAD_DEBUG=1 shows the lines)"
                )

    def end(self, begun: int) -> None:
        """Tell that this process ends, and wait until all others do."""
        mine = np.asarray([begun])
        requests = [self._comm.Isend(mine, rank) for rank in self._others]
        requests += self._waiting.values()
        poll(lambda: all([request.Test() for request in requests]))


def poll(done: Any, meanwhile: Any = lambda: None) -> None:
    """Wait until a function returns True; after a second, call another one each time.

    MPI's own waiting cannot be interrupted, and takes a whole core for as long as it lasts.
    """
    until = monotonic() + PATIENCE
    while not done():
        if monotonic() < until:
            _pause()
        else:
            sleep(0.001)
            meanwhile()
