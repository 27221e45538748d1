"""A stand-in for `cupy.cuda.nccl` on the CUDA emulator, whose memory is the host's: MPI's collectives do the work."""

import ctypes

import numpy as np

DTYPES = ["int8", "uint8", "int32", "uint32", "int64", "uint64", "float32", "float64"]
NCCL_INT8, NCCL_UINT8, NCCL_INT32, NCCL_UINT32, NCCL_INT64, NCCL_UINT64, NCCL_FLOAT32, NCCL_FLOAT64 = range(8)
NCCL_SUM, NCCL_MAX, NCCL_MIN = "SUM", "MAX", "MIN"
available = True
calls: list[str] = []


def get_version():
    return 22000


def get_unique_id():
    return tuple(range(128))


def numbers(pointer, count, dtype):
    """Return the numbers at an address."""
    width = np.dtype(DTYPES[dtype]).itemsize
    memory = (ctypes.c_char * (count * width)).from_address(pointer) if count else b""
    return np.frombuffer(memory, DTYPES[dtype])


class NcclCommunicator:
    def __init__(self, size, name, rank):
        from mpi4py import MPI  # here, since pytest imports this file, and that import starts MPI

        assert name == get_unique_id()
        self._mpi, self._comm = MPI, MPI.COMM_WORLD.Dup()
        assert (self._comm.size, self._comm.rank) == (size, rank)

    def allReduce(self, given, out, count, dtype, op, stream):  # noqa: N802 - NCCL's name
        calls.append("allReduce")
        given = self._mpi.IN_PLACE if given == out else numbers(given, count, dtype)
        self._comm.Allreduce(given, numbers(out, count, dtype), getattr(self._mpi, op))

    def allGather(self, given, out, count, dtype, stream):  # noqa: N802
        calls.append("allGather")
        self._comm.Allgather(numbers(given, count, dtype), numbers(out, count * self._comm.size, dtype))

    def reduceScatter(self, given, out, count, dtype, op, stream):  # noqa: N802
        calls.append("reduceScatter")
        given = numbers(given, count * self._comm.size, dtype)
        self._comm.Reduce_scatter_block(given, numbers(out, count, dtype), getattr(self._mpi, op))

    def broadcast(self, given, out, count, dtype, root, stream):
        calls.append("broadcast")
        assert given == out
        self._comm.Bcast(numbers(out, count, dtype), root)
