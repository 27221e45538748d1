"""The array API standard's extension for Fourier transforms, with gradients.

A transform is a symmetric matrix, so the rule of `fft` is `fft` again. What `n` cuts off has a gradient of 0.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, TypeAlias

from .core import tape
from .core.device import Device
from .core.dtypes import as_dtype, get_default_dtype
from .core.primitive import ArrayLike, primitive
from .core.tensor import Tensor
from .ops.creation import arange
from .ops.data_type import as_tensor, astype, isdtype
from .ops.elementwise import conj
from .ops.manipulation import roll
from .ops.searching import where

__all__ = [
    "fft", "fftfreq", "fftn", "fftshift", "hfft", "ifft", "ifftn", "ifftshift", "ihfft", "irfft", "irfftn", "rfft",
    "rfftfreq", "rfftn",
]  # fmt: skip

tape.namespace.fft = sys.modules[__name__]  # rules that run on Tensors call xp.fft

Norm: TypeAlias = Literal["backward", "ortho", "forward"]
_INVERSE: Final[dict[Any, Norm]] = {"backward": "forward", "ortho": "ortho", "forward": "backward"}


# Complex transforms


@primitive
def fft(xp: Any, x: ArrayLike, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Tensor:
    """Return the discrete Fourier transform along an axis.

    Parameters
    ----------
    x : ArrayLike
        Complex, of any shape with an axis; real numbers become complex.
    n : int, optional
        How many elements to transform: others are cut off at the end, missing ones are 0. All by default.
    axis : int
    norm : {"backward", "ortho", "forward"}
        Where 1 / n comes in: with `ifft`, its root with both, or here.

    Returns
    -------
    Tensor
        Complex, of the shape of `x` with length n along the axis.

    Raises
    ------
    ValueError or RuntimeError
        If there is no such `norm` or axis, or n is below 1.
    NotImplementedError or RuntimeError
        If the device's library has no Fourier transforms.

    Examples
    --------
    >>> import agrad
    >>> agrad.fft.fft(agrad.asarray([1.0, 0.0, 0.0, 0.0]))
    Tensor([1.+0.j, 1.+0.j, 1.+0.j, 1.+0.j], dtype=complex64, device='cpu')
    """
    return xp.fft.fft(_complex(xp, x), n=n, axis=axis, norm=norm)


@primitive
def ifft(xp: Any, x: ArrayLike, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Tensor:
    """Return the inverse of `fft` along an axis.

    Parameters
    ----------
    x, n, axis, norm
        As in `fft`.

    Returns
    -------
    Tensor
        Complex, of the shape of `x` with length n along the axis.

    Raises
    ------
    ValueError, NotImplementedError or RuntimeError
        As `fft`.

    Examples
    --------
    >>> import agrad
    >>> agrad.fft.ifft(agrad.asarray([1.0 + 0j, 1.0, 1.0, 1.0]))
    Tensor([1.+0.j, 0.+0.j, 0.+0.j, 0.+0.j], dtype=complex64, device='cpu')
    """
    return xp.fft.ifft(_complex(xp, x), n=n, axis=axis, norm=norm)


fft.vjp(x=lambda g, xp, x_shape, axis, norm: _resized(xp, xp.fft.fft(g, axis=axis, norm=norm), x_shape, axis))
ifft.vjp(x=lambda g, xp, x_shape, axis, norm: _resized(xp, xp.fft.ifft(g, axis=axis, norm=norm), x_shape, axis))


def _complex(xp: Any, x: Any) -> Any:
    if not xp.isdtype(x.dtype, "real floating"):
        return x
    return xp.astype(x, xp.complex64 if x.dtype == xp.float32 else xp.complex128)


def _resized(xp: Any, x: Any, shape: tuple[int, ...], axis: int) -> Any:
    """Cut the end off an axis, or put zeros there, so that it is as long as in `shape`."""
    have, want = x.shape[axis], shape[axis]
    if have > want:
        cut = [slice(None)] * x.ndim
        cut[axis] = slice(want)
        return x[tuple(cut)]
    if have < want:
        missing = [*x.shape]
        missing[axis] = want - have
        return xp.concat([x, xp.zeros(tuple(missing), dtype=x.dtype, device=x.device)], axis=axis)
    return x


# Between real and complex numbers. A real spectrum's other half is the conjugate of this one.


@primitive
def rfft(xp: Any, x: ArrayLike, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Tensor:
    """Return the first half of the discrete Fourier transform of real numbers.

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


def _rfft_x(g: Any, xp: Any, x_shape: tuple[int, ...], n: int | None, axis: int, norm: Norm) -> Any:
    n = x_shape[axis] if n is None else n
    gx = xp.fft.hfft(g / _times(xp, g, n, axis), n=n, axis=axis, norm=norm)
    return _resized(xp, gx, x_shape, axis)


def _times(xp: Any, x: Any, n: int, axis: int) -> Any:
    """Return how many elements of a spectrum of length n each element of its first half stands for: one or two."""
    places = xp.arange(n // 2 + 1, device=x.device)
    shape = [1] * x.ndim
    shape[axis] = n // 2 + 1
    alone = xp.astype((places == 0) | (2 * places == n), x.dtype)
    return xp.reshape(2.0 - alone, tuple(shape))


rfft.vjp(x=_rfft_x)


@primitive
def irfft(xp: Any, x: ArrayLike, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Tensor:
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
    return xp.fft.irfft(_complex(xp, x), n=n, axis=axis, norm=norm)


def _irfft_x(g: Any, xp: Any, x_shape: tuple[int, ...], axis: int, norm: Norm) -> Any:
    half = xp.fft.ihfft(g, axis=axis, norm=norm)
    return _resized(xp, half * _times(xp, half, g.shape[axis], axis), x_shape, axis)


irfft.vjp(x=_irfft_x)


def hfft(x: ArrayLike, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Tensor:
    """Return the real discrete Fourier transform of numbers of which the other half is the conjugate.

    Parameters
    ----------
    x : ArrayLike
        Complex, of any shape with an axis: the first half, n // 2 + 1 elements, of what is transformed.
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


def fftn(
    x: ArrayLike, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: Norm = "backward"
) -> Tensor:
    """Return the discrete Fourier transform along several axes.

    Parameters
    ----------
    x : ArrayLike
        Complex, of any shape; real numbers become complex.
    s : sequence of int, optional
        For each axis, how many elements to transform, as n in `fft`; -1 for all.
    axes : sequence of int, optional
        By default the last ones, as many as `s` has numbers, or else all.
    norm : {"backward", "ortho", "forward"}
        As in `fft`.

    Returns
    -------
    Tensor
        Complex, of the shape of `x` with the lengths of `s` along the axes.

    Raises
    ------
    ValueError, NotImplementedError or RuntimeError
        As `fft`; ValueError also if `s` and `axes` differ in length.

    Examples
    --------
    >>> import agrad
    >>> agrad.fft.fftn(agrad.ones((2, 2)))
    Tensor([[4.+0.j, 0.+0.j],
            [0.+0.j, 0.+0.j]], dtype=complex64, device='cpu')
    """
    return _along_each(fft, as_tensor(x), _lengths(x, s, axes), norm)


def ifftn(
    x: ArrayLike, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: Norm = "backward"
) -> Tensor:
    """Return the inverse of `fftn` along several axes.

    Parameters
    ----------
    x, s, axes, norm
        As in `fftn`.

    Returns
    -------
    Tensor
        Complex, of the shape of `x` with the lengths of `s` along the axes.

    Raises
    ------
    ValueError, NotImplementedError or RuntimeError
        As `fftn`.

    Examples
    --------
    >>> import agrad
    >>> agrad.real(agrad.fft.ifftn(agrad.ones((2, 2))))
    Tensor([[1., 0.],
            [0., 0.]], dtype=float32, device='cpu')
    """
    return _along_each(ifft, as_tensor(x), _lengths(x, s, axes), norm)


def rfftn(
    x: ArrayLike, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: Norm = "backward"
) -> Tensor:
    """Return the discrete Fourier transform of real numbers along several axes, the first half along the last one.

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
    *others, (axis, n) = _lengths(x, s, axes)
    return _along_each(fft, rfft(x, n=n, axis=axis, norm=norm), others, norm)


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
    *others, (axis, n) = _lengths(x, s, axes)
    return irfft(_along_each(ifft, x, others, norm), n=n, axis=axis, norm=norm)


Lengths: TypeAlias = list[tuple[int, int | None]]


def _lengths(x: Any, s: Sequence[int] | None, axes: Sequence[int] | None) -> Lengths:
    """Return each axis to transform, and how many elements along it; None for all."""
    ndim = as_tensor(x).ndim
    if axes is None:
        axes = range(ndim) if s is None else range(ndim - len(s), ndim)
    if s is not None and len(s) != len(axes):
        raise ValueError(f"s has {len(s)} lengths for {len(axes)} axes; write one for each")
    if not axes:
        raise ValueError("there is no axis to transform")
    return [(axis, None if n == -1 else n) for axis, n in zip(axes, s or [-1] * len(axes), strict=True)]


def _along_each(transform: Callable[..., Tensor], x: Tensor, lengths: Lengths, norm: Norm) -> Tensor:
    for axis, n in reversed(lengths):
        x = transform(x, n=n, axis=axis, norm=norm)
    return x


# Frequencies


def fftfreq(n: int, /, *, d: float = 1.0, dtype: Any = None, device: str | Device | None = None) -> Tensor:
    """Return the frequencies that the elements of `fft` stand for: 0, then the positive ones, then the negative ones.

    Parameters
    ----------
    n : int
        The length of what was transformed.
    d : float
        The distance between two samples.
    dtype : DType, optional
        The default dtype if left out.
    device : str or Device, optional

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
    places = arange(n, device=device)
    return _frequencies(where(2 * places < n, places, places - n), n, d, dtype)


def rfftfreq(n: int, /, *, d: float = 1.0, dtype: Any = None, device: str | Device | None = None) -> Tensor:
    """Return the frequencies that the elements of `rfft` stand for.

    Parameters
    ----------
    n : int
        The length of what was transformed.
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
    return _frequencies(arange(n // 2 + 1, device=device), n, d, dtype)


def _frequencies(places: Tensor, n: int, d: float, dtype: Any) -> Tensor:
    dtype = get_default_dtype() if dtype is None else as_dtype(dtype)
    if not isdtype(dtype, "real floating"):
        raise TypeError(f"frequencies are real numbers, not {dtype!r}; leave dtype out, or write agrad.float64")
    return astype(places, dtype) / (n * d)


def fftshift(x: ArrayLike, /, *, axes: int | Sequence[int] | None = None) -> Tensor:
    """Move the frequency 0 from the start to the middle.

    Parameters
    ----------
    x : ArrayLike
        Of any shape.
    axes : int or sequence of int, optional
        All by default.

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
