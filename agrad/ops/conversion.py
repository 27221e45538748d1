"""Conversions of a Tensor: to Python numbers, NumPy arrays, DLPack, text and pickles.

No gradient is lost silently: converting a Tensor that requires gradients raises, and the message says how to detach it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any, Final

from ..core import errors
from ..core.dtypes import DType
from ..core.grad_mode import is_grad_enabled
from ..core.tensor import LEAF, Tensor, convert
from ..core.typing import Array, DTypeLike

__all__ = [
    "array_protocol", "dlpack", "dlpack_device", "formatted", "index", "item", "iterate", "length",
    "numpy", "rebuild", "reduce", "show", "to_complex", "to_float", "to_int", "tolist", "truth",
]  # fmt: skip

_REBUILT: Final = frozenset({"_data", "_device", "_node", "_grad"})


def item(x: Tensor) -> Any:
    """Return the only element as a Python number.

    Raises
    ------
    ValueError
        If there is not exactly one element.

    Examples
    --------
    >>> import agrad
    >>> agrad.tensor([2.5]).item()
    2.5
    """
    if x.size != 1:
        raise ValueError(f"item() needs exactly one element, this Tensor has shape {x.shape}; use tolist()")
    return x._device.backend.to_numpy(x._data).item()


def tolist(x: Tensor) -> Any:
    """Return the elements as nested lists of Python numbers, or of a 0-d Tensor as one number.

    Examples
    --------
    >>> import agrad
    >>> agrad.tensor([[1, 2], [3, 4]]).tolist()
    [[1, 2], [3, 4]]
    """
    return x._device.backend.to_numpy(x._data).tolist()


def numpy(x: Tensor) -> Any:
    """Return a copy on the host as a NumPy array; bfloat16, which NumPy lacks, as float32.

    Raises
    ------
    RuntimeError
        If this Tensor requires gradients: they would be lost silently.

    Examples
    --------
    >>> import agrad
    >>> agrad.tensor([1.0, 2.0]).numpy()
    array([1., 2.], dtype=float32)
    """
    _refuse_tracked(x, "numpy()")
    return x._device.backend.to_numpy(x._data)


def _refuse_tracked(x: Tensor, operation: str) -> None:
    if x._node is not None:
        raise errors.lost_gradient(operation)


def array_protocol(x: Tensor, dtype: DTypeLike = None, copy: bool | None = None) -> Any:
    """``__array__``: return a NumPy array of a Tensor on the host that does not require gradients."""
    _refuse_tracked(x, "NumPy conversion")
    if x._device.kind == "cuda":
        raise TypeError(f"NumPy cannot read a Tensor on {x._device}; write x.numpy() or x.cpu(), or x.data for CuPy")
    if copy is False:
        raise ValueError("converting a Tensor to a NumPy array needs a copy; write copy=None")
    array = x._device.backend.to_numpy(x._data)
    return array if dtype is None else array.astype(dtype)


def dlpack(
    x: Tensor,
    /,
    *,
    stream: Any = None,
    max_version: tuple[int, int] | None = None,
    dl_device: tuple[Any, int] | None = None,
    copy: bool | None = None,
) -> Any:
    """``__dlpack__``: share the buffer of a Tensor that does not require gradients."""
    _refuse_tracked(x, "DLPack export")
    options = {"stream": stream, "max_version": max_version, "dl_device": dl_device, "copy": copy}
    given = {name: value for name, value in options.items() if value is not None}
    return x._device.backend.dlpack(x._data, **given)


def dlpack_device(x: Tensor) -> Any:
    """``__dlpack_device__``: the device of the buffer, as DLPack's pair of type and index."""
    return x._data.__dlpack_device__()


def length(x: Tensor) -> int:
    """``__len__``: the length of the first axis."""
    if not x._data.shape:
        raise TypeError("len() of a 0-d Tensor; x.size counts elements")
    return int(x._data.shape[0])


def iterate(x: Tensor) -> Iterator[Tensor]:
    """``__iter__``: over the first axis."""
    if not x._data.shape:
        raise TypeError("iteration over a 0-d Tensor; x.item() gives its number")
    return (x[i] for i in range(length(x)))


def truth(x: Tensor) -> bool:
    """``__bool__``: the truth value of the only element."""
    if x.size != 1:
        raise ValueError(f"the truth value of a Tensor of shape {x.shape} is ambiguous; use x.any() or x.all()")
    return bool(item(x))


def to_float(x: Tensor) -> float:
    """``__float__``: the only element; warns if the Tensor requires gradients."""
    return float(_number(x, "float"))


def to_int(x: Tensor) -> int:
    """``__int__``: the only element; warns if the Tensor requires gradients."""
    return int(_number(x, "int"))


def to_complex(x: Tensor) -> complex:
    """``__complex__``: the only element; warns if the Tensor requires gradients."""
    return complex(_number(x, "complex"))


def _number(x: Tensor, kind: str) -> Any:
    if x._node is not None and is_grad_enabled():
        warnings.warn(
            f"{kind}(x) of a Tensor that requires gradients detaches it; write x.item() or x.detach() if intended",
            UserWarning,
            stacklevel=3,
        )
    return item(x)


def index(x: Tensor) -> int:
    """``__index__``: the value of a 0-d integer Tensor, where Python needs an integer."""
    if x.dtype.family not in ("signed integer", "unsigned integer") or x.ndim:
        raise TypeError(f"only 0-d integer Tensors can be an index, not {x.dtype!r} of shape {x.shape}")
    return int(item(x))


def show(x: Tensor) -> str:
    """``__repr__``: the values (shortened if there are many), dtype, device and ``grad_fn``."""
    name = type(x).__name__
    values = x._device.backend.format_array(x._data, name)
    if x._node is None:
        history = ""
    elif x._node is LEAF:
        history = ", requires_grad=True"
    else:
        history = f", grad_fn=<{x._node.plan.name}>"
    return f"{name}({values}, dtype={x.dtype.name}, device='{x._device}'{history})"


def formatted(x: Tensor, spec: str) -> str:
    """``__format__``: the only element in the format `spec`; without a `spec`, as ``str``."""
    return format(item(x), spec) if spec else str(x)


def reduce(x: Tensor, protocol: Any) -> Any:
    """``__reduce_ex__``: what `copy` and `pickle` need to rebuild a leaf, attributes of a Parameter included.

    Raises
    ------
    RuntimeError
        If the Tensor is not a leaf: its graph cannot be copied.
    """
    if not x.is_leaf:
        raise RuntimeError("a Tensor computed from others cannot be copied or pickled; write x.detach() first")
    state = {name: value for name, value in vars(x).items() if name not in _REBUILT}
    array = x._device.backend.to_numpy(x._data)
    return rebuild, (type(x), array, x.dtype, x._device.name, x.requires_grad, x._grad), state or None


def rebuild(
    cls: type[Tensor], array: Array, dtype: DType, device: str, requires_grad: bool, grad: Tensor | None
) -> Tensor:
    """Rebuild a leaf from what `reduce` returned."""
    tensor: Tensor = object.__new__(cls)
    tensor._data, tensor._device = convert(array, dtype, device, copy=True)
    tensor._node = LEAF if requires_grad else None
    tensor._grad = grad
    return tensor
