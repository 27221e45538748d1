"""What array_api_extra adds to the standard, of Tensors: its functions, called with agrad's namespace.

It is imported when one of them is first asked for.
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
    """Call a function of array_api_extra with Tensors, all beside the first."""
    first = as_tensor(arrays[0], next((x for x in arrays if isinstance(x, Tensor)), None))
    others = [x if isinstance(x, Tensor) else as_tensor(x, first) for x in arrays[1:]]
    return getattr(extra, name)(first, *others, xp=first.__array_namespace__(), **settings)


class at(extra.at):  # type: ignore[misc]  # noqa: N801 - array_api_extra's name, and its own two attributes
    """Change a part of an array, and return the whole: ``at(x)[key].add(v)``; `x` stays what it is.

    The methods are those of `array_api_extra.at`: `set`, `add`, `subtract`, `multiply`, `divide`, `power`, `min` and
    `max`. Where an array in the key names a place several times, `add` and `subtract` count each of them, as they do
    in JAX; of the others, the last one stays.

    Parameters
    ----------
    x : Tensor
    key : optional
        Any key of ``x[key]``, in brackets or here.

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
        """Add `y` to each place that the key names."""
        x, key = self._x, self._idx
        if not isinstance(x, Tensor) or copy is False:
            return super().add(y, copy=copy, xp=xp)
        places = getitem(reshape(arange(x.size, device=x.device), x.shape), key)
        y = broadcast_to(as_tensor(y, x), places.shape)
        total = add_at(reshape(y, (-1,)), reshape(places, (-1,)), axis=0, shape=(x.size,))
        return add(x, astype(reshape(total, x.shape), x.dtype, copy=False))

    def subtract(self, y: ArrayLike, /, copy: bool | None = None, xp: Namespace = None) -> Array:
        """Subtract `y` from each place that the key names."""
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
    """Compute one function where a condition holds, and another elsewhere, each of its own elements alone.

    So there is no NaN in the gradient of a formula that divides by zero where it does not count.

    Parameters
    ----------
    cond : ArrayLike
        Boolean.
    args : ArrayLike or tuple of ArrayLike
        What the functions take.
    f1, f2 : callable
        Elementwise functions.
    fill_value : ArrayLike, optional
        What stands where the condition does not hold, in place of `f2`.

    Returns
    -------
    Tensor

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
        Whether in degrees instead of radians.

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
    """Put axes of length 1 in front until there are `ndim` of them.

    Parameters
    ----------
    x : ArrayLike
    ndim : int

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
    """Return the covariances of variables.

    Parameters
    ----------
    m : ArrayLike
        A variable in each row, an observation in each column.

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
        How far above the main diagonal; below it, if negative.

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
    """Return angles in radians that are given in degrees, elementwise.

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
    """Whether numbers are close to others: ``abs(a - b) <= atol + rtol * abs(b)``, elementwise.

    Parameters
    ----------
    a, b : ArrayLike
    rtol, atol : float
    equal_nan : bool
        Whether NaN is close to NaN.

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
        Each axis as long as those of `a` and `b` multiplied.

    Examples
    --------
    >>> import agrad
    >>> agrad.kron(agrad.asarray([1, 10]), agrad.asarray([1, 2, 3]))
    Tensor([ 1,  2,  3, 10, 20, 30], dtype=int64, device='cpu')
    """
    return _call("kron", a, b)


def nan_to_num(x: ArrayLike, /, *, fill_value: float = 0.0) -> Tensor:
    """Return an array with numbers for NaN, and the largest ones for infinities.

    Parameters
    ----------
    x : ArrayLike
    fill_value : float
        What stands for NaN.

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
    """Return the largest elements, without those that are NaN.

    Parameters
    ----------
    a : ArrayLike
    axis : int or tuple of int, optional
        The axes to reduce; all of them by default.

    Returns
    -------
    Tensor
        NaN where there is nothing else.

    Examples
    --------
    >>> import agrad
    >>> agrad.nanmax(agrad.asarray([agrad.nan, 1.0, 2.0]))
    Tensor(2., dtype=float32, device='cpu')
    """
    return _call("nanmax", a, axis=axis)


def nanmean(a: ArrayLike, /, *, axis: Axis = None) -> Tensor:
    """Return the means of the elements that are not NaN.

    Parameters
    ----------
    a : ArrayLike
    axis : int or tuple of int, optional
        The axes to reduce; all of them by default.

    Returns
    -------
    Tensor
        NaN where there is nothing else.

    Examples
    --------
    >>> import agrad
    >>> agrad.nanmean(agrad.asarray([agrad.nan, 1.0, 2.0]))
    Tensor(1.5, dtype=float32, device='cpu')
    """
    return _call("nanmean", a, axis=axis)


def nanmin(a: ArrayLike, /, *, axis: Axis = None) -> Tensor:
    """Return the smallest elements, without those that are NaN.

    Parameters
    ----------
    a : ArrayLike
    axis : int or tuple of int, optional
        The axes to reduce; all of them by default.

    Returns
    -------
    Tensor
        NaN where there is nothing else.

    Examples
    --------
    >>> import agrad
    >>> agrad.nanmin(agrad.asarray([agrad.nan, 1.0, 2.0]))
    Tensor(1., dtype=float32, device='cpu')
    """
    return _call("nanmin", a, axis=axis)


def nansum(a: ArrayLike, /, *, axis: Axis = None) -> Tensor:
    """Return the sums of the elements that are not NaN.

    Parameters
    ----------
    a : ArrayLike
    axis : int or tuple of int, optional
        The axes to reduce; all of them by default.

    Returns
    -------
    Tensor
        0 where there is nothing else.

    Examples
    --------
    >>> import agrad
    >>> agrad.nansum(agrad.asarray([agrad.nan, 1.0, 2.0]))
    Tensor(3., dtype=float32, device='cpu')
    """
    return _call("nansum", a, axis=axis)


def partition(a: ArrayLike, kth: int, /, axis: int | None = -1) -> Tensor:
    """Put the element that belongs at one place there, smaller ones before and larger ones behind it.

    Parameters
    ----------
    a : ArrayLike
    kth : int
        The place, in ascending order.
    axis : int, optional
        None for all elements in one row.

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
    """Return angles in degrees that are given in radians, elementwise.

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
    """Return the values of one array that are not in another.

    Parameters
    ----------
    x1, x2 : ArrayLike

    Returns
    -------
    Tensor
        Ascending, of one axis.

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
    """Return the values that are in one of two arrays or both.

    Parameters
    ----------
    a, b : ArrayLike

    Returns
    -------
    Tensor
        Ascending, of one axis.

    Examples
    --------
    >>> import agrad
    >>> agrad.union1d(agrad.asarray([1, 3]), agrad.asarray([2, 3]))
    Tensor([1, 2, 3], dtype=int64, device='cpu')
    """
    return _call("union1d", a, b)
