"""How arrays get from process to process: by MPI here, by NCCL in `cuda/nccl.py`.

A transport takes contiguous arrays of its library, of dtypes that it supports; `mpi.World` prepares them. Its functions
begin an exchange and return a function that waits for its end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from .typing import Array, NativeDtype

__all__ = ["MpiTransport", "Transport", "Wait"]

Wait = Callable[[], None]


class Transport(Protocol):
    """What all transports have."""

    @property
    def empty(self) -> Callable[[tuple[int, ...], NativeDtype], Any]:
        """A function that returns a new array of a shape and dtype."""

    def all_reduce(self, given: Array, out: Array, op: str) -> Wait:
        """Reduce the arrays of all processes, by "sum", "max" or "min", into `out`, which may be `given`."""

    def all_gather(self, given: Array, out: Array) -> Wait:
        """Write the arrays of all processes into `out`, one behind the other."""

    def reduce_scatter(self, given: Array, out: Array, op: str) -> Wait:
        """Reduce the arrays of all processes; write this process's part of the result into `out`."""

    def broadcast(self, out: Array, root: int) -> Wait:
        """Overwrite the arrays of all processes with that of `root`."""


class MpiTransport:
    """MPI, for arrays whose memory it can read: those on the host, and those of GPUs if it was built for them.

    Parameters
    ----------
    mpi : module
        ``mpi4py.MPI``.
    comm : Comm
    wait : callable
        Waits for a request of MPI's.
    empty : callable
        Returns a new array of a shape and dtype.
    ready : callable
        Waits until what an array was computed by has ended.
    """

    def __init__(
        self,
        mpi: Any,
        comm: Any,
        wait: Callable[[Any], None],
        empty: Callable[[tuple[int, ...], NativeDtype], Any] = np.empty,
        ready: Callable[[], object] = lambda: None,
    ) -> None:
        self._mpi, self._comm, self._wait, self.empty, self._ready = mpi, comm, wait, empty, ready
        self._functions = {"sum": mpi.SUM, "max": mpi.MAX, "min": mpi.MIN}
        extremes = {"max": _extreme(np.maximum), "min": _extreme(np.minimum)}
        self._of_floats = {op: mpi.Op.Create(function, commute=True) for op, function in extremes.items()}

    def all_reduce(self, given: Array, out: Array, op: str) -> Wait:
        given = self._mpi.IN_PLACE if given is out else given
        return self._begun(self._comm.Iallreduce, given, out, self._function(out, op))

    def all_gather(self, given: Array, out: Array) -> Wait:
        return self._begun(self._comm.Iallgather, given, out)

    def reduce_scatter(self, given: Array, out: Array, op: str) -> Wait:
        return self._begun(self._comm.Ireduce_scatter_block, given, out, self._function(out, op))

    def broadcast(self, out: Array, root: int) -> Wait:
        return self._begun(self._comm.Ibcast, out, root)

    def _begun(self, begin: Callable[..., Any], *args: Any) -> Wait:
        self._ready()
        request = begin(*args)
        return lambda: self._wait(request)

    def _function(self, array: Array, op: str) -> Any:
        return self._of_floats[op] if array.dtype.kind == "f" and op != "sum" else self._functions[op]


def _extreme(function: Callable[..., Any]) -> Callable[..., None]:
    """Return a reduction for MPI which, other than MPI's own, returns NaN where one of the elements is NaN."""

    def reduce(given: Any, into: Any, datatype: Any) -> None:
        dtype = np.dtype(datatype.typechar)
        out = np.frombuffer(into, dtype)
        function(np.frombuffer(given, dtype), out, out)

    return reduce
