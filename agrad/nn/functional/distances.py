"""Normalized vectors, and the cosine similarity and distance of pairs of vectors."""

from __future__ import annotations

from typing import Any

from ...checks import check_flags, check_number
from ...core.primitive import ArrayLike
from ...core.tensor import Tensor
from ...linalg.norms import vector_norm
from ...ops.data_type import astype, result_type
from ...ops.elementwise import clip
from ...ops.manipulation import broadcast_arrays
from ...ops.statistical import sum
from ..reductions import as_tensor, narrowed, widened

__all__ = ["cosine_similarity", "normalize", "pairwise_distance"]


def normalize(input: ArrayLike, p: float = 2.0, dim: int | tuple[int, ...] = 1, eps: float = 1e-12) -> Tensor:
    """Divide the vectors along an axis by their norm: ``x / maximum(norm(x), eps)``.

    Parameters
    ----------
    input : ArrayLike
        Floating.
    p : float
        The order of the norm; infinity for the maximum norm.
    dim : int or tuple of int
        The axis, or axes, along which the norm is computed.
    eps : float
        The minimum of the divisor, to avoid division by zero.

    Returns
    -------
    Tensor
        Of the input's shape.

    Raises
    ------
    ValueError
        If the order is not that of a norm, or `eps` is negative.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.normalize(agrad.asarray([[1.0, 7.0, 0.0], [0.0, 0.0, 0.0]]), p=1.0).tolist()
    [[0.125, 0.875, 0.0], [0.0, 0.0, 0.0]]
    """
    x = as_tensor(input)
    wide = widened(x)
    return narrowed(wide / _clipped_norm(wide, p, dim, eps), x)


def cosine_similarity(x1: ArrayLike, x2: ArrayLike, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """Return the cosine similarity of vectors along an axis: ``x1 @ x2 / (norm(x1) * norm(x2))``.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Floating; they broadcast.
    dim : int
        The axis along which the similarity is computed.
    eps : float
        The minimum of a norm that is divided by, to avoid division by zero.

    Returns
    -------
    Tensor
        Of the broadcast shape without the axis; 0 where a vector is zero.

    Raises
    ------
    ValueError
        If the shapes do not broadcast.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> x, y = agrad.asarray([[2.0, 0.0], [3.0, 4.0]]), agrad.asarray([[0.0, 1.0], [5.0, 0.0]])
    >>> [round(c, 6) for c in F.cosine_similarity(x, y).tolist()]
    [0.0, 0.6]
    """
    x1 = as_tensor(x1)
    x1, x2 = broadcast_arrays(x1, as_tensor(x2, x1))
    unit1, unit2 = (x / _clipped_norm(x, 2.0, dim, eps) for x in (widened(x1), widened(x2)))
    return astype(sum(unit1 * unit2, axis=dim), result_type(x1, x2), copy=False)


def pairwise_distance(x1: ArrayLike, x2: ArrayLike, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """Return the distance of vectors along the last axis: ``norm(x1 - x2 + eps)``.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Floating; they broadcast.
    p : float
        The order of the norm; infinity for the maximum norm.
    eps : float
        Added to the differences, so that the distance of equal vectors has a gradient; with ``eps=0`` it is 0.
    keepdim : bool
        Whether to keep the last axis, with length 1.

    Returns
    -------
    Tensor
        Of the broadcast shape without the last axis, or with length 1 there if `keepdim`.

    Raises
    ------
    ValueError
        If the shapes do not broadcast, if the order is not that of a norm, or `eps` is negative.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.pairwise_distance(agrad.asarray([[0.0, 0.0]]), agrad.asarray([[3.0, 4.0]]), eps=0.0).tolist()
    [5.0]
    """
    check_flags(keepdim=keepdim)
    check_number("eps", eps, 0)
    x1 = as_tensor(x1)
    return vector_norm(x1 - as_tensor(x2, x1) + eps, axis=-1, ord=p, keepdims=keepdim)


def _clipped_norm(x: Tensor, p: float, dim: Any, eps: float) -> Tensor:
    check_number("eps", eps, 0)
    return clip(vector_norm(x, ord=p, axis=dim, keepdims=True), min=eps)
