"""The processes that train together: their number, and the rank of this one."""

from __future__ import annotations

from ..backends import mpi
from ..core.device import get_device, set_device
from ..inspection.source import user_place
from .failures import end_together

__all__ = ["barrier", "current", "get_local_rank", "get_rank", "get_world_size", "init", "is_initialized"]

_connected: list[mpi.World | None] = []  # empty before `init`; [None] if this process is alone, without MPI


def init() -> None:
    """Connect the processes that ``mpiexec -n 4 python train.py`` or ``srun`` started together.

    Without a launcher the process is alone: all functions of `agrad.distributed` work, and exchange nothing. So is a
    process that one of them starts, by `subprocess` or `multiprocessing`.

    If the current device is a GPU, it becomes ``"cuda:N"``, where N is the rank of the process on its machine; so call
    `agrad.set_device` before. Other devices are unchanged. A second call does nothing.

    Raises
    ------
    ImportError
        If there are several processes, and mpi4py or MPI is missing.
    RuntimeError
        If they were started by another MPI than the one that mpi4py uses.

    Examples
    --------
    >>> import agrad
    >>> agrad.distributed.init()  # doctest: +SKIP
    >>> agrad.distributed.get_rank(), agrad.distributed.get_world_size()
    (0, 1)
    """
    if _connected:
        return
    world = mpi.connect(user_place)
    _connected.append(world)
    if world is None or world.size == 1:
        return
    end_together(world)
    device = get_device()
    if device.kind == "cuda":
        set_device(f"cuda:{world.local_rank % len(device.backend.device_names())}")


def current() -> mpi.World | None:
    """Return the processes that train together; None if this one is alone.

    Raises
    ------
    RuntimeError
        If several processes were started together and `init` was not called: each would train alone.
    """
    if not _connected and mpi.launched() > 1:
        raise RuntimeError(f"{mpi.launched()} processes were started together; call agrad.distributed.init() first")
    world = _connected[0] if _connected else None
    return None if world is None or world.size == 1 else world


def is_initialized() -> bool:
    """Return whether `init` was called.

    Examples
    --------
    >>> import agrad
    >>> f"{agrad.distributed.is_initialized()}"
    'False'
    """
    return bool(_connected)


def get_rank() -> int:
    """Return the number of this process, from 0; it is 0 where it is alone.

    Examples
    --------
    >>> import agrad
    >>> if agrad.distributed.get_rank() == 0:
    ...     print("only one process prints this")
    only one process prints this
    """
    world = current()
    return 0 if world is None else world.rank


def get_local_rank() -> int:
    """Return the number of this process among those on the same machine, from 0.

    Examples
    --------
    >>> import agrad
    >>> agrad.distributed.get_local_rank()
    0
    """
    world = current()
    return 0 if world is None else world.local_rank


def get_world_size() -> int:
    """Return the number of processes; 1 where this one is alone.

    Examples
    --------
    >>> import agrad
    >>> agrad.distributed.get_world_size()
    1
    """
    world = current()
    return 1 if world is None else world.size


def barrier() -> None:
    """Wait until all processes have called it.

    Examples
    --------
    >>> import agrad
    >>> agrad.distributed.barrier()
    """
    world = current()
    if world is not None:
        world.barrier()
