"""Attention: each query takes a mean of the values, weighted by how well the keys answer it."""

from __future__ import annotations

from math import inf, sqrt
from typing import Any

from ...core.primitive import ArrayLike
from ...core.tensor import Tensor
from ...ops.activations import softmax
from ...ops.creation import ones, tril
from ...ops.linear_algebra import matmul, matrix_transpose
from ...ops.searching import where
from ...ops.utility import all as all_true
from ..reductions import as_tensor
from .dropping import dropout

__all__ = ["as_numbers", "attend", "causal_mask", "checked_mask", "scaled_dot_product_attention"]


def scaled_dot_product_attention(
    query: ArrayLike,
    key: ArrayLike,
    value: ArrayLike,
    attn_mask: ArrayLike | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    """Return means of the values, weighted by ``softmax(query @ key.T * scale)``.

    Parameters
    ----------
    query : ArrayLike
        Of shape ``(..., queries, features)``.
    key, value : ArrayLike
        Of shapes ``(..., keys, features)`` and ``(..., keys, outputs)``.
    attn_mask : ArrayLike, optional
        Broadcasts to ``(..., queries, keys)``: booleans, true where a query may look at a key; or numbers that are
        added to the products.
    dropout_p : float
        The probability with which a weight is left out, in training or not.
    is_causal : bool
        Whether query `i` may look at the keys up to `i` only; then there must be no `attn_mask`.
    scale : float, optional
        ``1 / sqrt(features)`` by default.

    Returns
    -------
    Tensor
        Of shape ``(..., queries, outputs)``; zeros for a query that may look at nothing.

    Raises
    ------
    ValueError
        If the shapes do not fit, or if `attn_mask` comes with `is_causal`.
    TypeError
        If `attn_mask` holds integers.

    Notes
    -----
    Source: A. Vaswani et al., "Attention is all you need", NeurIPS 2017.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> x = agrad.asarray([[1.0], [3.0]])
    >>> F.scaled_dot_product_attention(x, agrad.zeros((2, 1)), x, is_causal=True).tolist()
    [[1.0], [2.0]]
    """
    if is_causal and attn_mask is not None:
        raise ValueError("is_causal makes the mask; leave attn_mask out, or combine both in attn_mask")
    query = as_tensor(query)
    key, value = as_tensor(key, query), as_tensor(value, query)
    if is_causal:
        attn_mask = causal_mask(query, key)
    mask = None if attn_mask is None else checked_mask(as_tensor(attn_mask, query), "attn_mask")
    out, _ = attend(query, key, value, mask, dropout_p, scale)
    return out


def attend(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, dropout_p: float, scale: float | None = None
) -> tuple[Tensor, Tensor]:
    """Return the means of the values, and their weights."""
    if query.shape[-1:] != key.shape[-1:] or key.shape[-2:-1] != value.shape[-2:-1]:
        raise ValueError(
            f"query and key must have as many features, key and value as many rows; "
            f"they have shapes {query.shape}, {key.shape} and {value.shape}"
        )
    scale = 1 / sqrt(query.shape[-1]) if scale is None else scale
    scores = matmul(query * scale, matrix_transpose(key))
    if mask is not None and not _broadcasts(mask.shape, scores.shape):
        raise ValueError(f"a mask must broadcast to (..., queries, keys), here {scores.shape}; it has {mask.shape}")
    weights = dropout(_weights(scores, mask), dropout_p)
    return matmul(weights, value), weights


def _broadcasts(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    """Return whether the last axes of a shape fit those of another; axes before them make a batch."""
    pairs = zip(reversed(shape), reversed(target), strict=False)
    return all(n in (1, m) or (m == 1 and i > 1) for i, (n, m) in enumerate(pairs))


def checked_mask(mask: Tensor, name: str) -> Tensor:
    """Return a mask of booleans, or of numbers to add; TypeError for integers, which could mean either."""
    if mask.dtype.name != "bool" and not mask.dtype.differentiable:
        raise TypeError(
            f"{name} is of booleans, or of floating numbers that are added, not {mask.dtype!r}; "
            f"write {name}.astype(bool)"
        )
    return mask


def _weights(scores: Tensor, mask: Tensor | None) -> Tensor:
    """Return the softmax of the scores that a mask leaves: zeros where it leaves none."""
    if mask is None:
        return softmax(scores)
    added = mask.dtype.name != "bool"
    nothing = all_true(mask == -inf if added else ~mask, axis=-1, keepdims=True)
    # A softmax of nothing would be NaN, and so would be its gradient: it is taken of numbers, and then left out.
    seen = scores + where(nothing, 0.0, mask) if added else where(mask | nothing, scores, -inf)
    return where(nothing, 0.0, softmax(seen))


def causal_mask(query: Tensor, key: Tensor) -> Tensor:
    """Return the booleans that let a query look at the keys up to its own place."""
    return tril(ones((query.shape[-2], key.shape[-2]), dtype="int8", device=query.device)) == 1


def as_numbers(mask: Any, like: Tensor) -> Tensor:
    """Return a mask of booleans as numbers to add: 0 where it is true, -inf elsewhere."""
    if mask.dtype.name != "bool":
        return mask
    return where(mask, 0.0, ones(mask.shape, dtype=like.dtype, device=like.device) * -inf)
