"""Complex numbers: conjugates, real and imaginary parts."""

from __future__ import annotations

from ...core.dtypes import as_dtype
from ...core.primitive import ArrayLike, primitive, standard
from ...core.tape import unchanged
from ...core.tensor import Tensor
from ...core.typing import Namespace

__all__ = ["conj", "imag", "real"]


@standard
def conj(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the complex conjugate, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Numeric, of any shape.

    Returns
    -------
    Tensor
        ``re - im * 1j``, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.conj(agrad.asarray([1 + 2j, 3 - 4j]))
    Tensor([1.-2.j, 3.+4.j], dtype=complex64, device='cpu')
    """
    return xp.conj(x)


conj.vjp(x=lambda g, xp: xp.conj(g))


@primitive
def imag(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the imaginary part, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Complex, of any shape.

    Returns
    -------
    Tensor
        Real floating of the same precision, of the same shape.

    Raises
    ------
    TypeError
        If `x` is real.

    Examples
    --------
    >>> import agrad
    >>> agrad.imag(agrad.asarray([1 + 2j, 3 - 4j]))
    Tensor([ 2., -4.], dtype=float32, device='cpu')
    """
    if not as_dtype(x.dtype).is_complex:
        raise TypeError(f"imag takes complex numbers, not {as_dtype(x.dtype)!r}; write agrad.zeros_like(x)")
    return xp.imag(x)


imag.vjp(x=lambda g, xp, x_dtype: -1j * xp.astype(g, x_dtype))


@primitive
def real(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the real part, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Numeric, of any shape.

    Returns
    -------
    Tensor
        Real of the same precision, of the same shape.

    Examples
    --------
    >>> import agrad
    >>> agrad.real(agrad.asarray([1 + 2j, 3 - 4j]))
    Tensor([1., 3.], dtype=float32, device='cpu')
    """
    if as_dtype(x.dtype).name == "bool":
        raise TypeError("real takes numbers, not booleans; write x.astype(agrad.float32) first")
    return xp.real(x) if as_dtype(x.dtype).is_complex else xp.positive(x)


real.vjp(x=unchanged)
