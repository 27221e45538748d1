"""CUDA devices: whether there are any, waiting for them, and their memory."""

from __future__ import annotations

from . import backends
from .core.device import Device

__all__ = [
    "device_count", "empty_cache", "is_available", "mem_get_info", "memory_allocated", "memory_reserved", "synchronize",
]  # fmt: skip


def is_available() -> bool:
    """Return whether ``set_device("cuda")`` works here; ``agrad.devices()["cuda"]`` says why where it does not.

    Examples
    --------
    >>> import agrad
    >>> device = "cuda" if agrad.cuda.is_available() else "cpu"
    """
    return device_count() > 0


def device_count() -> int:
    """Return the number of CUDA devices that this process can use: 0 without CuPy, a driver or a GPU.

    Examples
    --------
    >>> import agrad
    >>> agrad.cuda.device_count() > 0 or not agrad.cuda.is_available()
    True
    """
    try:
        return len(backends.load("cuda").places())
    except RuntimeError:
        return 0


def synchronize(device: str | Device = "cuda") -> None:
    """Wait until a device has done all work that is queued on it: what a timer must do before it reads the clock.

    Parameters
    ----------
    device : str or Device

    Raises
    ------
    RuntimeError
        If this machine lacks the device.
    """
    _find(device).synchronize()


def memory_allocated(device: str | Device = "cuda") -> int:
    """Return the bytes that arrays on a device take.

    Parameters
    ----------
    device : str or Device

    Raises
    ------
    RuntimeError
        If this machine lacks the device.
    """
    return _memory(device)["allocated"]


def memory_reserved(device: str | Device = "cuda") -> int:
    """Return the bytes of a device that are kept for arrays, in use or not; see `empty_cache`.

    Parameters
    ----------
    device : str or Device

    Raises
    ------
    RuntimeError
        If this machine lacks the device.
    """
    return _memory(device)["reserved"]


def mem_get_info(device: str | Device = "cuda") -> tuple[int, int]:
    """Return the bytes of a device that are free, and all that it has, other programs counted in.

    Parameters
    ----------
    device : str or Device

    Raises
    ------
    RuntimeError
        If this machine lacks the device.
    """
    memory = _memory(device)
    return memory["free"], memory["total"]


def empty_cache(device: str | Device = "cuda") -> None:
    """Give the memory that is kept for arrays, and unused, back to the device.

    Parameters
    ----------
    device : str or Device

    Raises
    ------
    RuntimeError
        If this machine lacks the device.
    """
    found = _find(device)
    found.backend.empty_cache(found.native)


def _memory(device: str | Device) -> dict[str, int]:
    found = _find(device)
    return found.backend.memory(found.native)


def _find(device: str | Device) -> Device:
    found = Device(device)
    if found.kind != "cuda":
        raise ValueError(f"agrad.cuda is about 'cuda' devices such as 'cuda:0', not {found.name!r}")
    return found
