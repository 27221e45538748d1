"""MPI, by mpi4py: the processes that were started together, and their collectives.

Only this file imports mpi4py, and only when `connect` is called: the import starts MPI. Each process has a rank, from
0 to size - 1. All processes call a collective, in the same order.
"""

from __future__ import annotations

import faulthandler
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

from .agreement import Agreement, demanded, timeout
from .endings import Endings, poll
from .transports import MpiTransport, Transport
from .typing import Array

__all__ = ["OPERATIONS", "Request", "World", "connect", "launched"]

OPERATIONS: Final = ("sum", "mean", "max", "min")
# Environment variables with the number of processes: of MPICH and Intel MPI, Open MPI, Slurm's srun.
_SIZES: Final = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS")
_NARROW: Final = ("float16", "bfloat16")  # added in float32: MPI has no such numbers, and the sum would be rounded
_STDERR: Final = 2  # its file descriptor: sys.stderr may be an object that has none
_RANK_PID: Final = "AGRAD_RANK_PID"  # environment variable: the process that called `connect`, for its children
_INSTALL: Final = 'run pip install "agrad[mpi]", or pip install mpi4py beside an MPI of your system'


def launched() -> int:
    """Return the number of processes that mpiexec or srun started together, this one included; 1 if unknown."""
    return 1 if _is_child() else max(int(os.environ.get(name) or 1) for name in _SIZES)


def _is_child() -> bool:
    """Return whether one of these processes started this one, by `subprocess` or `multiprocessing`.

    It inherits the variables of mpiexec, but MPI does not know it.
    """
    rank = os.environ.get(_RANK_PID)
    if rank is None:
        return False
    from multiprocessing import parent_process

    parent = parent_process()
    return rank in (str(os.getppid()), str(parent and parent.pid))


def connect(line: Callable[[], object]) -> World | None:
    """Start MPI and return the processes that were started together; None for a process that is alone.

    Parameters
    ----------
    line : callable
        Returns the running line of the user's code, for errors under AGRAD_DEBUG=1.

    Raises
    ------
    ImportError
        If there are several processes, and mpi4py or an MPI library is missing.
    RuntimeError
        If they were started by another MPI than the one that mpi4py loads, so that each of them would be alone.
    """
    if _is_child():
        return None
    try:
        with _limited():
            world = _world(_mpi(), line)
    except ImportError as error:
        if launched() == 1:
            return None
        raise ImportError(
            f"{launched()} processes were started together, and agrad.distributed needs mpi4py: {_INSTALL} ({error})"
        ) from error
    os.environ[_RANK_PID] = str(os.getpid())
    return world


def _mpi() -> Any:
    """Return mpi4py's module, which starts MPI when it is imported."""
    try:
        from mpi4py import MPI
    except RuntimeError as error:  # no MPI library was found
        raise ImportError(str(error)) from error
    return MPI


def _world(mpi: Any, line: Callable[[], object]) -> World:
    comm = mpi.COMM_WORLD
    if comm.Get_size() == 1 and launched() > 1:
        library = mpi.Get_library_version().splitlines()[0]
        raise RuntimeError(
            f"{launched()} processes were started, but each of them is alone: their mpiexec is not that of the MPI "
            f"that mpi4py loads ({library}); use the mpiexec of that MPI, or build mpi4py with yours"
        )
    debugged = comm.allreduce(demanded(), mpi.LOR)  # one process is enough: the comparisons are made by all
    return World(mpi, comm.Dup(), Endings(comm.Dup()), Agreement(comm.Dup(), line) if debugged else None)


@contextmanager
def _limited() -> Iterator[None]:
    """End this process, with its traceback, if a block takes too long: starting MPI waits for all processes.

    If one of them failed before, the others would wait forever, and ignore signals.
    """
    if launched() > 1:
        faulthandler.dump_traceback_later(timeout(), exit=True, file=_STDERR)
    try:
        yield
    finally:
        if launched() > 1:
            faulthandler.cancel_dump_traceback_later()


class Request:
    """A running collective.

    Parameters
    ----------
    wait : callable
        Waits until the collective is complete.
    finish : callable
        Returns its result, after `wait`.
    """

    def __init__(self, wait: Callable[[], None], finish: Callable[[], Any]) -> None:
        self._wait, self._finish = wait, finish

    def wait(self) -> Any:
        """Wait until the collective is complete, and return its result."""
        self._wait()
        return self._finish()

    def then(self, function: Callable[[Any], Any]) -> Request:
        """Return a request for the function of this one's result."""
        return Request(self._wait, lambda: function(self._finish()))


class World:
    """The processes that were started together, and their collectives on arrays of NumPy or CuPy.

    Attributes
    ----------
    rank, size : int
        The number of this process, and the number of processes.
    local_rank : int
        The number of this process among those on the same machine.
    debugged : bool
        Whether AGRAD_DEBUG is set in one of the processes.
    transport : MpiTransport
        For arrays on the host.
    """

    def __init__(self, mpi: Any, comm: Any, endings: Endings, agreement: Agreement | None) -> None:
        self._mpi, self._comm, self._endings, self._agreement = mpi, comm, endings, agreement
        self.rank, self.size = comm.Get_rank(), comm.Get_size()
        self.debugged = agreement is not None
        local = comm.Split_type(mpi.COMM_TYPE_SHARED)
        self.local_rank = local.Get_rank()
        local.Free()
        self.transport = self.mpi()
        self._begun = 0

    def mpi(self, **of_gpus: Any) -> MpiTransport:
        """Return MPI for arrays on the host, or with the settings of `MpiTransport` for arrays of GPUs."""
        return MpiTransport(self._mpi, self._comm, self._wait, **of_gpus)

    def begin(self, collective: str, array: Array | None = None, *settings: Any) -> None:
        """Count a collective about to begin; with AGRAD_DEBUG=1, raise PeerError if a process calls another one."""
        self._begun += 1
        if self._agreement is not None:
            what = [] if array is None else [f"{_dtype_name(array)} of shape {tuple(array.shape)}"]
            self._agreement.check(f"{collective}({', '.join([*what, *map(repr, settings)])})")

    def end(self) -> None:
        """Tell the others that this process ends, and wait for their end; PeerError if they call a collective."""
        if self._mpi.Is_finalized():
            return
        if self._agreement is not None:
            self._agreement.check("the end of the program", patient=True)
        self._endings.end(self._begun)

    def abort(self, status: int) -> None:
        """End all processes at once."""
        self._mpi.COMM_WORLD.Abort(status)

    def all_gather_objects(self, found: Any) -> list[Any]:
        """Return a list with the object of each process; it must be picklable."""
        self.begin("all_gather_objects")
        self._wait(self._comm.Ibarrier())  # allgather's own waiting would not notice that a process has ended
        return self._comm.allgather(found)

    def barrier(self) -> None:
        """Wait until all processes have called it."""
        self.begin("barrier")
        self._wait(self._comm.Ibarrier())

    # Collectives, on arrays of the transport's library

    def all_reduce(self, array: Array, op: str, transport: Transport) -> Any:
        """Return the elementwise sum, mean, maximum or minimum of the arrays of all processes."""
        self.begin("all_reduce", array, op)
        given = _reducible(array)
        out = transport.empty(given.shape, given.dtype)
        transport.all_reduce(given, out, _function(op))()
        return self._finished(out, op, array.dtype)

    def start_all_reduce(self, array: Array, op: str, transport: Transport) -> Request:
        """Start to overwrite an array with the elementwise reduction; do not use it before `wait` returns it."""
        self.begin("start_all_reduce", array, op)
        in_place = _is_contiguous(array) and not _is_narrow(array.dtype) and getattr(array.flags, "writeable", True)
        out = _reducible(array) if in_place else _reducible(array.copy(order="C"))
        wait = transport.all_reduce(out, out, _function(op))

        def finish() -> Any:
            reduced = self._finished(out, op, array.dtype)
            if not in_place:
                array[...] = reduced
            return array

        return Request(wait, finish)

    def all_gather(self, array: Array, axis: int, transport: Transport) -> Any:
        """Return the arrays of all processes, which have one shape, joined along an axis."""
        self.begin("all_gather", array, axis)
        given = _contiguous(_to_front(array, axis))
        out = transport.empty((self.size * given.shape[0], *given.shape[1:]), given.dtype)
        transport.all_gather(_bytes(given), _bytes(out))()
        return _from_front(out, axis)

    def reduce_scatter(self, array: Array, op: str, axis: int, transport: Transport) -> Any:
        """Return this process's part, along an axis, of the elementwise sum or mean."""
        self.begin("reduce_scatter", array, op, axis)
        given = _reducible(_to_front(array, axis))
        out = transport.empty((given.shape[0] // self.size, *given.shape[1:]), given.dtype)
        transport.reduce_scatter(given, out, _function(op))()
        return _from_front(self._finished(out, op, array.dtype), axis)

    def broadcast(self, array: Array, root: int, transport: Transport) -> Any:
        """Return the array of the process `root`; those of the others have the same shape and dtype."""
        self.begin("broadcast", array, root)
        out = array.copy(order="C")
        transport.broadcast(_bytes(out), root)()
        return out

    def _wait(self, request: Any) -> None:
        poll(request.Test, lambda: self._endings.check(self._begun))

    def _finished(self, out: Array, op: str, dtype: Any) -> Any:
        """Return what transports have reduced, divided for a mean, in the dtype of what was given."""
        if op == "mean" and self.size & (self.size - 1):
            out /= self.size
        elif op == "mean":  # the reciprocal of a power of two is exact; 100,000 numbers: 24 -> 9 µs
            out *= 1 / self.size
        return out if out.dtype == dtype else out.astype(dtype)


def _function(op: str) -> str:
    return "sum" if op == "mean" else op


def _reducible(array: Array) -> Any:
    """Return an array that transports can reduce: contiguous, of a dtype that they support."""
    if array.dtype == bool:
        array = array.view("uint8")
    return _contiguous(array.astype("float32") if _is_narrow(array.dtype) else array)


@cache
def _is_narrow(dtype: Any) -> bool:
    return dtype.name in _NARROW  # NumPy computes the name each time: 6 µs


def _contiguous(array: Array) -> Any:
    return array if _is_contiguous(array) else array.copy(order="C")


def _is_contiguous(array: Array) -> bool:
    return bool(array.flags.c_contiguous)


def _bytes(array: Array) -> Any:
    """Return a contiguous array as bytes, since transports support only some dtypes."""
    return array.reshape(-1).view("uint8")


def _to_front(array: Array, axis: int) -> Any:
    return array.transpose((axis, *[i for i in range(array.ndim) if i != axis]))


def _from_front(array: Array, axis: int) -> Any:
    return array.transpose((*range(1, axis + 1), 0, *range(axis + 1, array.ndim)))


def _dtype_name(array: Array) -> str:
    """Return the name of a dtype, without the library: some print ``torch.float32``."""
    return str(array.dtype).rpartition(".")[2]
