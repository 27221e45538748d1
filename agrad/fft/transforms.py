"""Transforms of complex numbers. The matrix of a transform is symmetric, so the rule of `fft` is `fft` itself.

Elements that `n` cuts off get a gradient of 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from ..backends import device_of
from ..core.primitive import ArrayLike, primitive
from ..core.tensor import Tensor
from ..core.typing import Array, Namespace
from ..ops.data_type import as_complex

__all__ = ["fft", "fftn", "ifft", "ifftn", "lengths", "resized"]

Norm: TypeAlias = Literal["backward", "ortho", "forward"]


# Along one axis


@primitive
def fft(xp: Namespace, x: ArrayLike, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Tensor:
    """Return the discrete Fourier transform along an axis.

    Parameters
    ----------
    x : ArrayLike
        Complex, of any shape with an axis; real numbers become complex.
    n : int, optional
        The length of the transform: longer input is cut off, shorter input padded with zeros. By default that of `x`.
    axis : int
        The axis to transform.
    norm : {"backward", "ortho", "forward"}
        The scaling: of `ifft` by 1 / n, of both by 1 / sqrt(n), or of `fft` by 1 / n.

    Returns
    -------
    Tensor
        Complex, of the shape of `x` with length n along the axis.

    Raises
    ------
    ValueError or RuntimeError
        If there is no such `norm` or axis, or `n` is below 1.
    NotImplementedError or RuntimeError
        If the array library of the device has no Fourier transforms.

    Examples
    --------
    >>> import agrad
    >>> agrad.fft.fft(agrad.asarray([1.0, 0.0, 0.0, 0.0]))
    Tensor([1.+0.j, 1.+0.j, 1.+0.j, 1.+0.j], dtype=complex64, device='cpu')
    """
    return xp.fft.fft(as_complex(xp, x), n=n, axis=axis, norm=norm)


@primitive
def ifft(xp: Namespace, x: ArrayLike, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Tensor:
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
    return xp.fft.ifft(as_complex(xp, x), n=n, axis=axis, norm=norm)


fft.vjp(x=lambda g, xp, x_shape, axis, norm: resized(xp, xp.fft.fft(g, axis=axis, norm=norm), x_shape, axis))
ifft.vjp(x=lambda g, xp, x_shape, axis, norm: resized(xp, xp.fft.ifft(g, axis=axis, norm=norm), x_shape, axis))


def resized(xp: Namespace, x: Array, shape: tuple[int, ...], axis: int) -> Array:
    """Truncate an axis, or pad it with zeros at its end, to its length in `shape`."""
    have, want = x.shape[axis], shape[axis]
    if have > want:
        cut = [slice(None)] * x.ndim
        cut[axis] = slice(want)
        return x[tuple(cut)]
    if have < want:
        missing = [*x.shape]
        missing[axis] = want - have
        return xp.concat([x, xp.zeros(tuple(missing), dtype=x.dtype, device=device_of(x))], axis=axis)
    return x


# Along several axes


@primitive
def fftn(
    xp: Namespace,
    x: ArrayLike,
    /,
    *,
    s: Sequence[int] | None = None,
    axes: Sequence[int] | None = None,
    norm: Norm = "backward",
) -> Tensor:
    """Return the discrete Fourier transform along several axes.

    Parameters
    ----------
    x : ArrayLike
        Complex, of any shape; real numbers become complex.
    s : sequence of int, optional
        The length of the transform along each axis, as `n` in `fft`; -1 means that of `x`.
    axes : sequence of int, optional
        The axes to transform; by default the last ``len(s)``, or all of them without `s`.
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
    s, axes = lengths(x.shape, s, axes)
    return xp.fft.fftn(as_complex(xp, x), s=s, axes=axes, norm=norm)


@primitive
def ifftn(
    xp: Namespace,
    x: ArrayLike,
    /,
    *,
    s: Sequence[int] | None = None,
    axes: Sequence[int] | None = None,
    norm: Norm = "backward",
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
    s, axes = lengths(x.shape, s, axes)
    return xp.fft.ifftn(as_complex(xp, x), s=s, axes=axes, norm=norm)


def _fftn_x(g: Array, xp: Namespace, x_shape: tuple[int, ...], s: Array, axes: Any, norm: Norm) -> Array:
    _, axes = lengths(x_shape, s, axes)
    return _all_resized(xp, xp.fft.fftn(g, axes=axes, norm=norm), x_shape, axes)


def _ifftn_x(g: Array, xp: Namespace, x_shape: tuple[int, ...], s: Array, axes: Any, norm: Norm) -> Array:
    _, axes = lengths(x_shape, s, axes)
    return _all_resized(xp, xp.fft.ifftn(g, axes=axes, norm=norm), x_shape, axes)


def _all_resized(xp: Namespace, x: Array, shape: tuple[int, ...], axes: Sequence[int]) -> Array:
    for axis in axes:
        x = resized(xp, x, shape, axis)
    return x


fftn.vjp(x=_fftn_x)
ifftn.vjp(x=_ifftn_x)


def lengths(
    shape: tuple[int, ...], s: Sequence[int] | None, axes: Sequence[int] | None
) -> tuple[Sequence[int], Sequence[int]]:
    """Return the length of the transform along each axis, and the axes."""
    ndim = len(shape)
    if axes is None:
        axes = tuple(range(ndim) if s is None else range(ndim - len(s), ndim))
    s = (-1,) * len(axes) if s is None else s
    if len(s) != len(axes):
        raise ValueError(f"s has {len(s)} lengths for {len(axes)} axes; write one for each")
    if not axes:
        raise ValueError("there is no axis to transform")
    return tuple(shape[axis] if n == -1 else n for axis, n in zip(axes, s, strict=True)), tuple(axes)
