"""The functions that array_api_extra adds to the array API standard, for Tensors.

This module, and array_api_extra with it, is imported when one of them is first used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import array_api_extra as extra

from ..core.primitive import ArrayLike
from ..core.tensor import Tensor
from ..core.typing import Array, Namespace
from .creation import arange
from .data_type import as_tensor, astype
from .elementwise import add, negative
from .gathering import add_at
from .indexing import getitem
from .manipulation import broadcast_to, reshape

__all__ = [
    "angle", "apply_where", "at", "atleast_nd", "cov", "create_diagonal", "deg2rad", "isclose", "kron", "nan_to_num",
    "nanmax", "nanmean", "nanmin", "nansum", "partition", "rad2deg", "setdiff1d", "sinc", "union1d",
]  # fmt: skip

Axis = int | tuple[int, ...] | None


def _call(name: str, *arrays: ArrayLike, **settings: Any) -> Tensor:
    """Call a function of array_api_extra; numbers and arrays become Tensors on the device of the first Tensor."""
    first = as_tensor(arrays[0], next((x for x in arrays if isinstance(x, Tensor)), None))
    others = [x if isinstance(x, Tensor) else as_tensor(x, first) for x in arrays[1:]]
    return getattr(extra, name)(first, *others, xp=first.__array_namespace__(), **settings)


class at(extra.at):  # type: ignore[misc]  # noqa: N801 - array_api_extra's name, and its own two attributes
    """Return an array with some elements updated: ``at(x)[key].add(v)``; `x` is unchanged.

    The methods are those of `array_api_extra.at`: `set`, `add`, `subtract`, `multiply`, `divide`, `power`, `min` and
    `max`. If an index array selects an element several times, `add` and `subtract` accumulate, as in JAX; for the
    other methods, the last one counts.

    Parameters
    ----------
    x : Tensor
        The array to update.
    idx : optional
        The key, as in ``x[key]``; it is given either here or in brackets.

    Examples
    --------
    >>> import agrad
    >>> x, v = agrad.zeros(3), agrad.tensor([1.0, 2.0, 4.0], requires_grad=True)
    >>> y = agrad.at(x)[[0, 2, 2]].add(v)
    >>> y.detach()
    Tensor([1., 0., 6.], dtype=float32, device='cpu')
    >>> agrad.sum(y * y).backward()
    >>> v.grad
    Tensor([ 2., 12., 12.], dtype=float32, device='cpu')
    """

    __slots__ = ()

    def add(self, y: ArrayLike, /, copy: bool | None = None, xp: Namespace = None) -> Array:
        """Return the array with `y` added to the selected elements; repeated indices accumulate."""
        x, key = self._x, self._idx
        if not isinstance(x, Tensor) or copy is False:
            return super().add(y, copy=copy, xp=xp)
        places = getitem(reshape(arange(x.size, device=x.device), x.shape), key)
        y = broadcast_to(as_tensor(y, x), places.shape)
        total = add_at(reshape(y, (-1,)), reshape(places, (-1,)), axis=0, shape=(x.size,))
        return add(x, astype(reshape(total, x.shape), x.dtype, copy=False))

    def subtract(self, y: ArrayLike, /, copy: bool | None = None, xp: Namespace = None) -> Array:
        """Return the array with `y` subtracted from the selected elements; repeated indices accumulate."""
        if not isinstance(self._x, Tensor) or copy is False:
            return super().subtract(y, copy=copy, xp=xp)
        return self.add(negative(as_tensor(y, self._x)))


def apply_where(
    cond: ArrayLike,
    args: ArrayLike | tuple[ArrayLike, ...],
    f1: Callable[..., Tensor],
    f2: Callable[..., Tensor] | None = None,
    /,
    *,
    fill_value: ArrayLike = None,
) -> Tensor:
    """Apply one function where a condition holds and another elsewhere, each only to its own elements.

    Unlike with `where`, a formula that divides by zero where it is not selected gives no NaN in the gradient.

    Parameters
    ----------
    cond : ArrayLike
        Boolean.
    args : ArrayLike or tuple of ArrayLike
        The arguments of the functions.
    f1, f2 : callable
        Elementwise functions.
    fill_value : ArrayLike, optional
        The value where the condition does not hold; give either this or `f2`.

    Returns
    -------
    Tensor
        Of the broadcast shape.

    Examples
    --------
    >>> import agrad
    >>> x = agrad.asarray([0.0, 4.0])
    >>> agrad.apply_where(x > 0, x, agrad.log2, fill_value=-1.0)
    Tensor([-1.,  2.], dtype=float32, device='cpu')
    """
    cond = as_tensor(cond)
    xp = cond.__array_namespace__()
    taken = tuple(as_tensor(x, cond) for x in args) if isinstance(args, tuple) else as_tensor(args, cond)
    return extra.apply_where(cond, taken, f1, f2, fill_value=fill_value, xp=xp)


def angle(z: ArrayLike, /, *, deg: bool = False) -> Tensor:
    """Return the angles of complex numbers, elementwise.

    Parameters
    ----------
    z : ArrayLike
    deg : bool
        Whether to return degrees instead of radians.

    Returns
    -------
    Tensor
        Real.

    Examples
    --------
    >>> import agrad
    >>> agrad.angle(agrad.asarray([1j, 1.0 + 0j]), deg=True)
    Tensor([90.,  0.], dtype=float32, device='cpu')
    """
    return _call("angle", z, deg=deg)


def atleast_nd(x: ArrayLike, /, *, ndim: int) -> Tensor:
    """Prepend axes of length 1 until there are at least `ndim` axes.

    Parameters
    ----------
    x : ArrayLike
    ndim : int
        The minimal number of axes.

    Returns
    -------
    Tensor
        With at least `ndim` axes.

    Examples
    --------
    >>> import agrad
    >>> agrad.atleast_nd(agrad.asarray([1, 2]), ndim=2)
    Tensor([[1, 2]], dtype=int64, device='cpu')
    """
    return _call("atleast_nd", x, ndim=ndim)


def cov(m: ArrayLike, /) -> Tensor:
    """Return the covariance matrix of variables, normalized by n - 1.

    Parameters
    ----------
    m : ArrayLike
        Each row is a variable, each column an observation.

    Returns
    -------
    Tensor
        Of shape (n, n) for n variables.

    Examples
    --------
    >>> import agrad
    >>> agrad.cov(agrad.asarray([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
    Tensor([[ 1., -1.],
        [-1.,  1.]], dtype=float64, device='cpu')
    """
    return _call("cov", m)


def create_diagonal(x: ArrayLike, /, *, offset: int = 0) -> Tensor:
    """Return matrices of zeros with given diagonals.

    Parameters
    ----------
    x : ArrayLike
        Of shape (..., n).
    offset : int
        Offset from the main diagonal: positive above it, negative below it.

    Returns
    -------
    Tensor
        Of shape (..., n + abs(offset), n + abs(offset)).

    Examples
    --------
    >>> import agrad
    >>> agrad.create_diagonal(agrad.asarray([1, 2]))
    Tensor([[1, 0],
        [0, 2]], dtype=int64, device='cpu')
    """
    return _call("create_diagonal", x, offset=offset)


def deg2rad(x: ArrayLike, /) -> Tensor:
    """Convert angles from degrees to radians, elementwise.

    Parameters
    ----------
    x : ArrayLike

    Returns
    -------
    Tensor
        Of the shape of `x`.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(100 * agrad.deg2rad(agrad.asarray([0.0, 90.0])))
    Tensor([  0., 157.], dtype=float32, device='cpu')
    """
    return _call("deg2rad", x)


def isclose(a: ArrayLike, b: ArrayLike, *, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Return whether two arrays are equal within a tolerance, ``abs(a - b) <= atol + rtol * abs(b)``, elementwise.

    Parameters
    ----------
    a, b : ArrayLike
    rtol, atol : float
        The relative and the absolute tolerance.
    equal_nan : bool
        Whether NaN counts as equal to NaN.

    Returns
    -------
    Tensor
        Boolean.

    Examples
    --------
    >>> import agrad
    >>> agrad.isclose(agrad.asarray([1.0, 2.0]), agrad.asarray([1.0, 2.1]))
    Tensor([ True, False], dtype=bool, device='cpu')
    """
    return _call("isclose", a, b, rtol=rtol, atol=atol, equal_nan=equal_nan)


def kron(a: ArrayLike, b: ArrayLike, /) -> Tensor:
    """Return the Kronecker product: each element of `a` times all of `b`.

    Parameters
    ----------
    a, b : ArrayLike

    Returns
    -------
    Tensor
        The length of each axis is the product of those of `a` and `b`.

    Examples
    --------
    >>> import agrad
    >>> agrad.kron(agrad.asarray([1, 10]), agrad.asarray([1, 2, 3]))
    Tensor([ 1,  2,  3, 10, 20, 30], dtype=int64, device='cpu')
    """
    return _call("kron", a, b)


def nan_to_num(x: ArrayLike, /, *, fill_value: float = 0.0) -> Tensor:
    """Replace NaN with a number, and infinities with the largest finite numbers.

    Parameters
    ----------
    x : ArrayLike
    fill_value : float
        The replacement for NaN.

    Returns
    -------
    Tensor
        Of the shape of `x`.

    Examples
    --------
    >>> import agrad
    >>> agrad.nan_to_num(agrad.asarray([agrad.nan, 1.0]))
    Tensor([0., 1.], dtype=float32, device='cpu')
    """
    return _call("nan_to_num", x, fill_value=fill_value)


def nanmax(a: ArrayLike, /, *, axis: Axis = None) -> Tensor:
    """Return the maximum along axes, ignoring NaN.

    Parameters
    ----------
    a : ArrayLike
    axis : int or tuple of int, optional
        The axes to reduce; all of them by default.

    Returns
    -------
    Tensor
        NaN where all elements are NaN.

    Examples
    --------
    >>> import agrad
    >>> agrad.nanmax(agrad.asarray([agrad.nan, 1.0, 2.0]))
    Tensor(2., dtype=float32, device='cpu')
    """
    return _call("nanmax", a, axis=axis)


def nanmean(a: ArrayLike, /, *, axis: Axis = None) -> Tensor:
    """Return the mean along axes, ignoring NaN.

    Parameters
    ----------
    a : ArrayLike
    axis : int or tuple of int, optional
        The axes to reduce; all of them by default.

    Returns
    -------
    Tensor
        NaN where all elements are NaN.

    Examples
    --------
    >>> import agrad
    >>> agrad.nanmean(agrad.asarray([agrad.nan, 1.0, 2.0]))
    Tensor(1.5, dtype=float32, device='cpu')
    """
    return _call("nanmean", a, axis=axis)


def nanmin(a: ArrayLike, /, *, axis: Axis = None) -> Tensor:
    """Return the minimum along axes, ignoring NaN.

    Parameters
    ----------
    a : ArrayLike
    axis : int or tuple of int, optional
        The axes to reduce; all of them by default.

    Returns
    -------
    Tensor
        NaN where all elements are NaN.

    Examples
    --------
    >>> import agrad
    >>> agrad.nanmin(agrad.asarray([agrad.nan, 1.0, 2.0]))
    Tensor(1., dtype=float32, device='cpu')
    """
    return _call("nanmin", a, axis=axis)


def nansum(a: ArrayLike, /, *, axis: Axis = None) -> Tensor:
    """Return the sum along axes, ignoring NaN.

    Parameters
    ----------
    a : ArrayLike
    axis : int or tuple of int, optional
        The axes to reduce; all of them by default.

    Returns
    -------
    Tensor
        0 where all elements are NaN.

    Examples
    --------
    >>> import agrad
    >>> agrad.nansum(agrad.asarray([agrad.nan, 1.0, 2.0]))
    Tensor(3., dtype=float32, device='cpu')
    """
    return _call("nansum", a, axis=axis)


def partition(a: ArrayLike, kth: int, /, axis: int | None = -1) -> Tensor:
    """Partition an array: the element at `kth` is that of the sorted array, smaller ones come before it, larger after.

    Parameters
    ----------
    a : ArrayLike
    kth : int
        Index of the element to put in sorted position.
    axis : int, optional
        The axis along which to sort; None flattens the array first.

    Returns
    -------
    Tensor
        Of the shape of `a`.

    Examples
    --------
    >>> import agrad
    >>> agrad.partition(agrad.asarray([3.0, 1.0, 2.0]), 1)[1]
    Tensor(2., dtype=float32, device='cpu')
    """
    a = as_tensor(a)
    return extra.partition(a, kth, axis, xp=a.__array_namespace__())


def rad2deg(x: ArrayLike, /) -> Tensor:
    """Convert angles from radians to degrees, elementwise.

    Parameters
    ----------
    x : ArrayLike

    Returns
    -------
    Tensor
        Of the shape of `x`.

    Examples
    --------
    >>> import agrad
    >>> agrad.rad2deg(agrad.asarray([0.0, agrad.pi]))
    Tensor([  0., 180.], dtype=float32, device='cpu')
    """
    return _call("rad2deg", x)


def setdiff1d(x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the unique values of `x1` that are not in `x2`.

    Parameters
    ----------
    x1, x2 : ArrayLike

    Returns
    -------
    Tensor
        Of one axis, in ascending order.

    Examples
    --------
    >>> import agrad
    >>> agrad.setdiff1d(agrad.asarray([1, 2, 3]), agrad.asarray([2]))
    Tensor([1, 3], dtype=int64, device='cpu')
    """
    return _call("setdiff1d", x1, x2)


def sinc(x: ArrayLike, /) -> Tensor:
    """Return ``sin(pi * x) / (pi * x)``, elementwise, and 1 at 0; as `agrad.special.sinc`.

    Parameters
    ----------
    x : ArrayLike

    Returns
    -------
    Tensor
        Of the shape of `x`.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(100 * agrad.sinc(agrad.asarray([0.0, 0.5])))
    Tensor([100.,  64.], dtype=float32, device='cpu')
    """
    return _call("sinc", x)


def union1d(a: ArrayLike, b: ArrayLike, /) -> Tensor:
    """Return the unique values that are in either of two arrays.

    Parameters
    ----------
    a, b : ArrayLike

    Returns
    -------
    Tensor
        Of one axis, in ascending order.

    Examples
    --------
    >>> import agrad
    >>> agrad.union1d(agrad.asarray([1, 3]), agrad.asarray([2, 3]))
    Tensor([1, 2, 3], dtype=int64, device='cpu')
    """
    return _call("union1d", a, b)
