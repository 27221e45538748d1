"""Ways out of a Tensor: Python numbers, NumPy arrays, DLPack, text, pickles.

No gradient is lost quietly: a Tensor that gradients flow to refuses to leave the tape, and says how to detach it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any, Final

from ..core import errors
from ..core.dtypes import DType
from ..core.recording import is_grad_enabled
from ..core.tensor import LEAF, Tensor, convert

__all__ = [
    "array_function", "array_protocol", "dlpack", "dlpack_device", "formatted", "index", "item", "iterate", "length",
    "numpy", "rebuild", "reduce", "show", "to_complex", "to_float", "to_int", "tolist", "truth",
]  # fmt: skip

_ASK_FOR_SHAPES: Final = frozenset({"ndim", "shape", "size"})
_REBUILT: Final = frozenset({"_data", "_device", "_node", "_grad"})


def item(x: Tensor) -> Any:
    """Return the only element as a Python number.

    Raises
    ------
    ValueError
        If there are several elements, or none.

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
    """Return the elements as nested lists of Python numbers, or as one number if it is 0-d.

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
        If gradients flow to this Tensor: they would end here unnoticed.

    Examples
    --------
    >>> import agrad
    >>> agrad.tensor([1.0, 2.0]).numpy()
    array([1., 2.], dtype=float32)
    """
    _refuse_tracked(x, "numpy()")
    return x._device.backend.to_numpy(x._data)


def _refuse_tracked(x: Tensor, way: str) -> None:
    if x._node is not None:
        raise errors.lost_gradient(way)


def array_protocol(x: Tensor, dtype: Any = None, copy: bool | None = None) -> Any:
    """``__array__``: what NumPy calls to read a Tensor that is not tracked, and is on the host."""
    _refuse_tracked(x, "NumPy conversion")
    if x._device.kind == "cuda":
        raise TypeError(f"NumPy cannot read a Tensor on {x._device}; write x.numpy() or x.cpu()")
    if copy is False:
        raise ValueError("a Tensor becomes a NumPy array by copying; write copy=None")
    array = x._device.backend.to_numpy(x._data)
    return array if dtype is None else array.astype(dtype)


def array_function(x: Tensor, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
    """``__array_function__``: NumPy's functions do not take Tensors, agrad's do; but those that ask for a shape may."""
    name = function.__name__
    if name in _ASK_FOR_SHAPES:
        return function.__wrapped__(*args, **kwargs)
    raise TypeError(
        f"numpy.{name} does not take agrad Tensors; write agrad.{name} where it exists, or x.detach().numpy()"
    )


def dlpack(
    x: Tensor,
    /,
    *,
    stream: Any = None,
    max_version: tuple[int, int] | None = None,
    dl_device: tuple[Any, int] | None = None,
    copy: bool | None = None,
) -> Any:
    """``__dlpack__``: share the buffer of a Tensor that is not tracked."""
    _refuse_tracked(x, "DLPack export")
    wishes = {"stream": stream, "max_version": max_version, "dl_device": dl_device, "copy": copy}
    return x._data.__dlpack__(**{name: wish for name, wish in wishes.items() if wish is not None})


def dlpack_device(x: Tensor) -> Any:
    """``__dlpack_device__``: where the buffer is, in DLPack's numbers."""
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
    """``__bool__``: the truth of the only element."""
    if x.size != 1:
        raise ValueError(f"the truth of a Tensor of shape {x.shape} is ambiguous; use x.any() or x.all()")
    return bool(item(x))


def to_float(x: Tensor) -> float:
    """``__float__``: the only element; warns where that ends a gradient."""
    return float(_number(x, "float"))


def to_int(x: Tensor) -> int:
    """``__int__``: the only element; warns where that ends a gradient."""
    return int(_number(x, "int"))


def to_complex(x: Tensor) -> complex:
    """``__complex__``: the only element; warns where that ends a gradient."""
    return complex(_number(x, "complex"))


def _number(x: Tensor, kind: str) -> Any:
    if x._node is not None and is_grad_enabled():
        warnings.warn(
            f"{kind}(x) of a Tensor that requires gradients ends them; write x.item() if that is meant",
            UserWarning,
            stacklevel=3,
        )
    return item(x)


def index(x: Tensor) -> int:
    """``__index__``: a 0-d integer Tensor where Python wants an integer."""
    if x.dtype.family not in ("signed integer", "unsigned integer") or x.ndim:
        raise TypeError(f"only 0-d integer Tensors can be an index, not {x.dtype!r} of shape {x.shape}")
    return int(item(x))


def show(x: Tensor) -> str:
    """``__repr__``: values, dtype, device and history, on a screen at most."""
    name = type(x).__name__
    values = x._device.backend.shown(x._data, name)
    if x._node is None:
        history = ""
    elif x._node is LEAF:
        history = ", requires_grad=True"
    else:
        history = f", grad_fn=<{x._node.plan.name}>"
    return f"{name}({values}, dtype={x.dtype.name}, device='{x._device}'{history})"


def formatted(x: Tensor, spec: str) -> str:
    """``__format__``: a number's format for the only element, else as ``repr``."""
    return format(item(x), spec) if spec else str(x)


def reduce(x: Tensor, protocol: Any) -> Any:
    """``__reduce_ex__``: how `copy` and `pickle` take a leaf apart, and Parameters and their attributes with it.

    Raises
    ------
    RuntimeError
        If the Tensor was computed from others: its history cannot be copied.
    """
    if not x.is_leaf:
        raise RuntimeError("a Tensor computed from others cannot be copied or pickled; write x.detach() first")
    state = {name: value for name, value in vars(x).items() if name not in _REBUILT}
    array = x._device.backend.to_numpy(x._data)
    return rebuild, (type(x), array, x.dtype, x._device.name, x.requires_grad, x._grad), state or None


def rebuild(
    cls: type[Tensor], array: Any, dtype: DType, device: str, requires_grad: bool, grad: Tensor | None
) -> Tensor:
    """Put a leaf together again."""
    tensor: Tensor = object.__new__(cls)
    tensor._data, tensor._device = convert(array, dtype, device, copy=True)
    tensor._node = LEAF if requires_grad else None
    tensor._grad = grad
    return tensor
