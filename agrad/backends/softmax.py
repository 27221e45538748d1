"""Softmax and its logarithm, and their gradients, in pure array API."""

from __future__ import annotations

from typing import Any

from .typing import Array, Namespace

__all__ = ["gradient", "softmax"]


def softmax(xp: Namespace, x: Array, axis: Any, logarithm: bool) -> Any:
    """Return the softmax along axes, or its logarithm."""
    shifted = x - xp.max(x, axis=axis, keepdims=True)
    if logarithm:
        return shifted - xp.log(xp.sum(xp.exp(shifted), axis=axis, keepdims=True))
    weights = xp.exp(shifted)
    del shifted
    return weights / xp.sum(weights, axis=axis, keepdims=True)


def gradient(xp: Namespace, g: Array, out: Array, axis: Any, logarithm: bool) -> Any:
    """Return the gradient of `softmax` with respect to its input; `out` is its result."""
    weights = xp.exp(out) if logarithm else out
    for _ in range(2):  # the second time removes the rounding error of the first, which matters near probability 1
        if logarithm:
            g = g - weights * xp.sum(g, axis=axis, keepdims=True)
        else:
            g = g - xp.sum(g * weights, axis=axis, keepdims=True)
    return g if logarithm else weights * g
