"""Matrix products by cuBLAS on a stream that is being captured, which CuPy does not support.

A `Products` calls cuBLAS through `ctypes`, with its own handle and workspace: cuBLAS may not allocate memory during a
capture. The stream is set before the workspace, since setting it resets the workspace.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from math import prod
from threading import Lock, local
from typing import Any, Final

import cupy
import numpy as np

__all__ = ["Products", "capturable", "in_capture"]

_WORKSPACE: Final = 32 << 20  # bytes; cuBLAS's default for compute capability 9.0, larger than for other GPUs
_DEFAULT_ALGORITHM: Final = -1  # CUBLAS_GEMM_DEFAULT
# cudaDataType_t, cublasComputeType_t and the type of the factors alpha and beta, by dtype.char
_TYPES: Final = {
    "e": (2, 68, np.float32), "f": (0, 68, np.float32), "d": (1, 70, np.float64), "F": (4, 68, np.complex64),
    "D": (5, 70, np.complex128),
}  # fmt: skip
_FLOAT32, _TF32 = 68, 77  # CUBLAS_COMPUTE_32F, and CUBLAS_COMPUTE_32F_FAST_TF32
_CUPYS_TF32: Final = 7  # CuPy's number for TF32, which its users can allow


class Products:
    """cuBLAS on one stream of the current device.

    Parameters
    ----------
    stream : cupy.cuda.Stream

    Raises
    ------
    OSError
        If libcublas.so, under the name of CUDA's version, is not found.
    """

    def __init__(self, stream: Any) -> None:
        self._handle = _handle(cupy.cuda.runtime.getDevice())
        self._stream = stream
        self._workspace: Any = None  # allocated at the first product, and kept for all launches
        self._is_set = False

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Make `capturable` return this object's `matmul` in this thread; other threads wait for the handle."""
        with _taken:
            _entered.products, self._is_set = self, False
            try:
                yield
            finally:
                _entered.products = None

    def _set(self) -> None:
        """Set the stream of the handle, and then its workspace."""
        self._workspace = self._workspace or cupy.cuda.alloc(_WORKSPACE)
        _call("cublasSetStream_v2", self._handle, ctypes.c_void_p(self._stream.ptr))
        workspace = ctypes.c_void_p(self._workspace.ptr)
        _call("cublasSetWorkspace_v2", self._handle, workspace, ctypes.c_size_t(_WORKSPACE))
        self._is_set = True

    def matmul(self, x1: Any, x2: Any, out: Any = None) -> Any:
        """Return the same as `cupy.matmul`, which is called for integers: it multiplies them without cuBLAS."""
        dtype = np.result_type(x1.dtype, x2.dtype)
        if dtype.char not in _TYPES or 0 in (x1.ndim, x2.ndim) or x1.shape[-1] != x2.shape[max(-2, -x2.ndim)]:
            return cupy.matmul(x1, x2, out=out)  # raises if the shapes do not match
        left, right = (x.astype(dtype, copy=False) for x in (x1, x2))
        left, right = left[None, :] if x1.ndim == 1 else left, right[:, None] if x2.ndim == 1 else right
        product = self._stacked(left, right)
        product = product[..., 0, :] if x1.ndim == 1 else product
        product = product[..., 0] if x2.ndim == 1 else product
        if out is None:
            return product
        out[...] = product
        return out

    def _stacked(self, x1: Any, x2: Any) -> Any:
        """Return the products of stacks of matrices, with their leading axes broadcast."""
        *stack, columns = *np.broadcast_shapes(x1.shape[:-2], x2.shape[:-2]), x1.shape[-1]
        make = cupy.empty if columns else cupy.zeros
        out = make((*stack, x1.shape[-2], x2.shape[-1]), x1.dtype)
        if out.size and columns:
            flat = [cupy.broadcast_to(x, (*stack, *x.shape[-2:])) for x in (x1, x2)]
            self._multiply(*(x.reshape(prod(stack), *x.shape[-2:]) for x in (*flat, out)))
        return out

    def _multiply(self, x1: Any, x2: Any, out: Any) -> None:
        """Write the products of matrices, ``(count, m, k)`` and ``(count, k, n)``, to a contiguous array."""
        if not self._is_set:
            self._set()
        kind, compute, factor = _TYPES[out.dtype.char]
        compute = _TF32 if compute == _FLOAT32 and _allows_tf32(out.dtype) else compute
        factors = np.asarray([1, 0], factor)
        one, zero = (ctypes.c_void_p(factors[i:].ctypes.data) for i in range(2))
        count, m, n = out.shape
        # cuBLAS is column-major, so it reads row-major matrices as their transposes: out.T = x2.T @ x1.T
        left, right = _Operand(x2), _Operand(x1)
        sizes = (left.operation, right.operation, n, m, x1.shape[2], one)
        to, how = (zero, ctypes.c_void_p(out.data.ptr), kind, n), (compute, _DEFAULT_ALGORITHM)
        first, second = ((x.address, kind, x.leading) for x in (left, right))
        if count == 1:  # cuBLAS has faster algorithms for a single product
            _call("cublasGemmEx", self._handle, *sizes, *first, *second, *to, *how)
            return
        steps = left.step, right.step, ctypes.c_longlong(m * n)
        arrays = (part for array, step in zip((first, second, to), steps, strict=True) for part in (*array, step))
        _call("cublasGemmStridedBatchedEx", self._handle, *sizes, *arrays, count, *how)


class _Operand:
    """A stack of matrices as cuBLAS takes it: an operation, an address, a leading dimension and a stride."""

    def __init__(self, x: Any) -> None:
        rows, columns = x.shape[1:]
        leading = _leading(x, rows, columns, 1, 2)
        self.operation = 0 if leading else 1  # CUBLAS_OP_N, or CUBLAS_OP_T for column-major matrices
        leading = leading or _leading(x, columns, rows, 2, 1)
        if not leading:
            self.operation, leading = 0, columns
            x = cupy.ascontiguousarray(x)
        self._array = x  # keeps a copy alive
        self.address, self.leading = ctypes.c_void_p(x.data.ptr), leading
        self.step = ctypes.c_longlong(x.strides[0] // x.itemsize)


def _leading(x: Any, rows: int, columns: int, down: int, across: int) -> int:
    """Return the leading dimension, the stride between rows; 0 if the elements of a row are not adjacent."""
    step = x.strides[down] // x.itemsize if rows > 1 else columns
    together = columns == 1 or x.strides[across] == x.itemsize
    return step if together and step >= columns else 0


def _allows_tf32(dtype: Any) -> bool:
    return bool(cupy._core.get_compute_type(dtype) == _CUPYS_TF32)


@cache
def _library() -> Any:
    """Return the cuBLAS library that CuPy has loaded."""
    return ctypes.CDLL(f"libcublas.so.{cupy.cuda.runtime.runtimeGetVersion() // 1000}")


@cache
def _handle(device: int) -> Any:
    """Return the cuBLAS handle for the current device."""
    handle = ctypes.c_void_p()
    _call("cublasCreate_v2", ctypes.byref(handle))
    return handle


def _call(name: str, *arguments: Any) -> None:
    status = getattr(_library(), name)(*arguments)
    if status:
        raise RuntimeError(f"{name} returned status {status}")


_taken = Lock()
_entered = local()


def in_capture() -> bool:
    """Return whether this thread is inside `Products.entered`."""
    return getattr(_entered, "products", None) is not None


def capturable(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function`, which is `cupy.matmul` or `cupy.dot` of matrices; in a capture, the `matmul` of `Products`."""
    return _entered.products.matmul if in_capture() else function
