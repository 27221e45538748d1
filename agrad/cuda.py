"""CUDA devices: their availability, synchronisation and memory."""

from __future__ import annotations

from . import backends
from .core.device import Device
from .spellings import answer_in_module

__all__ = [
    "device_count", "empty_cache", "is_available", "mem_get_info", "memory_allocated", "memory_reserved", "synchronize",
]  # fmt: skip


def is_available() -> bool:
    """Return whether ``set_device("cuda")`` works here; if not, ``agrad.devices()["cuda"]`` says why.

    Returns
    -------
    bool
        True if there is at least one usable CUDA device.

    Examples
    --------
    >>> import agrad
    >>> device = "cuda" if agrad.cuda.is_available() else "cpu"
    """
    return device_count() > 0


def device_count() -> int:
    """Return the number of CUDA devices that this process can use.

    Returns
    -------
    int
        0 without CuPy, a driver or a GPU.

    Examples
    --------
    >>> import agrad
    >>> agrad.cuda.device_count() > 0 or not agrad.cuda.is_available()
    True
    """
    try:
        return len(backends.load("cuda").device_names())
    except RuntimeError:
        return 0


def synchronize(device: str | Device = "cuda") -> None:
    """Wait until a device has finished all queued work, as timers must before they read the clock.

    Parameters
    ----------
    device : str or Device
        A CUDA device.

    Raises
    ------
    RuntimeError
        If this machine lacks the device.

    Examples
    --------
    >>> import agrad
    >>> if agrad.cuda.is_available():
    ...     agrad.cuda.synchronize()
    """
    _find(device).synchronize()


def memory_allocated(device: str | Device = "cuda") -> int:
    """Return the memory that arrays on a device occupy.

    Parameters
    ----------
    device : str or Device
        As in `synchronize`.

    Returns
    -------
    int
        In bytes.

    Raises
    ------
    RuntimeError
        If this machine lacks the device.

    Examples
    --------
    >>> import agrad
    >>> if agrad.cuda.is_available():
    ...     assert 0 <= agrad.cuda.memory_allocated() <= agrad.cuda.memory_reserved()
    """
    return _memory(device)["allocated"]


def memory_reserved(device: str | Device = "cuda") -> int:
    """Return the memory that the allocator holds on a device, in use or cached; see `empty_cache`.

    Parameters
    ----------
    device : str or Device
        As in `synchronize`.

    Returns
    -------
    int
        In bytes.

    Raises
    ------
    RuntimeError
        If this machine lacks the device.

    Examples
    --------
    >>> import agrad
    >>> if agrad.cuda.is_available():
    ...     assert agrad.cuda.memory_reserved() >= 0
    """
    return _memory(device)["reserved"]


def mem_get_info(device: str | Device = "cuda") -> tuple[int, int]:
    """Return the free and the total memory of a device; memory that other programs use is not free.

    Parameters
    ----------
    device : str or Device
        As in `synchronize`.

    Returns
    -------
    tuple of int
        The free and the total memory, in bytes.

    Raises
    ------
    RuntimeError
        If this machine lacks the device.

    Examples
    --------
    >>> import agrad
    >>> if agrad.cuda.is_available():
    ...     free, total = agrad.cuda.mem_get_info()
    ...     assert 0 <= free <= total
    """
    memory = _memory(device)
    return memory["free"], memory["total"]


def empty_cache(device: str | Device = "cuda") -> None:
    """Release the cached memory of a device that no array uses.

    Parameters
    ----------
    device : str or Device
        As in `synchronize`.

    Raises
    ------
    RuntimeError
        If this machine lacks the device.

    Examples
    --------
    >>> import agrad
    >>> if agrad.cuda.is_available():
    ...     agrad.cuda.empty_cache()
    """
    found = _find(device)
    found.backend.empty_cache(found.native)


def _memory(device: str | Device) -> dict[str, int]:
    found = _find(device)
    return found.backend.memory(found.native)


def _find(device: str | Device) -> Device:
    found = Device(device)
    if found.kind != "cuda":
        raise ValueError(f"agrad.cuda takes CUDA devices such as 'cuda:0', not {found.name!r}")
    return found


answer_in_module(__name__)
