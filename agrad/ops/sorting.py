"""Sorting functions."""

from __future__ import annotations

from ..backends import device_of
from ..checks import check_flags
from ..core.primitive import ArrayLike, primitive
from ..core.tensor import Tensor
from ..core.typing import Array, Namespace
from .data_type import require_real
from .statistical import axes_of

__all__ = ["argsort", "sort"]


@primitive
def argsort(xp: Namespace, x: ArrayLike, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """Return the indices that sort an array along an axis.

    Parameters
    ----------
    x : ArrayLike
        Real.
    axis : int
        The axis to sort along; of a 0-d array, 0 or -1.
    descending : bool
        Whether to sort from the largest to the smallest.
    stable : bool
        Whether equal elements keep their order.

    Returns
    -------
    Tensor
        Integers of the shape of `x`, for `take_along_axis`.

    Examples
    --------
    >>> import agrad
    >>> agrad.argsort(agrad.asarray([3.0, 1.0, 2.0]))
    Tensor([1, 2, 0], dtype=int64, device='cpu')
    """
    check_flags(descending=descending, stable=stable)
    require_real(x)
    if axes_of(x, axis) is None:
        return xp.zeros((), dtype=xp.int64, device=device_of(x))
    if stable and not descending:
        return xp.argsort(x, axis=axis)
    return xp.argsort(x, axis=axis, **_asked(descending, stable))


@primitive
def sort(xp: Namespace, x: ArrayLike, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """Return a copy of an array, sorted along an axis.

    The gradient of each element goes to where it was in `x`, also among equal elements.

    Parameters
    ----------
    x, axis, descending, stable
        As in `argsort`.

    Returns
    -------
    Tensor
        Of the shape of `x`.

    Examples
    --------
    >>> import agrad
    >>> agrad.sort(agrad.asarray([3.0, 1.0, 2.0]), descending=True)
    Tensor([3., 2., 1.], dtype=float32, device='cpu')
    """
    check_flags(descending=descending, stable=stable)
    require_real(x)
    if axes_of(x, axis) is None:
        return xp.asarray(x, copy=True)
    if stable and not descending:
        return xp.sort(x, axis=axis)
    return xp.sort(x, axis=axis, **_asked(descending, stable))


def _asked(descending: bool, stable: bool) -> dict[str, bool]:
    """Return the settings that differ from the standard's defaults; some libraries lack these keywords."""
    return ({"descending": True} if descending else {}) | ({} if stable else {"stable": False})


def _unsorted(g: Array, x: Array, xp: Namespace, axis: int, descending: bool) -> Array:
    if axes_of(x, axis) is None:
        return g
    order = xp.argsort(x, axis=axis, **_asked(descending, True))
    return xp.take_along_axis(g, xp.argsort(order, axis=axis), axis=axis)


sort.vjp(x=_unsorted)
