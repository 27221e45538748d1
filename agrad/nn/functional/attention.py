"""Scaled dot-product attention and its masks."""

from __future__ import annotations

from math import inf, sqrt
from typing import Any

from ...checks import check_flags, check_number
from ...core.primitive import ArrayLike
from ...core.tensor import Tensor
from ...ops.activations import softmax
from ...ops.creation import ones, tril
from ...ops.linear_algebra import matmul, matrix_transpose
from ...ops.searching import where
from ...ops.utility import all as all_true
from ..reductions import as_tensor
from .dropping import dropout

__all__ = ["as_additive_mask", "attend", "causal_mask", "checked_mask", "scaled_dot_product_attention"]


def scaled_dot_product_attention(
    query: ArrayLike,
    key: ArrayLike,
    value: ArrayLike,
    attn_mask: ArrayLike | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    """Return scaled dot-product attention, ``softmax(query @ key.T * scale) @ value``.

    Parameters
    ----------
    query : ArrayLike
        Of shape ``(..., queries, features)``.
    key, value : ArrayLike
        Of shapes ``(..., keys, features)`` and ``(..., keys, outputs)``.
    attn_mask : ArrayLike, optional
        Broadcasts to ``(..., queries, keys)``: booleans, True where a query attends to a key; or floating values that
        are added to the scores.
    dropout_p : float
        The dropout probability of the attention weights, in training or not.
    is_causal : bool
        Whether to apply a causal mask: query `i` attends to the keys up to `i` only. `attn_mask` must then be None.
    scale : float, optional
        The factor of the scores; ``1 / sqrt(features)`` by default.

    Returns
    -------
    Tensor
        Of shape ``(..., queries, outputs)``; zeros for a query whose keys are all masked.

    Raises
    ------
    ValueError
        If the shapes do not match, or if `attn_mask` is given together with `is_causal`.
    TypeError
        If `attn_mask` has an integer dtype.

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
    check_flags(is_causal=is_causal)
    check_number("dropout_p", dropout_p, 0, 1)
    if scale is not None:
        check_number("scale", scale)
    if is_causal and attn_mask is not None:
        raise ValueError("attn_mask and is_causal were both given; write one, or combine both masks in attn_mask")
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
    """Return the attention outputs and weights."""
    if query.shape[-1:] != key.shape[-1:] or key.shape[-2:-1] != value.shape[-2:-1]:
        raise ValueError(
            "query and key must have the same number of features, key and value the same length; "
            f"they have shapes {query.shape}, {key.shape} and {value.shape}"
        )
    scale = 1 / sqrt(query.shape[-1]) if scale is None else scale
    scores = matmul(query * scale, matrix_transpose(key))
    if mask is not None and not _broadcasts(mask.shape, scores.shape):
        raise ValueError(f"a mask must broadcast to (..., queries, keys), here {scores.shape}; it has {mask.shape}")
    weights = dropout(_weights(scores, mask), dropout_p)
    return matmul(weights, value), weights


def _broadcasts(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    """Return whether a shape broadcasts to another along its last two axes; axes before them are batch axes."""
    pairs = zip(reversed(shape), reversed(target), strict=False)
    return all(n in (1, m) or (m == 1 and i > 1) for i, (n, m) in enumerate(pairs))


def checked_mask(mask: Tensor, name: str) -> Tensor:
    """Return a boolean or floating mask; TypeError for integers, which could mean either."""
    if mask.dtype.name != "bool" and not mask.dtype.differentiable:
        raise TypeError(
            f"{name} must be boolean, or floating to be added to the scores, not {mask.dtype!r}; "
            f"write {name}.astype(bool)"
        )
    return mask


def _weights(scores: Tensor, mask: Tensor | None) -> Tensor:
    """Return the softmax of the masked scores; zeros for a query whose keys are all masked."""
    if mask is None:
        return softmax(scores)
    additive = mask.dtype.name != "bool"
    all_masked = all_true(mask == -inf if additive else ~mask, axis=-1, keepdims=True)
    # The softmax of -inf only, and its gradient, would be NaN: such rows are left unmasked, and zeroed afterwards.
    masked = scores + where(all_masked, 0.0, mask) if additive else where(mask | all_masked, scores, -inf)
    return where(all_masked, 0.0, softmax(masked))


def causal_mask(query: Tensor, key: Tensor) -> Tensor:
    """Return the boolean causal mask: True where query `i` attends to key `j`, for ``j <= i``."""
    return tril(ones((query.shape[-2], key.shape[-2]), dtype="int8", device=query.device)) == 1


def as_additive_mask(mask: Any, like: Tensor) -> Tensor:
    """Return a boolean mask as an additive one: 0 where it is True, -inf elsewhere."""
    if mask.dtype.name != "bool":
        return mask
    return where(mask, 0.0, ones(mask.shape, dtype=like.dtype, device=like.device) * -inf)
