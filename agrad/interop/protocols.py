"""NumPy's and CuPy's dispatch protocols: their functions, called with a Tensor, run agrad's own versions.

A function without a counterpart in agrad runs on the CPU if no argument requires gradients. Otherwise it raises an
error that says what to write, so that no gradient is lost silently.
"""

# mypy: disable-error-code="assignment, attr-defined, method-assign"

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib import import_module
from typing import Any

from .. import backends
from ..core.tensor import Tensor

__all__ = ["array_function", "array_ufunc", "cupy_kernel"]


@cache
def _part(name: str) -> Any:
    """Return a module of `numpy_api`, imported when NumPy is first called with a Tensor."""
    return import_module(f".numpy_api.{name}", __package__)


@cache
def _is_ours(kind: Any) -> bool:
    """Return whether agrad handles operands of a class; for others it returns NotImplemented, so that they can."""
    return issubclass(kind, (Tensor, int, float, complex, list, tuple)) or backends.is_array_type(kind)


# Functions


def array_function(self: Tensor, function: Any, types: Sequence[type], args: Any, kwargs: Any) -> Any:
    """``__array_function__``: NumPy calls it instead of a function that is called with a Tensor."""
    if not all([_is_ours(kind) for kind in types]):
        return NotImplemented
    tables, host = _part("tables"), _part("host")
    name = tables.name_of(function)
    if name in tables.SHAPE_ONLY:
        return function.__wrapped__(*args, **kwargs)
    if name in tables.PRINTED:
        return function(*host.detached(args), **host.detached(kwargs))
    if name in tables.READERS and self.device.kind == "cpu" and not host.is_tracked((args, kwargs)):
        return function(*host.read(args, name))
    counterpart, why = tables.counterpart_of(function), ""
    if counterpart is not None:
        try:
            with self.device:
                return counterpart(args, kwargs)
        except _part("arguments").Unsupported as error:
            why = str(error)
    if name in tables.WRITERS and isinstance(args[0], Tensor):
        raise host.cannot_write(f"numpy.{name}", why)
    return host.run(function, args, kwargs, f"numpy.{name}" if name else function.__name__, why)


# Ufuncs


def array_ufunc(self: Tensor, ufunc: Any, method: str, *inputs: Any, **settings: Any) -> Any:
    """``__array_ufunc__``: NumPy calls it instead of a ufunc, or a method of one, that is called with a Tensor."""
    kinds: Any = map(type, inputs)
    if not all([_is_ours(kind) for kind in kinds]):
        return NotImplemented
    op = _ufunc(ufunc)
    if op is not None and not settings and method == "__call__":
        return op(*inputs)
    return _part("ufuncs").call(ufunc, op, method, inputs, settings, self.device)


@cache
def _ufunc(ufunc: Any) -> Callable[..., Any] | None:
    op = _part("tables").of_ufunc(ufunc)
    return op and partial(_part("ufuncs").of_lists, op) if ufunc.nin > 1 else op


# CuPy's ufuncs. CuPy's operators call `__array_ufunc__` only of operands without `__cuda_array_interface__`, so Tensors
# do not have that attribute.


def cupy_kernel(self: Tensor, kernel: Any, *args: Any, **settings: Any) -> Any:
    """``__cupy_override_elementwise_kernel__``: CuPy calls it instead of a ufunc that is called with a Tensor."""
    return _part("ufuncs").call_cupy(kernel, args, settings)


Tensor.__array_function__ = array_function
Tensor.__array_ufunc__ = array_ufunc
Tensor.__cupy_override_elementwise_kernel__ = cupy_kernel
