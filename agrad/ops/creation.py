"""Creation functions: Tensors from numbers, lists, arrays and shapes.

Each takes ``device`` (by default the current one), ``dtype`` and, beyond the standard, ``requires_grad``.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Any, Literal, TypeAlias

from .. import backends
from ..checks import as_integer, as_shape
from ..core import errors
from ..core.device import Device, get_device
from ..core.dtypes import as_dtype, get_default_dtype, native
from ..core.errors import describe
from ..core.grad_mode import is_grad_enabled
from ..core.primitive import ArrayLike, primitive
from ..core.tensor import SCALARS, Tensor, convert, wrap
from ..core.typing import DTypeLike, Namespace
from .data_type import as_tensor, astype, finfo, result_type, to_device
from .elementwise import multiply, not_equal, subtract
from .manipulation import broadcast_arrays, broadcast_to, reshape, stack
from .searching import where

__all__ = [
    "arange", "asarray", "empty", "empty_like", "eye", "from_dlpack", "full", "full_like", "linspace", "meshgrid",
    "ones", "ones_like", "tensor", "tril", "triu", "zeros", "zeros_like",
]  # fmt: skip

Place: TypeAlias = str | Device | None


def tensor(data: Any, requires_grad: bool = False, *, dtype: DTypeLike = None, device: Place = None) -> Tensor:
    """Return a Tensor that holds a copy of `data`, as ``Tensor(data, ...)`` does.

    Parameters
    ----------
    data : number, nested list, array or Tensor
        As in `Tensor`.
    requires_grad : bool
        Whether the result requires gradients.
    dtype : DType, optional
    device : str or Device, optional

    Returns
    -------
    Tensor
        A leaf that shares no memory with `data`.

    Raises
    ------
    TypeError, ValueError
        As `Tensor`.

    Examples
    --------
    >>> import agrad
    >>> agrad.tensor([1.0, 2.0], requires_grad=True)
    Tensor([1., 2.], dtype=float32, device='cpu', requires_grad=True)
    """
    return Tensor(data, requires_grad, dtype=dtype, device=device)


def asarray(
    obj: Any,
    /,
    *,
    dtype: DTypeLike = None,
    device: Place = None,
    copy: bool | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Convert a number, nested list, array or Tensor to a Tensor, without a copy where possible.

    Parameters
    ----------
    obj : number, nested list, array or Tensor
        A Tensor that has this dtype and device already is returned itself; otherwise gradients flow through the
        conversion. Tensors in a list are stacked, and gradients flow to them too.
    dtype : DType, optional
        By default that of `obj`; Python floats become the default dtype.
    device : str or Device, optional
        By default that of `obj`; numbers, lists and NumPy arrays go to the current device.
    copy : bool, optional
        True always copies, False never does, None copies only where needed.
    requires_grad : bool
        Whether the result requires gradients.

    Returns
    -------
    Tensor
        With the values of `obj`.

    Raises
    ------
    TypeError
        If `obj` cannot be converted to an array.
    ValueError
        If lists are ragged, if NaN or infinity should become an integer, or if ``copy=False`` and a copy is needed.
    OverflowError
        If Python numbers do not fit into an integer `dtype`. Arrays and Tensors are cast as by `astype`.

    Examples
    --------
    >>> import agrad
    >>> agrad.asarray([[1, 2], [3, 4]], dtype=agrad.float64)
    Tensor([[1., 2.],
            [3., 4.]], dtype=float64, device='cpu')
    """
    if copy is False and (not hasattr(obj, "dtype") or _changes_library(obj, device)):
        raise ValueError(f"converting a {type(obj).__name__} to this Tensor needs a copy; leave out copy=False")
    if isinstance(obj, Tensor):
        result = _adapt(obj, dtype, device, copy)
    elif _holds_tensors(obj):
        result = _stacked(obj, dtype, device)
    else:
        result = wrap(*convert(obj, dtype, device, copy))
    if requires_grad and not result.requires_grad:
        result = result.detach() if result is obj else result
        result.requires_grad_()
    return result


def _changes_library(obj: Any, device: Place) -> bool:
    """Return whether the array must go to another library, which takes a copy on the host."""
    if isinstance(obj, Tensor) or backends.is_host(obj) or device is None:
        return False
    return Device.of(obj).backend is not Device(device).backend


def _adapt(x: Tensor, dtype: DTypeLike, device: Place, copy: bool | None) -> Tensor:
    result = x if device is None else to_device(x, device)
    if dtype is not None:
        result = astype(result, dtype, copy=False)
    if result is not x and copy is False:
        raise ValueError(f"{x.dtype!r} on {x.device} needs a copy to become {result.dtype!r} on {result.device}")
    return astype(x, x.dtype) if result is x and copy else result


def _holds_tensors(obj: Any) -> bool:
    """Return whether nested lists hold a Tensor."""
    if not isinstance(obj, (list, tuple)):
        return False
    kinds = set(map(type, obj))  # fast enough for lists of a million numbers
    if kinds.isdisjoint((list, tuple)):
        return any(issubclass(kind, Tensor) for kind in kinds)
    return any(isinstance(item, Tensor) or _holds_tensors(item) for item in obj)


def _stacked(items: Any, dtype: DTypeLike, device: Place) -> Tensor:
    """Stack the Tensors in nested lists; numbers beside them take their dtype and device, as in arithmetic."""
    leaves = list(_leaves(items))
    first_device = next(x._device for x in leaves if isinstance(x, Tensor))
    dtype = result_type(*leaves) if dtype is None else dtype

    def build(item: Any) -> Tensor:
        if isinstance(item, (list, tuple)):
            return stack([build(x) for x in item])
        return asarray(item, dtype=dtype, device=first_device if backends.is_host(item) else None)

    stacked = build(items)
    return stacked if device is None else to_device(stacked, device)


def _leaves(items: Any) -> Iterator[Any]:
    for item in items:
        if isinstance(item, (list, tuple)):
            yield from _leaves(item)
        else:
            yield item.item() if backends.is_number(item) else item


def _make(name: str, *args: Any, dtype: DTypeLike, device: Place, requires_grad: bool, **kwargs: Any) -> Tensor:
    """Call the array library's creation function of that name."""
    target = get_device() if device is None else Device(device)
    if dtype is not None:
        kwargs["dtype"] = native(target.xp, dtype)
    array = getattr(target.xp, name)(*args, device=target.native, **kwargs)
    result = wrap(array, target)
    return result if requires_grad is False else result.requires_grad_(requires_grad)


def _like(x: ArrayLike, dtype: DTypeLike, device: Place) -> tuple[Tensor, Any, Place]:
    x = asarray(x)
    return x, x.dtype if dtype is None else dtype, x.device if device is None else device


def _batched_as(made: Tensor, x: Tensor) -> Tensor:
    """Return a new Tensor; under `vmap` and `no_grad` with the batch axes of `x`, to hold values written in place."""
    if not x._device.depth or is_grad_enabled() or made.requires_grad or made._device.real is not x._device.real:
        return made
    return where(not_equal(x, x), made, made)


def _dtype_of(*numbers: Any) -> Any:
    """Return the dtype that numbers promote to, Tensors as if read; None means the library's default integer."""
    kinds = set(map(_kind_of, numbers))
    if complex in kinds:
        return as_dtype(complex)
    if kinds == {bool}:
        return as_dtype(bool)
    return None if kinds <= {int, bool} else get_default_dtype()


def _kind_of(number: Any) -> type:
    if not isinstance(number, Tensor):
        return type(number)
    return {"bool": bool, "real floating": float, "complex floating": complex}.get(number.dtype.family, int)


def _number(x: Any, name: str) -> Any:
    """Return an argument of the function `name` as a Python number."""
    number = x.item() if hasattr(x, "item") else x
    if type(number) not in SCALARS:
        raise TypeError(f"{name}() needs numbers, not {describe(x)}")
    return number


def _fits(dtype: DTypeLike, *numbers: Any) -> None:
    """Raise OverflowError, ValueError or TypeError if Python numbers do not fit into a dtype, where one is given."""
    if dtype is not None:
        backends.refuse_lossy(backends.read(numbers), as_dtype(dtype).name)


def _is_tracked(x: Any) -> bool:
    return isinstance(x, Tensor) and x.requires_grad and is_grad_enabled()


def _stays(x: Any) -> bool:
    """Return whether a number stays a Tensor: it requires gradients, or may differ over the batch of a vmap."""
    return _is_tracked(x) or (isinstance(x, Tensor) and x._device.depth > 0)


def _finish(x: Tensor, dtype: DTypeLike, device: Place, requires_grad: bool) -> Tensor:
    """Convert a result to the requested dtype and device."""
    x = x if dtype is None else astype(x, dtype, copy=False)
    x = x if device is None else to_device(x, device)
    return x if requires_grad is False else x.requires_grad_(requires_grad)


# From shapes


def zeros(
    shape: int | tuple[int, ...], *, dtype: DTypeLike = None, device: Place = None, requires_grad: bool = False
) -> Tensor:
    """Return a Tensor of zeros.

    Parameters
    ----------
    shape : int or tuple of int
        The shape of the result; an int n means ``(n,)``.
    dtype : DType, optional
        The default dtype if left out.
    device : str or Device, optional
        The current device if left out.
    requires_grad : bool
        Whether the result requires gradients.

    Returns
    -------
    Tensor
        Zeros of that shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.zeros((2, 3), dtype=agrad.int8)
    Tensor([[0, 0, 0],
            [0, 0, 0]], dtype=int8, device='cpu')
    """
    dtype = get_default_dtype() if dtype is None else dtype
    return _make("zeros", as_shape(shape), dtype=dtype, device=device, requires_grad=requires_grad)


def ones(
    shape: int | tuple[int, ...], *, dtype: DTypeLike = None, device: Place = None, requires_grad: bool = False
) -> Tensor:
    """Return a Tensor of ones.

    Parameters
    ----------
    shape, dtype, device, requires_grad
        As in `zeros`.

    Returns
    -------
    Tensor
        Ones of that shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.ones(2, requires_grad=True)
    Tensor([1., 1.], dtype=float32, device='cpu', requires_grad=True)
    """
    dtype = get_default_dtype() if dtype is None else dtype
    return _make("ones", as_shape(shape), dtype=dtype, device=device, requires_grad=requires_grad)


def empty(
    shape: int | tuple[int, ...], *, dtype: DTypeLike = None, device: Place = None, requires_grad: bool = False
) -> Tensor:
    """Return a Tensor without initialising its values.

    Parameters
    ----------
    shape, dtype, device, requires_grad
        As in `zeros`.

    Returns
    -------
    Tensor
        Arbitrary values of that shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.empty((2, 3)).shape
    (2, 3)
    """
    dtype = get_default_dtype() if dtype is None else dtype
    return _make("empty", as_shape(shape), dtype=dtype, device=device, requires_grad=requires_grad)


def full(
    shape: int | tuple[int, ...],
    fill_value: complex,
    *,
    dtype: DTypeLike = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return a Tensor filled with one value.

    Parameters
    ----------
    shape : int or tuple of int
        As in `zeros`.
    fill_value : number, or Tensor of one element
        Gradients flow to a Tensor that requires them.
    dtype : DType, optional
        By default inferred from the value: the default integer, real or complex dtype, or bool.
    device, requires_grad
        As in `zeros`; the default device is that of `fill_value` if this requires gradients.

    Returns
    -------
    Tensor
        Of that shape and dtype.

    Raises
    ------
    TypeError
        If `fill_value` is not a number.
    OverflowError, ValueError
        If it does not fit into an integer `dtype`, or is NaN or infinite.

    Examples
    --------
    >>> import agrad
    >>> agrad.full(3, 7.5)
    Tensor([7.5, 7.5, 7.5], dtype=float32, device='cpu')
    """
    if _stays(fill_value):
        filled = broadcast_to(reshape(fill_value, ()), as_shape(shape))
        if dtype is None and not _is_tracked(fill_value):
            dtype = _dtype_of(fill_value) or asarray(0, device=filled.device).dtype
        return _finish(astype(filled, filled.dtype), dtype, device, requires_grad)
    value = _number(fill_value, "full")
    _fits(dtype, value)
    dtype = _dtype_of(value) if dtype is None else dtype
    return _make("full", as_shape(shape), value, dtype=dtype, device=device, requires_grad=requires_grad)


def eye(
    n_rows: int,
    n_cols: int | None = None,
    /,
    *,
    k: int = 0,
    dtype: DTypeLike = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return a matrix with ones on one diagonal and zeros elsewhere.

    Parameters
    ----------
    n_rows, n_cols : int
        As many columns as rows by default.
    k : int
        The diagonal: positive above the main one, negative below.
    dtype, device, requires_grad
        As in `zeros`.

    Returns
    -------
    Tensor
        Of shape (n_rows, n_cols).

    Examples
    --------
    >>> import agrad
    >>> agrad.eye(2, 3, k=1)
    Tensor([[0., 1., 0.],
            [0., 0., 1.]], dtype=float32, device='cpu')
    """
    dtype = get_default_dtype() if dtype is None else dtype
    n_rows, k = as_integer("n_rows", n_rows, 0), as_integer("k", k)
    n_cols = n_rows if n_cols is None else as_integer("n_cols", n_cols, 0)
    return _make("eye", n_rows, n_cols, k=k, dtype=dtype, device=device, requires_grad=requires_grad)


# From other arrays


def zeros_like(
    x: ArrayLike, /, *, dtype: DTypeLike = None, device: Place = None, requires_grad: bool = False
) -> Tensor:
    """Return zeros of the shape, dtype and device of `x`.

    Parameters
    ----------
    x : ArrayLike
    dtype, device : optional
        Instead of those of `x`.
    requires_grad : bool
        Whether the result requires gradients.

    Returns
    -------
    Tensor
        Zeros of the shape of `x`.

    Examples
    --------
    >>> import agrad
    >>> agrad.zeros_like(agrad.asarray([5, 6]))
    Tensor([0, 0], dtype=int64, device='cpu')
    """
    x, dtype, device = _like(x, dtype, device)
    return _batched_as(zeros(x.shape, dtype=dtype, device=device, requires_grad=requires_grad), x)


def ones_like(x: ArrayLike, /, *, dtype: DTypeLike = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Return ones of the shape, dtype and device of `x`.

    Parameters
    ----------
    x, dtype, device, requires_grad
        As in `zeros_like`.

    Returns
    -------
    Tensor
        Ones of the shape of `x`.

    Examples
    --------
    >>> import agrad
    >>> agrad.ones_like(agrad.asarray([5, 6]))
    Tensor([1, 1], dtype=int64, device='cpu')
    """
    x, dtype, device = _like(x, dtype, device)
    return _batched_as(ones(x.shape, dtype=dtype, device=device, requires_grad=requires_grad), x)


def empty_like(
    x: ArrayLike, /, *, dtype: DTypeLike = None, device: Place = None, requires_grad: bool = False
) -> Tensor:
    """Return uninitialised values of the shape, dtype and device of `x`.

    Parameters
    ----------
    x, dtype, device, requires_grad
        As in `zeros_like`.

    Returns
    -------
    Tensor
        Arbitrary values of the shape of `x`.

    Examples
    --------
    >>> import agrad
    >>> agrad.empty_like(agrad.asarray([5, 6])).shape
    (2,)
    """
    x, dtype, device = _like(x, dtype, device)
    return _batched_as(empty(x.shape, dtype=dtype, device=device, requires_grad=requires_grad), x)


def full_like(
    x: ArrayLike, /, fill_value: complex, *, dtype: DTypeLike = None, device: Place = None, requires_grad: bool = False
) -> Tensor:
    """Return a Tensor filled with one value, of the shape, dtype and device of `x`.

    Parameters
    ----------
    x : ArrayLike
    fill_value : number, or Tensor of one element
        As in `full`.
    dtype, device, requires_grad
        As in `zeros_like`.

    Returns
    -------
    Tensor
        Of the shape of `x`.

    Raises
    ------
    TypeError
        As `full`.

    Examples
    --------
    >>> import agrad
    >>> agrad.full_like(agrad.asarray([5, 6]), 3)
    Tensor([3, 3], dtype=int64, device='cpu')
    """
    x, dtype, device = _like(x, dtype, device)
    return _batched_as(full(x.shape, fill_value, dtype=dtype, device=device, requires_grad=requires_grad), x)


def from_dlpack(x: Any, /, *, device: Place = None, copy: bool | None = None, requires_grad: bool = False) -> Tensor:
    """Convert an array of another library to a Tensor through DLPack, without a copy where possible.

    Parameters
    ----------
    x : object with ``__dlpack__``
    device : str or Device, optional
        By default that of `x` if agrad knows its library, else the current device.
    copy : bool, optional
        True always copies, False never does, None copies only where needed.
    requires_grad : bool
        Whether the result requires gradients.

    Returns
    -------
    Tensor
        With the values of `x`.

    Raises
    ------
    RuntimeError
        If `x` is a Tensor that requires gradients.
    BufferError, ValueError
        If the library cannot import `x`, or if ``copy=False`` and a copy is needed.

    Examples
    --------
    >>> import agrad
    >>> agrad.from_dlpack(agrad.asarray([1.0, 2.0]))
    Tensor([1., 2.], dtype=float32, device='cpu')
    """
    if isinstance(x, Tensor):
        if x.requires_grad:
            raise errors.lost_gradient("from_dlpack()")
        x = x._data
    target = Device(device) if device is not None else _device_of(x)
    try:
        array = target.xp.from_dlpack(x)
    except Exception as error:  # libraries raise many types of exceptions here
        if copy is False:
            raise BufferError(f"{target} cannot take this {type(x).__name__} without a copy: {error}") from error
        array = x
    result = asarray(array, device=target, copy=copy)
    return result if requires_grad is False else result.requires_grad_(requires_grad)


def _device_of(x: Any) -> Device:
    try:
        return Device.of(x)
    except TypeError:
        return get_device()


# Ranges and grids


def arange(
    start: float,
    /,
    stop: float | None = None,
    step: float = 1,
    *,
    dtype: DTypeLike = None,
    device: Place = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return evenly spaced numbers in the half-open interval [start, stop).

    Parameters
    ----------
    start : number
        The first number; if it is the only argument, it is `stop`, and the first number is 0.
    stop : number, optional
        The end of the interval, which is not part of the result.
    step : number
        The distance between neighbours.
    dtype : DType, optional
        The default integer if `start`, `stop` and `step` are integers, else the default dtype.
    device, requires_grad
        As in `zeros`.

    Returns
    -------
    Tensor
        Of ``ceil((stop - start) / step)`` elements.

    Raises
    ------
    ValueError
        If the step is 0, or the interval too long.
    OverflowError
        If a number does not fit into an integer `dtype`.
    TypeError
        If one of them is not a real number.
    RuntimeError
        If one of them is a Tensor that requires gradients: the number of elements would depend on it.

    Examples
    --------
    >>> import agrad
    >>> agrad.arange(3), agrad.arange(0, 1, 0.25)
    (Tensor([0, 1, 2], dtype=int64, device='cpu'), Tensor([0.  , 0.25, 0.5 , 0.75], dtype=float32, device='cpu'))
    """
    start, stop = (0, start) if stop is None else (start, stop)
    if any(map(_is_tracked, (start, stop, step))):
        raise errors.lost_gradient("arange()", "start + step * agrad.arange(n) for n numbers")
    numbers = [_number(number, "arange") for number in (start, stop, step)]
    if complex in map(type, numbers):
        raise TypeError(f"arange() needs real numbers; it got start, stop, step = {numbers}")
    if not numbers[2] or any(number != number for number in numbers):
        raise ValueError(f"arange() needs a step that is not 0, and no NaN; it got start, stop, step = {numbers}")
    first, step, count = numbers[0], numbers[2], (numbers[1] - numbers[0]) / numbers[2]
    if not count < 2**63:
        raise ValueError(f"arange({', '.join(map(str, numbers))}) would have {count:g} elements; take larger steps")
    if count > 0:
        _fits(dtype, first, first + step * (ceil(count) - 1))
    dtype = _dtype_of(*numbers) if dtype is None else dtype
    return _make("arange", *numbers, dtype=dtype, device=device, requires_grad=requires_grad)


def linspace(
    start: complex,
    stop: complex,
    /,
    num: int,
    *,
    dtype: DTypeLike = None,
    device: Place = None,
    endpoint: bool = True,
    requires_grad: bool = False,
) -> Tensor:
    """Return evenly spaced numbers from `start` to `stop`.

    Parameters
    ----------
    start, stop : number, or Tensor of one element
        Gradients flow to Tensors.
    num : int
        How many numbers to return.
    dtype : DType, optional
        The default dtype if left out, complex for complex ends; that of Tensors that require gradients.
    device : str or Device, optional
        The current device if left out; that of Tensors that require gradients.
    endpoint : bool
        Whether `stop` is the last number; if not, it is left out.
    requires_grad : bool
        Whether the result requires gradients.

    Returns
    -------
    Tensor
        Of shape (num,).

    Raises
    ------
    TypeError
        If `start` or `stop` is not a number, or `num` not an integer.
    ValueError
        If `num` is negative.

    Examples
    --------
    >>> import agrad
    >>> agrad.linspace(0, 1, 5)
    Tensor([0.  , 0.25, 0.5 , 0.75, 1.  ], dtype=float32, device='cpu')
    """
    num = as_integer("num", num, 0)
    if _stays(start) or _stays(stop):
        if dtype is None and not (_is_tracked(start) or _is_tracked(stop)):
            dtype = _dtype_of(start, stop, 1.0)
        return _finish(_between(start, stop, num, endpoint), dtype, device, requires_grad)
    ends = [_number(number, "linspace") for number in (start, stop)]
    _fits(dtype, *ends)
    dtype = _dtype_of(*ends, 1.0) if dtype is None else dtype
    return _make("linspace", *ends, num, dtype=dtype, device=device, requires_grad=requires_grad, endpoint=endpoint)


def _between(start: Any, stop: Any, num: int, endpoint: bool) -> Tensor:
    """Return evenly spaced numbers between two ends, of which at least one stays a Tensor."""
    ends = [_floating(x) if _stays(x) else _number(x, "linspace") for x in (start, stop)]
    tensors = [x for x in ends if isinstance(x, Tensor)]
    real = finfo(result_type(*tensors)).dtype
    share = linspace(0.0, 1.0, num, dtype=real, device=tensors[0].device, endpoint=endpoint)
    return multiply(ends[0], subtract(1.0, share)) + multiply(ends[1], share)


def _floating(x: Tensor) -> Tensor:
    """Return the number in a Tensor as a 0-d Tensor, floating or complex."""
    x = reshape(x, ())
    return x if x.dtype.differentiable else astype(x, get_default_dtype())


def meshgrid(*arrays: ArrayLike, indexing: Literal["xy", "ij"] = "xy") -> tuple[Tensor, ...]:
    """Return the coordinates of all points of a grid.

    Parameters
    ----------
    *arrays : ArrayLike
        The coordinates along each axis, each of one dimension.
    indexing : {"xy", "ij"}
        ``"ij"`` puts the first array along the first axis, ``"xy"`` along the second as in pictures.

    Returns
    -------
    tuple of Tensor
        As many as there are arrays, each of the grid's shape.

    Raises
    ------
    ValueError
        If an array has more than one dimension, or `indexing` is something else.

    Examples
    --------
    >>> import agrad
    >>> x, y = agrad.meshgrid(agrad.asarray([1, 2]), agrad.asarray([3, 4, 5]), indexing="ij")
    >>> y
    Tensor([[3, 4, 5],
            [3, 4, 5]], dtype=int64, device='cpu')
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f"indexing must be 'xy' or 'ij', not {indexing!r}")
    tensors = [as_tensor(x) for x in arrays]
    if any(x.ndim > 1 for x in tensors):
        raise ValueError(f"meshgrid needs 1-d arrays, not the shapes {[x.shape for x in tensors]}")
    axes = list(range(len(tensors)))
    if indexing == "xy":
        axes[:2] = axes[:2][::-1]
    shapes = [(1,) * i + (-1,) + (1,) * (len(axes) - i - 1) for i in axes]
    return broadcast_arrays(*[reshape(x, shape) for x, shape in zip(tensors, shapes, strict=True)])


@primitive
def tril(xp: Namespace, x: ArrayLike, /, *, k: int = 0) -> Tensor:
    """Return the lower triangle of each matrix, with zeros above it.

    Parameters
    ----------
    x : ArrayLike
        Of shape (..., M, N).
    k : int
        The highest diagonal to keep: 0 is the main one, negative ones are below it.

    Returns
    -------
    Tensor
        Of the shape of `x`.

    Examples
    --------
    >>> import agrad
    >>> agrad.tril(agrad.ones((2, 3)))
    Tensor([[1., 0., 0.],
            [1., 1., 0.]], dtype=float32, device='cpu')
    """
    return xp.tril(x, k=as_integer("k", k))


tril.vjp(x=lambda g, xp, k: xp.tril(g, k=k))


@primitive
def triu(xp: Namespace, x: ArrayLike, /, *, k: int = 0) -> Tensor:
    """Return the upper triangle of each matrix, with zeros below it.

    Parameters
    ----------
    x : ArrayLike
        Of shape (..., M, N).
    k : int
        The lowest diagonal to keep: 0 is the main one, positive ones are above it.

    Returns
    -------
    Tensor
        Of the shape of `x`.

    Examples
    --------
    >>> import agrad
    >>> agrad.triu(agrad.ones((2, 3)))
    Tensor([[1., 1., 1.],
            [0., 1., 1.]], dtype=float32, device='cpu')
    """
    return xp.triu(x, k=as_integer("k", k))


triu.vjp(x=lambda g, xp, k: xp.triu(g, k=k))
