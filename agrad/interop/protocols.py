"""NumPy's and CuPy's protocols: a function of theirs that is given a Tensor runs agrad's function of that meaning.

What agrad has no counterpart of runs on the host if nothing in it is to be differentiated. Otherwise it is an error
that says what to write: no gradient is lost in silence.
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
    """Return a module of `numpy_api`, which is imported when NumPy is first given a Tensor."""
    return import_module(f".numpy_api.{name}", __package__)


@cache
def _is_ours(kind: Any) -> bool:
    """Whether operands of a class can be read here: other classes may know better what to do with a Tensor."""
    return issubclass(kind, (Tensor, int, float, complex, list, tuple)) or backends.is_array_type(kind)


# Functions


def array_function(self: Tensor, function: Any, types: Sequence[type], args: Any, kwargs: Any) -> Any:
    """``__array_function__``: what NumPy calls in place of a function that is given a Tensor."""
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
    """``__array_ufunc__``: what NumPy calls in place of a ufunc, or of a method of one, that is given a Tensor."""
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


# CuPy's ufuncs


def cupy_kernel(self: Tensor, kernel: Any, *args: Any, **settings: Any) -> Any:
    """``__cupy_override_elementwise_kernel__``: what CuPy calls in place of a ufunc that is given a Tensor."""
    return _part("ufuncs").call_cupy(kernel, args, settings)


Tensor.__array_function__ = array_function
Tensor.__array_ufunc__ = array_ufunc
Tensor.__cupy_override_elementwise_kernel__ = cupy_kernel
