"""Calls of ufuncs and their methods, with ``out=``, ``where=``, ``dtype=`` and other keywords."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ... import ops
from ...core.device import Device
from ...core.tensor import Tensor
from ...core.typing import DTypeLike
from .arguments import Unsupported, beside, tensor, truth_of
from .host import cannot_write, is_tracked, refusal, run
from .tables import cupy_name, of_cupy, write
from .ufunc_methods import method_of

__all__ = ["call", "call_cupy", "of_lists"]

_DEFAULTS = {"casting": "same_kind", "order": "K", "subok": True}


def of_lists(op: Callable[..., Any], *inputs: Any) -> Any:
    """Call a ufunc after converting operands that are lists."""
    return op(*beside(inputs))


def call(
    ufunc: Any,
    op: Callable[..., Any] | None,
    method: str,
    inputs: Sequence[Any],
    settings: dict[str, Any],
    like: Device,
) -> Any:
    """Call a ufunc or one of its methods: agrad's counterpart, or NumPy's own on the CPU."""
    name = f"numpy.{ufunc.__name__}" + (f".{method}" if method != "__call__" else "")
    why = ""
    if op is not None:
        try:
            with like:
                return _here(ufunc, op, method, inputs, dict(settings))
        except Unsupported as error:
            why = str(error)
    if method == "at" and isinstance(inputs[0], Tensor):
        raise cannot_write(name)
    return run(getattr(ufunc, method), inputs, settings, name, why)


def _here(ufunc: Any, op: Callable[..., Any], method: str, inputs: Sequence[Any], settings: dict[str, Any]) -> Any:
    for name, default in _DEFAULTS.items():
        if settings.pop(name, default) != default:
            raise Unsupported(f"{name}=")
    out = settings.pop("out", (None,) * ufunc.nout)
    if not all(x is None or isinstance(x, Tensor) for x in out):
        raise Unsupported("a NumPy array for out=")
    if method == "__call__":
        result = _called(op, inputs, out, **settings)
    else:
        result = method_of(ufunc.__name__, op, method)(*inputs, **settings)
    if ufunc.nout == 1:
        return result if out[0] is None else write(out[0], result)
    return tuple(x if place is None else write(place, x) for x, place in zip(result, out, strict=True))


def _called(
    op: Callable[..., Any],
    inputs: Sequence[Any],
    out: Sequence[Any],
    where: Any = True,
    dtype: DTypeLike = None,
    **settings: Any,
) -> Any:
    if settings and settings.keys() != {"axis"}:
        raise Unsupported(", ".join(f"{name}=" for name in settings))
    if dtype is not None:
        inputs = [ops.astype(tensor(x), dtype, copy=False) for x in inputs]
    result = op(*inputs, **settings)
    if where is True:
        return result
    if out[0] is None or not isinstance(result, Tensor):
        raise ValueError("where= without out= leaves elements undefined; write np.where(condition, result, other)")
    return ops.where(truth_of(where, result), result, out[0])


def call_cupy(kernel: Any, args: Sequence[Any], settings: dict[str, Any]) -> Any:
    """Call agrad's counterpart of a CuPy ufunc, or the kernel itself if no argument requires gradients."""
    op, why = of_cupy(kernel), ""
    if op is not None:
        try:
            return _from_cupy(op, args[: kernel.nin], args[kernel.nin :], **settings)
        except Unsupported as error:
            why = str(error)
    if is_tracked((args, settings)):
        raise refusal(f"cupy.{cupy_name(kernel)}", why, "x.detach().data")
    if any(isinstance(x, Tensor) for x in [*args[kernel.nin :], settings.get("out")]):
        raise cannot_write(f"cupy.{cupy_name(kernel)}", why)
    return kernel(*[x.data if isinstance(x, Tensor) else x for x in args], **settings)


def _from_cupy(
    op: Callable[..., Any], inputs: Sequence[Any], outputs: Sequence[Any], out: Any = None, **settings: Any
) -> Any:
    place = next((x for x in (*outputs, out) if x is not None), None)
    if place is not None and not isinstance(place, Tensor):
        raise Unsupported("a CuPy array for out=")
    if settings.keys() - {"dtype"}:
        raise Unsupported(", ".join(f"{name}=" for name in settings))
    result = _called(op, inputs, (place,), **settings)
    return result if place is None else write(place, result)
