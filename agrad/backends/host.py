"""NumPy arrays on the host: converting numbers and lists to them, and showing their values."""

from __future__ import annotations

from typing import Any

import numpy as np

from .typing import Array, NativeDtype

__all__ = [
    "is_host", "is_number", "is_readable", "native_order", "portable", "read", "refuse_lossy", "refuse_out_of_range",
    "refuse_overflow", "show",
]  # fmt: skip

_LINES = 20  # lines of values at most, so that a repr fits on a screen


def read(data: Array) -> np.ndarray[Any, Any]:
    """Convert numbers, nested lists or anything that NumPy reads to a NumPy array.

    Raises
    ------
    ValueError
        If nested lists are ragged.
    TypeError
        If something in them is not a number.
    RuntimeError
        If there are Tensors in them that require gradients.
    """
    if isinstance(data, np.ma.MaskedArray):
        raise TypeError(
            "a Tensor has no mask, and that of a masked array would be lost; write x.filled(0.0), or x.data"
        )
    try:
        array = np.asarray(_fetched(data))
    except ValueError as error:
        raise ValueError(f"nested lists must have equal lengths along each axis: {error}") from None
    except RuntimeError:
        if not _holds_tracked(data):
            raise
        raise RuntimeError(
            "a Tensor of a list with Tensors that require gradients would lose them; write agrad.stack([...]), or "
            "agrad.asarray([...]) for nested lists or lists with numbers too; or x.detach() for each of them"
        ) from None
    if array.dtype.kind == "O" and (large := _too_large(data)) is not None:
        raise OverflowError(f"an integer of {large.bit_length()} bits does not fit into 64 bits; write float(x)")
    if array.dtype.kind not in "biufc":
        raise TypeError(
            f"a Tensor holds numbers, not {_stranger(data) or type(data).__name__} (NumPy's dtype {array.dtype})"
        )
    return array


def _stranger(data: Array) -> str:
    """Describe what in nested lists is not a number; empty if all are."""
    if isinstance(data, (list, tuple)):
        return next(filter(None, map(_stranger, data)), "")
    if isinstance(data, (bool, int, float, complex)) or getattr(data, "dtype", None) is not None:
        return ""
    if isinstance(data, str):
        return f"str {data[:40]!r}"
    return "None" if data is None else type(data).__name__


def is_readable(data: Array) -> bool:
    """Return whether `read` can convert `data`."""
    try:
        return np.asarray(data).dtype.kind in "biufc"
    except (TypeError, ValueError):
        return False


def _fetched(data: Array) -> Any:
    """Copy the Tensors in a list to the host, since NumPy cannot read those on a GPU."""
    if isinstance(data, (list, tuple)) and data and not isinstance(data[0], (int, float, complex)):
        return [_fetched(item) for item in data]
    return data.numpy() if hasattr(data, "numpy") else data


def _holds_tracked(data: Array) -> bool:
    if isinstance(data, (list, tuple)):
        return any(map(_holds_tracked, data))
    return bool(getattr(data, "requires_grad", False))


def native_order(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return an array in this machine's byte order, the only one that other libraries support."""
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def portable(array: np.ndarray[Any, Any], dtype: NativeDtype) -> np.ndarray[Any, Any]:
    """Return an array in this machine's byte order and of one of NumPy's own dtypes.

    Raises
    ------
    TypeError
        If it holds bfloat16, a dtype of another package that few of NumPy's functions support, and no other `dtype` is
        given.
    """
    if array.dtype.name != "bfloat16":
        return native_order(array)
    if dtype is None:
        raise TypeError(
            "NumPy has no bfloat16 of its own; write x.astype('float32') or dtype='float32', or device='jax'"
        )
    return array.astype(np.float32)


def _too_large(data: Array) -> int | None:
    """Return an integer in nested lists that does not fit into 64 bits; None if there is none."""
    if isinstance(data, (list, tuple)):
        return next((found for item in data if (found := _too_large(item)) is not None), None)
    return data if isinstance(data, int) and not -(2**63) <= data < 2**64 else None


def refuse_lossy(array: np.ndarray[Any, Any], name: str) -> None:
    """Raise if numbers that were written in Python would become others in the dtype of that name.

    Floats may lose their fractions, and their digits.

    Raises
    ------
    OverflowError
        If they are too large for an integer dtype, or negative and it is unsigned.
    ValueError
        If NaN or infinity should become an integer.
    TypeError
        If complex numbers should become real.
    """
    if array.dtype.kind == "c" and not name.startswith(("bool", "complex")):
        raise TypeError(f"complex numbers do not become agrad.{name}; write z.real or z.imag")
    if "int" in name:
        limits = np.iinfo(name)
        refuse_overflow(array, limits, f"agrad.{name}, which goes from {limits.min} to {limits.max}")


def refuse_overflow(array: np.ndarray[Any, Any], limits: Any, what: str) -> None:
    """Raise OverflowError if integers are outside the limits (an ``iinfo``) of the dtype that they are to have."""
    if not array.size:
        return
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"NaN and infinity do not fit into {what}")
    least, most = int(array.min()), int(array.max())
    if least < limits.min or most > limits.max:
        integers = f"the integer {least} does" if least == most else f"integers from {least} to {most} do"
        raise OverflowError(f"{integers} not fit into {what}")


def refuse_out_of_range(least: int, most: int, length: int, axis: int) -> None:
    """Raise IndexError if the least or the most of some indices is out of range for an axis of that length."""
    if least < -length or most >= length:
        wrong = least if least < -length else most
        raise IndexError(f"index {wrong} is out of range for axis {axis} of length {length}")


def show(array: np.ndarray[Any, Any], name: str) -> str:
    """Return the values as text, aligned after ``name(``, shortened to fit on a screen."""
    prefix = " " * (len(name) + 1)
    if array.size == 0 and array.ndim > 1:
        return f"[], shape={array.shape}"
    text = np.array2string(array, separator=", ", threshold=200, prefix=prefix)
    lines = text.split("\n")
    if len(lines) > _LINES:
        half = _LINES // 2
        lines = [*lines[:half], prefix + "...", *lines[-half:]]
    return "\n".join(lines)


def is_host(x: Array) -> bool:
    """Return whether `x` is not on a device yet: a number, a list or a NumPy array."""
    return isinstance(x, (np.ndarray, np.generic, list, tuple)) or not hasattr(x, "dtype")


def is_number(x: Array) -> bool:
    """Return whether `x` is one of NumPy's scalars."""
    return isinstance(x, np.generic)
