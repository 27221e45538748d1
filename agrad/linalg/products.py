"""Products of vectors, and powers of matrices."""

from __future__ import annotations

from ..checks import as_integer
from ..core.primitive import ArrayLike, primitive
from ..core.tensor import Tensor
from ..core.typing import Namespace
from ..ops.creation import eye, zeros
from ..ops.data_type import as_tensor, astype
from ..ops.elementwise import multiply
from ..ops.linear_algebra import matmul
from ..ops.manipulation import expand_dims
from ..ops.searching import where
from .inverses import inv

__all__ = ["cross", "matrix_power", "outer"]


@primitive
def cross(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /, *, axis: int = -1) -> Tensor:
    """Return the cross products of vectors in three dimensions.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Numeric, of length 3 along `axis`; the other axes broadcast.
    axis : int
        The axis of the vectors, counted from the end.

    Returns
    -------
    Tensor
        Of the broadcast shape and the promoted dtype.

    Raises
    ------
    ValueError
        If the vectors do not have length 3, or the other axes do not broadcast.

    Examples
    --------
    >>> import agrad
    >>> agrad.linalg.cross(agrad.asarray([1.0, 0.0, 0.0]), agrad.asarray([0.0, 1.0, 0.0]))
    Tensor([0., 0., 1.], dtype=float32, device='cpu')
    """
    if x1.shape[axis] != 3 or x2.shape[axis] != 3:
        raise ValueError(f"cross takes vectors of 3 elements along axis {axis}, not shapes {x1.shape} and {x2.shape}")
    return xp.linalg.cross(x1, x2, axis=axis)


cross.vjp(
    x1=lambda g, x2, xp, axis: xp.linalg.cross(x2, g, axis=axis),
    x2=lambda g, x1, xp, axis: xp.linalg.cross(g, x1, axis=axis),
)


def outer(x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the outer product of two vectors.

    Parameters
    ----------
    x1 : ArrayLike
        Numeric, of shape (m,).
    x2 : ArrayLike
        Numeric, of shape (n,).

    Returns
    -------
    Tensor
        Of shape (m, n) and the promoted dtype.

    Raises
    ------
    ValueError
        If one of them is not a vector.

    Examples
    --------
    >>> import agrad
    >>> agrad.linalg.outer(agrad.asarray([1.0, 2.0]), agrad.asarray([1.0, 10.0]))
    Tensor([[ 1., 10.],
            [ 2., 20.]], dtype=float32, device='cpu')
    """
    x1, x2 = as_tensor(x1), as_tensor(x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ValueError(f"outer takes two vectors, not shapes {x1.shape} and {x2.shape}; write x1[:, None] * x2")
    return multiply(expand_dims(x1, axis=1), x2)


def matrix_power(x: ArrayLike, n: int, /) -> Tensor:
    """Return the n-th powers of square matrices.

    Parameters
    ----------
    x : ArrayLike
        Floating, of shape (..., m, m).
    n : int
        The exponent: 0 gives identity matrices, a negative one powers of the inverse.

    Returns
    -------
    Tensor
        Of the shape and dtype of `x`.

    Raises
    ------
    TypeError
        If `n` is not an integer.
    ValueError
        If the matrices are not square.

    Examples
    --------
    >>> import agrad
    >>> agrad.linalg.matrix_power(agrad.asarray([[1.0, 1.0], [0.0, 1.0]]), 5)
    Tensor([[1., 5.],
            [0., 1.]], dtype=float32, device='cpu')
    """
    x, n = as_tensor(x), as_integer("n", n)
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ValueError(f"matrix_power takes square matrices, not shape {x.shape}")
    if n == 0:
        nowhere = zeros(x.shape, dtype=bool, device=x.device)
        return where(nowhere, x, eye(x.shape[-1], dtype=x.dtype, device=x.device))  # its gradient is 0
    if n == 1:
        return astype(x, x.dtype)  # a copy
    return _power(x, n) if n > 1 else _power(inv(x), -n)


def _power(x: Tensor, n: int) -> Tensor:
    if n == 1:
        return x
    half = _power(x, n // 2)
    square = matmul(half, half)
    return matmul(square, x) if n % 2 else square
