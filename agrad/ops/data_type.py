"""Data type functions, and moving Tensors between dtypes and devices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from ..backends import is_host
from ..core.device import Device, get_device
from ..core.dtypes import DType, as_dtype, from_native, native
from ..core.grad_mode import is_grad_enabled
from ..core.primitive import ArrayLike, primitive
from ..core.tape import unchanged
from ..core.tensor import SCALARS, Tensor, convert, wrap
from ..core.typing import Array, DTypeLike, Namespace

__all__ = [
    "FloatInfo",
    "IntInfo",
    "as_complex",
    "as_tensor",
    "astype",
    "can_cast",
    "cast",
    "finfo",
    "iinfo",
    "in_float32",
    "isdtype",
    "move",
    "promote_half",
    "require_numeric",
    "require_real",
    "result_type",
    "to_device",
]  # fmt: skip

# The names of the standard's kinds of dtypes, and the families that each holds.
_KINDS: Final = {
    "bool": ("bool",),
    "signed integer": ("signed integer",),
    "unsigned integer": ("unsigned integer",),
    "integral": ("signed integer", "unsigned integer"),
    "real floating": ("real floating",),
    "complex floating": ("complex floating",),
    "numeric": ("signed integer", "unsigned integer", "real floating", "complex floating"),
}


@dataclass(frozen=True, slots=True)
class FloatInfo:
    """The limits of a floating dtype, as `finfo` returns them."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: DType


@dataclass(frozen=True, slots=True)
class IntInfo:
    """The limits of an integer dtype, as `iinfo` returns them."""

    bits: int
    max: int
    min: int
    dtype: DType


# Conversions


def as_tensor(x: ArrayLike, beside: Tensor | None = None) -> Tensor:
    """Return `x` as a Tensor; numbers, lists and NumPy arrays go to the device of `beside`, if there is one.

    While recording it copies arrays, since the tape cannot see a write to the caller's memory.
    """
    if isinstance(x, Tensor):
        return x
    device = beside._device if beside is not None and is_host(x) else None
    return wrap(*convert(x, None, device, copy=True if is_grad_enabled() else None))


def require_real(x: Any) -> None:
    """Raise TypeError for a raw complex array: some libraries would order its elements, which have no order."""
    if from_native(x.dtype).is_complex:
        raise TypeError("expected real numbers; write agrad.real(x), agrad.imag(x) or agrad.abs(x)")


def require_numeric(x: Any) -> None:
    """Raise TypeError for a raw array of booleans, which libraries treat differently."""
    if from_native(x.dtype).name == "bool":
        raise TypeError("it takes numbers, not booleans; write x.astype(agrad.float32) first")


def as_complex(xp: Namespace, x: Array) -> Array:
    """Return a real floating array as a complex one, any other array as it is."""
    if not xp.isdtype(x.dtype, "real floating"):
        return x
    return xp.astype(x, xp.complex64 if x.dtype == xp.float32 else xp.complex128)


HALVES: Final = ("float16", "bfloat16")


def promote_half(xp: Namespace, x: Array) -> Array:
    """Return a 16-bit floating array or Tensor as float32, which holds counts and sums; any other as it is."""
    return xp.astype(x, xp.float32) if from_native(x.dtype).name in HALVES else x


def in_float32(xp: Namespace, function: Callable[[Any], Any], x: Array) -> Array:
    """Call a function on a raw array; 16-bit floats are cast to float32, and the result is cast back."""
    widened = promote_half(xp, x)
    return function(x) if widened is x else xp.astype(function(widened), x.dtype)


@primitive
def cast(xp: Namespace, x: ArrayLike, /, dtype: DType) -> Tensor:
    """Return a copy of `x` in another dtype."""
    return xp.astype(x, native(xp, dtype))


cast.vjp(x=unchanged)  # the engine casts every cotangent back to its input's dtype


def astype(x: ArrayLike, dtype: DTypeLike, /, *, copy: bool = True, device: str | Device | None = None) -> Tensor:
    """Return an array in another dtype.

    Gradients flow between floating dtypes, and are cast back to that of `x`; none flow through integers and booleans.

    Parameters
    ----------
    x : ArrayLike
    dtype : DType
    copy : bool
        False returns `x` itself if it has the dtype already.
    device : str or Device, optional
        The device of the result; that of `x` by default.

    Returns
    -------
    Tensor
        Of the shape of `x`.

    Raises
    ------
    TypeError
        If `x` is complex and `dtype` is real: write ``agrad.real(x)``.

    Examples
    --------
    >>> import agrad
    >>> agrad.astype(agrad.asarray([1.7, -1.7]), agrad.int32)
    Tensor([ 1, -1], dtype=int32, device='cpu')
    """
    x = as_tensor(x)
    target = as_dtype(dtype)
    if x.dtype.is_complex and not target.is_complex and target.name != "bool":
        raise TypeError(f"casting {x.dtype!r} to {target!r} would drop the imaginary part; write agrad.real(x) first")
    x = x if device is None else to_device(x, device)
    if x.dtype is target and not copy:
        return x
    return cast(x if target.differentiable else x.detach(), target)


@primitive
def move(xp: Namespace, x: ArrayLike, /, source: Device) -> Tensor:
    """Return `x`, a copy of `source` that `to_device` has made: the op that records this copy."""
    return x


move.vjp(x=lambda g, source: _moved(g, source))


def _moved(g: Any, target: Device) -> Any:
    """Move a cotangent, raw or a Tensor, to a device."""
    return to_device(g, target) if isinstance(g, Tensor) else convert(g, None, target)[0]


def to_device(x: ArrayLike, device: str | Device, /, *, stream: Any = None) -> Tensor:
    """Copy a Tensor to another device; its gradient is copied back.

    Parameters
    ----------
    x : ArrayLike
    device : str or Device
    stream : None
        Only None is supported: enter the stream of the array library around the call.

    Returns
    -------
    Tensor
        A copy, or `x` itself if it is on that device already.

    Raises
    ------
    ValueError, RuntimeError
        As `Device`; ValueError also for a `stream`.

    Examples
    --------
    >>> import agrad
    >>> agrad.to_device(agrad.ones(2), "cpu")
    Tensor([1., 1.], dtype=float32, device='cpu')
    """
    if stream is not None:
        raise ValueError(f"to_device takes no stream ({stream!r}); enter the library's own stream around the call")
    x = as_tensor(x)
    target = Device(device)
    if target is x.device:
        return x
    data, _ = convert(x, None, target)
    frame = (x, x._data, x._device, target)
    return move.definition.finish(data, target, int(x.requires_grad), frame)


# Questions about dtypes


def isdtype(dtype: DTypeLike, kind: Any) -> bool:
    """Return whether a dtype is of a kind.

    Parameters
    ----------
    dtype : DType
    kind : DType, str or tuple of them
        ``"bool"``, ``"signed integer"``, ``"unsigned integer"``, ``"integral"``, ``"real floating"``,
        ``"complex floating"`` or ``"numeric"``; a tuple means any of its members.

    Returns
    -------
    bool
        True if the dtype is of that kind.

    Raises
    ------
    ValueError
        If there is no such kind.

    Examples
    --------
    >>> import agrad
    >>> agrad.isdtype(agrad.int8, ("integral", agrad.float32))
    True
    """
    if isinstance(kind, tuple):
        return any(isdtype(dtype, one) for one in kind)
    if isinstance(kind, str):
        if kind not in _KINDS:
            raise ValueError(f"there is no kind {kind!r} of dtypes; the kinds are {', '.join(map(repr, _KINDS))}")
        return as_dtype(dtype).family in _KINDS[kind]
    return as_dtype(dtype) is as_dtype(kind)


def _raw(x: Array, xp: Namespace) -> Array:
    """Convert an array, a dtype or a number to what the namespace's own dtype functions take."""
    if isinstance(x, Tensor):
        return x._data if x._device.xp is xp else native(xp, x.dtype)
    if type(x) in SCALARS:
        return x
    return native(xp, x.dtype if hasattr(x, "dtype") and hasattr(x, "shape") and not isinstance(x, type) else x)


def _namespace(*args: Any) -> Any:
    return next((x.device for x in args if isinstance(x, Tensor)), None) or get_device()


def result_type(*arrays_and_dtypes: Any) -> DType:
    """Return the dtype that arrays, dtypes and numbers promote to, by the standard's rules.

    Parameters
    ----------
    *arrays_and_dtypes : ArrayLike or DType
        Python numbers take the dtype of the others, where their kind allows it.

    Returns
    -------
    DType
        The promoted dtype.

    Raises
    ------
    TypeError, ValueError
        If there are no arguments, or they have no common dtype on this device.

    Examples
    --------
    >>> import agrad
    >>> agrad.result_type(agrad.float32, agrad.float64, 1)
    agrad.float64
    """
    xp = _namespace(*arrays_and_dtypes).xp
    return from_native(xp.result_type(*[_raw(x, xp) for x in arrays_and_dtypes]))


def can_cast(from_: Any, to: Any, /) -> bool:
    """Return whether one dtype can be cast to another by the standard's rules of promotion.

    Parameters
    ----------
    from_ : ArrayLike or DType
    to : DType

    Returns
    -------
    bool
        True if `from_` promotes to `to`.

    Examples
    --------
    >>> import agrad
    >>> agrad.can_cast(agrad.int8, agrad.int32), agrad.can_cast(agrad.float64, agrad.float32)
    (True, False)
    """
    target = as_dtype(to)
    device = _namespace(from_)
    source, _ = _dtype_and_namespace(from_)
    try:
        with device:
            return result_type(source, target) is target
    except (TypeError, RuntimeError):  # PyTorch does not promote uint16, uint32 and uint64
        return _is_wider(target.name, source.name)


# The next wider dtypes that each dtype can be cast to: of its own kind; of the signed one; of complex numbers.
_WIDER: Final = {
    "uint8": ("uint16", "int16"), "uint16": ("uint32", "int32"), "uint32": ("uint64", "int64"),
    "int8": ("int16",), "int16": ("int32",), "int32": ("int64",),
    "float16": ("float32",), "bfloat16": ("float32",), "float32": ("float64", "complex64"), "float64": ("complex128",),
    "complex64": ("complex128",),
}  # fmt: skip


def _is_wider(wide: str, narrow: str) -> bool:
    return wide == narrow or any(_is_wider(wide, name) for name in _WIDER.get(narrow, ()))


def finfo(type: Any, /) -> FloatInfo:
    """Return the limits of a floating dtype.

    Parameters
    ----------
    type : DType or ArrayLike
        Real or complex floating; complex dtypes have the limits of their parts.

    Returns
    -------
    FloatInfo
        With the attributes bits, eps, max, min, smallest_normal and dtype.

    Raises
    ------
    TypeError
        If the dtype is not floating.

    Examples
    --------
    >>> import agrad
    >>> agrad.finfo(agrad.float32).bits
    32
    """
    dtype, xp = _dtype_and_namespace(type)
    if not dtype.differentiable:
        raise TypeError(f"finfo takes floating dtypes, not {dtype!r}; use iinfo for integers")
    info = xp.finfo(native(xp, dtype))
    return FloatInfo(
        bits=int(info.bits),
        eps=float(info.eps),
        max=float(info.max),
        min=float(info.min),
        smallest_normal=float(info.smallest_normal),
        dtype=as_dtype(info.dtype),
    )


def iinfo(type: Any, /) -> IntInfo:
    """Return the limits of an integer dtype.

    Parameters
    ----------
    type : DType or ArrayLike

    Returns
    -------
    IntInfo
        With the attributes bits, max, min and dtype.

    Raises
    ------
    TypeError
        If the dtype is not an integer one.

    Examples
    --------
    >>> import agrad
    >>> agrad.iinfo(agrad.int8).max
    127
    """
    dtype, xp = _dtype_and_namespace(type)
    if not isdtype(dtype, "integral"):
        raise TypeError(f"iinfo takes integer dtypes, not {dtype!r}; use finfo for floating ones")
    info = xp.iinfo(native(xp, dtype))
    return IntInfo(int(info.bits), int(info.max), int(info.min), dtype)


def _dtype_and_namespace(x: Any) -> tuple[DType, Any]:
    array = hasattr(x, "shape") and hasattr(x, "dtype") and not isinstance(x, type)
    return as_dtype(x.dtype if array else x), _namespace(x).xp
