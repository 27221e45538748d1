"""NCCL: collectives between GPUs, for processes that use one GPU each.

An exchange runs on a stream of its own, beside the computation; who waits for it makes the current stream wait, not the
host.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from functools import cache
from typing import Any, Final

import cupy

from ..mpi import World
from ..transports import Wait
from ..typing import Array, NativeDtype

__all__ = ["NcclTransport", "library", "supports", "transport"]

# By the character of a dtype, NCCL's constant: complex numbers are two floats each. 16-bit floats come as float32.
_DTYPES: Final = {
    "?": "UINT8", "b": "INT8", "B": "UINT8", "i": "INT32", "I": "UINT32", "l": "INT64", "L": "UINT64", "q": "INT64",
    "Q": "UINT64", "e": "FLOAT32", "E": "FLOAT32", "f": "FLOAT32", "d": "FLOAT64", "F": "FLOAT32", "D": "FLOAT64",
}  # fmt: skip


def library() -> Any:
    """Return CuPy's module for NCCL; None where the library is missing."""
    try:
        from cupy.cuda import nccl
    except ImportError:
        return None
    return nccl if nccl.available and nccl.get_version() else None


def supports(dtype: NativeDtype, op: str) -> bool:
    """Return whether NCCL can reduce numbers of a dtype; its extremes ignore NaN."""
    return dtype.char in _DTYPES and not (dtype.kind == "f" and op in ("max", "min"))


@cache
def transport(world: World, device: int) -> NcclTransport | None:
    """Return NCCL for a GPU of this process; None if not every process has NCCL and a GPU of its own."""
    nccl = library()
    gpu = cupy.cuda.runtime.getDeviceProperties(device).get("uuid", device)
    places = world.all_gather_objects(None if nccl is None else (platform.node(), gpu))
    if None in places or len(set(places)) < world.size:
        return None
    name = world.all_gather_objects(nccl.get_unique_id() if world.rank == 0 else None)[0]
    with cupy.cuda.Device(device):
        return NcclTransport(nccl, nccl.NcclCommunicator(world.size, name, world.rank))


class NcclTransport:
    """NCCL, for arrays on one GPU; see `Transport` for the methods.

    Parameters
    ----------
    nccl : module
        ``cupy.cuda.nccl``.
    comm : NcclCommunicator
    """

    def __init__(self, nccl: Any, comm: Any) -> None:
        self._comm, self.empty = comm, cupy.empty
        self._dtypes = {char: getattr(nccl, f"NCCL_{name}") for char, name in _DTYPES.items()}
        self._ops = {"sum": nccl.NCCL_SUM, "max": nccl.NCCL_MAX, "min": nccl.NCCL_MIN}
        self._stream = cupy.cuda.Stream(non_blocking=True)

    def all_reduce(self, given: Array, out: Array, op: str) -> Wait:
        what = self._numbers(given)
        return self._begun(lambda to: self._comm.allReduce(given.data.ptr, out.data.ptr, *what, self._ops[op], to))

    def all_gather(self, given: Array, out: Array) -> Wait:
        what = self._numbers(given)
        return self._begun(lambda to: self._comm.allGather(given.data.ptr, out.data.ptr, *what, to))

    def reduce_scatter(self, given: Array, out: Array, op: str) -> Wait:
        what = self._numbers(out)
        return self._begun(lambda to: self._comm.reduceScatter(given.data.ptr, out.data.ptr, *what, self._ops[op], to))

    def broadcast(self, out: Array, root: int) -> Wait:
        what = self._numbers(out)
        return self._begun(lambda to: self._comm.broadcast(out.data.ptr, out.data.ptr, *what, root, to))

    def _numbers(self, array: Array) -> tuple[int, int]:
        """Return how many numbers an array holds, and NCCL's constant for their dtype."""
        return array.size * (2 if array.dtype.kind == "c" else 1), self._dtypes[array.dtype.char]

    def _begun(self, call: Callable[[int], None]) -> Wait:
        self._stream.wait_event(cupy.cuda.get_current_stream().record())
        call(self._stream.ptr)
        done = self._stream.record()
        return lambda: cupy.cuda.get_current_stream().wait_event(done)
