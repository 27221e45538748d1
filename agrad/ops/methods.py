"""Bind operators and methods to Tensor, one line each, so that the engine knows no op.

A method adds to its function only familiar spellings: an axis by position, a shape as separate integers.
"""

# mypy: disable-error-code="assignment, attr-defined, method-assign"

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import update_wrapper
from inspect import Signature
from types import FunctionType
from typing import Any, Final
from weakref import ref

from .. import backends
from ..core import errors, hooks, tape
from ..core.device import Device
from ..core.dtypes import BY_NAME
from ..core.grad_mode import is_grad_enabled, no_grad
from ..core.hooks import RemovableHandle
from ..core.tensor import Tensor
from ..core.typing import DTypeLike
from . import (
    activations,
    conversion,
    data_type,
    elementwise,
    indexing,
    journal,
    linear_algebra,
    manipulation,
    searching,
    sorting,
    statistical,
    utility,
)
from .namespace import namespace_of

_VERSIONS: Final = ("2021.12", "2022.12", "2023.12", "2024.12", "2025.12")


# Wrappers that make operators and methods of functions


def _operator(op: Any) -> Callable[[Any, Any], Any]:
    """Return the op as an operator, which returns NotImplemented for operands that agrad cannot convert.

    It is compiled as the op is, since a wrapper around the op would make every operator 10 % slower.
    """

    def again(*operands: Any) -> Any:
        return NotImplemented if any(map(_is_foreign, operands)) else op(*operands)

    return update_wrapper(op.definition.compile(again), op)


def _is_foreign(x: Any) -> bool:
    """Return whether `x` cannot be converted to a Tensor."""
    if isinstance(x, (Tensor, list, tuple)):
        return False
    try:
        backends.of(x)
    except TypeError:
        return not backends.is_readable(x)
    return False


def _reflected(op: Callable[[Any, Any], Tensor]) -> Callable[[Tensor, Any], Tensor]:
    """Return the operator with its operands swapped."""
    op = _operator(op)

    def reflected(self: Tensor, other: Any, /) -> Tensor:
        return op(other, self)

    return reflected


def _divided(x: Any, y: Any, /) -> tuple[Tensor, Tensor]:
    """Return quotient and remainder, as ``divmod`` does."""
    return x // y, x % y


def _compared(op: Callable[[Any, Any], Tensor]) -> Callable[[Tensor, Any], Any]:
    """Return a comparison that returns NotImplemented for None, so that ``x == None`` is False."""
    op = _operator(op)

    def compared(self: Tensor, other: Any, /) -> Any:
        return NotImplemented if other is None else op(self, other)

    return compared


def _in_place(
    op: Callable[[Any, Any], Tensor], update: Callable[[Any, Any], Any], sign: str
) -> Callable[[Tensor, Any], Tensor]:
    """Return an in-place operator: it gives the Tensor a new array while recording, and else writes into its memory.

    Shape and dtype of the Tensor stay; ValueError or TypeError if the result does not fit them.
    """
    op = _operator(op)

    def in_place(self: Tensor, other: Any, /) -> Tensor:
        if is_grad_enabled():
            indexing.refuse_leaf(self)
        elif _stays(self, other):
            raw = other._data if isinstance(other, Tensor) else other
            journal.writing(self)
            try:
                self._data = self._device.backend.update(self._data, update, raw)
            except Exception as error:
                raise errors.in_op(f"x {sign} v", error, (self, other), {}) from error
            tape.wrote(self)
            return self
        result = op(self, other)
        if result is NotImplemented:
            return result
        if result._device is not self._device:
            indexing.refuse_widening(f"x {sign} v")
        if result.shape != self.shape:
            raise ValueError(
                f"x {sign} v keeps the shape {self.shape} of x, but the result has shape {result.shape}; "
                f"write x = x {sign[:-1]} v"
            )
        indexing.replace_values(self, indexing.cast_within_kind(self, result, f"x {sign} v"))
        return self

    return in_place


def _stays(x: Tensor, other: Any) -> bool:
    """Return whether the result has the dtype, shape and device of `x` for certain, so that it needs no check."""
    if isinstance(other, Tensor):
        alike = x.dtype is other.dtype and x._data.shape == other._data.shape
        return alike and x._device is other._device and x.dtype.differentiable
    return type(other) in (int, float) and x.dtype.differentiable


def _along(op: Any) -> Callable[..., Tensor]:
    """Return a reduction as a method that takes the axis by position too; compiled again, to save a call in between."""
    x, axis, *settings = op.definition.signature.parameters.values()
    signature = Signature([x, axis.replace(kind=axis.POSITIONAL_OR_KEYWORD), *settings])
    along: Any = update_wrapper(op.definition.compile(method=signature), op)
    along.__signature__, along.__qualname__ = signature, f"Tensor.{op.__name__}"
    return along


# Arithmetic

Tensor.__add__ = Tensor.__radd__ = _operator(elementwise.add)
Tensor.__sub__ = _operator(elementwise.subtract)
Tensor.__rsub__ = _reflected(elementwise.subtract)
Tensor.__mul__ = Tensor.__rmul__ = _operator(elementwise.multiply)
Tensor.__truediv__ = _operator(elementwise.divide)
Tensor.__rtruediv__ = _reflected(elementwise.divide)
Tensor.__floordiv__ = _operator(elementwise.floor_divide)
Tensor.__rfloordiv__ = _reflected(elementwise.floor_divide)
Tensor.__mod__ = _operator(elementwise.remainder)
Tensor.__rmod__ = _reflected(elementwise.remainder)
Tensor.__divmod__ = _divided
Tensor.__rdivmod__ = lambda self, other: _divided(other, self)
Tensor.__pow__ = _operator(elementwise.pow)
Tensor.__rpow__ = _reflected(elementwise.pow)
Tensor.__matmul__ = _operator(linear_algebra.matmul)
Tensor.__rmatmul__ = _reflected(linear_algebra.matmul)
Tensor.__pos__ = elementwise.positive
Tensor.__neg__ = elementwise.negative
Tensor.__abs__ = elementwise.abs

Tensor.__iadd__ = _in_place(elementwise.add, operator.iadd, "+=")
Tensor.__isub__ = _in_place(elementwise.subtract, operator.isub, "-=")
Tensor.__imul__ = _in_place(elementwise.multiply, operator.imul, "*=")
Tensor.__itruediv__ = _in_place(elementwise.divide, operator.itruediv, "/=")
Tensor.__ifloordiv__ = _in_place(elementwise.floor_divide, operator.ifloordiv, "//=")
Tensor.__imod__ = _in_place(elementwise.remainder, operator.imod, "%=")
Tensor.__ipow__ = _in_place(elementwise.pow, operator.ipow, "**=")
Tensor.__imatmul__ = _in_place(linear_algebra.matmul, operator.imatmul, "@=")

# Bitwise and logical operators

Tensor.__and__ = Tensor.__rand__ = _operator(elementwise.bitwise_and)
Tensor.__or__ = Tensor.__ror__ = _operator(elementwise.bitwise_or)
Tensor.__xor__ = Tensor.__rxor__ = _operator(elementwise.bitwise_xor)
Tensor.__lshift__ = _operator(elementwise.bitwise_left_shift)
Tensor.__rlshift__ = _reflected(elementwise.bitwise_left_shift)
Tensor.__rshift__ = _operator(elementwise.bitwise_right_shift)
Tensor.__rrshift__ = _reflected(elementwise.bitwise_right_shift)
Tensor.__invert__ = elementwise.bitwise_invert

Tensor.__iand__ = _in_place(elementwise.bitwise_and, operator.iand, "&=")
Tensor.__ior__ = _in_place(elementwise.bitwise_or, operator.ior, "|=")
Tensor.__ixor__ = _in_place(elementwise.bitwise_xor, operator.ixor, "^=")
Tensor.__ilshift__ = _in_place(elementwise.bitwise_left_shift, operator.ilshift, "<<=")
Tensor.__irshift__ = _in_place(elementwise.bitwise_right_shift, operator.irshift, ">>=")

# Comparison

Tensor.__eq__ = _compared(elementwise.equal)
Tensor.__ne__ = _compared(elementwise.not_equal)
Tensor.__lt__ = _operator(elementwise.less)
Tensor.__le__ = _operator(elementwise.less_equal)
Tensor.__gt__ = _operator(elementwise.greater)
Tensor.__ge__ = _operator(elementwise.greater_equal)

# Indexing

Tensor.__getitem__ = indexing.getitem
Tensor.__setitem__ = indexing.setitem
Tensor.take = indexing.take

# Elementwise functions

Tensor.abs = elementwise.abs
Tensor.ceil = elementwise.ceil
Tensor.clip = elementwise.clip
Tensor.conj = elementwise.conj
Tensor.cos = elementwise.cos
Tensor.exp = elementwise.exp
Tensor.floor = elementwise.floor
Tensor.log = elementwise.log
Tensor.pow = elementwise.pow
Tensor.reciprocal = elementwise.reciprocal
Tensor.round = elementwise.round
Tensor.sign = elementwise.sign
Tensor.sin = elementwise.sin
Tensor.sqrt = elementwise.sqrt
Tensor.square = elementwise.square
Tensor.tan = elementwise.tan
Tensor.tanh = elementwise.tanh
Tensor.log_softmax = activations.log_softmax
Tensor.logsumexp = activations.logsumexp
Tensor.relu = activations.relu
Tensor.sigmoid = activations.sigmoid
Tensor.softmax = activations.softmax

# Reductions, searching, sorting

Tensor.all = _along(utility.all)
Tensor.any = _along(utility.any)
Tensor.argmax = _along(searching.argmax)
Tensor.argmin = _along(searching.argmin)
Tensor.argsort = sorting.argsort
Tensor.cumulative_prod = _along(statistical.cumulative_prod)
Tensor.cumulative_sum = _along(statistical.cumulative_sum)
Tensor.max = _along(statistical.max)
Tensor.mean = _along(statistical.mean)
Tensor.min = _along(statistical.min)
Tensor.nonzero = searching.nonzero
Tensor.prod = _along(statistical.prod)
Tensor.sort = sorting.sort
Tensor.std = _along(statistical.std)
Tensor.sum = _along(statistical.sum)
Tensor.var = _along(statistical.var)


# Matrices and shapes


def _two_dimensional_transpose(self: Tensor) -> Tensor:
    """Return the transpose of a matrix.

    Raises
    ------
    ValueError
        If it does not have two axes.
    """
    if self.ndim != 2:
        raise ValueError(f".T is for matrices, not for shape {self.shape}; write .mT, or x.transpose() for all axes")
    return manipulation.permute_dims(self, (1, 0))


def _reshape(self: Tensor, /, *shape: Any, copy: bool | None = None) -> Tensor:
    """Return this Tensor in another shape: ``x.reshape(2, 3)`` or ``x.reshape((2, 3))``; see `agrad.reshape`."""
    return manipulation.reshape(self, _one_tuple(shape), copy=copy)


def _transpose(self: Tensor, /, *axes: Any) -> Tensor:
    """Permute the axes, in reverse order by default: ``x.transpose(1, 0, 2)``; see `agrad.permute_dims`.

    Raises
    ------
    ValueError
        If their number is wrong, or where NumPy and PyTorch disagree, as on ``x.transpose(0, 1)`` of a matrix.
    """
    if len(axes) == 2 and all(isinstance(axis, int) for axis in axes):
        _refuse_ambiguous(self, *axes)
    return manipulation.transpose(self, _one_tuple(axes) if axes and axes != (None,) else None)


def _refuse_ambiguous(x: Tensor, first: int, second: int) -> None:
    """Raise where two axes mean different things: in NumPy the order of all axes, in PyTorch the two to swap."""
    if x.ndim != 2:
        raise ValueError(
            f"transpose({first}, {second}) names two of {x.ndim} axes; write agrad.permute_dims(x, axes) with all of "
            f"them, or agrad.moveaxis(x, ({first}, {second}), ({second}, {first})) to swap two"
        )
    if first % 2 < second % 2:
        raise ValueError(
            f"transpose({first}, {second}) of a matrix leaves it as it is in NumPy and swaps its axes in PyTorch; "
            f"write x.T or agrad.permute_dims(x, (1, 0)) to swap them, or leave it out"
        )


def _one_tuple(args: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(args[0]) if len(args) == 1 and isinstance(args[0], (tuple, list)) else args


def _squeeze(self: Tensor, /, axis: int | tuple[int, ...] | None = None) -> Tensor:
    """Remove axes of length 1, all of them by default; see `agrad.squeeze`."""
    if axis is None:
        axis = tuple(i for i, n in enumerate(self.shape) if n == 1)
    return manipulation.squeeze(self, axis)


def _ravel(self: Tensor, /) -> Tensor:
    """Put all elements in one row, as NumPy and PyTorch call it; see `agrad.flatten`."""
    return manipulation.flatten(self)


def _expand_as(self: Tensor, other: Tensor, /) -> Tensor:
    """Broadcast to the shape of another Tensor; see `agrad.broadcast_to`."""
    return manipulation.broadcast_to(self, other.shape)


Tensor.T = property(_two_dimensional_transpose)
Tensor.mT = property(linear_algebra.matrix_transpose)
Tensor.expand_as = _expand_as
Tensor.expand_dims = Tensor.unsqueeze = manipulation.expand_dims
Tensor.flatten = manipulation.flatten
Tensor.matmul = linear_algebra.matmul
Tensor.mm = linear_algebra.mm
Tensor.ravel = _ravel
Tensor.reshape = _reshape
Tensor.squeeze = _squeeze
Tensor.transpose = _transpose


# Devices and dtypes


def _to(self: Tensor, /, *targets: Any, device: str | Device | None = None, dtype: DTypeLike = None) -> Tensor:
    """Return this Tensor on a device, in a dtype, or both: ``x.to("cuda")``, ``x.to(agrad.float64)``.

    Parameters
    ----------
    *targets : str, Device, DType or Tensor
        A device, a dtype, or one of each; or a Tensor whose device and dtype to take.
    device, dtype : optional
        The same by keyword.

    Returns
    -------
    Tensor
        The Tensor itself if nothing changes; gradients are copied back to its device and dtype.

    Raises
    ------
    TypeError
        If two devices or two dtypes are given.
    ValueError, RuntimeError
        As `Device`.

    Examples
    --------
    >>> import agrad
    >>> agrad.ones(2).to("cpu", agrad.float64).dtype
    agrad.float64
    """
    if len(targets) == 1 and isinstance(targets[0], Tensor):
        targets = (targets[0].device, targets[0].dtype)
    for target in targets:
        is_device = isinstance(target, Device) or (isinstance(target, str) and target not in BY_NAME)
        if (device if is_device else dtype) is not None:
            raise TypeError(f"to() takes one device and one dtype, not {', '.join(map(errors.describe, targets))}")
        device, dtype = (target, dtype) if is_device else (device, target)
    moved = self if device is None else data_type.to_device(self, device)
    return moved if dtype is None else data_type.astype(moved, dtype, copy=False)


def _cpu(self: Tensor, /) -> Tensor:
    """Return this Tensor on the device ``"cpu"``, where NumPy computes."""
    return data_type.to_device(self, "cpu")


def _cuda(self: Tensor, /, index: int = 0) -> Tensor:
    """Return this Tensor on the device ``"cuda"``, where CuPy computes."""
    return data_type.to_device(self, f"cuda:{index}")


def _namespace(self: Tensor, /, *, api_version: str | None = None) -> Any:
    """Return the array API namespace whose functions take this Tensor: agrad, with new arrays on this one's device.

    Raises
    ------
    ValueError
        If there is no such version of the standard.
    """
    if api_version not in (None, *_VERSIONS):
        raise ValueError(f"agrad supports the array API standard {', '.join(_VERSIONS)}, not {api_version!r}")
    return namespace_of(self._device.real)


Tensor.to = _to
Tensor.cpu = _cpu
Tensor.cuda = _cuda
Tensor.astype = data_type.astype
Tensor.to_device = data_type.to_device
Tensor.__array_namespace__ = _namespace


# The tape, and writing in place


def _fill_(self: Tensor, value: complex, /) -> Tensor:
    """Fill this Tensor with a number in place, and return it.

    Raises
    ------
    RuntimeError
        If it is a leaf that requires gradients, while recording.
    TypeError
        If the number is of a higher kind than the dtype.
    """
    if isinstance(value, Tensor) or is_grad_enabled():
        self[...] = value
    else:
        journal.writing(self)
        self._data = self._device.backend.fill(self._data, indexing.cast_within_kind(self, value, "fill_"))
        tape.wrote(self)
    return self


def _zero_(self: Tensor, /) -> Tensor:
    """Fill this Tensor with zeros in place, and return it; RuntimeError as in ``fill_``."""
    return _fill_(self, False if self.dtype.family == "bool" else 0)


def _zero_grad(self: Tensor, /, set_to_none: bool = True) -> None:
    """Set the gradient to None, or to zeros if `set_to_none` is False."""
    if set_to_none or self._grad is None:
        self._grad = None
    else:
        if self._grad._node is not None:
            self._grad = self._grad.detach()
        with no_grad():
            self._grad.zero_()


def _register_hook(self: Tensor, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
    """Register a function that every backward pass calls with this Tensor's gradient, and that may replace it.

    Parameters
    ----------
    hook : callable
        Takes the gradient, and returns None or another gradient of the same shape, dtype and device. On a leaf it
        runs before the gradient is added to ``.grad``, on any other Tensor before the gradient is propagated further.
        Several hooks run in the order in which they were registered.

    Returns
    -------
    RemovableHandle
        Its `remove` removes the hook.

    Raises
    ------
    RuntimeError
        If this Tensor does not require gradients.

    Examples
    --------
    >>> import agrad
    >>> x = agrad.tensor([1.0, 2.0], requires_grad=True)
    >>> y = x * x
    >>> handle = y.register_hook(lambda g: agrad.clip(g, -1.0, 1.0))
    >>> agrad.sum(100 * y).backward()
    >>> x.grad
    Tensor([2., 4.], dtype=float32, device='cpu')
    >>> handle.remove()
    """
    return hooks.attach(_hooks_of(self, "register_hook()"), hook)


def _retain_grad(self: Tensor, /) -> None:
    """Make `backward` store this Tensor's gradient in ``.grad`` although it is not a leaf.

    It is the gradient that the hooks return. After a write in place it is that of the new value.

    Raises
    ------
    RuntimeError
        If this Tensor does not require gradients.

    Examples
    --------
    >>> import agrad
    >>> x = agrad.tensor(3.0, requires_grad=True)
    >>> y = x * x
    >>> y.retain_grad()
    >>> (2 * y).backward()
    >>> y.grad
    Tensor(2., dtype=float32, device='cpu')
    """
    place = ref(self)  # the hook must not keep the Tensor alive

    def retain(gradient: Tensor) -> None:
        if (tensor := place()) is not None:
            tensor._grad = gradient if tensor._grad is None else tensor._grad + gradient

    own = _hooks_of(self, "retain_grad()")
    if not self.is_leaf:
        own[hooks.LAST] = retain


def _hooks_of(tensor: Tensor, what: str) -> dict[float, Any]:
    """Return the hooks of a Tensor that requires gradients: a leaf holds them itself, otherwise its Node does."""
    entry = tape.entry_of(tensor, what)
    if entry is tensor:
        tensor._hooks = tensor._hooks or {}
        return tensor._hooks
    if not hasattr(entry, "hooks"):
        tape.hooked, entry.hooks = True, {}
    return entry.hooks


Tensor.backward = tape.backward
Tensor.register_hook = _register_hook
Tensor.retain_grad = _retain_grad
Tensor.zero_grad = _zero_grad
Tensor.fill_ = _fill_
Tensor.zero_ = _zero_

# Conversions

Tensor.item = conversion.item
Tensor.numpy = conversion.numpy
Tensor.tolist = conversion.tolist
Tensor.__array__ = conversion.array_protocol
Tensor.__bool__ = conversion.truth
Tensor.__complex__ = conversion.to_complex
Tensor.__dlpack__ = conversion.dlpack
Tensor.__dlpack_device__ = conversion.dlpack_device
Tensor.__float__ = conversion.to_float
Tensor.__format__ = conversion.formatted
Tensor.__index__ = conversion.index
Tensor.__int__ = conversion.to_int
Tensor.__iter__ = conversion.iterate
Tensor.__len__ = conversion.length
Tensor.__reduce_ex__ = conversion.reduce
Tensor.__repr__ = conversion.show

# The names in `help` and tracebacks of methods that are not functions of the namespace.
for _name, _method in vars(Tensor).items():
    if isinstance(_method, FunctionType) and _method.__module__ in (__name__, conversion.__name__, indexing.__name__):
        _method.__name__ = _name
        _method.__qualname__ = f"Tensor.{_name}"
