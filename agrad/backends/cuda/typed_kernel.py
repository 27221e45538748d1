"""CUDA kernels that are compiled for the dtypes of their arguments."""

from __future__ import annotations

from typing import Any, Final

import cupy
import numpy as np

__all__ = ["THREADS", "TypedKernel", "blocks", "flat", "index_type", "supported"]

THREADS: Final = 256  # of a block, for kernels with a thread for each element
_BLOCKS: Final = 1 << 16  # at most; the threads of larger arrays take several elements each

_NAMES: Final = {
    "float16": "float16", "float32": "float", "float64": "double", "uint8": "unsigned char", "int32": "int",
    "int64": "long long", "complex64": "complex<float>", "complex128": "complex<double>",
}  # fmt: skip

_COMMON: Final = """
#include <cupy/complex.cuh>
#include <cupy/carray.cuh>
#include <cupy/float16.cuh>
#include <cupy/math_constants.h>

// The type in which sums of a type are accumulated.
template <typename T> struct Wide { typedef T type; };
template <> struct Wide<float16> { typedef float type; };

// For each element below n that this thread takes.
#define FOR_EACH(i, n) \\
    for (Index i = (Index)blockIdx.x * blockDim.x + threadIdx.x; i < (n); i += (Index)blockDim.x * gridDim.x)
"""


class TypedKernel:
    """A CUDA C++ kernel, ``extern "C" __global__ void name(...)``, for several types.

    Parameters
    ----------
    name : str
    types : str
        The names of its types, separated by spaces, for example ``"T Index"``.
    source : str
        Its source, which may use these names and the definitions in `_COMMON`.
    """

    def __init__(self, name: str, types: str, source: str) -> None:
        self.name, self.types, self.source = name, types.split(), source
        self._known: dict[Any, cupy.RawKernel] = {}

    def __call__(self, types: tuple[Any, ...], grid: tuple[int, ...], block: tuple[int, ...], *arguments: Any) -> None:
        """Launch the kernel on the current device, for dtypes in the order of `types`."""
        kernel = self._known.get(types) or self._known.setdefault(types, self._of(types))
        kernel(grid, block, arguments)

    def _of(self, types: tuple[Any, ...]) -> cupy.RawKernel:
        """Return the kernel for some dtypes; CuPy compiles it when it is first launched."""
        named = zip(self.types, types, strict=True)
        lines = [f"typedef {_NAMES[np.dtype(dtype).name]} {name};" for name, dtype in named]
        return cupy.RawKernel("\n".join([_COMMON, *lines, self.source]), self.name)


def supported(dtype: Any) -> bool:
    """Return whether kernels can be compiled for a dtype."""
    return np.dtype(dtype).name in _NAMES


def blocks(count: int) -> tuple[int]:
    """Return the grid for a thread per element, at least one block."""
    return (min(max(1, -(-count // THREADS)), _BLOCKS),)


def index_type(count: int) -> Any:
    """Return the integer type for the indices of `count` elements: 32 bits if they suffice, which divide faster."""
    return np.int32 if count < 1 << 30 else np.int64


def flat(x: Any, dtype: Any = None) -> Any:
    """Return a C-contiguous array, copied if needed."""
    return cupy.ascontiguousarray(x, dtype)
