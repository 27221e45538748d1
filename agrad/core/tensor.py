"""Tensor: an array, and its place on the tape.

The operators and array methods are bound in `agrad.ops.methods`; the engine knows no op.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from .. import backends
from . import dtypes
from .device import Device, get_device
from .dtypes import DType

if TYPE_CHECKING:
    from .declarations import ArrayMethods
else:
    ArrayMethods = object

SCALARS: Final = frozenset({bool, int, float, complex})
LEAF: Final = object()  # stands in Tensor._node where a leaf requires a gradient: the leaf itself is the tape's entry
_new = object.__new__


class Tensor(ArrayMethods):
    """An array of any array API library that records how to differentiate what is computed from it.

    Parameters
    ----------
    data : number, nested list, array or Tensor
        Copied. Python floats become the default dtype, integers int64; arrays keep their dtype. Numbers, lists
        and NumPy arrays go to the current device, an array of any other library stays on its own.
    requires_grad : bool
        Whether gradients with respect to this Tensor are wanted: `backward` then leaves them in ``.grad``.
    dtype : DType, optional
    device : str or Device, optional

    Raises
    ------
    TypeError
        If `data` is no array, or if gradients are wanted for integers or booleans.

    Examples
    --------
    >>> import agrad
    >>> x = agrad.Tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    Tensor([2., 4., 6.], dtype=float32, device='cpu')
    """

    _data: Any
    _device: Device
    _node: Any = None  # None, LEAF, or the Node that made it
    _grad: Tensor | None = None

    def __init__(
        self,
        data: Any,
        requires_grad: bool = False,
        *,
        dtype: Any = None,
        device: str | Device | None = None,
    ) -> None:
        self._data, self._device = convert(data, dtype, device, copy=True)
        if requires_grad:
            self.requires_grad_()

    # The array

    @property
    def data(self) -> Any:
        """The array library's own array, shared; what you change in it is not seen by the tape."""
        return self._data

    @data.setter
    def data(self, value: Any) -> None:
        self._data, _ = convert(value, None, self._device)

    @property
    def dtype(self) -> DType:
        """The type of its elements."""
        return dtypes.from_native(self._data.dtype)

    @property
    def device(self) -> Device:
        """Where its array lives."""
        return self._device

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return tuple(self._data.shape)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self._data.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        size = 1
        for length in self._data.shape:
            size *= length
        return size

    def __len__(self) -> int:
        if not self._data.shape:
            raise TypeError("len() of a 0-d Tensor; x.size counts elements")
        return int(self._data.shape[0])

    def __iter__(self) -> Iterator[Tensor]:
        if not self._data.shape:
            raise TypeError("iteration over a 0-d Tensor; x.item() gives its number")
        return (self[i] for i in range(len(self)))

    # The tape

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to this Tensor; settable on leaves."""
        return self._node is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    @property
    def is_leaf(self) -> bool:
        """Whether it was made by the user and not by a recorded op."""
        return self._node is None or self._node is LEAF

    @property
    def grad(self) -> Tensor | None:
        """The gradient that `backward` accumulated, of this Tensor's shape; None before."""
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"grad must be a Tensor or None, not {type(value).__name__}")
            if value.shape != self.shape or value.device is not self._device:
                raise ValueError(
                    f"grad must have shape {self.shape} on {self._device}, not {value.shape} on {value.device}"
                )
        self._grad = value

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Set whether gradients flow to this leaf, and return it.

        Raises
        ------
        TypeError
            If its dtype is not floating.
        RuntimeError
            If it is no leaf.
        """
        if not self.is_leaf:
            if requires_grad:
                return self
            raise RuntimeError("only a leaf can stop requiring gradients; write x = x.detach() instead")
        if requires_grad and not self.dtype.differentiable:
            raise TypeError(
                f"only floating and complex Tensors can require gradients, not {self.dtype!r}; "
                "write x.astype(agrad.float32) first, or make it from floats: 1.0 instead of 1"
            )
        self._node = LEAF if requires_grad else None
        return self

    def detach(self) -> Tensor:
        """Return a Tensor that shares this one's array but has no history."""
        other = wrap(self._data, self._device)
        return other

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradient, or set it to zeros."""
        if set_to_none or self._grad is None:
            self._grad = None
        else:
            self._grad = self._grad.detach()
            self._grad.zero_()

    # Ways out

    def item(self) -> Any:
        """Return the only element as a Python number.

        Raises
        ------
        ValueError
            If there are several elements, or none.
        """
        if self.size != 1:
            raise ValueError(f"item() needs exactly one element, this Tensor has shape {self.shape}; use tolist()")
        return self._device.backend.to_numpy(self._data).item()

    def tolist(self) -> Any:
        """Return the elements as nested lists of Python numbers, or as one number if it is 0-d."""
        return self._device.backend.to_numpy(self._data).tolist()

    def numpy(self) -> Any:
        """Return a copy on the host as a NumPy array.

        Raises
        ------
        RuntimeError
            If gradients flow to this Tensor: they would end here unnoticed.
        """
        self._refuse_exit("numpy()")
        return self._device.backend.to_numpy(self._data)

    def _refuse_exit(self, way: str) -> None:
        if self._node is not None:
            raise RuntimeError(
                f"{way} of a Tensor that requires gradients would lose them; write x.detach() first, "
                "or compute with agrad's own functions (agrad.sum, x.sum())"
            )

    __array_ufunc__ = None  # NumPy's operators then leave `array + tensor` to Tensor.__radd__

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        self._refuse_exit("NumPy conversion")
        if self._device.kind == "cuda":
            raise TypeError("NumPy cannot read a Tensor on cuda; write x.numpy() or x.cpu()")
        array = self._device.backend.to_numpy(self._data)
        return array if dtype is None else array.astype(dtype)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        name = function.__name__
        raise TypeError(
            f"numpy.{name} does not take agrad Tensors; write agrad.{name} where it exists, or x.detach().numpy()"
        )

    def __dlpack__(self, **kwargs: Any) -> Any:
        self._refuse_exit("DLPack export")
        return self._data.__dlpack__(**kwargs)

    def __dlpack_device__(self) -> Any:
        return self._data.__dlpack_device__()

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ValueError(f"the truth of a Tensor of shape {self.shape} is ambiguous; use x.any() or x.all()")
        return bool(self.item())

    def __float__(self) -> float:
        return float(self._number("float"))

    def __int__(self) -> int:
        return int(self._number("int"))

    def __complex__(self) -> complex:
        return complex(self._number("complex"))

    def __index__(self) -> int:
        if self.dtype.family not in ("signed integer", "unsigned integer") or self.ndim:
            raise TypeError(f"only 0-d integer Tensors can be an index, not {self.dtype!r} of shape {self.shape}")
        return int(self.item())

    def _number(self, kind: str) -> Any:
        from .tape import is_grad_enabled  # the tape is built on this module

        if self._node is not None and is_grad_enabled():
            warnings.warn(
                f"{kind}(x) of a Tensor that requires gradients ends them; write x.item() if that is meant",
                UserWarning,
                stacklevel=3,
            )
        return self.item()

    def __reduce_ex__(self, protocol: Any) -> Any:
        if not self.is_leaf:
            raise RuntimeError("a Tensor computed from others cannot be copied or pickled; write x.detach() first")
        state = {name: value for name, value in vars(self).items() if name not in _REBUILT}
        array = self._device.backend.to_numpy(self._data)
        return _rebuild, (type(self), array, self._device.name, self.requires_grad, self._grad), state or None

    def __repr__(self) -> str:
        name = type(self).__name__
        values = backends.show(self._device.backend.to_numpy(self._data), name)
        if self._node is None:
            history = ""
        elif self._node is LEAF:
            history = ", requires_grad=True"
        else:
            history = f", grad_fn=<{self._node.name}>"
        return f"{name}({values}, dtype={self.dtype.name}, device='{self._device}'{history})"

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    __hash__ = object.__hash__


_REBUILT: Final = frozenset({"_data", "_device", "_node", "_grad"})


def _rebuild(cls: type[Tensor], array: Any, device: str, requires_grad: bool, grad: Tensor | None) -> Tensor:
    tensor = _new(cls)
    tensor._data, tensor._device = convert(array, None, device, copy=True)
    tensor._node = LEAF if requires_grad else None
    tensor._grad = grad
    return tensor


def wrap(data: Any, device: Device, node: Any = None) -> Tensor:
    """Make a Tensor of an array library's array as it is: no copy, no check."""
    tensor = _new(Tensor)
    tensor._data = data
    tensor._device = device
    tensor._node = node
    return tensor


def convert(data: Any, dtype: Any, device: str | Device | None, copy: bool | None = None) -> tuple[Any, Device]:
    """Return `data` as an array library's array, and the device that it is on.

    Raises
    ------
    TypeError, ValueError
        If it is nothing that an array can be made of, or a ragged list.
    """
    if isinstance(data, Tensor):
        data, source = data._data, data._device
        target = Device(device) if device is not None else source
    else:
        data, source, dtype = _on_some_device(data, dtype)
        stays = device is None and source.kind != "cpu"
        target = source if stays else Device(device) if device is not None else get_device()
    if source.backend is not target.backend:
        data = source.backend.to_numpy(data)
    return target.backend.asarray(data, dtypes.native(target.xp, dtype), target.native, copy), target


def _on_some_device(data: Any, dtype: Any) -> tuple[Any, Device, Any]:
    """Find the library of an array, or make a NumPy array of numbers, lists and whatever else NumPy reads."""
    try:
        return data, Device.of(data), dtype
    except TypeError:
        array = backends.read(data)
    if dtype is None and (type(data) in SCALARS or isinstance(data, (list, tuple))):
        plain = {"float64": float, "complex128": complex}
        dtype = plain.get(array.dtype.name)
    return array, Device("cpu"), dtype
