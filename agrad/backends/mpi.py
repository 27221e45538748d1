"""MPI, by mpi4py: the processes that were started together, and their collectives on NumPy arrays.

Only this file imports mpi4py, and only when `connect` is called: the import starts MPI. Each process has a rank, from
0 to size - 1. All processes call a collective, in the same order. Backends of other libraries call it with copies on
the host, or use a library of their own.
"""

from __future__ import annotations

import faulthandler
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np

from .agreement import Agreement, demanded, timeout
from .endings import Endings, poll
from .typing import Array

__all__ = ["OPERATIONS", "Request", "World", "connect", "launched"]

OPERATIONS: Final = ("sum", "mean", "max", "min")
# What launchers tell each process of the number of processes: MPICH and Intel MPI, Open MPI, Slurm's srun.
_SIZES: Final = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS")
_NARROW: Final = ("float16", "bfloat16")  # MPI has no such numbers: they are added in float32
_INSTALL: Final = 'run pip install "agrad[mpi]", or pip install mpi4py beside an MPI of your system'


def launched() -> int:
    """Return the number of processes that mpiexec or srun started together with this one, as far as it tells."""
    return max(int(os.environ.get(name) or 1) for name in _SIZES)


def connect(line: Callable[[], object]) -> World | None:
    """Start MPI and return the processes that were started together; None if this one is alone, without mpi4py.

    Parameters
    ----------
    line : callable
        Returns the running line of the user's code, for errors under AGRAD_DEBUG=1.

    Raises
    ------
    ImportError
        If there are several processes, and mpi4py or an MPI library is missing.
    RuntimeError
        If they were started by another MPI than the one that mpi4py loads: each of them would be alone.
    """
    try:
        with _limited():
            from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # a RuntimeError where there is no MPI library
        if launched() == 1:
            return None
        raise ImportError(
            f"{launched()} processes were started together, and agrad.distributed needs mpi4py: {_INSTALL} ({error})"
        ) from error
    comm = MPI.COMM_WORLD
    if comm.Get_size() == 1 and launched() > 1:
        library = MPI.Get_library_version().splitlines()[0]
        raise RuntimeError(
            f"{launched()} processes were started, and each of them is alone: their mpiexec is not that of the MPI "
            f"which mpi4py loads ({library}); use the mpiexec of that one, or build mpi4py with yours"
        )
    return World(MPI, comm.Dup(), Endings(comm.Dup()), Agreement(comm.Dup(), line) if demanded() else None)


@contextmanager
def _limited() -> Iterator[None]:
    """End this process, with its traceback, if a block takes too long: MPI starts when all processes have started it.

    A process that fails before that would leave the others waiting, deaf to signals.
    """
    if launched() > 1:
        faulthandler.dump_traceback_later(timeout(), exit=True)
    try:
        yield
    finally:
        if launched() > 1:
            faulthandler.cancel_dump_traceback_later()


class Request:
    """A collective that has begun.

    Parameters
    ----------
    wait : callable
        Waits until it is done.
    finish : callable
        Returns its array after that.
    """

    def __init__(self, wait: Callable[[], None], finish: Callable[[], Any]) -> None:
        self._wait, self._finish = wait, finish

    def wait(self) -> Any:
        """Wait until it is done, and return its array."""
        self._wait()
        return self._finish()

    def then(self, function: Callable[[Any], Any]) -> Request:
        """Return the request whose `wait` returns what a function makes of this one's array."""
        return Request(self._wait, lambda: function(self._finish()))


class World:
    """The processes that were started together, and their collectives on NumPy arrays.

    Attributes
    ----------
    rank, size : int
        The number of this process, and the number of all.
    local_rank : int
        The number of this process among those of the same machine.
    """

    def __init__(self, mpi: Any, comm: Any, endings: Endings, agreement: Agreement | None) -> None:
        self._mpi, self._comm, self._endings, self._agreement = mpi, comm, endings, agreement
        self.rank, self.size = comm.Get_rank(), comm.Get_size()
        local = comm.Split_type(mpi.COMM_TYPE_SHARED)
        self.local_rank = local.Get_rank()
        local.Free()
        greatest, least = _extreme(np.maximum), _extreme(np.minimum)
        self._functions = {"sum": mpi.SUM, "mean": mpi.SUM, "max": mpi.MAX, "min": mpi.MIN}
        self._of_floats = {"max": mpi.Op.Create(greatest, commute=True), "min": mpi.Op.Create(least, commute=True)}
        self._begun = 0

    def begin(self, collective: str, array: Array | None = None, *settings: Any) -> None:
        """Say which collective comes next; under AGRAD_DEBUG=1, PeerError if another process calls another one."""
        self._begun += 1
        if self._agreement is not None:
            what = [] if array is None else [f"{_dtype_name(array)} of shape {tuple(array.shape)}"]
            self._agreement.check(f"{collective}({', '.join([*what, *map(repr, settings)])})")

    def end(self) -> None:
        """Say that this process ends, and wait until all others do; PeerError if they wait for it elsewhere."""
        if self._mpi.Is_finalized():
            return
        if self._agreement is not None:
            self._agreement.check("the end of the program", patient=True)
        self._endings.end(self._begun)

    def abort(self, status: int) -> None:
        """End all processes at once."""
        self._mpi.COMM_WORLD.Abort(status)

    # The collectives

    def barrier(self) -> None:
        """Wait until all processes are here."""
        self.begin("barrier")
        self._wait(self._comm.Ibarrier())

    def all_reduce(self, array: Array, op: str) -> Any:
        """Return the elementwise sum, mean, maximum or minimum of the arrays of all processes."""
        self.begin("all_reduce", array, op)
        given = _prepared(array)
        out = np.empty_like(given)
        self._wait(self._comm.Iallreduce(given, out, self._function(out, op)))
        return self._finished(out, op, array.dtype)

    def start_all_reduce(self, array: Array, op: str) -> Request:
        """Begin to overwrite an array with the elementwise reduction; it must not be used before `wait` returns it."""
        self.begin("start_all_reduce", array, op)
        given = _prepared(array)
        in_place = given.flags.writeable and np.may_share_memory(given, array)
        out = given if in_place else given.copy()
        request = self._comm.Iallreduce(self._mpi.IN_PLACE, out, self._function(out, op))

        def finish() -> Any:
            reduced = self._finished(out, op, array.dtype)
            if not in_place:
                array[...] = reduced
            return array

        return Request(lambda: self._wait(request), finish)

    def all_gather(self, array: Array, axis: int) -> Any:
        """Return the arrays of all processes, which have one shape, joined along an axis."""
        self.begin("all_gather", array, axis)
        given = _contiguous(np.moveaxis(array, axis, 0))
        out = np.empty((self.size * given.shape[0], *given.shape[1:]), given.dtype)
        self._wait(self._comm.Iallgather(_bytes(given), _bytes(out)))
        return np.moveaxis(out, 0, axis)

    def reduce_scatter(self, array: Array, op: str, axis: int) -> Any:
        """Return this process's part, along an axis, of the elementwise reduction."""
        self.begin("reduce_scatter", array, op, axis)
        given = _prepared(np.moveaxis(array, axis, 0))
        out = np.empty((given.shape[0] // self.size, *given.shape[1:]), given.dtype)
        self._wait(self._comm.Ireduce_scatter_block(given, out, self._function(out, op)))
        return np.moveaxis(self._finished(out, op, array.dtype), 0, axis)

    def broadcast(self, array: Array, root: int) -> Any:
        """Return the array of the process `root`; those of the others have the same shape and dtype."""
        self.begin("broadcast", array, root)
        out = np.array(array, order="C")
        self._wait(self._comm.Ibcast(_bytes(out), root))
        return out

    def _wait(self, request: Any) -> None:
        poll(request.Test, lambda: self._endings.check(self._begun))

    def _function(self, array: Array, op: str) -> Any:
        floats = array.dtype.kind == "f" and op in self._of_floats
        return (self._of_floats if floats else self._functions)[op]

    def _finished(self, out: Array, op: str, dtype: Any) -> Any:
        if op == "mean":
            out /= self.size
        return out if out.dtype == dtype else out.astype(dtype)


def _prepared(array: Array) -> Any:
    """Return an array as MPI can reduce it: contiguous, of a type that it knows."""
    if array.dtype == bool:
        array = array.view(np.uint8)
    return _contiguous(array.astype(np.float32) if array.dtype.name in _NARROW else array)


def _dtype_name(array: Array) -> str:
    """Return what a dtype is called, which NumPy's and other libraries' arrays print as ``torch.float32`` or so."""
    return str(array.dtype).rpartition(".")[2]


def _contiguous(array: Array) -> Any:
    return np.asarray(array, order="C")


def _bytes(array: Array) -> Any:
    """Return the memory of a contiguous array as bytes: MPI knows only some of the dtypes."""
    return array.reshape(-1).view(np.uint8)


def _extreme(function: Callable[..., Any]) -> Callable[..., None]:
    """Return a reduction for MPI which, other than MPI's own, returns NaN where one of the elements is NaN."""

    def reduce(given: Any, into: Any, datatype: Any) -> None:
        dtype = np.dtype(datatype.typechar)
        out = np.frombuffer(into, dtype)
        function(np.frombuffer(given, dtype), out, out)

    return reduce
