"""Transforms with a real side: half of the complex side is left out, as it is the conjugate of the other half."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ..backends import device_of
from ..core.primitive import ArrayLike, primitive
from ..core.tensor import Tensor
from ..core.typing import Array, Namespace
from ..ops.data_type import as_complex, as_tensor
from ..ops.elementwise import conj
from .transforms import Norm, fftn, ifftn, lengths, resized

__all__ = ["hfft", "ihfft", "irfft", "irfftn", "rfft", "rfftn"]

_INVERSE: Final[dict[Any, Norm]] = {"backward": "forward", "ortho": "ortho", "forward": "backward"}


@primitive
def rfft(xp: Namespace, x: ArrayLike, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Tensor:
    """Return the discrete Fourier transform of real numbers along an axis, without its redundant second half.

    Parameters
    ----------
    x : ArrayLike
        Real, of any shape with an axis.
    n, axis, norm
        As in `fft`.

    Returns
    -------
    Tensor
        Complex, of the shape of `x` with length n // 2 + 1 along the axis.

    Raises
    ------
    TypeError
        If `x` is complex.
    ValueError, NotImplementedError or RuntimeError
        As `fft`.

    Examples
    --------
    >>> import agrad
    >>> agrad.fft.rfft(agrad.asarray([1.0, 0.0, 0.0, 0.0]))
    Tensor([1.+0.j, 1.+0.j, 1.+0.j], dtype=complex64, device='cpu')
    """
    if xp.isdtype(x.dtype, "complex floating"):
        raise TypeError("rfft transforms real numbers; write fft for complex ones")
    return xp.fft.rfft(x, n=n, axis=axis, norm=norm)


def _rfft_x(g: Array, xp: Namespace, x_shape: tuple[int, ...], n: int | None, axis: int, norm: Norm) -> Array:
    n = x_shape[axis] if n is None else n
    gx = xp.fft.hfft(g / _times(xp, g, n, axis), n=n, axis=axis, norm=norm)
    return resized(xp, gx, x_shape, axis)


def _times(xp: Namespace, x: Array, n: int, axis: int) -> Array:
    """Return how often each element of a half spectrum occurs in the full one of length n: once or twice."""
    places = xp.arange(n // 2 + 1, device=device_of(x))
    shape = [1] * x.ndim
    shape[axis] = n // 2 + 1
    alone = xp.astype((places == 0) | (2 * places == n), x.dtype)
    return xp.reshape(2.0 - alone, tuple(shape))


rfft.vjp(x=_rfft_x)


@primitive
def irfft(xp: Namespace, x: ArrayLike, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Tensor:
    """Return the inverse of `rfft` along an axis.

    Parameters
    ----------
    x : ArrayLike
        Complex, of any shape with an axis; real numbers become complex. The imaginary part of the first element, and
        of the last for even n, counts as 0.
    n : int, optional
        The length of the result: elements beyond n // 2 + 1 are cut off, missing ones are 0. By default twice the
        length of the axis, minus 2.
    axis, norm
        As in `fft`.

    Returns
    -------
    Tensor
        Real, of the shape of `x` with length n along the axis.

    Raises
    ------
    ValueError, NotImplementedError or RuntimeError
        As `fft`.

    Examples
    --------
    >>> import agrad
    >>> agrad.fft.irfft(agrad.asarray([1.0 + 0j, 1.0, 1.0]))
    Tensor([1., 0., 0., 0.], dtype=float32, device='cpu')
    """
    length = 2 * (x.shape[axis] - 1) if n is None else n
    if length < 1:
        raise ValueError(f"irfft returns a length of 1 or more along the axis, not {length}; write n=1 or larger")
    return xp.fft.irfft(as_complex(xp, x), n=n, axis=axis, norm=norm)


def _irfft_x(g: Array, xp: Namespace, x_shape: tuple[int, ...], axis: int, norm: Norm) -> Array:
    half = xp.fft.ihfft(g, axis=axis, norm=norm)
    return resized(xp, half * _times(xp, half, g.shape[axis], axis), x_shape, axis)


irfft.vjp(x=_irfft_x)


def hfft(x: ArrayLike, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Tensor:
    """Return the real discrete Fourier transform of a Hermitian-symmetric signal, given its first half.

    Parameters
    ----------
    x : ArrayLike
        Complex, of any shape with an axis: the first half, n // 2 + 1 elements, of the signal.
    n, axis, norm
        As in `irfft`, and `norm` as in `fft`.

    Returns
    -------
    Tensor
        Real, of the shape of `x` with length n along the axis.

    Raises
    ------
    ValueError, NotImplementedError or RuntimeError
        As `fft`.

    Examples
    --------
    >>> import agrad
    >>> agrad.fft.hfft(agrad.asarray([1.0 + 0j, 0.0, 0.0]))
    Tensor([1., 1., 1., 1.], dtype=float32, device='cpu')
    """
    return irfft(conj(x), n=n, axis=axis, norm=_inverse(norm))


def ihfft(x: ArrayLike, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Tensor:
    """Return the inverse of `hfft` along an axis.

    Parameters
    ----------
    x : ArrayLike
        Real, of any shape with an axis.
    n, axis, norm
        As in `fft`.

    Returns
    -------
    Tensor
        Complex, of the shape of `x` with length n // 2 + 1 along the axis.

    Raises
    ------
    TypeError, ValueError, NotImplementedError or RuntimeError
        As `rfft`.

    Examples
    --------
    >>> import agrad
    >>> agrad.real(agrad.fft.ihfft(agrad.asarray([1.0, 1.0, 1.0, 1.0])))
    Tensor([1., 0., 0.], dtype=float32, device='cpu')
    """
    return conj(rfft(x, n=n, axis=axis, norm=_inverse(norm)))


def _inverse(norm: Norm) -> Norm:
    if norm not in _INVERSE:
        raise ValueError(f"norm must be 'backward', 'ortho' or 'forward', not {norm!r}")
    return _INVERSE[norm]


# Along several axes


def rfftn(
    x: ArrayLike, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: Norm = "backward"
) -> Tensor:
    """Return the discrete Fourier transform of real numbers along several axes, halved along the last one.

    Parameters
    ----------
    x : ArrayLike
        Real, of any shape.
    s, axes, norm
        As in `fftn`.

    Returns
    -------
    Tensor
        Complex, of the shape of `x` with the lengths n of `s` along the axes, and n // 2 + 1 along the last of them.

    Raises
    ------
    TypeError, ValueError, NotImplementedError or RuntimeError
        As `rfft` and `fftn`.

    Examples
    --------
    >>> import agrad
    >>> agrad.fft.rfftn(agrad.ones((2, 4))).shape
    (2, 3)
    """
    x = as_tensor(x)
    (*others, n), (*other_axes, axis) = lengths(x.shape, s, axes)
    half = rfft(x, n=n, axis=axis, norm=norm)
    return fftn(half, s=others, axes=other_axes, norm=norm) if others else half


def irfftn(
    x: ArrayLike, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: Norm = "backward"
) -> Tensor:
    """Return the inverse of `rfftn` along several axes.

    Parameters
    ----------
    x : ArrayLike
        Complex, of any shape; real numbers become complex.
    s : sequence of int, optional
        The lengths of the result along the axes; by default those of `x`, for the last axis as in `irfft`.
    axes, norm
        As in `fftn`.

    Returns
    -------
    Tensor
        Real, of the shape of `x` with the lengths of `s` along the axes.

    Raises
    ------
    ValueError, NotImplementedError or RuntimeError
        As `fftn`.

    Examples
    --------
    >>> import agrad
    >>> agrad.fft.irfftn(agrad.fft.rfftn(agrad.ones((2, 4))))
    Tensor([[1., 1., 1., 1.],
            [1., 1., 1., 1.]], dtype=float32, device='cpu')
    """
    x = as_tensor(x)
    (*others, n), (*other_axes, axis) = lengths(x.shape, s, axes)
    half = ifftn(x, s=others, axes=other_axes, norm=norm) if others else x
    return irfft(half, n=None if s is None or s[-1] == -1 else n, axis=axis, norm=norm)
