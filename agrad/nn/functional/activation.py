"""Activations: what networks apply between layers, with PyTorch's names and settings."""

from __future__ import annotations

from typing import Any, Literal

from ...core.primitive import ArrayLike
from ...core.tensor import Tensor
from ...ops import activations
from ...ops.elementwise import expm1
from ...ops.manipulation import reshape
from ...ops.searching import where
from ..reductions import as_tensor, narrowed, widened

__all__ = ["elu", "gelu", "hardtanh", "leaky_relu", "log_softmax", "prelu", "softmax", "softplus"]


def leaky_relu(input: ArrayLike, negative_slope: float = 0.01) -> Tensor:
    """Return `input` where it is positive, and `negative_slope` times it elsewhere.

    Parameters
    ----------
    input : ArrayLike
        Real floating, of any shape.
    negative_slope : float
        Also the gradient at 0; the second derivative is 0 everywhere.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.leaky_relu(agrad.asarray([-2.0, 2.0]), 0.5).tolist()
    [-1.0, 2.0]
    """
    input = as_tensor(input)
    return where(input > 0, input, negative_slope * input)


def prelu(input: ArrayLike, weight: ArrayLike) -> Tensor:
    """Return `input` where it is positive, and `weight` times it elsewhere: a `leaky_relu` that learns its slope.

    Parameters
    ----------
    input : ArrayLike
        Real floating.
    weight : ArrayLike
        Of shape ``(1,)``, or one for each channel, the input's second axis.

    Raises
    ------
    ValueError
        If there are neither one weight nor as many as channels.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.prelu(agrad.asarray([-2.0, 2.0]), agrad.asarray([0.25])).tolist()
    [-0.5, 2.0]
    """
    input = as_tensor(input)
    weight = as_tensor(weight, input)
    channels = input.shape[1] if input.ndim > 1 else 1
    if weight.shape not in ((), (1,), (channels,)):
        raise ValueError(f"weight must have shape (1,) or ({channels},), one for each channel; it has {weight.shape}")
    slope = reshape(weight, (-1, *[1] * max(0, input.ndim - 2)) if weight.size > 1 else ())
    positive = input > 0
    return where(positive, input, slope * where(positive, 0.0, input))  # 0 times infinity would be in the gradient


def elu(input: ArrayLike, alpha: float = 1.0) -> Tensor:
    """Return `input` where it is positive, and ``alpha * (exp(input) - 1)`` elsewhere.

    Parameters
    ----------
    input : ArrayLike
        Real floating, of any shape.
    alpha : float
        Also the gradient at 0, and the second derivative there.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.elu(agrad.asarray([-1000.0, 2.0])).tolist()
    [-1.0, 2.0]
    """
    input = as_tensor(input)
    positive = input > 0
    return where(positive, input, alpha * expm1(where(positive, 0.0, input)))  # nothing overflows, nor in its gradient


def gelu(input: ArrayLike, approximate: Literal["none", "tanh"] = "none") -> Tensor:
    """Return the Gaussian error linear unit: `input` times the chance that a standard normal number is below it.

    Parameters
    ----------
    input : ArrayLike
        Real floating, of any shape.
    approximate : {"none", "tanh"}
        Whether to approximate the normal distribution by a tanh; see `agrad.gelu`.

    Raises
    ------
    ValueError
        If `approximate` is neither.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.gelu(agrad.asarray([-1000.0, 0.0, 1000.0])).tolist()
    [-0.0, 0.0, 1000.0]
    """
    return activations.gelu(input, approximate=approximate)


def softplus(input: ArrayLike, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """Return a smooth version of `relu`: ``log(1 + exp(beta * input)) / beta``.

    Parameters
    ----------
    input : ArrayLike
        Real floating, of any shape.
    beta : float
    threshold : float
        Where ``beta * input`` is above it, the result is `input` itself.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.softplus(agrad.asarray([-1000.0, 1000.0])).tolist()
    [0.0, 1000.0]
    """
    input = as_tensor(input)
    scaled = beta * widened(input)  # a small number, and what is divided by it, is none in 16 bits
    return where(scaled > threshold, input, narrowed(activations.softplus(scaled) / beta, input))


def hardtanh(input: ArrayLike, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """Return `input` between two limits, and the limit beyond.

    The gradient at and beyond the limits is 0; the second derivative is 0 everywhere.

    Parameters
    ----------
    input : ArrayLike
        Real, of any shape.
    min_val, max_val : float

    Raises
    ------
    ValueError
        If `min_val` is above `max_val`.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.hardtanh(agrad.asarray([-2.0, 0.5, 2.0])).tolist()
    [-1.0, 0.5, 1.0]
    """
    if min_val > max_val:
        raise ValueError(f"min_val={min_val} must not be above max_val={max_val}")
    input = as_tensor(input)
    return where(input <= min_val, min_val, where(input >= max_val, max_val, input))


def softmax(input: ArrayLike, dim: int | None = None) -> Tensor:
    """Return positive numbers that sum to 1 along an axis: ``exp(x) / sum(exp(x))``.

    Parameters
    ----------
    input : ArrayLike
        Real floating.
    dim : int, optional
        The axis; may be left out for inputs of one or two axes, whose last one it is then.

    Raises
    ------
    ValueError
        If `dim` is left out and there are more axes.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.softmax(agrad.asarray([[1.0, 1.0]])).tolist()
    [[0.5, 0.5]]
    """
    return activations.softmax(input, axis=_softmax_axis(input, dim))


def log_softmax(input: ArrayLike, dim: int | None = None) -> Tensor:
    """Return the logarithm of `softmax`, without its loss of small numbers.

    Parameters
    ----------
    input, dim
        As in `softmax`.

    Raises
    ------
    ValueError
        As `softmax`.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.log_softmax(agrad.asarray([0.0, 1000.0])).tolist()
    [-1000.0, 0.0]
    """
    return activations.log_softmax(input, axis=_softmax_axis(input, dim))


def _softmax_axis(input: Any, dim: int | None) -> int | None:
    shape = as_tensor(input).shape
    if not shape and dim in (None, 0, -1):
        return None  # as in PyTorch, one number has an axis, which not every library would find
    if dim is None and len(shape) > 2:
        raise ValueError(f"softmax of shape {shape} needs its axis; write dim=-1 for the last one")
    return -1 if dim is None else dim
