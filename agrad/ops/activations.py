"""Activations: what networks apply between layers, stable at both ends."""

from __future__ import annotations

from typing import Any

from ..core.primitive import ArrayLike, primitive
from ..core.tensor import Tensor


@primitive
def relu(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return ``maximum(x, 0)``, elementwise; the gradient at 0 is 0."""
    return xp.maximum(x, 0)


relu.vjp(x=lambda g, out, xp: xp.where(out > 0, g, 0))


@primitive
def sigmoid(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return ``1 / (1 + exp(-x))``, elementwise."""
    tail = xp.exp(-xp.abs(x))
    return xp.where(x >= 0, 1.0, tail) / (1.0 + tail)


sigmoid.vjp(x=lambda g, out: g * (out * (1.0 - out)))


@primitive
def softmax(xp: Any, x: ArrayLike, /, axis: int = -1) -> Tensor:
    """Return ``exp(x) / sum(exp(x))`` along `axis`."""
    weights = xp.exp(x - xp.max(x, axis=axis, keepdims=True))
    return weights / xp.sum(weights, axis=axis, keepdims=True)


softmax.vjp(x=lambda g, out, xp, axis: out * (g - xp.sum(g * out, axis=axis, keepdims=True)))


@primitive
def log_softmax(xp: Any, x: ArrayLike, /, axis: int = -1) -> Tensor:
    """Return the logarithm of `softmax`, without its underflow."""
    x = x - xp.max(x, axis=axis, keepdims=True)
    return x - xp.log(xp.sum(xp.exp(x), axis=axis, keepdims=True))


log_softmax.vjp(x=lambda g, out, xp, axis: g - xp.exp(out) * xp.sum(g, axis=axis, keepdims=True))


@primitive
def logsumexp(xp: Any, x: ArrayLike, /, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Tensor:
    """Return ``log(sum(exp(x)))`` along `axis`, without overflow."""
    largest = xp.max(x, axis=axis, keepdims=True)
    largest = xp.where(xp.isinf(largest), 0.0, largest)
    total = xp.log(xp.sum(xp.exp(x - largest), axis=axis, keepdims=keepdims))
    return total + xp.reshape(largest, total.shape)


def _logsumexp_x(g: Any, x: Any, out: Any, xp: Any, axis: Any, keepdims: bool) -> Any:
    kept = xp.sum(x, axis=axis, keepdims=True).shape
    g, out = xp.reshape(g, kept), xp.reshape(out, kept)
    return g * xp.exp(x - xp.where(out == -float("inf"), 0.0, out))


logsumexp.vjp(x=_logsumexp_x)
