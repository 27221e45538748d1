"""Tensor: an array, and its place on the tape.

Its operators and methods, `backward` among them, are declared in `core/declarations.py` and bound in
`ops/methods.py`, one line each: the engine knows no op. The backward pass itself is in `core/tape.py`.
"""

from __future__ import annotations

from math import prod
from types import NoneType
from typing import TYPE_CHECKING, Any, Final

from .. import backends
from . import dtypes, errors
from .device import Device, get_device, innermost
from .dtypes import DType
from .typing import DTypeLike

if TYPE_CHECKING:
    from .declarations import ArrayMethods
else:
    ArrayMethods = object

__all__ = ["Tensor", "convert", "wrap"]

SCALARS: Final = frozenset({bool, int, float, complex})
PLAIN: Final = SCALARS | {NoneType}  # what ops take as it is: numbers, and None where an array may be left out
LEAF: Final = object()  # stands in Tensor._node where a leaf requires a gradient: the leaf itself is the tape's entry


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

    if TYPE_CHECKING:
        _data: Any
        _device: Device
        _node: Any  # None, LEAF, or the Node that made it
    _grad: Tensor | None = None
    _hooks: dict[float, Any] | None = None  # of a leaf; those of an intermediate Tensor are its Node's

    def __init__(
        self, data: Any, requires_grad: bool = False, *, dtype: DTypeLike = None, device: str | Device | None = None
    ) -> None:
        self._node = None
        self._data, self._device = convert(data, dtype, device, copy=True)
        self.requires_grad_(requires_grad)

    # The array

    @property
    def data(self) -> Any:
        """The array library's own array, shared; what you change in it is not seen by the tape.

        Setting it raises TypeError where gradients flow to this Tensor and the array is not floating, and ValueError
        where ``.grad`` has another shape.
        """
        return self._data

    @data.setter
    def data(self, value: Any) -> None:
        new = wrap(*convert(value, None, self._device)).requires_grad_(self.requires_grad)
        if self._grad is not None and self._grad.shape != new.shape:
            raise errors.stale_gradient(self._grad.shape, new.shape)
        self._data = new._data

    @property
    def dtype(self) -> DType:
        """The type of its elements."""
        return dtypes.from_native(self._data.dtype)

    @property
    def device(self) -> Device:
        """Where its array lives."""
        return self._device.real

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
        return prod(self._data.shape)

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
        if value is not None and not isinstance(value, Tensor):
            raise TypeError(f"grad must be a Tensor or None, not {type(value).__name__}")
        if value is not None and (value.shape, value.dtype, value.device) != (self.shape, self.dtype, self.device):
            raise errors.wrong_gradient(value, self)
        self._grad = value

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Set whether gradients flow to this leaf, and return it.

        Raises
        ------
        TypeError
            If its dtype is not floating, or `requires_grad` is not True or False.
        RuntimeError
            If it is no leaf.
        """
        if type(requires_grad).__name__ not in ("bool", "bool_"):  # Python's and NumPy's
            raise TypeError(f"requires_grad must be True or False, not {errors.describe(requires_grad)}")
        if requires_grad and not self.dtype.differentiable:
            raise errors.not_differentiable(self.dtype)
        if self.is_leaf:
            if requires_grad and (above := innermost(self._device)) is not self._device:
                self._data, self._device = above.raised(self._data, self._device), above  # each has its own gradient
            self._node = LEAF if requires_grad else None
        elif not requires_grad:
            raise RuntimeError("only a leaf can stop requiring gradients; write x = x.detach() instead")
        return self

    def detach(self) -> Tensor:
        """Return a Tensor that shares this one's array but has no history."""
        return wrap(self._data, self._device)

    __hash__ = object.__hash__


def wrap(data: Any, device: Device, node: Any = None) -> Tensor:
    """Make a Tensor of an array library's array as it is: no copy, no check."""
    tensor = object.__new__(Tensor)
    tensor._data, tensor._device, tensor._node = data, device, node
    return tensor


def convert(data: Any, dtype: DTypeLike, device: str | Device | None, copy: bool | None = None) -> tuple[Any, Device]:
    """Return `data` as an array library's array, and the device that it is on.

    Raises
    ------
    TypeError, ValueError, OverflowError
        If it is nothing that an array can be made of, or a ragged list; if its numbers do not fit into `dtype`.
    """
    tensor = isinstance(data, Tensor)
    data, source, dtype = (data._data, data._device, dtype) if tensor else _on_some_device(data, dtype)
    stays = tensor or (source is not None and (source.kind != "cpu" or source.depth > 0))
    target = Device(device) if device is not None else source if stays else get_device()
    make = target.backend.constant if source is None or backends.is_number(data) else target.backend.asarray
    if source is not None and source.backend is not target.backend:
        dtype = dtypes.from_native(data.dtype) if dtype is None and source.kind != "cpu" else dtype
        data = source.backend.to_numpy(data)
    return make(data, dtypes.native(target.xp, dtype), target.native, copy), target


def _on_some_device(data: Any, dtype: DTypeLike) -> tuple[Any, Any, Any]:
    """Find the device of an array, or make a NumPy array of numbers, lists and whatever else NumPy reads, on none."""
    try:
        return data, Device.of(data), dtype
    except TypeError:
        array = backends.read(data)
    if dtype is not None:
        backends.refuse_lossy(array, dtypes.as_dtype(dtype).name)
    if dtype is None and (type(data) in SCALARS or isinstance(data, (list, tuple))):
        dtype = {"float64": float, "complex128": complex}.get(array.dtype.name)
    return array, None, dtype
