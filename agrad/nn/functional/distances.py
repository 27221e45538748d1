"""Lengths, angles and distances of vectors along an axis."""

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
    """Scale the vectors along an axis to length 1.

    Parameters
    ----------
    input : ArrayLike
        Floating.
    p : float
        Of the norm that measures lengths.
    dim : int or tuple of int
        The axis, or axes, along which a vector lies.
    eps : float
        Vectors shorter than this are divided by it instead.

    Returns
    -------
    Tensor
        Of the input's shape.

    Raises
    ------
    ValueError
        If there is no such norm.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.normalize(agrad.asarray([[1.0, 7.0, 0.0], [0.0, 0.0, 0.0]]), p=1.0).tolist()
    [[0.125, 0.875, 0.0], [0.0, 0.0, 0.0]]
    """
    x = as_tensor(input)
    wide = widened(x)
    return narrowed(wide / _length(wide, p, dim, eps), x)


def cosine_similarity(x1: ArrayLike, x2: ArrayLike, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """Return the cosines of the angles between vectors along an axis.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Floating; they broadcast.
    dim : int
        The axis along which a vector lies.
    eps : float
        The least that a length counts.

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
    unit1, unit2 = (x / _length(x, 2.0, dim, eps) for x in (widened(x1), widened(x2)))
    return astype(sum(unit1 * unit2, axis=dim), result_type(x1, x2), copy=False)


def pairwise_distance(x1: ArrayLike, x2: ArrayLike, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """Return the distances between vectors along the last axis.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Floating; they broadcast.
    p : float
        Of the norm that measures distances, infinity for the largest difference.
    eps : float
        Added to differences, so that the norm of equal vectors has a gradient; with 0 it is 0.
    keepdim : bool
        Whether the last axis stays, with length 1.

    Raises
    ------
    ValueError
        If the shapes do not broadcast, or there is no such norm.

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


def _length(x: Tensor, p: float, dim: Any, eps: float) -> Tensor:
    check_number("eps", eps, 0)
    return clip(vector_norm(x, ord=p, axis=dim, keepdims=True), min=eps)
