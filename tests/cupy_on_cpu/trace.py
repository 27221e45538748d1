"""What the emulated GPUs do, for tests that count it: which kernels run, which products, what waits for them."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

__all__ = ["Trace", "is_emulated"]


@cache
def _emulator() -> Any:
    """Return the emulator's library; None where there is none, or CuPy works on another one."""
    try:
        library = ctypes.CDLL("libcupyemu.so")  # found by its name once CuPy has loaded it
    except OSError:
        return None
    library.emulator_trace.restype = ctypes.c_char_p
    return library


def is_emulated() -> bool:
    """Whether CuPy, which has been imported, runs on the emulator."""
    return _emulator() is not None


class Trace:
    """Notes what happens in a ``with`` block.

    Attributes
    ----------
    kernels : list of str
        The names of the kernels launched, in order.
    sources : list of str
        For each of them, the file of its source; NVRTC's options for it lie beside.
    products : list of str
        The products of matrices that cuBLAS made, as rows x columns x terms of each sum.
    waits : list of str
        What made the CPU wait for the GPU: copies to the host, and synchronising.
    graphs : list of int
        For each launch of a graph, how many calls it repeated; these are in none of the other lists.
    copies : list of int
        The bytes of each copy from one place on the device to another.
    """

    kernels: list[str]
    sources: list[str]
    products: list[str]
    waits: list[str]
    graphs: list[int]
    copies: list[int]

    def __enter__(self) -> Trace:
        _emulator().emulator_start_trace(1)
        return self

    def __exit__(self, *_: object) -> None:
        events = _emulator().emulator_trace().decode().splitlines()
        _emulator().emulator_start_trace(0)
        launches = [event.split(" ", 2)[1:] for event in events if event.startswith("kernel ")]
        self.kernels = [name for name, _ in launches]
        self.sources = [source for _, source in launches]
        self.products = [event.removeprefix("product ") for event in events if event.startswith("product ")]
        self.graphs = [int(event.split()[1]) for event in events if event.startswith("graph ")]
        self.copies = [int(event.split()[-1]) for event in events if event.startswith("copy on device ")]
        self.waits = [event for event in events if event == "wait" or event.startswith("copy to host")]
