"""The sample frequencies of a transform, and their order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..checks import as_integer
from ..core.device import Device
from ..core.dtypes import as_dtype, get_default_dtype
from ..core.primitive import ArrayLike
from ..core.tensor import Tensor
from ..core.typing import DTypeLike
from ..ops.creation import arange
from ..ops.data_type import as_tensor, astype, isdtype
from ..ops.manipulation import roll
from ..ops.searching import where

__all__ = ["fftfreq", "fftshift", "ifftshift", "rfftfreq"]


def fftfreq(n: int, /, *, d: float = 1.0, dtype: DTypeLike = None, device: str | Device | None = None) -> Tensor:
    """Return the sample frequencies of `fft`: 0, then the positive ones, then the negative ones.

    Parameters
    ----------
    n : int
        The length of the axis that was transformed.
    d : float
        The sample spacing.
    dtype : DType, optional
        The default dtype if left out.
    device : str or Device, optional
        The current device if left out.

    Returns
    -------
    Tensor
        Of shape (n,).

    Raises
    ------
    TypeError
        If `dtype` is not real floating.

    Examples
    --------
    >>> import agrad
    >>> agrad.fft.fftfreq(4)
    Tensor([ 0.  ,  0.25, -0.5 , -0.25], dtype=float32, device='cpu')
    """
    places = arange(as_integer("n", n, 1), device=device)
    return _frequencies(where(2 * places < n, places, places - n), n, d, dtype)


def rfftfreq(n: int, /, *, d: float = 1.0, dtype: DTypeLike = None, device: str | Device | None = None) -> Tensor:
    """Return the sample frequencies of `rfft`.

    Parameters
    ----------
    n : int
        The length of the axis that was transformed.
    d, dtype, device
        As in `fftfreq`.

    Returns
    -------
    Tensor
        Of shape (n // 2 + 1,).

    Raises
    ------
    TypeError
        If `dtype` is not real floating.

    Examples
    --------
    >>> import agrad
    >>> agrad.fft.rfftfreq(4)
    Tensor([0.  , 0.25, 0.5 ], dtype=float32, device='cpu')
    """
    return _frequencies(arange(as_integer("n", n, 1) // 2 + 1, device=device), n, d, dtype)


def _frequencies(places: Tensor, n: int, d: float, dtype: DTypeLike) -> Tensor:
    dtype = get_default_dtype() if dtype is None else as_dtype(dtype)
    if not isdtype(dtype, "real floating"):
        raise TypeError(f"frequencies are real numbers, not {dtype!r}; leave dtype out, or write agrad.float64")
    return astype(places, dtype) / (n * d)


def fftshift(x: ArrayLike, /, *, axes: int | Sequence[int] | None = None) -> Tensor:
    """Shift the zero frequency from the start to the middle.

    Parameters
    ----------
    x : ArrayLike
        Of any shape.
    axes : int or sequence of int, optional
        The axes to shift; all of them by default.

    Returns
    -------
    Tensor
        Of the shape of `x`.

    Examples
    --------
    >>> import agrad
    >>> agrad.fft.fftshift(agrad.fft.fftfreq(4))
    Tensor([-0.5 , -0.25,  0.  ,  0.25], dtype=float32, device='cpu')
    """
    return _shifted(as_tensor(x), axes, lambda n: n // 2)


def ifftshift(x: ArrayLike, /, *, axes: int | Sequence[int] | None = None) -> Tensor:
    """Undo `fftshift`.

    Parameters
    ----------
    x, axes
        As in `fftshift`.

    Returns
    -------
    Tensor
        Of the shape of `x`.

    Examples
    --------
    >>> import agrad
    >>> agrad.fft.ifftshift(agrad.asarray([-0.5, -0.25, 0.0, 0.25]))
    Tensor([ 0.  ,  0.25, -0.5 , -0.25], dtype=float32, device='cpu')
    """
    return _shifted(as_tensor(x), axes, lambda n: -(n // 2))


def _shifted(x: Tensor, axes: int | Sequence[int] | None, shift: Callable[[int], int]) -> Tensor:
    along = range(x.ndim) if axes is None else [axes] if isinstance(axes, int) else axes
    return roll(x, tuple(shift(x.shape[axis]) for axis in along), axis=tuple(along))
